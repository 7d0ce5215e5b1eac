/* SPDX-License-Identifier: MIT */
/*
 * model.c: the reference model's lives: hosts, address spaces, fork, and the
 * ways to set one up and to look at one. See model.h.
 *
 * No locks, no threads, no state outside the struct model. It must never
 * include anything of core/mm: it is what core/mm is compared with.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/model_int.h"

/* --- hosts ------------------------------------------------------------- */

void model_params_default(struct model_params *p)
{
	*p = (struct model_params) {
		.task_size = (1UL << 47) - MODEL_PAGE_SIZE,
		.mmap_min_addr = 0x10000,
		.mmap_min_addr_sysctl = 0x1000,
		.stack_guard_gap = 256 * MODEL_PAGE_SIZE,
		.max_map_count = 65530,
		.total_pages = 6171023,		/* 24 GiB less the kernel's own */
		.page_bytes = MODEL_PAGE_SIZE,
		.thp_align = true,
	};
}

struct model *model_create(const struct model_params *p)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	if (p)
		m->params = *p;
	else
		model_params_default(&m->params);
	return m;
}

void model_destroy(struct model *m)
{
	if (!m)
		return;
	while (m->mms)
		model_mm_destroy(m->mms);
	free(m);
}

/* --- address spaces ---------------------------------------------------- */

static struct model_mm *mm_new(struct model *m)
{
	struct model_mm *mm = calloc(1, sizeof(*mm));

	if (!mm)
		return NULL;
	mm->model = m;
	mm->next = m->mms;
	m->mms = mm;
	return mm;
}

/* arch_pick_mmap_layout() */
struct model_mm *model_mm_create(struct model *m, unsigned long stack_limit)
{
	unsigned long task_size = m->params.task_size, gap, max;
	struct model_mm *mm = mm_new(m);
	unsigned i;

	if (!mm)
		return NULL;
	max = task_size / 6 * 5;
	gap = stack_limit;
	if (gap + m->params.stack_guard_gap > gap)
		gap += m->params.stack_guard_gap;
	if (gap < 128UL << 20)
		gap = 128UL << 20;
	if (gap > max)
		gap = max;
	mm->mmap_base = page_align(task_size - gap);
	mm->legacy_base = page_align(task_size / 3);
	mm->top_down = true;
	mm->root = true;
	for (i = 0; i < MODEL_RLIMIT_MAX; i++)
		mm->rlimit[i] = MODEL_NO_LIMIT;
	mm->rlimit[MODEL_RLIMIT_STACK] = stack_limit;
	mm->rlimit[MODEL_RLIMIT_MEMLOCK] = 8UL << 20;
	return mm;
}

void model_mm_destroy(struct model_mm *mm)
{
	struct model_mm **link = &mm->model->mms;

	while (*link != mm)
		link = &(*link)->next;
	*link = mm->next;
	pages_zap(&mm->pages, 0, ~0UL, true);
	while (mm->n)
		range_remove(mm, mm->n - 1);
	free(mm->pages.slot);
	free(mm->range);
	free(mm);
}

/* copy_present_pte(): shared, but for a page of the parent's own that a device has. */
static int fork_page(struct model_mm *child, const struct page_slot *slot)
{
	struct page_data *page = slot->page;

	if (slot->kind == SLOT_ANON && page->exclusive && page->pins) {
		page = page_new(child->model, page);
		if (!page)
			return -ENOMEM;
		page->exclusive = true;
	} else if (slot->kind == SLOT_ANON) {
		page->exclusive = false;
	}
	if (!pages_put(&child->pages, slot->index, slot->kind, page))
		return 0;
	if (page != slot->page)
		free(page);
	return -ENOMEM;
}

/* copy_page_range(): both sides name the same pages from now on. */
static int fork_pages(struct model_mm *child, struct model_mm *mm,
		      const struct range *r)
{
	size_t i = pages_lower(&mm->pages, r->start >> MODEL_PAGE_SHIFT);

	for (; i < mm->pages.n &&
	       mm->pages.slot[i].index < r->end >> MODEL_PAGE_SHIFT; i++) {
		const struct page_slot *slot = &mm->pages.slot[i];

		if (fork_page(child, slot))
			return -ENOMEM;
	}
	return 0;
}

/* One range of dup_mmap() */
static int fork_range(struct model_mm *child, struct model_mm *mm,
		      const struct range *r)
{
	struct range proto = *r;

	proto.flags &= ~RF_LOCK_MASK;
	if (r->flags & RF_WIPEONFORK) {
		proto.family = 0;
		proto.generations = 0;
	} else if (r->family) {
		proto.family = ++mm->model->next_family;
		proto.generations++;
	}
	if (!range_insert(child, &proto))
		return -ENOMEM;
	/* Pages that a fault can find again are not copied. */
	if (!proto.family && !(r->flags & (RF_PFNMAP | RF_GUARD)))
		return 0;
	return r->flags & RF_WIPEONFORK ? 0 : fork_pages(child, mm, r);
}

struct model_mm *model_fork(struct model_mm *mm)
{
	struct model_mm *child = mm_new(mm->model), *next;
	size_t i;

	if (!child)
		return NULL;
	next = child->next;
	*child = *mm;
	child->next = next;
	child->range = NULL;
	child->n = child->cap = 0;
	child->pages = (struct page_set) { NULL, 0, 0 };
	child->locked_vm = 0;
	child->def_flags &= ~RF_LOCK_MASK;
	for (i = 0; i < mm->n; i++)
		if (!(mm->range[i]->flags & RF_DONTCOPY) &&
		    fork_range(child, mm, mm->range[i])) {
			model_mm_destroy(child);
			return NULL;
		}
	return child;
}

/* --- setting up -------------------------------------------------------- */

void model_set_rlimit(struct model_mm *mm, unsigned nr, unsigned long value)
{
	if (nr < MODEL_RLIMIT_MAX)
		mm->rlimit[nr] = value;
}

void model_set_root(struct model_mm *mm, bool root)
{
	mm->root = root;
}

void model_set_personality(struct model_mm *mm, unsigned long persona)
{
	mm->persona = persona;
}

void model_set_mmap_base(struct model_mm *mm, unsigned long base)
{
	mm->top_down = base != mm->legacy_base;
	mm->mmap_base = base;
}

void model_set_brk(struct model_mm *mm, unsigned long start_brk,
		   unsigned long brk, unsigned long data_bytes)
{
	mm->start_brk = start_brk;
	mm->brk = brk;
	mm->data_bytes = data_bytes;
}

int model_install(struct model_mm *mm, unsigned long start, unsigned long end,
		  unsigned long prot, bool shared, struct model_file *f,
		  unsigned long pgoff, enum model_special special,
		  uint64_t object)
{
	struct range proto = {
		.start = start, .end = end, .pgoff = pgoff, .file = f,
		.special = special, .object = object,
		.flags = (prot & RF_ACCESS) | RF_MAYREAD | RF_MAYWRITE | RF_MAYEXEC,
	};

	if (range_find(mm, start) && range_find(mm, start)->start < end)
		return -EEXIST;
	if (shared)
		proto.flags |= RF_SHARED | RF_MAYSHARE;
	if (!f && special < MODEL_VVAR)
		proto.pgoff = start >> MODEL_PAGE_SHIFT;
	if ((prot & MP_WRITE) && !shared)
		proto.flags |= RF_ACCOUNT;
	if (special == MODEL_STACK)
		proto.flags |= RF_GROWSDOWN;
	if (special == MODEL_VDSO)
		proto.flags |= RF_DONTEXPAND;
	if (special == MODEL_VVAR) {
		proto.flags &= ~(RF_MAYWRITE | RF_MAYEXEC);
		proto.flags |= RF_PFNMAP | RF_IO | RF_DONTEXPAND | RF_DONTDUMP;
	}
	return range_insert(mm, &proto) ? 0 : -ENOMEM;
}

/* --- looking ----------------------------------------------------------- */

size_t model_nr_ranges(const struct model_mm *mm)
{
	return mm->n;
}

size_t model_find_range(const struct model_mm *mm, unsigned long addr)
{
	return range_index(mm, addr);
}

void model_range(const struct model_mm *mm, size_t i, struct model_range *out)
{
	const struct range *r = mm->range[i];

	*out = (struct model_range) {
		.start = r->start, .end = r->end, .prot = r->flags & RF_ACCESS,
		.shared = r->flags & RF_MAYSHARE,
		.pgoff = r->file ? r->pgoff : 0,
		.object = r->file ? r->file->inode->object : r->object,
	};
}

char model_page_class(const struct model_mm *mm, unsigned long addr)
{
	const struct page_slot *slot = pages_get((struct page_set *)&mm->pages,
						 addr >> MODEL_PAGE_SHIFT);

	switch (slot ? slot->kind : SLOT_NONE) {
	case SLOT_ZERO:
		return 'A';
	case SLOT_ANON:
		return slot->page->mapped > 1 ? 'A' : 'a';
	case SLOT_FILE:
		return slot->page->mapped > 1 ? 'F' : 'f';
	case SLOT_GUARD:
		return 'S';
	case SLOT_NONE:
		break;
	}
	return '.';
}

int model_page_incore(const struct model_mm *mm, unsigned long addr)
{
	const struct range *r = range_at(mm, addr);
	char class = model_page_class(mm, addr);

	if (!r)
		return -ENOMEM;
	if (class != '.' && class != 'S')
		return 1;
	if (range_is_anon(r) || r->special == MODEL_VVAR || r->special == MODEL_VDSO)
		return 0;
	return file_page_cached(r->file, r->pgoff +
				((addr - r->start) >> MODEL_PAGE_SHIFT));
}

/* In the order smaps prints them. */
static const struct { unsigned flag; char name[3]; } flag_names[] = {
	{ RF_READ, "rd" }, { RF_WRITE, "wr" }, { RF_EXEC, "ex" },
	{ RF_SHARED, "sh" }, { RF_MAYREAD, "mr" }, { RF_MAYWRITE, "mw" },
	{ RF_MAYEXEC, "me" }, { RF_MAYSHARE, "ms" }, { RF_GROWSDOWN, "gd" },
	{ RF_PFNMAP, "pf" }, { RF_GUARD, "gu" }, { RF_LOCKED, "lo" },
	{ RF_IO, "io" }, { RF_SEQ_READ, "sr" }, { RF_RAND_READ, "rr" },
	{ RF_DONTCOPY, "dc" }, { RF_DONTEXPAND, "de" },
	{ RF_LOCKONFAULT, "lf" }, { RF_ACCOUNT, "ac" },
	{ RF_NORESERVE, "nr" }, { RF_WIPEONFORK, "wf" },
	{ RF_DONTDUMP, "dd" }, { RF_HUGEPAGE, "hg" },
	{ RF_NOHUGEPAGE, "nh" }, { RF_MERGEABLE, "mg" },
	{ RF_DROPPABLE, "dp" }, { RF_SEALED, "sl" },
};

int model_vmflags(const struct model_mm *mm, unsigned long addr, char *buf,
		  size_t size)
{
	const struct range *r = range_at(mm, addr);
	size_t i, n = 0;

	if (!r || size < 4 * sizeof(flag_names) / sizeof(flag_names[0]))
		return -EINVAL;
	buf[0] = '\0';
	for (i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if (r->flags & flag_names[i].flag)
			n += (size_t)snprintf(buf + n, size - n, n ? " %s" : "%s",
					      flag_names[i].name);
	return 0;
}

void model_usage(const struct model_mm *mm, struct model_usage *u)
{
	size_t i;

	memset(u, 0, sizeof(*u));
	u->locked = mm->locked_vm;
	for (i = 0; i < mm->n; i++) {
		const struct range *r = mm->range[i];
		unsigned long pages = (r->end - r->start) >> MODEL_PAGE_SHIFT;

		u->size += pages;
		if (range_is_data(r->flags))
			u->data += pages;
	}
	for (i = 0; i < mm->pages.n; i++) {
		const struct page_slot *slot = &mm->pages.slot[i];
		const struct range *r;

		if (slot->kind == SLOT_ANON)
			u->anon++;
		if (slot->kind != SLOT_FILE)
			continue;
		r = range_at(mm, slot->index << MODEL_PAGE_SHIFT);
		if (r && r->file->inode->kind == MODEL_FILE_MEMFD)
			u->shmem++;
		else
			u->file++;
	}
}
