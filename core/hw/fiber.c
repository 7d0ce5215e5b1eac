/* SPDX-License-Identifier: MIT */
/*
 * Stacks and the switch between them.
 *
 * Owns struct fiber.  No locks: a fiber belongs to whoever holds the task.
 * Compiled without ThreadSanitizer, which would otherwise see one function
 * enter on one stack and leave on another.  Must never touch a thread-local.
 */
#include "hw/fiber.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bug.h"
#include "base/tsan.h"

#if MM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#define GUARD_SIZE	4096UL

/*
 * fiber_swap(&from->sp, to->sp): callee-saved registers onto the old stack,
 * the stack pointer into *from, and the reverse.  MXCSR and the x87 control
 * word are never changed here, so they are not saved.
 */
void fiber_swap(void **from, void *to);
void fiber_start(void);

#if defined(__x86_64__)
__asm__(
	".text\n"
	".globl fiber_swap\n"
	".type fiber_swap,@function\n"
	"fiber_swap:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size fiber_swap,.-fiber_swap\n"
	/* First thing on a new stack: r12 holds the fiber.  Ends the unwinder's chain. */
	".globl fiber_start\n"
	".type fiber_start,@function\n"
	"fiber_start:\n"
	"	.cfi_startproc\n"
	"	.cfi_undefined rip\n"
	"	movq %r12, %rdi\n"
	"	call fiber_main\n"
	"	ud2\n"
	"	.cfi_endproc\n"
	".size fiber_start,.-fiber_start\n");
#else
#error "fiber_swap is written for x86-64 only"
#endif

/*
 * After a switch, on the new stack: tells AddressSanitizer where it is.  It knows where a
 * thread's own stack is, which we will want to go back to.
 */
static void arrived(struct fiber *self)
{
#if MM_ASAN
	const void *stack;
	size_t size;

	__sanitizer_finish_switch_fiber(self->asan_fake, &stack, &size);
	self->asan_fake = NULL;
	if (!self->from->map) {
		self->from->stack = (void *)stack;
		self->from->stack_size = size;
	}
#else
	(void)self;
#endif
}

void fiber_main(struct fiber *self);
void fiber_main(struct fiber *self)
{
	arrived(self);
	self->fn(self->arg);
	MM_BUG();
}

/* The six saved registers and the return address that fiber_swap() expects. */
static void prepare_stack(struct fiber *fiber)
{
	u64 *sp = (u64 *)((char *)fiber->stack + fiber->stack_size);

	*--sp = 0;			/* alignment: fiber_start begins with rsp % 16 == 0 */
	*--sp = 0;
	*--sp = (u64)(uintptr_t)fiber_start;
	*--sp = 0;			/* rbp */
	*--sp = 0;			/* rbx */
	*--sp = (u64)(uintptr_t)fiber;	/* r12 */
	*--sp = 0;			/* r13 */
	*--sp = 0;			/* r14 */
	*--sp = 0;			/* r15 */
	fiber->sp = sp;
}

static size_t whole_pages(size_t stack_size)
{
	size_t size = stack_size ? stack_size : FIBER_STACK_DEFAULT;

	return (size + GUARD_SIZE - 1) & ~(GUARD_SIZE - 1);
}

static void set_stack(struct fiber *fiber, char *map, size_t map_size)
{
	fiber->map = map;
	fiber->map_size = map_size;
	fiber->stack = map + GUARD_SIZE;
	fiber->stack_size = map_size - GUARD_SIZE;
}

static int map_stack(struct fiber *fiber, size_t size)
{
	char *map;

	map = mmap(NULL, size + GUARD_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	if (mprotect(map, GUARD_SIZE, PROT_NONE)) {
		munmap(map, size + GUARD_SIZE);
		return -ENOMEM;
	}
	set_stack(fiber, map, size + GUARD_SIZE);
	return 0;
}

int fiber_create(struct fiber *fiber, void (*fn)(void *), void *arg, size_t stack_size)
{
	if (!fiber->map) {
		int err = map_stack(fiber, whole_pages(stack_size));

		if (err)
			return err;
	}
	fiber->fn = fn;
	fiber->arg = arg;
	fiber->asan_fake = NULL;
	fiber->tsan = tsan_create_fiber();
	prepare_stack(fiber);
	return 0;
}

void fiber_reset(struct fiber *fiber)
{
	/* A thread's own is the thread's, and gone with it. */
	if (!fiber->map)
		return;
	if (fiber->tsan)
		tsan_destroy_fiber(fiber->tsan);
	fiber->tsan = NULL;
#if MM_ASAN
	/* Frames that never returned left their redzones behind. */
	__asan_unpoison_memory_region(fiber->stack, fiber->stack_size);
#endif
}

void fiber_destroy(struct fiber *fiber)
{
	fiber_reset(fiber);
	if (fiber->map)
		munmap(fiber->map, fiber->map_size);
	memset(fiber, 0, sizeof(*fiber));
}

/* ---- stacks without a fiber ---- */

/* Lies in the stack itself, at its far end. */
struct spare_stack {
	struct spare_stack	*next;
	size_t			map_size;
};

static void *spare_map(struct spare_stack *spare)
{
	return (char *)spare - GUARD_SIZE;
}

void fiber_retire(struct fiber *fiber, struct fiber_stacks *stacks)
{
	struct spare_stack *spare = fiber->stack;

	if (!stacks || !fiber->map) {
		fiber_destroy(fiber);
		return;
	}
	fiber_reset(fiber);
	spare->map_size = fiber->map_size;
	spare->next = stacks->first;
	stacks->first = spare;
	memset(fiber, 0, sizeof(*fiber));
}

void fiber_take_stack(struct fiber *fiber, struct fiber_stacks *stacks, size_t stack_size)
{
	struct spare_stack *spare = stacks ? stacks->first : NULL;

	if (!spare || fiber->map || spare->map_size != whole_pages(stack_size) + GUARD_SIZE)
		return;
	stacks->first = spare->next;
	set_stack(fiber, spare_map(spare), spare->map_size);
}

void fiber_stacks_drop(struct fiber_stacks *stacks)
{
	struct spare_stack *spare;

	while ((spare = stacks->first)) {
		stacks->first = spare->next;
		munmap(spare_map(spare), spare->map_size);
	}
}

void fiber_init_thread(struct fiber *fiber)
{
	memset(fiber, 0, sizeof(*fiber));
	fiber->tsan = tsan_get_current_fiber();
}

static void leave(struct fiber *from, struct fiber *to, bool exiting, unsigned int tsan_flags)
{
#if MM_ASAN
	to->from = from;
	__sanitizer_start_switch_fiber(exiting ? NULL : &from->asan_fake, to->stack,
				       to->stack_size);
#else
	(void)exiting;
#endif
	(void)tsan_flags;
	tsan_switch_to_fiber(to->tsan, tsan_flags);
	fiber_swap(&from->sp, to->sp);
	arrived(from);
}

void fiber_switch(struct fiber *from, struct fiber *to, bool exiting)
{
	leave(from, to, exiting, TSAN_SWITCH_SYNC);
}

void fiber_switch_unordered(struct fiber *from, struct fiber *to)
{
	leave(from, to, false, TSAN_SWITCH_NO_SYNC);
}
