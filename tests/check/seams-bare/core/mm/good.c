/* SPDX-License-Identifier: MIT */
/* Words in comments and strings are nobody's business: pthread_create(), futex. */
static void good(int *p)
{
	smp_store_release(p, 1);
	say("pthread_mutex_lock");
}
