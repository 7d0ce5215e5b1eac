/* SPDX-License-Identifier: MIT */
/*
 * What oracles know of each frame: that it was stored to, and of which it is a copy.
 *
 * Owns check_state.frames, written without locks: by who takes the frame from the
 * allocator, by who copies to it while it is his alone, and by whoever stores to it.
 */
#include "base/compiler.h"
#include "check/shadow.h"
#include "hw/check_ops.h"
#include "hw/machine.h"
#include "hw/vcpu.h"

void check_frame_alloc(struct machine *m, unsigned long pfn, unsigned int order)
{
	struct shadow_frame *f = &m->chk->frames[pfn], *end = f + (1UL << order);

	for (; f < end; f++) {
		WRITE_ONCE(f->stored, 0);
		WRITE_ONCE(f->copied_at, 0);
	}
}

void check_frame_copy(struct machine *m, unsigned long to, unsigned long from)
{
	struct shadow_frame *f = &m->chk->frames[to];

	WRITE_ONCE(f->copied_from, (u32)from);
	WRITE_ONCE(f->copied_gen, READ_ONCE(m->ram.gen[from]));
	WRITE_ONCE(f->copied_at, machine_translation_stamp(m));
}

void check_stored(struct vcpu *cpu, const struct access_record *rec)
{
	struct shadow_frame *f = &cpu->machine->chk->frames[rec->pfn];

	/* Most stores are not the first: the line stays shared. */
	if (!READ_ONCE(f->stored))
		WRITE_ONCE(f->stored, 1);
}
