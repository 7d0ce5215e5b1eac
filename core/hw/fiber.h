/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_FIBER_H
#define MMSTORM_HW_FIBER_H

#include <stddef.h>
#include "base/types.h"

/*
 * Stacks that a host thread can switch between: what tasks run on.
 *
 * A switch is a plain function call to the caller; a fiber may be resumed by
 * another thread than the one that left it.  ThreadSanitizer and
 * AddressSanitizer are told.  For ThreadSanitizer a switch is synchronising:
 * what ran before on this thread happens before what runs next on it, as on a
 * CPU.  It orders nothing between threads: who hands a fiber to another
 * thread says so (kern/sched.c).
 *
 * No thread-local may be read across a switch by compiled code that could
 * have kept its address: this_cpu_local() is out of line for that reason.
 */
#define FIBER_STACK_DEFAULT	(256UL << 10)

struct fiber {
	void	*sp;		/* saved stack pointer while it does not run */
	void	*stack;		/* lowest usable byte; NULL: the thread's own stack */
	size_t	stack_size;	/* bytes, guard page not counted */
	void	*map;		/* the mapping, guard page included */
	size_t	map_size;
	void	*tsan;		/* ThreadSanitizer's fiber */
	void	*asan_fake;	/* AddressSanitizer's fake stack while switched out */
	struct fiber *from;	/* who switched here */
	void	(*fn)(void *);
	void	*arg;
};

/**
 * fiber_create() - make a stack that starts in @fn(@arg)
 * @stack_size: bytes, rounded up to pages; 0 for FIBER_STACK_DEFAULT
 *
 * @fn must never return.  A guard page lies below the stack.  A fiber that
 * has a stack already (fiber_reset() after use) keeps it.  0 or -ENOMEM.
 */
int fiber_create(struct fiber *fiber, void (*fn)(void *), void *arg, size_t stack_size);

/* Frees the stack.  The fiber must not be running. */
void fiber_destroy(struct fiber *fiber);

/* Stacks without a fiber, for those to come (hw/stock.h). */
struct fiber_stacks {
	struct spare_stack *first;
};

/* fiber_destroy(), but the stack goes to @stacks if that is not NULL. */
void fiber_retire(struct fiber *fiber, struct fiber_stacks *stacks);
/*
 * Before fiber_create() with the same @stack_size: a stack of @stacks, which may be NULL,
 * if there is one, and @fiber has none.
 */
void fiber_take_stack(struct fiber *fiber, struct fiber_stacks *stacks, size_t stack_size);
void fiber_stacks_drop(struct fiber_stacks *stacks);

/*
 * Ends what the fiber was doing and keeps its stack, so that fiber_create()
 * on it costs a microsecond.  The fiber must not be running.
 */
void fiber_reset(struct fiber *fiber);

/* The calling thread's own stack as a fiber, to be switched away from and back to. */
void fiber_init_thread(struct fiber *fiber);

/**
 * fiber_switch() - leave @from, which is running, and continue @to
 * @exiting: @from will never be resumed
 *
 * Returns when somebody switches back to @from, perhaps on another thread.
 */
void fiber_switch(struct fiber *from, struct fiber *to, bool exiting);

/* The same between two vCPUs that share a thread: orders nothing in ThreadSanitizer's eyes. */
void fiber_switch_unordered(struct fiber *from, struct fiber *to);

#endif /* MMSTORM_HW_FIBER_H */
