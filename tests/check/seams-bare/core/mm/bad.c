/* SPDX-License-Identifier: MIT */
/* Synchronises past core/sync. */
static void bad(int *p)
{
	pthread_mutex_lock(p);
	__atomic_store_n(p, 1, __ATOMIC_RELEASE);
	urcu_memb_read_lock();
	syscall(SYS_futex, p);
	clock_gettime(0, p);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
