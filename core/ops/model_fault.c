/* SPDX-License-Identifier: MIT */
/*
 * model_fault.c: what an access does: the signal it gets, or the page it finds
 * or makes (Linux do_user_addr_fault, handle_mm_fault, do_anonymous_page,
 * do_wp_page, do_fault, expand_downwards), and populating (faultin_page).
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "ops/model_int.h"

#define USER_END	(1UL << 47)		/* first address with no mapping form */
#define KERNEL_START	(-1UL << 47)
#define AROUND_PAGES	16UL			/* fault_around_bytes */

static int refuse(struct model_fault *fault, int signo, int code,
		  unsigned long addr)
{
	if (fault)
		*fault = (struct model_fault) { signo, code, addr };
	return -EFAULT;
}

/* --- stacks ------------------------------------------------------------ */

/* expand_downwards(): r grows to the page of addr, which lies below it. */
static bool grow(struct model_mm *mm, struct range *r, unsigned long addr)
{
	const struct model_params *p = &mm->model->params;
	struct range *prev = range_before(mm, addr);
	unsigned long pages, size;

	addr &= -MODEL_PAGE_SIZE;
	if (!(r->flags & RF_GROWSDOWN) || addr < p->mmap_min_addr)
		return false;
	if (prev && !(prev->flags & RF_GROWSDOWN) && (prev->flags & RF_ACCESS) &&
	    addr - prev->end < p->stack_guard_gap)
		return false;
	/* Even a growth that a limit refuses has come this far. */
	range_make_family(mm, r);
	pages = (r->start - addr) >> MODEL_PAGE_SHIFT;
	size = r->end - addr;
	if (pages > r->pgoff || !may_expand(mm, r->flags, pages) ||
	    size > mm->rlimit[MODEL_RLIMIT_STACK] ||
	    !may_lock(mm, r->flags, pages << MODEL_PAGE_SHIFT) ||
	    !enough_memory(mm, pages))
		return false;
	r->start = addr;
	r->pgoff -= pages;
	if (r->flags & RF_LOCKED)
		mm->locked_vm += pages;
	return true;
}

/* --- one page ---------------------------------------------------------- */

struct page_fault {
	struct model_mm	*mm;
	struct range	*r;
	unsigned long	vpn;		/* page number of the address */
	unsigned long	index;		/* page number in the file */
};

/* A private page of its own, a copy of `from` (or zeroes). */
static bool make_private(const struct page_fault *pf, const struct page_data *from)
{
	struct page_data *page = page_new(pf->mm->model, from);

	if (!page)
		return false;
	if (pages_put(&pf->mm->pages, pf->vpn, SLOT_ANON, page)) {
		free(page);
		return false;
	}
	page->exclusive = true;
	return true;
}

/*
 * wp_can_reuse_anon_folio(): alone on its page, with nobody reading it by a reference,
 * the process has it for its own from now on.
 */
static bool take_over(struct page_data *page)
{
	if (page->mapped == 1 && !page->pins && !page->gets)
		page->exclusive = true;
	return page->exclusive;
}

static bool fault_anon(const struct page_fault *pf, bool write,
		       struct page_slot *slot)
{
	if (!write)
		return slot || !pages_put(&pf->mm->pages, pf->vpn, SLOT_ZERO, NULL);
	range_make_family(pf->mm, pf->r);
	if (!slot || slot->kind == SLOT_ZERO)
		return make_private(pf, NULL);
	/* Alone on its page: written in place. */
	if (slot->kind == SLOT_ANON && take_over(slot->page))
		return true;
	return make_private(pf, slot->page);
}

/* do_fault_around(): cached neighbours are mapped along. */
static void fault_around(const struct page_fault *pf)
{
	unsigned long in_table = pf->vpn & 511;
	unsigned long in_range = pf->vpn - (pf->r->start >> MODEL_PAGE_SHIFT);
	unsigned long pages = (pf->r->end - pf->r->start) >> MODEL_PAGE_SHIFT;
	unsigned long from = in_table & -AROUND_PAGES, to, i;
	unsigned long back = in_table < in_range ? in_table : in_range;

	if (from < in_table - back)
		from = in_table - back;
	to = from + AROUND_PAGES;
	if (to > 512)
		to = 512;
	if (to > in_table + pages - in_range)
		to = in_table + pages - in_range;
	for (i = from; i < to; i++) {
		unsigned long vpn = pf->vpn - in_table + i;
		unsigned long index = pf->index - in_table + i;

		if (file_has_page(pf->r->file, index) &&
		    file_page_cached(pf->r->file, index) &&
		    !pages_get(&pf->mm->pages, vpn))
			pages_put(&pf->mm->pages, vpn, SLOT_FILE,
				  file_page(pf->r->file, index));
	}
}

/* 1: present now; 0: past the end of the file (SIGBUS). */
static bool fault_file(const struct page_fault *pf, bool write,
		       struct page_slot *slot)
{
	bool copy = write && !(pf->r->flags & RF_SHARED);
	struct page_data *page;

	if (copy)
		range_make_family(pf->mm, pf->r);
	if (slot) {
		if (!copy || (slot->kind == SLOT_ANON && take_over(slot->page)))
			return true;
		return make_private(pf, slot->page);
	}
	/* Neighbours come along even for a page that is past the end. */
	if (!write)
		fault_around(pf);
	if (!file_has_page(pf->r->file, pf->index))
		return false;
	if (pages_get(&pf->mm->pages, pf->vpn))
		return true;
	page = file_page(pf->r->file, pf->index);
	if (!page)
		return false;
	if (copy)
		return make_private(pf, page);
	return !pages_put(&pf->mm->pages, pf->vpn, SLOT_FILE, page);
}

int fault_page(struct model_mm *mm, struct range *r, unsigned long addr,
	       bool write)
{
	struct page_fault pf = {
		mm, r, addr >> MODEL_PAGE_SHIFT,
		r->pgoff + ((addr - r->start) >> MODEL_PAGE_SHIFT),
	};
	struct page_slot *slot = pages_get(&mm->pages, pf.vpn);

	if (slot && slot->kind == SLOT_GUARD)
		return SIGSEGV;
	/* Special pages are there, and nobody looks at what is in them. */
	if (r->special == MODEL_VVAR || r->special == MODEL_VDSO)
		return write || slot ||
		       !pages_put(&mm->pages, pf.vpn, SLOT_ZERO, NULL) ? 0 : SIGBUS;
	if (range_is_anon(r))
		return fault_anon(&pf, write, slot) ? 0 : SIGBUS;
	return fault_file(&pf, write, slot) ? 0 : SIGBUS;
}

/* do_wp_page() of who only wants to read, and to see what is written later. */
bool fault_unshare(struct model_mm *mm, struct range *r, unsigned long addr)
{
	struct page_fault pf = { mm, r, addr >> MODEL_PAGE_SHIFT, 0 };
	struct page_slot *slot = pages_get(&mm->pages, pf.vpn);

	if (slot->kind == SLOT_ANON && take_over(slot->page))
		return true;
	range_make_family(mm, r);
	return make_private(&pf, slot->page);
}

/* The page of addr, present and fit for the access, or the signal. */
int access_fault(struct model_mm *mm, unsigned long addr,
		 enum access_kind kind, struct model_fault *fault,
		 struct page_slot **slot)
{
	struct range *r;
	int sig;

	if (addr >= USER_END && addr < KERNEL_START)
		return refuse(fault, SIGSEGV, SI_KERNEL, 0);
	r = range_find(mm, addr);
	if (!r || addr >= mm->model->params.task_size)
		return refuse(fault, SIGSEGV, SEGV_MAPERR, addr);
	if (addr < r->start && !grow(mm, r, addr))
		return refuse(fault, SIGSEGV, SEGV_MAPERR, addr);
	if (kind == ACCESS_WRITE ? !(r->flags & RF_WRITE) : !(r->flags & RF_ACCESS))
		return refuse(fault, SIGSEGV, SEGV_ACCERR, addr);
	sig = fault_page(mm, r, addr, kind == ACCESS_WRITE);
	if (sig == SIGSEGV)
		return refuse(fault, SIGSEGV, SEGV_MAPERR, addr);
	if (sig)
		return refuse(fault, SIGBUS, BUS_ADRERR, addr);
	/* The page is there; only the second try finds it may not be run. */
	if (kind == ACCESS_EXEC && !(r->flags & RF_EXEC))
		return refuse(fault, SIGSEGV, SEGV_ACCERR, addr);
	*slot = pages_get(&mm->pages, addr >> MODEL_PAGE_SHIFT);
	return 0;
}

/* --- loads and stores -------------------------------------------------- */

static uint8_t *byte_of(const struct model_mm *mm, unsigned long addr)
{
	struct page_slot *slot = pages_get((struct page_set *)&mm->pages,
					   addr >> MODEL_PAGE_SHIFT);
	unsigned off = (addr & (MODEL_PAGE_SIZE - 1)) %
		mm->model->params.page_bytes;

	return slot->page ? &slot->page->bytes[off] : NULL;
}

/* Both pages of an access are made fit before a byte moves. */
static int access_pages(struct model_mm *mm, unsigned long addr, unsigned size,
			enum access_kind kind, struct model_fault *fault)
{
	unsigned long last = addr + size - 1;
	struct page_slot *slot;
	int err = access_fault(mm, addr, kind, fault, &slot);

	if (!err && (addr ^ last) >> MODEL_PAGE_SHIFT)
		err = access_fault(mm, last & -MODEL_PAGE_SIZE, kind, fault, &slot);
	return err;
}

int model_load(struct model_mm *mm, unsigned long addr, unsigned size,
	       uint64_t *val, struct model_fault *fault)
{
	int err = access_pages(mm, addr, size, ACCESS_READ, fault);
	unsigned i;

	*val = 0;
	for (i = 0; !err && i < size; i++) {
		const uint8_t *byte = byte_of(mm, addr + i);

		*val |= (uint64_t)(byte ? *byte : 0) << (8 * i);
	}
	return err;
}

int model_store(struct model_mm *mm, unsigned long addr, unsigned size,
		uint64_t val, struct model_fault *fault)
{
	int err = access_pages(mm, addr, size, ACCESS_WRITE, fault);
	unsigned i;

	for (i = 0; !err && i < size; i++) {
		uint8_t *byte = byte_of(mm, addr + i);

		if (byte)
			*byte = (uint8_t)(val >> (8 * i));
	}
	return err;
}

int model_exec(struct model_mm *mm, unsigned long addr,
	       struct model_fault *fault)
{
	return access_pages(mm, addr, 1, ACCESS_EXEC, fault);
}

/* --- populating -------------------------------------------------------- */

/* Is the page there as this access needs it? Then nothing happens. */
static bool already_there(struct model_mm *mm, const struct range *r,
			  unsigned long addr, bool write)
{
	struct page_slot *slot = pages_get(&mm->pages, addr >> MODEL_PAGE_SHIFT);

	if (!slot || slot->kind == SLOT_GUARD)
		return false;
	return !write || (r->flags & RF_SHARED) ||
	       (slot->kind == SLOT_ANON && slot->page->exclusive);
}

int populate_range(struct model_mm *mm, struct range *r, unsigned long start,
		   unsigned long end, bool write)
{
	for (; start < end; start += MODEL_PAGE_SIZE)
		if (!already_there(mm, r, start, write) &&
		    fault_page(mm, r, start, write))
			return -EFAULT;
	return 0;
}

/* __mm_populate() */
int populate(struct model_mm *mm, unsigned long start, unsigned long len,
	     bool ignore_errors)
{
	unsigned long end = start + len;
	size_t i;

	for (i = range_index(mm, start); i < mm->n && mm->range[i]->start < end; i++) {
		struct range *r = mm->range[i];
		unsigned long lo = r->start > start ? r->start : start;
		unsigned long hi = r->end < end ? r->end : end;
		int err = 0;

		if (r->flags & (RF_IO | RF_PFNMAP | RF_LOCKONFAULT))
			continue;
		if (!(r->flags & RF_ACCESS))
			err = -EFAULT;
		else
			err = populate_range(mm, r, lo, hi,
				(r->flags & (RF_WRITE | RF_SHARED)) == RF_WRITE);
		if (err && !ignore_errors)
			return err;
	}
	return 0;
}
