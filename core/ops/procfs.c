/* SPDX-License-Identifier: MIT */
/*
 * /proc/PID/maps and smaps of a simulated address space.
 *
 * Owns nothing.  Locks: mmap_lock for reading, so that the layout stands still,
 * and one PTE lock at a time inside it.  Must never fault anything in.
 */
#include "ops/procfs.h"

#include <errno.h>

#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "pgtable/swapops.h"
#include "pgtable/walk.h"
#include "phys/page.h"

/* Column at which the kernel writes the name. */
#define NAME_COLUMN	73

static const char *vma_name(const struct vm_area_struct *vma,
			    const struct proc_names *names)
{
	const char *name = NULL;

	if (vma->vm_special)
		return vma->vm_special->name;
	if (vma->vm_file) {
		if (names)
			name = names->name(names->arg, vma->vm_file);
		return name ? name : "/dev/zero (deleted)";
	}
	if (vma_is_initial_heap(vma))
		return "[heap]";
	if (vma_is_initial_stack(vma))
		return "[stack]";
	return NULL;
}

static void print_range(const struct vm_area_struct *vma,
			const struct proc_names *names, FILE *out)
{
	const char *name = vma_name(vma, names);
	vm_flags_t flags = vma->vm_flags;
	unsigned long offset = 0, inode = 0;
	int n;

	if (vma->vm_file) {
		offset = vma->vm_pgoff << PAGE_SHIFT;
		inode = file_inode(vma->vm_file)->i_ino;
	}
	n = fprintf(out, "%08lx-%08lx %c%c%c%c %08lx 00:00 %lu ",
		    vma->vm_start, vma->vm_end, flags & VM_READ ? 'r' : '-',
		    flags & VM_WRITE ? 'w' : '-', flags & VM_EXEC ? 'x' : '-',
		    flags & VM_MAYSHARE ? 's' : 'p', offset, inode);
	if (name)
		fprintf(out, "%*s%s", max(NAME_COLUMN - n, 0), "", name);
	fputc('\n', out);
}

/* ---- what smaps counts ---- */

/* Bytes; pss in fractions of a byte, as several may share a page. */
struct usage {
	unsigned long	rss, anonymous, referenced, swap;
	unsigned long	shared_clean, shared_dirty;
	unsigned long	private_clean, private_dirty;
	u64		pss, pss_dirty;
};

#define PSS_SHIFT	12

static void count_page(struct usage *u, const struct page *page, pte_t pte)
{
	int mapcount = max(page_mapcount(page), 1);
	bool dirty = pte_dirty(pte) || PageDirty(page);
	u64 share = ((u64)PAGE_SIZE << PSS_SHIFT) / (unsigned int)mapcount;

	u->rss += PAGE_SIZE;
	if (PageAnon(page))
		u->anonymous += PAGE_SIZE;
	if (pte_young(pte) || PageReferenced(page))
		u->referenced += PAGE_SIZE;
	u->pss += share;
	if (dirty)
		u->pss_dirty += share;
	if (mapcount > 1)
		*(dirty ? &u->shared_dirty : &u->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &u->private_dirty : &u->private_clean) += PAGE_SIZE;
}

/* A migrating page counts as if it had arrived; the zero page never does. */
static void count_pte(struct usage *u, pte_t pte)
{
	swp_entry_t entry;
	struct page *page;

	if (pte_none(pte))
		return;
	if (pte_present(pte)) {
		page = pte_page(pte);
		if (!pte_special(pte) && !PageZero(page))
			count_page(u, page, pte);
		return;
	}
	entry = pte_to_swp_entry(pte);
	if (is_migration_entry(entry))
		count_page(u, pfn_to_page(swp_offset_pfn(entry)), __pte(0));
	else if (!non_swap_entry(entry))
		u->swap += PAGE_SIZE;
}

static void count_range(struct mm_struct *mm, struct usage *u,
			unsigned long addr, unsigned long end)
{
	struct mm_context *ctx = &mm->context;
	unsigned long next;
	spinlock_t *ptl;
	pmd_t *pmd;
	pte_t *pte;

	for (; addr < end; addr = next) {
		pmd = pgtable_next_pmd(ctx, &addr, end);
		if (!pmd)
			return;
		next = pmd_addr_end(addr, end);
		pte = pte_offset_map_lock(ctx, pmd, addr, &ptl);
		if (!pte)
			continue;
		for (; addr < next; addr += PAGE_SIZE, pte++)
			count_pte(u, ptep_get(pte));
		pte_unmap_unlock(pte - 1, ptl);
	}
}

/* ---- smaps ---- */

static void print_kb(FILE *out, const char *name, unsigned long bytes)
{
	fprintf(out, "%-16s%8lu kB\n", name, bytes >> 10);
}

static void print_usage(const struct usage *u, FILE *out)
{
	print_kb(out, "Rss:", u->rss);
	print_kb(out, "Pss:", (unsigned long)(u->pss >> PSS_SHIFT));
	print_kb(out, "Pss_Dirty:", (unsigned long)(u->pss_dirty >> PSS_SHIFT));
	print_kb(out, "Shared_Clean:", u->shared_clean);
	print_kb(out, "Shared_Dirty:", u->shared_dirty);
	print_kb(out, "Private_Clean:", u->private_clean);
	print_kb(out, "Private_Dirty:", u->private_dirty);
	print_kb(out, "Referenced:", u->referenced);
	print_kb(out, "Anonymous:", u->anonymous);
	print_kb(out, "Swap:", u->swap);
}

/* In the kernel's order and spelling. */
static void print_vmflags(vm_flags_t flags, FILE *out)
{
	static const struct {
		vm_flags_t flag;
		char name[3];
	} words[] = {
		{ VM_READ, "rd" }, { VM_WRITE, "wr" }, { VM_EXEC, "ex" },
		{ VM_SHARED, "sh" }, { VM_MAYREAD, "mr" },
		{ VM_MAYWRITE, "mw" }, { VM_MAYEXEC, "me" },
		{ VM_MAYSHARE, "ms" }, { VM_GROWSDOWN, "gd" },
		{ VM_PFNMAP, "pf" }, { VM_LOCKED, "lo" }, { VM_IO, "io" },
		{ VM_SEQ_READ, "sr" }, { VM_RAND_READ, "rr" },
		{ VM_DONTCOPY, "dc" }, { VM_DONTEXPAND, "de" },
		{ VM_LOCKONFAULT, "lf" }, { VM_ACCOUNT, "ac" },
		{ VM_NORESERVE, "nr" }, { VM_HUGETLB, "ht" },
		{ VM_SYNC, "sf" }, { VM_WIPEONFORK, "wf" },
		{ VM_DONTDUMP, "dd" }, { VM_SOFTDIRTY, "sd" },
		{ VM_MIXEDMAP, "mm" }, { VM_HUGEPAGE, "hg" },
		{ VM_NOHUGEPAGE, "nh" }, { VM_MERGEABLE, "mg" },
		{ VM_DROPPABLE, "dp" }, { VM_SEALED, "sl" },
	};
	size_t i;

	fputs("VmFlags: ", out);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (flags & words[i].flag)
			fprintf(out, "%s ", words[i].name);
	fputc('\n', out);
}

static void print_smap(struct mm_struct *mm, const struct vm_area_struct *vma,
		       const struct proc_names *names, FILE *out)
{
	struct usage u = { 0 };

	print_range(vma, names, out);
	count_range(mm, &u, vma->vm_start, vma->vm_end);
	print_kb(out, "Size:", vma->vm_end - vma->vm_start);
	print_kb(out, "KernelPageSize:", PAGE_SIZE);
	print_kb(out, "MMUPageSize:", PAGE_SIZE);
	print_usage(&u, out);
	print_kb(out, "Locked:", vma->vm_flags & VM_LOCKED ?
		 (unsigned long)(u.pss >> PSS_SHIFT) : 0);
	print_vmflags(vma->vm_flags, out);
}

/* ---- whole address spaces ---- */

static int print_all(struct mm_struct *mm, const struct proc_names *names,
		     bool pages, FILE *out)
{
	struct vm_area_struct *vma;
	struct vma_iter it;

	mmap_read_lock(mm);
	for_each_vma(it, mm, vma) {
		if (pages)
			print_smap(mm, vma, names, out);
		else
			print_range(vma, names, out);
	}
	mmap_read_unlock(mm);
	return ferror(out) ? -EIO : 0;
}

int proc_maps(struct mm_struct *mm, const struct proc_names *names, FILE *out)
{
	return print_all(mm, names, false, out);
}

int proc_smaps(struct mm_struct *mm, const struct proc_names *names, FILE *out)
{
	return print_all(mm, names, true, out);
}
