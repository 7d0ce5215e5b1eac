/* SPDX-License-Identifier: MIT */
/*
 * Boot order, and the way back.
 *
 * Owns nothing: calls each layer's init in order and, when one fails, the
 * exits of those before it in reverse.  Runs bound to vCPU 0, so that layers
 * may take locks and allocate.
 */
#include "kern/boot.h"

#include "base/bug.h"
#include "base/compiler.h"
#include "hw/machine.h"
#include "kern/internal.h"
#include "kern/sched.h"
#include "phys/phys_mem.h"
#include "sync/rcu.h"

static const struct layer {
	int	(*init)(struct machine *m);
	void	(*exit)(struct machine *m);
} layers[] = {
	{ phys_init,	phys_exit },
	{ pgtable_init,	pgtable_exit },
	{ kern_init,	kern_exit },
	{ mm_init,	mm_exit },
};

/* Takes down the first @nr layers; bound. */
static void take_down(struct machine *m, unsigned int nr)
{
	while (nr--) {
		/* What a layer retired may run that layer's code: all of it, before it goes. */
		rcu_barrier();
		layers[nr].exit(m);
	}
}

int kern_boot(const struct machine_config *config, struct machine **out)
{
	struct machine *m;
	int err = machine_create(config, &m);

	if (err)
		return err;
	machine_bind_host(m, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(layers); i++) {
		err = layers[i].init(m);
		if (err) {
			take_down(m, i);
			break;
		}
	}
	machine_unbind_host(m);
	if (err) {
		machine_destroy(m);
		return err;
	}
	*out = m;
	return 0;
}

void kern_shutdown(struct machine *m)
{
	if (!m)
		return;
	if (!this_cpu() || this_cpu()->nr != 0)
		machine_bind_host(m, 0);
	kern_release_mms(m);
	take_down(m, ARRAY_SIZE(layers));
	machine_unbind_host(m);
	machine_destroy(m);
}

void kern_drop(struct machine *m)
{
	MM_BUG_ON(this_cpu());
	if (m->control)
		control_stop(m, NULL);
	if (m->kern)
		kern_stacks_drop(m->kern);
	/* The host gives these addresses to others. */
	if (m->phys)
		frames_unpoison_all(m->phys);
	machine_drop(m);
}
