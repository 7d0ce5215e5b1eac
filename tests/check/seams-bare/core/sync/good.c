/* SPDX-License-Identifier: MIT */
/* Here is where it belongs. */
static void good(int *p)
{
	__atomic_store_n(p, 1, __ATOMIC_RELEASE);
}
