/* SPDX-License-Identifier: MIT */
/*
 * model_range.c: the array of ranges of an address space: find, insert, split
 * and, above all, when neighbours become one range (Linux vma_merge_new_range,
 * vma_merge_existing_range, vma_modify, find_mergeable_anon_vma).
 *
 * A merge never fails for lack of memory: it only removes ranges.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ops/model_int.h"

/* Index of the first range that ends above addr. */
size_t range_index(const struct model_mm *mm, unsigned long addr)
{
	size_t lo = 0, hi = mm->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (mm->range[mid]->end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* find_vma() */
struct range *range_find(const struct model_mm *mm, unsigned long addr)
{
	size_t i = range_index(mm, addr);

	return i < mm->n ? mm->range[i] : NULL;
}

/* vma_lookup(): the range that addr is in. */
struct range *range_at(const struct model_mm *mm, unsigned long addr)
{
	struct range *r = range_find(mm, addr);

	return r && r->start <= addr ? r : NULL;
}

/* The last range that ends at or below addr. */
struct range *range_before(const struct model_mm *mm, unsigned long addr)
{
	size_t i = range_index(mm, addr);

	return i ? mm->range[i - 1] : NULL;
}

struct range *range_insert(struct model_mm *mm, const struct range *proto)
{
	size_t i = range_index(mm, proto->start);
	struct range *r;

	if (mm->n == mm->cap) {
		size_t cap = mm->cap ? 2 * mm->cap : 16;
		struct range **array = realloc(mm->range, cap * sizeof(*array));

		if (!array)
			return NULL;
		mm->range = array;
		mm->cap = cap;
	}
	r = malloc(sizeof(*r));
	if (!r)
		return NULL;
	*r = *proto;
	file_get(r->file);
	memmove(mm->range + i + 1, mm->range + i, (mm->n - i) * sizeof(r));
	mm->range[i] = r;
	mm->n++;
	return r;
}

void range_remove(struct model_mm *mm, size_t i)
{
	struct range *r = mm->range[i];

	mm->n--;
	memmove(mm->range + i, mm->range + i + 1, (mm->n - i) * sizeof(r));
	file_put(r->file);
	free(r);
}

/* A private mapping of /dev/zero is anonymous memory that names a file. */
bool range_is_anon(const struct range *r)
{
	return !r->file || r->file->inode->kind == MODEL_FILE_ZERO;
}

/* vm_start_gap(): how low the range must be able to grow. */
unsigned long range_floor(const struct model_mm *mm, const struct range *r)
{
	unsigned long gap = mm->model->params.stack_guard_gap;

	if (!(r->flags & RF_GROWSDOWN))
		return r->start;
	return r->start > gap ? r->start - gap : 0;
}

static unsigned long range_pages(const struct range *r)
{
	return (r->end - r->start) >> MODEL_PAGE_SHIFT;
}

/* __split_vma(): two ranges where r was, r being the lower one. */
int range_split(struct model_mm *mm, struct range *r, unsigned long at)
{
	struct range upper = *r;

	if (r->special == MODEL_VVAR || r->special == MODEL_VDSO)
		return -EINVAL;
	upper.start = at;
	upper.pgoff += (at - r->start) >> MODEL_PAGE_SHIFT;
	r->end = at;
	if (!range_insert(mm, &upper)) {
		r->end = upper.end;
		return -ENOMEM;
	}
	return 0;
}

/* split_vma(): not beyond the limit of ranges. */
static int range_split_limited(struct model_mm *mm, struct range *r,
			       unsigned long at)
{
	if (mm->n >= mm->model->params.max_map_count)
		return -ENOMEM;
	return range_split(mm, r, at);
}

/* --- merging ----------------------------------------------------------- */

/* The guard flag spreads by merging, and never prevents it. */
static bool flags_alike(unsigned a, unsigned b)
{
	return !((a ^ b) & ~RF_GUARD);
}

static bool same_kind(const struct range *r, const struct merge_ask *ask)
{
	return flags_alike(r->flags, ask->flags) && r->file == ask->file &&
	       r->policy == ask->policy;
}

/*
 * Families are compatible if equal, or if one side has none and the other's
 * is its own: pages inherited from a parent stay in ranges of their own.
 */
static bool family_fits(const struct range *r, const struct merge_ask *ask)
{
	if (!r->family && ask->family)
		return ask->generations <= 1;
	if (r->family && !ask->family)
		return r->generations <= 1;
	return r->family == ask->family;
}

static bool fits_before(const struct range *prev, const struct merge_ask *ask)
{
	return prev && prev->end == ask->start && same_kind(prev, ask) &&
	       family_fits(prev, ask) &&
	       prev->pgoff + range_pages(prev) == ask->pgoff;
}

static bool fits_after(const struct range *next, const struct merge_ask *ask)
{
	unsigned long pages = (ask->end - ask->start) >> MODEL_PAGE_SHIFT;

	return next && next->start == ask->end && same_kind(next, ask) &&
	       family_fits(next, ask) && next->pgoff == ask->pgoff + pages;
}

/* Both fit the middle; do they fit each other? */
static bool families_meet(const struct range *prev, const struct range *next)
{
	return !prev->family || !next->family || prev->family == next->family;
}

/* A range whose removal has to be told to its driver is never merged away. */
static bool may_vanish(const struct range *r)
{
	return r->special != MODEL_SHM_SEGMENT;
}

static void take_family(struct range *r, uint64_t family, unsigned generations)
{
	if (!r->family && family) {
		r->family = family;
		r->generations = generations;
	}
}

static void extend_down(struct range *r, unsigned long start)
{
	r->pgoff -= (r->start - start) >> MODEL_PAGE_SHIFT;
	r->start = start;
}

/*
 * vma_merge_new_range(): the hole [start, end) is to be filled. The range that
 * covers it now, or NULL: the caller makes one.
 */
struct range *range_merge_new(struct model_mm *mm, const struct merge_ask *ask)
{
	size_t i = range_index(mm, ask->start);
	struct range *next = i < mm->n ? mm->range[i] : NULL;
	struct range *prev = i ? mm->range[i - 1] : NULL;
	bool left, right;

	if (ask->flags & RF_SPECIAL)
		return NULL;
	left = fits_before(prev, ask);
	right = !ask->extend_only && fits_after(next, ask);
	if (left && right && (!families_meet(prev, next) || !may_vanish(next)))
		right = false;
	if (left && right) {
		prev->end = next->end;
		prev->flags |= (next->flags | ask->flags) & RF_GUARD;
		take_family(prev, next->family, next->generations);
		range_remove(mm, i);
	} else if (left) {
		prev->end = ask->end;
		prev->flags |= ask->flags & RF_GUARD;
	} else if (right) {
		extend_down(next, ask->start);
		next->flags |= ask->flags & RF_GUARD;
		prev = next;
	} else {
		return NULL;
	}
	take_family(prev, ask->family, ask->generations);
	return prev;
}

/*
 * vma_merge_existing_range(): [ask->start, ask->end) of r, which becomes what
 * `ask` says, joins a neighbour. NULL: nothing to join, nothing changed.
 */
static struct range *merge_existing(struct model_mm *mm, struct range *r,
				    const struct merge_ask *ask)
{
	bool left_side = ask->start == r->start, right_side = ask->end == r->end;
	size_t i = range_index(mm, r->start);
	struct range *prev = i ? mm->range[i - 1] : NULL;
	struct range *next = i + 1 < mm->n ? mm->range[i + 1] : NULL;
	bool left, right;

	if (ask->flags & RF_SPECIAL)
		return NULL;
	left = left_side && fits_before(prev, ask);
	right = right_side && fits_after(next, ask) &&
		(!left || families_meet(prev, next));
	if (!left && !right)
		return NULL;
	if (left_side && right_side && !may_vanish(r))
		return NULL;
	if (left && right && !may_vanish(next))
		right = false;
	if (left) {
		prev->flags |= (ask->flags | (right ? next->flags : 0)) & RF_GUARD;
		prev->end = right ? next->end : ask->end;
		if (right)
			take_family(prev, next->family, next->generations);
		take_family(prev, r->family, r->generations);
		if (right)
			range_remove(mm, i + 1);
		if (right_side) {
			range_remove(mm, i);
		} else {
			r->pgoff += (ask->end - r->start) >> MODEL_PAGE_SHIFT;
			r->start = ask->end;
		}
		return prev;
	}
	next->flags |= ask->flags & RF_GUARD;
	extend_down(next, ask->start);
	take_family(next, r->family, r->generations);
	if (left_side)
		range_remove(mm, i);
	else
		r->end = ask->start;
	return next;
}

/* vma_modify() */
int range_modify(struct model_mm *mm, struct range *r, unsigned long start,
		 unsigned long end, unsigned flags, unsigned long policy,
		 struct range **out)
{
	struct merge_ask ask = {
		.start = start, .end = end, .flags = flags, .policy = policy,
		.pgoff = r->pgoff + ((start - r->start) >> MODEL_PAGE_SHIFT),
		.file = r->file, .family = r->family, .generations = r->generations,
	};
	struct range *merged = merge_existing(mm, r, &ask);
	int err;

	*out = r;
	if (merged) {
		*out = merged;
		return 0;
	}
	if (r->start < start) {
		err = range_split_limited(mm, r, start);
		if (err)
			return err;
		r = range_at(mm, start);
		*out = r;
	}
	if (r->end > end) {
		err = range_split_limited(mm, r, end);
		if (err)
			return err;
	}
	r->flags = flags;
	r->policy = policy;
	return 0;
}

/* --- families ---------------------------------------------------------- */

/* Could a and b (a just below b) be one range but for their rights? */
static bool could_be_one(const struct range *a, const struct range *b)
{
	return a->end == b->start && a->policy == b->policy && a->file == b->file &&
	       !((a->flags ^ b->flags) & ~(RF_ACCESS | RF_GUARD)) &&
	       b->pgoff == a->pgoff + range_pages(a);
}

static bool lends_family(const struct range *r)
{
	return r->family && r->generations == 1;
}

/*
 * anon_vma_prepare(): the range is about to get its first anonymous page. The
 * family of a neighbour is taken when the two may be merged later.
 */
void range_make_family(struct model_mm *mm, struct range *r)
{
	size_t i = range_index(mm, r->start);
	struct range *prev = i ? mm->range[i - 1] : NULL;
	struct range *next = i + 1 < mm->n ? mm->range[i + 1] : NULL;

	if (r->family)
		return;
	r->generations = 1;
	if (next && could_be_one(r, next) && lends_family(next))
		r->family = next->family;
	else if (prev && could_be_one(prev, r) && lends_family(prev))
		r->family = prev->family;
	else
		r->family = ++mm->model->next_family;
}
