/* SPDX-License-Identifier: MIT */
/*
 * How much a process may have: RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, overcommit, and the
 * counts they are compared with (mm/mmap.c, mm/util.c, mm/mlock.c).
 *
 * Owns total_vm and its parts (under mmap_lock held for writing) and vm_committed_as (a counter
 * for each vCPU, as the kernel's percpu_counter).
 */
#include "hw/machine.h"
#include "mm/mm.h"

static bool is_exec_mapping(vm_flags_t flags)
{
	return (flags & (VM_EXEC | VM_WRITE | VM_STACK)) == VM_EXEC;
}

static bool is_stack_mapping(vm_flags_t flags)
{
	return flags & VM_STACK;
}

static bool is_data_mapping(vm_flags_t flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_STACK)) == VM_WRITE;
}

void vm_stat_account(struct mm_struct *mm, vm_flags_t flags, long npages)
{
	/* Atomic for those who show it without the lock. */
	RAW_WRITE_ONCE(mm->total_vm, mm->total_vm + (unsigned long)npages);
	if (is_exec_mapping(flags))
		mm->exec_vm += (unsigned long)npages;
	else if (is_stack_mapping(flags))
		mm->stack_vm += (unsigned long)npages;
	else if (is_data_mapping(flags))
		mm->data_vm += (unsigned long)npages;
}

bool may_expand_vm(struct mm_struct *mm, vm_flags_t flags, unsigned long npages)
{
	if (mm->total_vm + npages > mm_rlimit(mm, RLIMIT_AS) >> PAGE_SHIFT)
		return false;
	return !is_data_mapping(flags) ||
	       mm->data_vm + npages <= mm_rlimit(mm, RLIMIT_DATA) >> PAGE_SHIFT;
}

void vm_acct_memory(struct mm_struct *mm, long pages)
{
	struct vm_committed_cpu *c = &mm->machine->mmg->vm_committed_as[this_cpu()->nr];

	/* No point, so no other task, between finding the counter and writing to it. */
	RAW_WRITE_ONCE(c->pages, c->pages + pages);
}

long vm_memory_committed(struct machine *m)
{
	long sum = 0;

	for (unsigned int i = 0; i < m->nr_cpus; i++)
		sum += RAW_READ_ONCE(m->mmg->vm_committed_as[i].pages);
	return sum;
}

void vm_unacct_memory(struct mm_struct *mm, long pages)
{
	vm_acct_memory(mm, -pages);
}

/* Heuristic overcommit: only a single request beyond everything there is, is refused. */
int vm_enough_memory(struct mm_struct *mm, long pages)
{
	if (mm->params.overcommit == 0 && pages > (long)mm->params.total_pages)
		return -ENOMEM;
	vm_acct_memory(mm, pages);
	return 0;
}

bool can_do_mlock(const struct mm_struct *mm)
{
	return mm->params.cap_ipc_lock || mm_rlimit(mm, RLIMIT_MEMLOCK);
}

bool mlock_future_ok(const struct mm_struct *mm, vm_flags_t flags, unsigned long bytes)
{
	if (!(flags & VM_LOCKED) || mm->params.cap_ipc_lock)
		return true;
	return (bytes >> PAGE_SHIFT) + mm->locked_vm <= mm_rlimit(mm, RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}
