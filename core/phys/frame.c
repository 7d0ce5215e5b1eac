/* SPDX-License-Identifier: MIT */
/*
 * What a frame holds: clearing, copying, poison, and the end of its life.
 *
 * Owns the bytes of free frames and the frame generations.  No locks: a frame
 * belongs to whoever calls.  Must never touch the face of a frame that is not
 * in use (tagged machines keep data and tables apart), and must use plain
 * accesses where the mm does, so that a store through a stale translation is
 * a data race that ThreadSanitizer reports.
 */
#include <string.h>

#include "base/finding.h"
#include "base/tsan.h"
#include "phys/phys_mem.h"
#include "phys/poison.h"

#if MM_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size)	((void)(addr), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(addr, size)	((void)(addr), (void)(size))
#endif

struct face {
	u64	*words;
	size_t	bytes;
};

static NO_TSAN struct face face_of(struct machine *m, unsigned long pfn, bool table)
{
	if (table)
		return (struct face){ frame_table(m, pfn), PAGE_SIZE };
	return (struct face){ frame_data(m, pfn), m->ram.frame_bytes };
}

#if MM_TSAN
/*
 * As one write to the sanitizer, without its memset in between; the stores
 * themselves it need not see again.
 */
static NO_TSAN __attribute__((no_builtin("memset"))) void zero(u64 *words, size_t bytes)
{
	tsan_write_range(words, bytes);
	for (size_t i = 0; i < bytes / sizeof(u64); i++)
		words[i] = 0;
}
#else
static inline void zero(u64 *words, size_t bytes)
{
	/* A tagged frame is a line: not worth a call. */
	if (bytes == 64)
		__builtin_memset(words, 0, 64);
	else
		memset(words, 0, bytes);
}
#endif

static void fill(struct face f, u64 word)
{
	for (size_t i = 0; i < f.bytes / sizeof(u64); i++)
		f.words[i] = word;
}

/*
 * Somebody wrote to a frame while it was free: through a translation that was
 * not flushed, as a rule.  One store is enough, so one look at each word is.
 */
static void check_free_poison(struct machine *m, struct page *page,
			      unsigned long pfn)
{
	struct face f = face_of(m, pfn, page->poisoned == POISONED_TABLE);

	page->poisoned = POISONED_NOT;
	ASAN_UNPOISON_MEMORY_REGION(f.words, f.bytes);
	for (size_t i = 0; i < f.bytes / sizeof(u64); i++) {
		if (likely(f.words[i] == POISON_FREE_WORD))
			continue;
		finding_report(FINDING_STALE, "STALE: a free frame was written",
			       "pfn %lu word %zu: %#llx", pfn, i, f.words[i]);
		return;
	}
}

/* Before the caller sees the block: unpoisoned; poisoned by pattern or zero. */
NO_TSAN void frames_given(struct phys_mem *phys, struct page *page, unsigned int order,
			  gfp_t gfp)
{
	struct machine *m = phys->machine;

	for (unsigned long i = 0; i < 1UL << order; i++) {
		struct face f = face_of(m, page->pfn + i, gfp & __GFP_TABLE);

		ram_mark(&m->ram, page->pfn + i,
			 gfp & __GFP_TABLE ? RAM_USED_TABLE : RAM_USED_DATA);
		if (page[i].poisoned)
			check_free_poison(m, &page[i], page->pfn + i);
		ASAN_UNPOISON_MEMORY_REGION(f.words, f.bytes);
		if (gfp & __GFP_ZERO)
			zero(f.words, f.bytes);
		else if (phys->poison)
			fill(f, POISON_ALLOC_WORD);
	}
	if (MM_CHECK && m->check && m->check->frame_alloc)
		m->check->frame_alloc(m, page->pfn, order);
}

/*
 * The block's life ends here, while its last owner still has it to himself:
 * from now on a translation to it is stale (generation), an access to it is a
 * race (TSan), an error (ASan) or reads poison (oracle init).
 */
NO_TSAN void frames_returned(struct phys_mem *phys, struct page *page,
			     unsigned int order)
{
	struct machine *m = phys->machine;

	if (MM_CHECK && m->check && m->check->frame_free)
		m->check->frame_free(m, page->pfn, order);
	for (unsigned long i = 0; i < 1UL << order; i++) {
		struct face f = face_of(m, page->pfn + i, PageTable(page));

		ram_gen_bump(&m->ram, page->pfn + i);
		tsan_write_range(f.words, f.bytes);
		if (phys->poison) {
			fill(f, POISON_FREE_WORD);
			page[i].poisoned = PageTable(page) ? POISONED_TABLE : POISONED_DATA;
		}
		ASAN_POISON_MEMORY_REGION(f.words, f.bytes);
	}
}

void frames_unpoison_all(struct phys_mem *phys)
{
	struct machine *m = phys->machine;
	unsigned long end = 0;

	for (unsigned int i = 0; i < phys->nr_zones; i++)
		end = max(end, phys->zones[i].used_end);
	ASAN_UNPOISON_MEMORY_REGION(frame_data(m, 0), end << m->ram.frame_shift);
	ASAN_UNPOISON_MEMORY_REGION(frame_table(m, 0), end << PAGE_SHIFT);
}

void clear_page(struct page *page)
{
	struct machine *m = this_machine();
	void *dst = frame_data(m, page_to_pfn(page));

	sched_touch(dst, true);
	zero(dst, m->ram.frame_bytes);
}

static NO_TSAN void tell_copy(struct machine *m, struct page *to, struct page *from)
{
	if (MM_CHECK && m->check && m->check->frame_copy)
		m->check->frame_copy(m, to->pfn, from->pfn);
}

void copy_page(struct page *to, struct page *from)
{
	struct machine *m = this_machine();

	const void *src = frame_data(m, page_to_pfn(from));
	void *dst = frame_data(m, page_to_pfn(to));

	tell_copy(m, to, from);
	sched_touch(src, false);
	sched_touch(dst, true);
	memcpy(dst, src, m->ram.frame_bytes);
}

/*
 * Word by word, each whole: what the users of either side do at the same time
 * is their own business, as with the hardware's copies.
 */
void copy_page_atomic(struct page *to, struct page *from)
{
	struct machine *m = this_machine();
	const u64 *src = frame_data(m, page_to_pfn(from));
	u64 *dst = frame_data(m, page_to_pfn(to));

	tell_copy(m, to, from);
	for (size_t i = 0; i < m->ram.frame_bytes / sizeof(u64); i++)
		RAW_WRITE_ONCE(dst[i], RAW_READ_ONCE(src[i]));
}

void clear_page_atomic(struct page *page)
{
	struct machine *m = this_machine();
	u64 *dst = frame_data(m, page_to_pfn(page));

	for (size_t i = 0; i < m->ram.frame_bytes / sizeof(u64); i++)
		RAW_WRITE_ONCE(dst[i], 0);
}
