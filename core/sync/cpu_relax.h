/* SPDX-License-Identifier: MIT */
/* The host CPU's hint that a loop waits for another CPU. */
#ifndef MM_SYNC_CPU_RELAX_H
#define MM_SYNC_CPU_RELAX_H

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield" ::: "memory");
#else
	__asm__ __volatile__("" ::: "memory");
#endif
}

#endif
