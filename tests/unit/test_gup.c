/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* Pins and references: whose page is taken, how it is counted, and what leaves it alone. */

#include <errno.h>

#include "mm_fixture.h"
#include "mm/gup.h"
#include "sync/irqflags.h"
#include "trace/counters.h"

static struct page *pin_one(unsigned long va, unsigned int flags)
{
	struct page *page = NULL;

	assert_int_equal(pin_user_pages_fast(va, 1, flags, &page), 1);
	return page;
}

static void unpin_one(struct page *page)
{
	unpin_user_pages(&page, 1);
}

static u64 *word_of(struct page *page)
{
	return page_address(page);
}

static struct task_struct *fork_task(struct mmfix *f)
{
	struct mm_struct *mm = dup_mm(current->mm);

	assert_false(IS_ERR(mm));
	return mmfix_task(f, 2, mm);
}

static void test_counts(void **state)
{
	struct mmfix f = mmfix_open();
	const u64 *events = this_cpu()->sched.local.vm_events;
	u64 acquired = events[NR_FOLL_PIN_ACQUIRED], released = events[NR_FOLL_PIN_RELEASED];
	struct page *slow, *fast;

	map_at(AT, 4, RW, ANON, NULL, 0);
	assert_false(test_bit(MMF_HAS_PINNED, &f.mm->flags));
	/* Not there yet, then there. */
	slow = pin_one(AT, FOLL_WRITE);
	assert_ptr_equal(slow, page_of(f.mm, AT));
	assert_int_equal(page_ref_count(slow), 1 + GUP_PIN_COUNTING_BIAS);
	assert_true(PageAnonExclusive(slow) && page_maybe_dma_pinned(slow));
	assert_true(test_bit(MMF_HAS_PINNED, &f.mm->flags));
	fast = pin_one(AT, 0);
	assert_ptr_equal(fast, slow);
	assert_int_equal(page_ref_count(slow), 1 + 2 * GUP_PIN_COUNTING_BIAS);
	assert_int_equal(page_mapcount(slow), 1);
	unpin_one(fast);
	unpin_one(slow);
	assert_int_equal(page_ref_count(slow), 1);
	assert_false(page_maybe_dma_pinned(slow));
	assert_int_equal(events[NR_FOLL_PIN_ACQUIRED] - acquired, 2);
	assert_int_equal(events[NR_FOLL_PIN_RELEASED] - released, 2);
	assert_int_equal(get_user_pages_fast(AT, 1, FOLL_WRITE, &fast), 1);
	assert_int_equal(page_ref_count(fast), 2);
	put_page(fast);
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

static void test_several(void **state)
{
	struct mmfix f = mmfix_open();
	struct page *pages[4] = { NULL };
	unsigned int i;

	map_at(AT, 3, RW, ANON, NULL, 0);
	poke(AT, 1);
	poke(PG(2), 3);
	/* The first by the fast way; from the hole on the slow one; then the mapping ends. */
	assert_int_equal(pin_user_pages_fast(AT, 4, FOLL_WRITE, pages), 3);
	for (i = 0; i < 3; i++)
		assert_ptr_equal(pages[i], page_of(f.mm, PG(i)));
	unpin_user_pages_dirty_lock(pages, 3, true);
	for (i = 0; i < 3; i++)
		assert_true(PageDirty(pages[i]) && !PageLocked(pages[i]));
	assert_int_equal(pin_user_pages_fast(PG(3), 1, 0, pages), -EFAULT);
	assert_int_equal(pin_user_pages_fast(AT, 1, FOLL_GET, pages), -EINVAL);
	assert_int_equal(get_user_pages_fast(AT, 1, FOLL_LONGTERM, pages), -EINVAL);
	assert_int_equal(pin_user_pages_fast(-PAGE_SIZE, 2, 0, pages), -EOVERFLOW);
	assert_int_equal(pin_user_pages_fast(f.mm->task_size, 1, 0, pages), -EFAULT);
	mmfix_close(&f);
}

/* Two tables: the fast way goes from one to the other. */
static void test_across_tables(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long edge = AT + PMD_SIZE;
	struct page *pages[2];

	map_at(edge - PAGE_SIZE, 2, RW, ANON, NULL, 0);
	poke(edge - PAGE_SIZE, 1);
	poke(edge, 2);
	assert_int_equal(gup_fast(edge - PAGE_SIZE, edge + PAGE_SIZE, FOLL_PIN, pages), 2);
	assert_int_equal(*word_of(pages[0]), 1);
	assert_int_equal(*word_of(pages[1]), 2);
	unpin_user_pages(pages, 2);
	mmfix_close(&f);
}

static void test_rights(void **state)
{
	struct mmfix f = mmfix_open();
	struct page *page;

	map_at(AT, 4, RW, ANON, NULL, 0);
	poke(AT, 1);
	poke(PG(1), 1);
	assert_int_equal(sys_mprotect(AT, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(sys_mprotect(PG(1), PAGE_SIZE, PROT_NONE), 0);
	assert_int_equal(pin_user_pages_fast(AT, 1, FOLL_WRITE, &page), -EFAULT);
	assert_int_equal(pin_user_pages_fast(PG(1), 1, 0, &page), -EFAULT);
	/* The fast way asks the entry, the slow way the mapping: 6.18 on x86-64 without keys. */
	assert_int_equal(sys_mprotect(AT, 4 * PAGE_SIZE, PROT_EXEC), 0);
	unpin_one(pin_one(AT, 0));
	assert_int_equal(pin_user_pages_fast(PG(2), 1, 0, &page), -EFAULT);
	mmfix_close(&f);
}

/* ---- whose page ---- */

static void test_read_pin_unshares(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;
	struct page *shared, *own;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 5);
	shared = page_of(f.mm, AT);
	child = fork_task(&f);
	own = pin_one(AT, 0);
	/* A copy of its own, which its next write will go to as well. */
	assert_true(own != shared && PageAnonExclusive(own));
	assert_false(pte_write(pte_of(f.mm, AT)));
	assert_int_equal(*word_of(own), 5);
	poke(AT, 6);
	assert_ptr_equal(page_of(f.mm, AT), own);
	assert_int_equal(*word_of(own), 6);
	kern_switch_to(child);
	assert_int_equal(peek(AT), 5);
	/* And the child, alone on its page by now, keeps it: no copy is needed. */
	assert_ptr_equal(pin_one(AT, 0), shared);
	assert_true(PageAnonExclusive(shared));
	assert_false(pte_write(pte_of(child->mm, AT)));
	unpin_one(shared);
	check_rss(child->mm);
	mmfix_task_end(&f, child);
	unpin_one(own);
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

/* A reference promises nothing: the page stays shared, but nobody writes to it any more. */
static void test_reference_forbids_reuse(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;
	struct page *page;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 5);
	child = fork_task(&f);
	kern_switch_to(child);
	assert_int_equal(get_user_pages_fast(AT, 1, 0, &page), 1);
	assert_ptr_equal(page, page_of(f.mm, AT));
	assert_false(PageAnonExclusive(page));
	assert_int_equal(sys_munmap(AT, 2 * PAGE_SIZE), 0);
	kern_switch_to(f.task);
	poke(AT, 6);
	assert_true(page_of(f.mm, AT) != page);
	assert_int_equal(*word_of(page), 5);
	put_page(page);
	mmfix_task_end(&f, child);
	mmfix_close(&f);
}

/* A pin does not: an exclusive page is written in place, however many pins it has. */
static void test_pin_allows_reuse(void **state)
{
	struct mmfix f = mmfix_open();
	struct page *page;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 5);
	page = pin_one(AT, 0);
	assert_int_equal(sys_mprotect(AT, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(sys_mprotect(AT, PAGE_SIZE, RW), 0);
	poke(AT, 6);
	assert_ptr_equal(page_of(f.mm, AT), page);
	assert_int_equal(*word_of(page), 6);
	unpin_one(page);
	mmfix_close(&f);
}

static void test_zero_page(void **state)
{
	struct mmfix f = mmfix_open();
	struct page *zero, *own;
	int refs;

	map_at(AT, 2, RW, ANON, NULL, 0);
	zero = pin_one(AT, 0);
	assert_true(PageZero(zero));
	refs = page_ref_count(zero);
	unpin_one(zero);
	assert_int_equal(page_ref_count(zero), refs);
	/* Who looks for long wants what is written later. */
	own = pin_one(AT, FOLL_LONGTERM);
	assert_false(PageZero(own));
	assert_true(PageAnonExclusive(own));
	assert_false(pte_write(pte_of(f.mm, AT)));
	check_counters(f.mm, 1, 0, 0);
	poke(AT, 3);
	assert_int_equal(*word_of(own), 3);
	unpin_one(own);
	mmfix_close(&f);
}

static void one_file(enum file_kind kind, long long_write)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(kind, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	struct page *page, *cached;
	u64 word = 7;

	assert_int_equal(file_write(file, &word, 8, 0), 8);
	cached = filemap_get_page(file->f_mapping, 0);
	map_at(AT, 2, RW, MAP_SHARED, file, 0);
	map_at(PG(4), 2, RW, MAP_PRIVATE, file, 0);
	assert_ptr_equal(pin_one(AT, FOLL_WRITE), cached);
	assert_int_equal(page_ref_count(cached), 3 + GUP_PIN_COUNTING_BIAS);
	/* By the fast way, and by the slow one. */
	assert_int_equal(pin_user_pages_fast(AT, 1, FOLL_WRITE | FOLL_LONGTERM, &page), long_write);
	if (long_write == 1)
		unpin_one(page);
	assert_int_equal(pin_user_pages_fast(PG(1), 1, FOLL_WRITE | FOLL_LONGTERM, &page),
			 long_write);
	if (long_write == 1)
		unpin_one(page);
	unpin_one(cached);
	/* A private mapping's: the cache's page for a short look, a copy for a long one. */
	page = pin_one(PG(4), 0);
	assert_ptr_equal(page, cached);
	unpin_one(page);
	page = pin_one(PG(4), FOLL_LONGTERM);
	assert_true(page != cached && PageAnonExclusive(page));
	assert_int_equal(*word_of(page), 7);
	unpin_one(page);
	put_page(cached);
	fput(file);
	check_rss(f.mm);
	mmfix_close(&f);
}

static void test_files(void **state)
{
	one_file(FILE_SHMEM, 1);
	one_file(FILE_REGULAR, -EFAULT);
}

/* ---- what leaves it alone ---- */

static void test_fork_copies(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;
	struct page *pinned, *copy, *plain;

	map_at(AT, 8, RW, ANON, NULL, 0);
	poke(AT, 5);
	poke(PG(1), 6);
	poke(PG(2), 7);
	pinned = pin_one(PG(1), FOLL_WRITE);
	plain = page_of(f.mm, PG(2));
	child = fork_task(&f);
	assert_false(test_bit(MMF_HAS_PINNED, &child->mm->flags));
	/* It stays the parent's, with all rights. */
	assert_ptr_equal(page_of(f.mm, PG(1)), pinned);
	assert_true(pte_write(pte_of(f.mm, PG(1))) && PageAnonExclusive(pinned));
	assert_int_equal(page_mapcount(pinned), 1);
	copy = page_of(child->mm, PG(1));
	assert_true(copy && copy != pinned && PageAnonExclusive(copy));
	assert_true(pte_write(pte_of(child->mm, PG(1))));
	assert_ptr_equal(page_anon_vma(copy), vma_at(child->mm, PG(1))->anon_vma);
	/* Its neighbours are shared. */
	assert_ptr_equal(page_of(child->mm, PG(2)), plain);
	assert_false(PageAnonExclusive(plain));
	*word_of(pinned) = 60;
	assert_int_equal(peek(PG(1)), 60);
	kern_switch_to(child);
	assert_int_equal(peek(PG(1)), 6);
	check_counters(child->mm, 3, 0, 0);
	mmfix_task_end(&f, child);
	unpin_one(pinned);
	/* Pinned no more: shared as any. */
	child = fork_task(&f);
	assert_ptr_equal(page_of(child->mm, PG(1)), pinned);
	mmfix_task_end(&f, child);
	mmfix_close(&f);
}

static void test_fork_without_memory(void **state)
{
	struct mmfix f = mmfix_open();
	struct page *pinned;
	struct fail_nth fail;
	struct mm_struct *mm;
	unsigned int nth;
	bool fired = true;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 5);
	pinned = pin_one(AT, FOLL_WRITE);
	for (nth = 1; fired; nth++) {
		fail_nth_begin(&fail, nth, FAIL_SCOPE_PAGES);
		mm = dup_mm(f.mm);
		fired = fail_nth_end(&fail);
		assert_true(fired == IS_ERR(mm));
		if (!IS_ERR(mm))
			mmput(mm);
	}
	/* The root, three tables, and the copy. */
	assert_int_equal(nth - 2, 5);
	assert_true(pte_write(pte_of(f.mm, AT)) && PageAnonExclusive(pinned));
	unpin_one(pinned);
	mmfix_close(&f);
}

static void test_migration_refuses(void **state)
{
	struct mmfix f = mmfix_open();
	struct page *page;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 5);
	page = pin_one(AT, 0);
	assert_int_equal(sys_migrate(AT), -EAGAIN);
	assert_ptr_equal(page_of(f.mm, AT), page);
	assert_true(pte_write(pte_of(f.mm, AT)) && PageAnonExclusive(page));
	assert_int_equal(page_mapcount(page), 1);
	unpin_one(page);
	assert_int_equal(sys_migrate(AT), 0);
	assert_int_equal(peek(AT), 5);
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

/* Truncation and munmap take the page from everybody but its pin. */
static void test_outlives_its_mapping(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 2 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	struct page *of_file, *anon;

	map_at(AT, 2, RW, MAP_SHARED, file, 0);
	map_at(PG(4), 2, RW, ANON, NULL, 0);
	poke(AT, 1);
	poke(PG(4), 2);
	of_file = pin_one(AT, FOLL_WRITE);
	anon = pin_one(PG(4), FOLL_WRITE);
	assert_int_equal(sys_truncate(file, 0), 0);
	assert_int_equal(sys_munmap(PG(4), 2 * PAGE_SIZE), 0);
	assert_int_equal(page_ref_count(of_file), GUP_PIN_COUNTING_BIAS);
	assert_int_equal(page_ref_count(anon), GUP_PIN_COUNTING_BIAS);
	assert_null(page_mapping(of_file));
	assert_int_equal(*word_of(of_file), 1);
	assert_int_equal(*word_of(anon), 2);
	/* The file's new page is another one. */
	assert_int_equal(sys_truncate(file, 2 * PAGE_SIZE), 0);
	assert_int_equal(peek(AT), 0);
	unpin_one(of_file);
	unpin_one(anon);
	fput(file);
	mmfix_close(&f);
}

#if MM_POINTS
/* ---- another CPU comes between ---- */

/* Runs @act before the @nth point of that kind and object. */
struct between {
	enum sched_kind		kind;
	const void		*obj;
	unsigned int		nth;
	void			(*act)(struct between *b);
	pte_t			*ptep;
	pmd_t			*pmdp, pmd;
	struct page		*page;
	struct mm_struct	*mm;
	struct vm_area_struct	*vma;
};

static struct between *now;

static void watch(struct between *b);

static void at_point(struct sched_cpu *cpu, enum sched_kind kind, const void *obj)
{
	struct between *b = now;

	if (kind == SCHED_ATOMIC_RELAXED)
		kind = SCHED_ATOMIC;	/* whatever order it asks for */
	if (kind != b->kind || obj != b->obj || !b->nth || --b->nth)
		return;
	cpu->control = NULL;
	b->act(b);
	if (b->nth)
		watch(b);
}

/* One thread: there is nobody to wait for. */
static void never_wait(struct sched_cpu *cpu, const void *obj, const char *what)
{
	fail_msg("a wait for %s", what);
}

static void no_waiter(struct sched_cpu *cpu, const void *obj)
{
}

static void nobody_else(struct sched_cpu *cpu)
{
}

/* Every point from now on. */
static void watch(struct between *b)
{
	static const struct sched_control control = {
		.point = at_point, .wait = never_wait, .changed = no_waiter, .yield = nobody_else,
	};

	now = b;
	this_cpu()->sched.local.turn_end = 0;
	this_cpu()->sched.control = &control;
}

static void between_begin(struct between *b)
{
	watch(b);
}

static void between_end(struct between *b)
{
	this_cpu()->sched.control = NULL;
	this_cpu()->sched.local.turn_end = sched_clock() + 1000000;
	assert_int_equal(b->nth, 0);
}

static u64 hits(enum window_id id)
{
	return this_cpu()->sched.windows[id];
}

static void write_protect(struct between *b)
{
	set_pte(b->ptep, pte_wrprotect(ptep_get(b->ptep)));
}

static void test_entry_changes(void **state)
{
	struct mmfix f = mmfix_open();
	struct between b = { .kind = SCHED_ATOMIC, .nth = 1, .act = write_protect };
	struct page *page = NULL;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 1);
	b.ptep = pgtable_peek_pte(&f.mm->context, AT);
	b.obj = &page_of(f.mm, AT)->_refcount;
	between_begin(&b);
	assert_int_equal(gup_fast(AT, PG(1), FOLL_PIN | FOLL_WRITE, &page), 0);
	between_end(&b);
	assert_int_equal(hits(WIN_GUP_FAST_RACED), 1);
	/* Nothing kept. */
	assert_int_equal(page_ref_count(page_of(f.mm, AT)), 1);
	assert_int_equal(hits(WIN_GUP_FAULTED_AGAIN), 0);
	unpin_one(pin_one(AT, FOLL_WRITE));
	mmfix_close(&f);
}

static void table_comes_back(struct between *b)
{
	set_pmd(b->pmdp, b->pmd);
}

/* Out of the tree before the second look; back when the page is given back. */
static void table_goes(struct between *b)
{
	b->pmd = pmdp_get(b->pmdp);
	pmd_clear(b->pmdp);
	b->act = table_comes_back;
	/* The pin's own two, then its return. */
	b->nth = 2;
}

static void test_table_goes(void **state)
{
	struct mmfix f = mmfix_open();
	struct between b = { .kind = SCHED_ATOMIC, .nth = 1, .act = table_goes };
	struct page *page = NULL;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 1);
	b.pmdp = pgtable_pmd(&f.mm->context, AT);
	b.page = page_of(f.mm, AT);
	b.obj = &b.page->_refcount;
	between_begin(&b);
	assert_int_equal(gup_fast(AT, PG(1), FOLL_PIN, &page), 0);
	between_end(&b);
	assert_int_equal(hits(WIN_GUP_FAST_RACED), 1);
	assert_int_equal(page_ref_count(b.page), 1);
	mmfix_close(&f);
}

/* Frozen, or free: not taken. */
static void freeze(struct between *b)
{
	assert_true(page_ref_freeze(b->page, 1));
}

static void test_frozen_page(void **state)
{
	struct mmfix f = mmfix_open();
	struct between b = { .kind = SCHED_WINDOW, .nth = 2, .act = freeze };
	struct page *page = NULL;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 1);
	b.page = page_of(f.mm, AT);
	between_begin(&b);
	assert_int_equal(gup_fast(AT, PG(1), FOLL_PIN, &page), 0);
	between_end(&b);
	assert_int_equal(hits(WIN_GUP_FAST_RACED), 1);
	page_ref_unfreeze(b.page, 1);
	mmfix_close(&f);
}

static void fork_passes(struct between *b)
{
	raw_write_seqcount_begin(&b->mm->write_protect_seq);
	raw_write_seqcount_end(&b->mm->write_protect_seq);
}

static void test_fork_meanwhile(void **state)
{
	struct mmfix f = mmfix_open();
	struct between b = { .kind = SCHED_LOAD, .nth = 2, .act = fork_passes };
	struct page *pages[2] = { NULL };

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 1);
	poke(PG(1), 1);
	b.mm = f.mm;
	b.obj = &f.mm->write_protect_seq;
	between_begin(&b);
	assert_int_equal(gup_fast(AT, PG(2), FOLL_PIN, pages), 0);
	between_end(&b);
	assert_int_equal(hits(WIN_GUP_FAST_VS_FORK), 1);
	assert_int_equal(page_ref_count(page_of(f.mm, AT)), 1);
	assert_int_equal(page_ref_count(page_of(f.mm, PG(1))), 1);
	/* One that is under way is not even tried; to a reference it is nothing. */
	raw_write_seqcount_begin(&f.mm->write_protect_seq);
	assert_int_equal(gup_fast(AT, PG(2), FOLL_PIN, pages), 0);
	assert_int_equal(hits(WIN_GUP_FAST_VS_FORK), 2);
	assert_int_equal(gup_fast(AT, PG(2), FOLL_GET, pages), 2);
	put_page(pages[0]);
	put_page(pages[1]);
	raw_write_seqcount_end(&f.mm->write_protect_seq);
	mmfix_close(&f);
}

static void pin_it(struct between *b)
{
	atomic_add(GUP_PIN_COUNTING_BIAS, &b->page->_refcount);
}

/* A pin that came before migration has looked, though after it has cleared the entry. */
static void test_pin_before_migration_looks(void **state)
{
	struct mmfix f = mmfix_open();
	struct between b = { .kind = SCHED_ATOMIC, .act = pin_it };
	unsigned int nth;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 1);
	/* At each change of the count, and at the look, on the way through it. */
	for (nth = 1; nth < 4; nth++) {
		b.page = page_of(f.mm, AT);
		b.obj = &b.page->_refcount;
		b.nth = nth;
		between_begin(&b);
		get_page(b.page);
		assert_int_equal(migrate_page(b.page), -EAGAIN);
		between_end(&b);
		assert_ptr_equal(page_of(f.mm, AT), b.page);
		assert_true(PageAnonExclusive(b.page) && pte_write(pte_of(f.mm, AT)));
		put_page_refs(b.page, GUP_PIN_COUNTING_BIAS + 1);
		assert_int_equal(page_ref_count(b.page), 1);
	}
	mmfix_close(&f);
}

/* Zapped between the fault that brought it and the look that was to take it. */
static void zap(struct between *b)
{
	struct zap_details details = { .even_cows = true };

	if (rwsem_is_locked(&b->vma->vm_mm->mmap_lock) && !in_atomic())
		zap_page_range_single(b->vma, AT, PAGE_SIZE, &details);
}

static void test_faults_again(void **state)
{
	struct mmfix f = mmfix_open();
	struct between b = { .kind = SCHED_WINDOW, .act = zap };
	struct page *page;
	unsigned int nth;

	map_at(AT, 2, RW, ANON, NULL, 0);
	b.vma = vma_at(f.mm, AT);
	for (nth = 1; nth < 12 && !hits(WIN_GUP_FAULTED_AGAIN); nth++) {
		b.nth = nth;
		between_begin(&b);
		page = pin_one(AT, FOLL_WRITE);
		between_end(&b);
		assert_int_equal(page_ref_count(page), page_of(f.mm, AT) == page ?
				 1 + GUP_PIN_COUNTING_BIAS : GUP_PIN_COUNTING_BIAS);
		unpin_one(page);
		assert_int_equal(sys_madvise(AT, PAGE_SIZE, MADV_DONTNEED), 0);
	}
	assert_int_equal(hits(WIN_GUP_FAULTED_AGAIN), 1);
	mmfix_close(&f);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_across_tables),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_read_pin_unshares),
		cmocka_unit_test(test_reference_forbids_reuse),
		cmocka_unit_test(test_pin_allows_reuse),
		cmocka_unit_test(test_zero_page),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_fork_copies),
		cmocka_unit_test(test_fork_without_memory),
		cmocka_unit_test(test_migration_refuses),
		cmocka_unit_test(test_outlives_its_mapping),
#if MM_POINTS
		cmocka_unit_test(test_entry_changes),
		cmocka_unit_test(test_table_goes),
		cmocka_unit_test(test_frozen_page),
		cmocka_unit_test(test_fork_meanwhile),
		cmocka_unit_test(test_pin_before_migration_looks),
		cmocka_unit_test(test_faults_again),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
