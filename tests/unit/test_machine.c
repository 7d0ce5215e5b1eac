/* SPDX-License-Identifier: MIT */
/* room: mm_hw */
/* Machines: bad configurations, binding host threads, the cost of making one. */
#include "hw_rig.h"

#include <errno.h>

static const struct machine_config small = {
	.nr_cpus = 2, .nr_frames = 256, .frame_bytes = 64, .seed = 1,
};

static int create_with(struct machine_config config)
{
	struct machine *m;
	int err = machine_create(&config, &m);

	if (!err)
		machine_destroy(m);
	return err;
}

/* The small machine, but for one field. */
#define BUT(field, value)						\
	({								\
		struct machine_config c_ = small;			\
		c_.field = (value);					\
		create_with(c_);					\
	})

static void bad_configurations(void **state)
{
	assert_int_equal(create_with(small), 0);
	assert_int_equal(BUT(nr_cpus, 0), -EINVAL);
	assert_int_equal(BUT(nr_cpus, NR_CPUS + 1), -EINVAL);
	assert_int_equal(BUT(nr_frames, 3), -EINVAL);
	assert_int_equal(BUT(frame_bytes, 100), -EINVAL);
	assert_int_equal(BUT(speculate_ppm, 1000001), -EINVAL);
	assert_int_equal(BUT(mode, 7), -EINVAL);
}

static void binding(void **state)
{
	struct machine *m;

	assert_int_equal(machine_create(&small, &m), 0);
	assert_null(this_cpu());
	machine_bind_host(m, 0);
	assert_int_equal(smp_processor_id(), 0);
	assert_ptr_equal(this_machine(), m);
	machine_bind_host(m, 1);
	assert_int_equal(smp_processor_id(), 1);
	assert_int_equal(m->cpus[0]->state, VCPU_IDLE);
	assert_int_equal(m->cpus[1]->state, VCPU_RUNNING);
	machine_unbind_host(m);
	assert_null(this_cpu());
	rig_no_findings(m);
	machine_destroy(m);
}

/* Two machines at once, bound in turn, keep apart. */
static void two_machines(void **state)
{
	struct machine *a, *b;

	assert_int_equal(machine_create(&small, &a), 0);
	assert_int_equal(machine_create(&small, &b), 0);
	*(u64 *)frame_data(a, 5) = 1;
	machine_bind_host(a, 0);
	count_vm_event(PGFAULT);
	machine_unbind_host(a);
	machine_bind_host(b, 0);
	assert_int_equal(*(u64 *)frame_data(b, 5), 0);
	assert_int_equal(b->cpus[0]->vm_events[PGFAULT], 0);
	assert_int_equal(a->cpus[0]->vm_events[PGFAULT], 1);
	machine_unbind_host(b);
	machine_destroy(a);
	machine_destroy(b);
}

static void largest(void **state)
{
	struct machine_config c = { .nr_cpus = NR_CPUS, .nr_frames = 1UL << 24,
				    .frame_bytes = 4096, .mode = RUN_FREE, .trace = true };

	assert_int_equal(create_with(c), 0);
}

static void creation_speed(void **state)
{
	const unsigned int n = 2000;
	double start = rig_cpu_seconds();

	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(create_with(small), 0);
	print_message("machine create + destroy: %.1f us\n", (rig_cpu_seconds() - start) * 1e6 / n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_configurations),
		cmocka_unit_test(binding),
		cmocka_unit_test(two_machines),
		cmocka_unit_test(largest),
		cmocka_unit_test(creation_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
