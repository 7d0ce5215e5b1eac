/* SPDX-License-Identifier: MIT */
/*
 * model_page.c: contents of pages, sorted sets of them, and files.
 *
 * A page is owned by its mappings, or by its file while it is in one. Out of
 * memory is reported as NULL or -ENOMEM and leaves everything as it was.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ops/model_int.h"

/* First slot whose index is >= index. */
size_t pages_lower(const struct page_set *s, unsigned long index)
{
	size_t lo = 0, hi = s->n;

	/* Most sets are filled upwards. */
	if (hi && s->slot[hi - 1].index < index)
		return hi;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->slot[mid].index < index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct page_slot *pages_get(struct page_set *s, unsigned long index)
{
	size_t i = pages_lower(s, index);

	return i < s->n && s->slot[i].index == index ? &s->slot[i] : NULL;
}

static int pages_reserve(struct page_set *s, size_t more)
{
	size_t cap = s->cap ? s->cap : 16;
	struct page_slot *slot;

	while (cap < s->n + more)
		cap *= 2;
	if (cap == s->cap)
		return 0;
	slot = realloc(s->slot, cap * sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	s->slot = slot;
	s->cap = cap;
	return 0;
}

/* Neither mapped, nor in a file, nor lent. */
static void free_unused(struct page_data *page)
{
	if (!page->mapped && !page->in_file && !page->pins && !page->gets)
		free(page);
}

/* The page may be freed by this: the last mapping of an anonymous page. */
void page_unmap(struct page_data *page)
{
	if (!page)
		return;
	page->mapped--;
	free_unused(page);
}

void page_lend(struct page_data *page, bool get)
{
	if (get)
		page->gets++;
	else
		page->pins++;
}

void page_give_back(struct page_data *page, bool get)
{
	if (get)
		page->gets--;
	else
		page->pins--;
	free_unused(page);
}

/* Put a page at index, in place of what is there. */
int pages_put(struct page_set *s, unsigned long index, enum slot_kind kind,
	      struct page_data *page)
{
	size_t i = pages_lower(s, index);
	struct page_slot *slot;

	if (i < s->n && s->slot[i].index == index) {
		slot = &s->slot[i];
		if (page)
			page->mapped++;
		page_unmap(slot->page);
		slot->page = page;
		slot->kind = kind;
		return 0;
	}
	if (pages_reserve(s, 1))
		return -ENOMEM;
	slot = &s->slot[i];
	memmove(slot + 1, slot, (s->n - i) * sizeof(*slot));
	s->n++;
	*slot = (struct page_slot) { index, page, kind };
	if (page)
		page->mapped++;
	return 0;
}

struct page_data *page_new(struct model *m, const struct page_data *copy)
{
	struct page_data *page = calloc(1, sizeof(*page) + m->params.page_bytes);

	if (page && copy)
		memcpy(page->bytes, copy->bytes, m->params.page_bytes);
	return page;
}

void pages_zap(struct page_set *s, unsigned long first, unsigned long last,
	       bool with_guards)
{
	size_t from = pages_lower(s, first), to = pages_lower(s, last);
	size_t i, kept = from;

	if (from == to)
		return;
	for (i = from; i < to; i++) {
		if (s->slot[i].kind == SLOT_GUARD && !with_guards) {
			s->slot[kept++] = s->slot[i];
			continue;
		}
		page_unmap(s->slot[i].page);
	}
	memmove(s->slot + kept, s->slot + to, (s->n - to) * sizeof(*s->slot));
	s->n -= to - kept;
}

/* Renumber the pages of [from, from + count); the destination is empty. */
int pages_move(struct page_set *s, unsigned long from, unsigned long to,
	       unsigned long count)
{
	size_t lo = pages_lower(s, from), hi = pages_lower(s, from + count);
	size_t n = hi - lo, i, at;
	struct page_slot *moved;

	if (!n)
		return 0;
	moved = malloc(n * sizeof(*moved));
	if (!moved)
		return -ENOMEM;
	memcpy(moved, s->slot + lo, n * sizeof(*moved));
	memmove(s->slot + lo, s->slot + hi, (s->n - hi) * sizeof(*moved));
	s->n -= n;
	at = pages_lower(s, to);
	memmove(s->slot + at + n, s->slot + at, (s->n - at) * sizeof(*moved));
	for (i = 0; i < n; i++) {
		moved[i].index = moved[i].index - from + to;
		s->slot[at + i] = moved[i];
	}
	s->n += n;
	free(moved);
	return 0;
}

/* --- files ------------------------------------------------------------- */

static struct model_file *file_open(struct model *m, struct inode_data *inode,
				    unsigned may)
{
	struct model_file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->model = m;
	f->inode = inode;
	f->may = may;
	f->refs = 1;
	inode->refs++;
	return f;
}

struct model_file *model_file_create(struct model *m, enum model_file_kind kind,
				     uint64_t size, unsigned may)
{
	struct inode_data *inode = calloc(1, sizeof(*inode));
	struct model_file *f;

	if (!inode)
		return NULL;
	inode->kind = kind;
	inode->size = size;
	inode->object = ++m->next_object;
	f = file_open(m, inode, may);
	if (!f) {
		free(inode);
		return NULL;
	}
	inode->next = m->inodes;
	m->inodes = inode;
	return f;
}

struct model_file *model_file_reopen(struct model_file *f, unsigned may)
{
	return file_open(f->model, f->inode, may);
}

struct model_file *file_get(struct model_file *f)
{
	if (f)
		f->refs++;
	return f;
}

/* Drop the file's pages of [first, last): nobody maps them any more. */
static void file_drop(struct inode_data *inode, unsigned long first,
		      unsigned long last)
{
	size_t i, to = pages_lower(&inode->pages, last);

	for (i = pages_lower(&inode->pages, first); i < to; i++) {
		struct page_data *page = inode->pages.slot[i].page;

		page->in_file = false;
		page->mapped++;		/* what pages_zap() takes away */
	}
	pages_zap(&inode->pages, first, last, true);
}

static void inode_free(struct model *m, struct inode_data *inode)
{
	struct inode_data **link = &m->inodes;

	while (*link != inode)
		link = &(*link)->next;
	*link = inode->next;
	file_drop(inode, 0, ~0UL);
	free(inode->pages.slot);
	free(inode);
}

void file_put(struct model_file *f)
{
	if (!f || --f->refs)
		return;
	if (!--f->inode->refs)
		inode_free(f->model, f->inode);
	free(f);
}

void model_file_close(struct model_file *f)
{
	file_put(f);
}

uint64_t model_file_object(const struct model_file *f)
{
	return f->inode->object;
}

void model_file_set_pattern(struct model_file *f,
			    uint8_t (*byte)(void *arg, uint64_t off), void *arg)
{
	f->inode->pattern = byte;
	f->inode->pattern_arg = arg;
}

bool file_has_page(const struct model_file *f, unsigned long index)
{
	uint64_t pages = (f->inode->size + MODEL_PAGE_SIZE - 1) >> MODEL_PAGE_SHIFT;

	return index < pages;
}

bool file_page_cached(struct model_file *f, unsigned long index)
{
	return pages_get(&f->inode->pages, index) != NULL;
}

/* The page of a file, read in if it is not there. Not past the end. */
struct page_data *file_page(struct model_file *f, unsigned long index)
{
	struct inode_data *inode = f->inode;
	struct page_slot *slot = pages_get(&inode->pages, index);
	uint64_t off = (uint64_t)index << MODEL_PAGE_SHIFT;
	struct page_data *page;
	unsigned i;

	if (slot)
		return slot->page;
	page = page_new(f->model, NULL);
	if (!page)
		return NULL;
	page->in_file = true;
	if (inode->pattern)
		for (i = 0; i < f->model->params.page_bytes; i++)
			if (off + i < inode->size)
				page->bytes[i] = inode->pattern(inode->pattern_arg,
								off + i);
	/* The file's own slot counts as a mapping nowhere. */
	if (pages_put(&inode->pages, index, SLOT_FILE, page)) {
		free(page);
		return NULL;
	}
	page->mapped--;
	return page;
}

/* Zap the file's pages [first, last) from every address space. */
static void file_unmap(struct model_file *f, unsigned long first,
		       unsigned long last, bool private_too)
{
	struct model_mm *mm;
	size_t i;

	for (mm = f->model->mms; mm; mm = mm->next)
		for (i = 0; i < mm->n; i++) {
			struct range *r = mm->range[i];
			unsigned long lo = r->pgoff;
			unsigned long hi = lo + ((r->end - r->start) >> MODEL_PAGE_SHIFT);
			unsigned long base = (r->start >> MODEL_PAGE_SHIFT) - lo;
			size_t j;

			if (!r->file || r->file->inode != f->inode || range_is_anon(r))
				continue;
			lo = lo > first ? lo : first;
			hi = hi < last ? hi : last;
			if (lo >= hi)
				continue;
			if (private_too) {
				pages_zap(&mm->pages, base + lo, base + hi, false);
				continue;
			}
			for (j = pages_lower(&mm->pages, base + lo);
			     j < mm->pages.n && mm->pages.slot[j].index < base + hi;)
				if (mm->pages.slot[j].kind == SLOT_FILE)
					pages_zap(&mm->pages, mm->pages.slot[j].index,
						  mm->pages.slot[j].index + 1, false);
				else
					j++;
		}
}

static void file_zero(struct model_file *f, uint64_t from, uint64_t to)
{
	unsigned page_bytes = f->model->params.page_bytes;
	struct page_slot *slot;

	slot = pages_get(&f->inode->pages, from >> MODEL_PAGE_SHIFT);
	if (!slot)
		return;
	for (; from < to; from++)
		slot->page->bytes[(from & (MODEL_PAGE_SIZE - 1)) % page_bytes] = 0;
}

long model_ftruncate(struct model_file *f, uint64_t size)
{
	unsigned long first = (size + MODEL_PAGE_SIZE - 1) >> MODEL_PAGE_SHIFT;
	uint64_t old = f->inode->size;

	if (!(f->may & MODEL_MAY_WRITE) || (int64_t)size < 0 ||
	    f->inode->kind >= MODEL_FILE_ZERO)
		return -EINVAL;
	f->inode->size = size;
	if (size >= old)
		return 0;
	/* The tail of the last page that stays, then the pages that go. */
	if (size & (MODEL_PAGE_SIZE - 1))
		file_zero(f, size, (uint64_t)first << MODEL_PAGE_SHIFT);
	file_unmap(f, first, ~0UL, true);
	file_drop(f->inode, first, ~0UL);
	return 0;
}

long model_file_set_size(struct model_file *f, uint64_t size)
{
	unsigned may = f->may;
	long ret;

	f->may |= MODEL_MAY_WRITE;
	ret = model_ftruncate(f, size);
	f->may = may;
	return ret;
}

/* fallocate(FALLOC_FL_PUNCH_HOLE) of bytes [from, to) */
void file_punch(struct model_file *f, uint64_t from, uint64_t to)
{
	unsigned long first = (from + MODEL_PAGE_SIZE - 1) >> MODEL_PAGE_SHIFT;
	unsigned long last = to >> MODEL_PAGE_SHIFT;

	if (first >= last)
		return;
	file_unmap(f, first, last, false);
	file_drop(f->inode, first, last);
}
