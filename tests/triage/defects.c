/* SPDX-License-Identifier: MIT */
/*
 * mmstorm with a defect in its munmap, by choice of MM_DEFECT: each makes a sanitizer,
 * lockdep, an assertion or the watchdog speak, at once and whatever the host
 * does.  The linker puts __wrap_sys_munmap in sys_munmap's place.
 *
 * A defect is in a function of its own, which the report is to be named after.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/compiler.h"
#include "mm/syscalls.h"
#include "sync/spinlock.h"

long __real_sys_munmap(unsigned long addr, size_t len);
long __wrap_sys_munmap(unsigned long addr, size_t len);

/* The compiler must not see what comes of it: this, and pointers, are volatile. */
static volatile long sink;
static long shared;

static void after_free(size_t len)
{
	long *volatile p = malloc(sizeof(*p));

	*p = (long)len;
	free(p);
	sink = *p;
}

static void overrun(size_t len)
{
	char *volatile p = malloc(16);

	p[16] = (char)len;
	free(p);
}

static void freed_twice(size_t len)
{
	void *volatile p = malloc(len);

	free(p);
	free(p);
}

static void wild(size_t len)
{
	long *volatile p = (long *)8;

	*p = (long)len;
}

/* A pointer to a pointer, both forgotten. */
static void forget_chain(size_t len)
{
	void **p = malloc(sizeof(*p));

	*p = malloc(len % 64 + 1);
	sink = (long)p;
	sink = 0;
}

static void sum_of_lengths(size_t len)
{
	volatile int sum = 0x7fffffff;

	sink = sum + (int)len;
}

static void third(size_t len)
{
	static int two[2];
	volatile unsigned int i = 2;

	two[i] = (int)len;
	sink = two[0];
}

static void member(size_t len)
{
	struct pair { int a, b; };
	char bytes[sizeof(struct pair) + 1];
	struct pair *volatile p = (struct pair *)(((unsigned long)bytes | 1));

	p->b = (int)len;
}

static void *add(void *unused)
{
	shared++;
	return unused;
}

/* Two threads of the host, so that both accesses are remembered. */
static void race(size_t len)
{
	pthread_t thread[2];
	int i;

	for (i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, add, NULL);
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

static void wrong_order(size_t len)
{
	spinlock_t a, b;

	spin_lock_init(&a, LOCK_RANK_LEAF, "planted_a");
	spin_lock_init(&b, LOCK_RANK_ZONE, "planted_b");
	spin_lock(&a);
	spin_lock(&b);
	spin_unlock(&b);
	spin_unlock(&a);
}

/* One preemption more is allowed than ever was forbidden. */
static void unlock_only(size_t len)
{
	spinlock_t a;

	spin_lock_init(&a, LOCK_RANK_LEAF, "planted_a");
	spin_unlock(&a);
}

static void assertion(size_t len)
{
	MM_BUG_ON(len > 0);
}

static void warning(size_t len)
{
	MM_WARN_ON_ONCE(len > 0);
}

static void hang(size_t len)
{
	for (;;)
		sink = (long)len;
}

static const struct {
	const char *name;
	void (*commit)(size_t len);
} defects[] = {
	{ "after_free", after_free }, { "overrun", overrun }, { "freed_twice", freed_twice },
	{ "wild", wild }, { "forget_chain", forget_chain }, { "sum_of_lengths", sum_of_lengths },
	{ "third", third }, { "member", member }, { "race", race }, { "wrong_order", wrong_order },
	{ "unlock_only", unlock_only }, { "assertion", assertion }, { "warning", warning },
	{ "hang", hang },
};

long __wrap_sys_munmap(unsigned long addr, size_t len)
{
	const char *name = getenv("MM_DEFECT");
	size_t i;

	for (i = 0; name && i < ARRAY_SIZE(defects); i++)
		if (!strcmp(name, defects[i].name))
			defects[i].commit(len);
	return __real_sys_munmap(addr, len);
}
