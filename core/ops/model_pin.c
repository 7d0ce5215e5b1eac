/* SPDX-License-Identifier: MIT */
/*
 * model_pin.c: pages lent to devices (Linux pin_user_pages_fast, get_user_pages_fast,
 * unpin_user_pages), and what the devices do to them.
 *
 * A page that is lent lives as long as it is, whatever becomes of its mappings.
 */
#include <errno.h>

#include "ops/model_int.h"

enum { HOW_WRITE = 1, HOW_LONGTERM = 2, HOW_GET = 4 };

static void let_go(struct model_pin *pin)
{
	unsigned i;

	for (i = 0; i < pin->nr; i++)
		if (pin->page[i])
			page_give_back(pin->page[i], pin->how & HOW_GET);
	pin->nr = 0;
}

/* gup_must_unshare(): would the process leave this page behind at its next write? */
static bool must_unshare(const struct range *r, const struct page_slot *slot, unsigned how)
{
	bool copies = (r->flags & (RF_SHARED | RF_MAYWRITE)) == RF_MAYWRITE;

	if (how & (HOW_WRITE | HOW_GET))
		return false;
	if (slot->kind == SLOT_ANON)
		return !slot->page->exclusive;
	return (how & HOW_LONGTERM) && copies;
}

static bool written_shared(const struct range *r)
{
	return (r->flags & (RF_SHARED | RF_WRITE)) == (RF_SHARED | RF_WRITE);
}

/*
 * What the fast way finds without asking the mapping, when it is only read: a mapping
 * that may be run and not read, for one.  (Who writes gets the same answer both ways.)
 */
static bool fast(const struct range *r, const struct page_slot *slot, unsigned how)
{
	if (!r || !slot || !(r->flags & RF_ACCESS) || (how & HOW_WRITE))
		return false;
	if (slot->kind == SLOT_ANON)
		return !must_unshare(r, slot, how);
	if (slot->kind != SLOT_FILE)
		return false;
	return !(how & HOW_LONGTERM) || written_shared(r);
}

/* check_vma_flags() */
static bool refused(const struct range *r, unsigned how)
{
	if (r->flags & (RF_IO | RF_PFNMAP))
		return true;
	if (!(how & HOW_WRITE))
		return !(r->flags & RF_READ);
	if ((how & HOW_LONGTERM) && written_shared(r) && r->file &&
	    r->file->inode->kind != MODEL_FILE_MEMFD)
		return true;
	return !(r->flags & RF_WRITE);
}

static int slow(struct model_mm *mm, struct range *r, unsigned long addr, unsigned how)
{
	struct page_slot *slot;

	if (!r || refused(r, how))
		return -EFAULT;
	slot = pages_get(&mm->pages, addr >> MODEL_PAGE_SHIFT);
	if (((how & HOW_WRITE) || !slot) && fault_page(mm, r, addr, how & HOW_WRITE))
		return -EFAULT;
	slot = pages_get(&mm->pages, addr >> MODEL_PAGE_SHIFT);
	if (must_unshare(r, slot, how) && !fault_unshare(mm, r, addr))
		return -ENOMEM;
	return 0;
}

static long take_pages(struct model_mm *mm, struct model_pin *pin, unsigned long addr,
		       unsigned long nr)
{
	bool is_fast = true;
	int err;

	for (; pin->nr < nr; addr += MODEL_PAGE_SIZE) {
		struct range *r = range_at(mm, addr);

		is_fast = is_fast && fast(r, pages_get(&mm->pages, addr >> MODEL_PAGE_SHIFT),
					  pin->how);
		err = is_fast ? 0 : slow(mm, r, addr, pin->how);
		if (err)
			return pin->nr ? (long)pin->nr : err;
		pin->page[pin->nr] = pages_get(&mm->pages, addr >> MODEL_PAGE_SHIFT)->page;
		if (pin->page[pin->nr])
			page_lend(pin->page[pin->nr], pin->how & HOW_GET);
		pin->nr++;
	}
	return (long)nr;
}

long model_pin(struct model_mm *mm, struct model_pin *pin, unsigned long addr,
	       unsigned long len, unsigned how)
{
	unsigned long first = addr & -MODEL_PAGE_SIZE, end, nr;

	if (!len || len > MODEL_PIN_PAGES * MODEL_PAGE_SIZE)
		return -EINVAL;
	nr = (addr - first + len + MODEL_PAGE_SIZE - 1) >> MODEL_PAGE_SHIFT;
	if (nr > MODEL_PIN_PAGES || how > (HOW_WRITE | HOW_LONGTERM | HOW_GET) ||
	    ((how & HOW_GET) && how != HOW_GET))
		return -EINVAL;
	let_go(pin);
	pin->how = how;
	if (__builtin_add_overflow(first, nr << MODEL_PAGE_SHIFT, &end))
		return -EOVERFLOW;
	if (end > mm->model->params.task_size)
		return -EFAULT;
	return take_pages(mm, pin, first, nr);
}

long model_unpin(struct model_pin *pin)
{
	if (!pin->nr)
		return -ENXIO;
	let_go(pin);
	return 0;
}

static long dma_refused(const struct model_pin *pin, unsigned long at, unsigned size)
{
	if (at >> MODEL_PAGE_SHIFT >= pin->nr)
		return -ENXIO;
	return at & (size - 1) ? -EINVAL : 0;
}

static uint8_t *byte_of(struct model *m, const struct model_pin *pin, unsigned long at)
{
	struct page_data *page = pin->page[at >> MODEL_PAGE_SHIFT];

	return page ? &page->bytes[(at & (MODEL_PAGE_SIZE - 1)) % m->params.page_bytes] : NULL;
}

long model_dma_load(struct model *m, struct model_pin *pin, unsigned long at, unsigned size,
		    uint64_t *val)
{
	long ret = dma_refused(pin, at, size);
	unsigned i;

	*val = 0;
	for (i = 0; !ret && i < size; i++) {
		const uint8_t *byte = byte_of(m, pin, at + i);

		*val |= (uint64_t)(byte ? *byte : 0) << (8 * i);
	}
	return ret;
}

long model_dma_store(struct model *m, struct model_pin *pin, unsigned long at, unsigned size,
		     uint64_t val)
{
	long ret = dma_refused(pin, at, size);
	unsigned i;

	if (!ret && !(pin->how & HOW_WRITE))
		ret = -EACCES;
	for (i = 0; !ret && i < size; i++)
		*byte_of(m, pin, at + i) = (uint8_t)(val >> (8 * i));
	return ret;
}
