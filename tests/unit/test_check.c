/* SPDX-License-Identifier: MIT */
/*
 * Every oracle, its law broken by hand on a serial machine: it objects, under
 * its own kind and a title without addresses; and is silent, but counts, when
 * nothing is wrong or when calls under way leave it open what is right.
 *
 * needs: check
 */
#include "check_rig.h"
#include "hw/tlb.h"
#include "phys/poison.h"

static struct tlb_entry tlb_save(unsigned long va)
{
	struct vcpu *cpu = this_cpu();
	struct tlb_entry *entry = tlb_lookup(&cpu->tlb, cpu->pcid, va);

	assert_non_null(entry);
	return *entry;
}

/* As if the flush had not been. */
static void tlb_put_back(unsigned long va, const struct tlb_entry *e)
{
	struct vcpu *cpu = this_cpu();

	tlb_fill(&cpu->tlb, cpu->pcid, va, e->pfn, e->gen, e->flags & ~TLB_VALID)->stamp = e->stamp;
}

static void tlb_drop(unsigned long va)
{
	struct vcpu *cpu = this_cpu();

	tlb_flush_one(&cpu->tlb, cpu->pcid, va);
}

static void set_entry(struct mm_struct *mm, unsigned long va, pte_t pte)
{
	pte_t *ptep = pgtable_peek_pte(&mm->context, va);

	assert_non_null(ptep);
	set_pte_at(&mm->context, va, ptep, pte);
}

/* ---- nothing wrong ---- */

static void test_silent(void **state)
{
	struct watch w = watch_open();
	u64 tag = 0;

	(void)state;
	assert_int_equal(conclusive_of(&w, CHECK_STALE, tag = store_tag(&w, 0)), 2);
	assert_int_equal(conclusive_of(&w, CHECK_RIGHTS, store_tag(&w, 1)), 1);
	assert_int_equal(conclusive_of(&w, CHECK_VALUE, peek(slot_of(0))), 1);
	assert_int_equal(conclusive_of(&w, CHECK_COW, peek(slot_of(0))), 1);
	assert_int_equal(conclusive_of(&w, CHECK_INIT, peek(slot_of(2))), 1);
	assert_true(peek(slot_of(0)) == tag);
	watched_protect(0, 2, PROT_READ);
	assert_int_equal(conclusive_of(&w, CHECK_RIGHTS,
				       assert_int_equal(user_store(PG(0), 8, 1), -EFAULT)), 1);
	watched_unmap(1, 1);
	assert_int_equal(user_store(PG(1), 8, 1), -EFAULT);
	assert_int_equal(conclusive_of(&w, CHECK_REFS,
				       assert_int_equal(check_quiet(w.f.m), 0)), 1);
	assert_int_equal(conclusive_of(&w, CHECK_STRUCT, check_quiet(w.f.m)), 1);
	assert_true(conclusive_of(&w, CHECK_TLB, check_quiet(w.f.m)) > 0);
	expect_silence(&w);
	watch_close(&w);
}

/* ---- stale ---- */

static void test_stale(void **state)
{
	struct watch w = watch_open();
	u32 *gen;

	(void)state;
	watched_map(16, 1, RW | PROT_EXEC);
	poke(PG(0) + 512, 1);
	poke(PG(16) + 512, 1);
	assert_int_equal(user_exec(PG(16)), 0);
	gen = &w.f.m->ram.gen[page_to_pfn(page_of(w.f.mm, PG(0)))];
	++*gen;
	poke(PG(0) + 512, 2);
	expect_finding(&w, FINDING_STALE, "STALE: store through a translation of a freed frame");
	peek(PG(0) + 512);
	expect_finding(&w, FINDING_STALE, "STALE: load through a translation of a freed frame");
	--*gen;
	gen = &w.f.m->ram.gen[page_to_pfn(page_of(w.f.mm, PG(16)))];
	++*gen;
	assert_int_equal(user_exec(PG(16)), 0);
	expect_finding(&w, FINDING_STALE, "STALE: fetch through a translation of a freed frame");
	--*gen;
	peek(PG(0) + 512);
	watch_close(&w);
}

/* munmap without its flush: the frame is gone, and so was the right to use it. */
static void test_lost_flush(void **state)
{
	struct watch w = watch_open();
	struct tlb_entry entry;

	(void)state;
	store_tag(&w, 3);
	entry = tlb_save(PG(3));
	watched_unmap(3, 1);
	tlb_put_back(PG(3), &entry);
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_STALE, "TLB: a live entry that the page tables do not back");
	/* AddressSanitizer would be the first to speak: a freed frame is poisoned. */
	if (!MM_ASAN) {
		peek(slot_of(3));
		expect_finding(&w, FINDING_STALE,
			       "STALE: load through a translation of a freed frame");
		expect_finding(&w, FINDING_STALE,
			       "STALE: access through a translation that a completed call took away");
		expect_finding(&w, FINDING_RIGHTS, "RIGHTS: access to a page that was unmapped");
	}
	tlb_drop(PG(3));
	assert_int_equal(check_quiet(w.f.m), 0);
	watch_close(&w);
}

/* ---- rights ---- */

static void test_rights_taken(void **state)
{
	struct watch w = watch_open();
	struct tlb_entry entry;

	(void)state;
	store_tag(&w, 3);
	entry = tlb_save(PG(3));
	watched_protect(3, 1, PROT_READ);
	tlb_put_back(PG(3), &entry);
	peek(slot_of(3));
	expect_silence(&w);
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_STALE, "TLB: a live entry that the page tables do not back");
	store_tag(&w, 3);
	expect_finding(&w, FINDING_STALE,
		       "STALE: access through a translation that a completed call took away");
	expect_finding(&w, FINDING_RIGHTS, "RIGHTS: access with rights that were taken away");
	tlb_drop(PG(3));
	watch_close(&w);
}

static void test_rights_refused(void **state)
{
	struct watch w = watch_open();

	(void)state;
	/* The mm loses what the call was told to give. */
	assert_int_equal(sys_mprotect(PG(3), PAGE_SIZE, PROT_NONE), 0);
	assert_int_equal(user_store(PG(3), 8, 1), -EFAULT);
	expect_finding(&w, FINDING_RIGHTS, "RIGHTS: access refused that completed calls allow");
	watch_close(&w);
}

/* A page that nothing but a failed fault refuses, and ends of files, are no findings. */
static void test_rights_excused(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_UNMAP, 3, 1);
	struct file *file = file_create(FILE_REGULAR, 0, FMODE_READ | FMODE_WRITE);
	struct fail_nth fail;

	(void)state;
	check_call_begin(current, &call);
	assert_int_equal(excused_of(&w, CHECK_RIGHTS, store_tag(&w, 3)), 1);
	assert_int_equal(sys_munmap(PG(3), PAGE_SIZE), 0);
	assert_int_equal(excused_of(&w, CHECK_RIGHTS, user_store(PG(3), 8, 1)), 1);
	check_call_end(current, &call, 0);
	assert_int_equal(conclusive_of(&w, CHECK_RIGHTS, user_store(PG(3), 8, 1)), 1);

	assert_int_equal(sys_mmap(PG(4), PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, file, 0), PG(4));
	tell_map(4, 1, PROT_READ | PROT_WRITE, CHECK_BACK_FILE);
	assert_int_equal(excused_of(&w, CHECK_RIGHTS, user_store(PG(4), 8, 1)), 1);
	assert_int_equal(current_fault()->signo, MM_SIGBUS);
	fput(file);

	fail_nth_begin(&fail, 1, FAIL_SCOPE_ALL);
	assert_int_equal(excused_of(&w, CHECK_RIGHTS,
				    assert_int_equal(user_store(PG(5), 8, 1), -ENOMEM)), 1);
	assert_true(fail_nth_end(&fail));
	expect_silence(&w);
	watch_close(&w);
}

/* Where a stack was, what lies below may be mapped or not; elsewhere all is as ever. */
static void test_stack_grows(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_MAP, 32, 2);

	(void)state;
	/* A stack keeps its distance from what is below. */
	watched_unmap(0, MAPPED);
	call.grows = true;
	check_call_begin(current, &call);
	check_call_end(current, &call, sys_mmap(PG(32), 2 * PAGE_SIZE, RW,
						ANON | MAP_FIXED | MAP_GROWSDOWN, NULL, 0));
	assert_int_equal(excused_of(&w, CHECK_RIGHTS, poke(PG(30), 1)), 1);
	assert_int_equal(conclusive_of(&w, CHECK_RIGHTS, poke(PG(32), 1)), 1);
	expect_silence(&w);
	tell(told(CHECK_EFFECT_PROTECT, 33, 1), 0);
	assert_int_equal(sys_mprotect(PG(33), PAGE_SIZE, PROT_NONE), 0);
	assert_int_equal(user_store(PG(33), 8, 1), -EFAULT);
	expect_finding(&w, FINDING_RIGHTS, "RIGHTS: access refused that completed calls allow");
	watch_close(&w);
}

/* ---- value, cow, init ---- */

static void test_value(void **state)
{
	struct watch w = watch_open();
	u64 old, *word;

	(void)state;
	old = store_tag(&w, 0);
	word = word_behind(w.f.mm, slot_of(0));
	*word = 0;
	peek(slot_of(0));
	expect_finding(&w, FINDING_VALUE, "VALUE: an acknowledged write is lost");
	store_tag(&w, 0);
	peek(slot_of(0));
	expect_silence(&w);
	*word = old;
	peek(slot_of(0));
	expect_finding(&w, FINDING_VALUE, "VALUE: a word that goes back in time");
	watch_close(&w);
}

/* Nobody has stored it, there or anywhere: not its slot's next word, nor a task's. */
static void test_value_of_nobody(void **state)
{
	struct watch w = watch_open();
	const u64 words[] = { check_tag(current, 7), 9, check_tag(current, 7) << 8 };
	unsigned long i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		store_tag(&w, i);
		*word_behind(w.f.mm, slot_of(i)) = words[i];
		peek(slot_of(i));
	}
	expect_finding(&w, FINDING_VALUE, "VALUE: a word that does not belong there");
	assert_int_equal(finding_get(&w.f.m->sink, 0)->count, ARRAY_SIZE(words));
	expect_silence(&w);
	watch_close(&w);
}

/* One word of a new page that is not zero. */
static void test_value_not_zero(void **state)
{
	struct watch w = watch_open();

	(void)state;
	poke(PG(2) + 512, 1);
	*word_behind(w.f.mm, slot_of(2)) = check_tag(current, 1);
	peek(slot_of(2));
	expect_finding(&w, FINDING_VALUE, "VALUE: a word that does not belong there");
	watch_close(&w);
}

static void test_value_excused(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_ZERO, 0, 1);

	(void)state;
	store_tag(&w, 0);
	check_call_begin(current, &call);
	*word_behind(w.f.mm, slot_of(0)) = 0;
	assert_int_equal(excused_of(&w, CHECK_VALUE, peek(slot_of(0))), 1);
	check_call_end(current, &call, -ENOMEM);
	assert_int_equal(conclusive_of(&w, CHECK_VALUE, peek(slot_of(0))), 0);
	/* A store of anything but a tag: that word is not judged, the others are. */
	store_tag(&w, 1);
	poke(slot_of(1), 99);
	assert_int_equal(conclusive_of(&w, CHECK_VALUE, peek(slot_of(1))), 0);
	assert_int_equal(conclusive_of(&w, CHECK_VALUE, peek(PG(1) + (slot_of(1) ^ 8) % 64)), 1);
	expect_silence(&w);
	watch_close(&w);
}

static void test_init(void **state)
{
	struct watch w = watch_open();

	(void)state;
	store_tag(&w, 0);
	*word_behind(w.f.mm, slot_of(0)) = POISON_ALLOC_WORD;
	peek(slot_of(0));
	expect_finding(&w, FINDING_INIT, "INIT: a load returns poison");
	watch_close(&w);
}

/* Before the fork the parent stored two words to page 0, and the child got the second. */
struct family {
	struct watch		w;
	struct mm_struct	*mm;		/* the child's */
	struct task_struct	*task;
	unsigned long		slot;		/* the parent's, in page 0 */
	u64			older, tag;
};

static struct family family_open(void)
{
	struct family f = { .w = watch_open() };
	struct check_mm *token;

	f.slot = slot_of(0);
	f.older = store_tag(&f.w, 0);
	f.tag = store_tag(&f.w, 0);
	token = check_fork_begin(current);
	f.mm = dup_mm(f.w.f.mm);
	assert_false(IS_ERR(f.mm));
	check_fork_end(current, token, f.mm);
	f.task = mmfix_task(&f.w.f, 2, f.mm);
	assert_int_equal(check_task_start(f.task), 0);
	return f;
}

static void family_close(struct family *f)
{
	kern_switch_to(f->w.f.task);
	check_task_exit(f->task);
	mmfix_task_end(&f->w.f, f->task);
	watch_close(&f->w);
}

/* As if COW had been forgotten: current stores a tag to the page that both have. */
static void store_to_both(struct family *f)
{
	pte_t pte = pte_of(current->mm, PG(0));

	set_entry(current->mm, PG(0), pte_mkdirty(pte_mkwrite(pte)));
	tlb_drop(PG(0));
	store_tag(&f->w, 0);
	set_entry(current->mm, PG(0), pte);
	tlb_drop(PG(0));
}

static void test_fork_silent(void **state)
{
	struct family f = family_open();

	(void)state;
	store_tag(&f.w, 0);
	kern_switch_to(f.task);
	assert_int_equal(conclusive_of(&f.w, CHECK_COW, assert_true(peek(f.slot) == f.tag)), 1);
	store_tag(&f.w, 0);
	kern_switch_to(f.w.f.task);
	assert_int_equal(conclusive_of(&f.w, CHECK_COW, peek(PG(0) + 8 * (f.task->id % 8))), 1);
	expect_silence(&f.w);
	family_close(&f);
}

static void test_cow_to_parent(void **state)
{
	struct family f = family_open();

	(void)state;
	kern_switch_to(f.task);
	store_to_both(&f);
	kern_switch_to(f.w.f.task);
	/* The child wrote to a slot of its own; what is there is none of the parent's. */
	peek(PG(0) + check_slot_offset(f.task));
	expect_finding(&f.w, FINDING_COW, "COW: a write of one process is seen in another");
	family_close(&f);
}

static void test_cow_to_child(void **state)
{
	struct family f = family_open();

	(void)state;
	store_to_both(&f);
	kern_switch_to(f.task);
	peek(f.slot);
	expect_finding(&f.w, FINDING_COW, "COW: a write of one process is seen in another");
	family_close(&f);
}

/* A child that finds what its parent had overwritten before the fork: old, not foreign. */
static void test_old_word_in_child(void **state)
{
	struct family f = family_open();

	(void)state;
	*word_behind(f.mm, f.slot) = f.older;
	kern_switch_to(f.task);
	peek(f.slot);
	expect_finding(&f.w, FINDING_VALUE, "VALUE: a word that goes back in time");
	expect_silence(&f.w);
	family_close(&f);
}

/* ---- refs ---- */

static void test_page_counts(void **state)
{
	struct watch w = watch_open();
	struct page *page, *lost;

	(void)state;
	store_tag(&w, 0);
	page = page_of(w.f.mm, PG(0));
	atomic_inc(&page->_mapcount);
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_REFS, "REFS: mapcount is off");
	atomic_dec(&page->_mapcount);
	get_page(page);
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_REFS, "REFS: refcount is off");
	put_page(page);
	lost = alloc_page(GFP_KERNEL);
	assert_non_null(lost);
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_REFS, "REFS: a frame was lost");
	free_page(lost);
	assert_int_equal(check_quiet(w.f.m), 0);
	watch_close(&w);
}

/* A page that is mapped and belongs to nobody, or to the allocator. */
static void test_free_page_mapped(void **state)
{
	struct watch w = watch_open();
	struct page *page;

	(void)state;
	store_tag(&w, 0);
	page = page_of(w.f.mm, PG(0));
	atomic_set(&page->_refcount, 0);
	assert_true(check_quiet(w.f.m) >= 3);
	expect_finding(&w, FINDING_REFS, "REFS: a free page is mapped");
	expect_finding(&w, FINDING_REFS, "REFS: a page of the allocator is mapped");
	expect_finding(&w, FINDING_REFS, "REFS: frames are not conserved");
	atomic_set(&page->_refcount, 1);
	assert_int_equal(check_quiet(w.f.m), 0);
	watch_close(&w);
}

static void test_mm_counts(void **state)
{
	static const struct { int member; const char *title; } rss[] = {
		{ MM_ANONPAGES, "REFS: RssAnon is off" },
		{ MM_FILEPAGES, "REFS: RssFile is off" },
		{ MM_SHMEMPAGES, "REFS: RssShmem is off" },
		{ MM_SWAPENTS, "REFS: VmSwap is off" },
	};
	struct watch w = watch_open();
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rss); i++) {
		inc_mm_counter(w.f.mm, rss[i].member);
		assert_int_equal(check_quiet(w.f.m), 1);
		expect_finding(&w, FINDING_REFS, rss[i].title);
		dec_mm_counter(w.f.mm, rss[i].member);
	}
	atomic_long_add(PAGE_SIZE, &w.f.mm->context.pgtables_bytes);
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_REFS, "REFS: bytes of page tables are off");
	atomic_long_sub(PAGE_SIZE, &w.f.mm->context.pgtables_bytes);
	w.f.mm->map_count++;
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_STRUCT, "STRUCT: map_count is off");
	w.f.mm->map_count--;
	w.f.mm->total_vm++;
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_STRUCT, "STRUCT: total_vm is off");
	w.f.mm->total_vm--;
	assert_int_equal(check_quiet(w.f.m), 0);
	watch_close(&w);
}

/* ---- struct ---- */

/* The entry @bad for page 0, and what is said of it; then the right one again. */
static void bad_entry(struct watch *w, unsigned long va, pte_t bad, const char *title)
{
	pte_t good = pte_of(w->f.mm, va);

	set_entry(w->f.mm, va, bad);
	tlb_drop(va);
	assert_true(check_quiet(w->f.m) >= 1);
	expect_finding(w, FINDING_STRUCT, title);
	set_entry(w->f.mm, va, good);
	tlb_drop(va);
	assert_int_equal(check_quiet(w->f.m), 0);
}

static void test_entries(void **state)
{
	struct watch w = watch_open();
	struct page *page;
	pte_t pte;

	(void)state;
	store_tag(&w, 0);
	peek(slot_of(1));
	pte = pte_of(w.f.mm, PG(0));
	page = page_of(w.f.mm, PG(0));
	/* Beside the entry itself, page 0's counts are off where it is used or missed. */
	set_entry(w.f.mm, PG(MAPPED), pte);
	assert_true(check_quiet(w.f.m) >= 1);
	expect_finding(&w, FINDING_STRUCT, "STRUCT: an entry outside every VMA");
	set_entry(w.f.mm, PG(MAPPED), __pte(0));
	assert_int_equal(check_quiet(w.f.m), 0);
	bad_entry(&w, PG(1), pte_mkwrite(pte_of(w.f.mm, PG(1))),
		  "STRUCT: the zero page is mapped writable");
	bad_entry(&w, PG(1), pfn_pte(w.f.m->ram.nr_frames + 5, vm_get_page_prot(VM_READ)),
		  "STRUCT: an entry leads out of RAM");
	page->index++;
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_STRUCT,
		       "STRUCT: a mapped page is out of reach of its reverse map");
	page->index--;
	assert_int_equal(check_quiet(w.f.m), 0);
	watch_close(&w);
}

static void test_entry_rights(void **state)
{
	struct watch w = watch_open();

	(void)state;
	store_tag(&w, 0);
	watched_protect(0, 1, PROT_READ);
	bad_entry(&w, PG(0), pte_mkwrite(pte_of(w.f.mm, PG(0))),
		  "STRUCT: a writable entry in a VMA that is not");
	watch_close(&w);
}

static void test_migration_left(void **state)
{
	struct watch w = watch_open();
	pte_t pte;

	(void)state;
	store_tag(&w, 0);
	pte = pte_of(w.f.mm, PG(0));
	set_entry(w.f.mm, PG(0), swp_entry_to_pte(make_writable_migration_entry(pte_pfn(pte))));
	tlb_drop(PG(0));
	assert_true(check_quiet(w.f.m) >= 1);
	expect_finding(&w, FINDING_STRUCT, "STRUCT: a migration entry was left behind");
	/* Nobody maps it now. */
	expect_finding(&w, FINDING_REFS, "REFS: RssAnon is off");
	expect_finding(&w, FINDING_REFS, "REFS: mapcount is off");
	expect_finding(&w, FINDING_REFS, "REFS: a frame was lost");
	set_entry(w.f.mm, PG(0), pte);
	assert_int_equal(check_quiet(w.f.m), 0);
	watch_close(&w);
}

/* ---- dirty ---- */

/* Somebody changed the entry and lost the D that the MMU had set. */
static void test_dirty(void **state)
{
	struct watch w = watch_open();
	struct page *page;
	pte_t pte;

	(void)state;
	poke(PG(0) + 512, 1);
	peek(PG(1));			/* read only: clean, and rightly so */
	assert_int_equal(conclusive_of(&w, CHECK_DIRTY, check_quiet(w.f.m)), 1);
	pte = pte_of(w.f.mm, PG(0));
	set_entry(w.f.mm, PG(0), pte_mkclean(pte));
	tlb_drop(PG(0));
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_STRUCT, "DIRTY: a page was stored to and is clean");
	/* The page may say so too. */
	page = page_of(w.f.mm, PG(0));
	SetPageDirty(page);
	assert_int_equal(check_quiet(w.f.m), 0);
	expect_silence(&w);
	set_entry(w.f.mm, PG(0), pte);
	/* Its next owner begins anew. */
	watched_unmap(0, 1);
	assert_int_equal(conclusive_of(&w, CHECK_DIRTY, check_quiet(w.f.m)), 0);
	watched_map(0, 1, RW);
	peek(PG(0));
	assert_int_equal(check_quiet(w.f.m), 0);
	watch_close(&w);
}

/* The TLB says that D is set, and will not set it again. */
static void test_dirty_in_tlb(void **state)
{
	struct watch w = watch_open();
	pte_t pte;

	(void)state;
	poke(PG(0) + 512, 1);
	pte = pte_of(w.f.mm, PG(0));
	SetPageDirty(page_of(w.f.mm, PG(0)));
	set_entry(w.f.mm, PG(0), pte_mkclean(pte));
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_STALE, "TLB: a live entry that the page tables do not back");
	set_entry(w.f.mm, PG(0), pte);
	watch_close(&w);
}

/* What truncation should have unmapped; the size was changed behind its back. */
static void test_past_end(void **state)
{
	struct watch w = watch_open();
	struct file *file = file_create(FILE_REGULAR, 2 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	(void)state;
	assert_int_equal(sys_mmap(PG(20), 2 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, file, 0),
			 PG(20));
	tell_map(20, 2, PROT_READ | PROT_WRITE, CHECK_BACK_FILE);
	peek(PG(20));
	poke(PG(21), 1);		/* a copy is no better */
	assert_int_equal(check_quiet(w.f.m), 0);
	i_size_write(file_inode(file), PAGE_SIZE);
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_STRUCT, "STRUCT: a page is mapped past the end of its file");
	i_size_write(file_inode(file), PAGE_SIZE + 1);
	assert_int_equal(check_quiet(w.f.m), 0);
	fput(file);
	watched_unmap(20, 2);
	watch_close(&w);
}

static void test_vmas(void **state)
{
	struct watch w = watch_open();
	struct vm_area_struct *vma;

	(void)state;
	watched_map(10, 2, PROT_READ);
	vma = vma_at(w.f.mm, PG(0));
	/* Behind the tree's back. */
	WRITE_ONCE(vma->vm_end, PG(11));
	assert_true(check_quiet(w.f.m) >= 2);
	expect_finding(&w, FINDING_STRUCT, "STRUCT: VMA tree broken");
	expect_finding(&w, FINDING_STRUCT, "STRUCT: VMAs overlap");
	expect_finding(&w, FINDING_STRUCT, "STRUCT: entries of the VMA tree and its walk differ");
	expect_finding(&w, FINDING_STRUCT, "STRUCT: total_vm is off");
	WRITE_ONCE(vma->vm_end, PG(MAPPED));
	assert_int_equal(check_quiet(w.f.m), 0);
	watch_close(&w);
}

/* ---- tlb ---- */

/* Stale entries that nobody can use are no finding: other tags, flushes still to come. */
static void test_tlb_not_live(void **state)
{
	struct watch w = watch_open();
	struct vcpu *cpu = this_cpu();
	struct tlb_entry e;

	(void)state;
	store_tag(&w, 0);
	e = tlb_save(PG(0));
	watched_unmap(0, 1);
	tlb_fill(&cpu->tlb, cpu->pcid + 1, PG(0), e.pfn, e.gen, e.flags & ~TLB_VALID);
	assert_int_equal(check_quiet(w.f.m), 0);
	tlb_flush_one(&cpu->tlb, cpu->pcid + 1, PG(0));
	/* Behind its mm: the switch back flushes. */
	tlb_put_back(PG(0), &e);
	kern_switch_to(NULL);
	atomic64_inc(&w.f.mm->context.tlb_gen);
	assert_int_equal(check_quiet(w.f.m), 0);
	kern_switch_to(w.f.task);
	assert_null(tlb_lookup(&cpu->tlb, cpu->pcid, PG(0)));
	expect_silence(&w);
	/* Not loaded is not unusable: nothing would flush. */
	tlb_put_back(PG(0), &e);
	kern_switch_to(NULL);
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_STALE, "TLB: a live entry that the page tables do not back");
	kern_switch_to(w.f.task);
	tlb_drop(PG(0));
	watch_close(&w);
}

/* ---- attaching some ---- */

static void test_mask(void **state)
{
	struct watch w = watch_open();
	u32 mask = w.f.m->chk->mask;

	(void)state;
	store_tag(&w, 0);
	w.f.m->chk->mask = 0;
	*word_behind(w.f.mm, slot_of(0)) = 0;
	peek(slot_of(0));
	w.f.mm->map_count++;
	assert_int_equal(check_quiet(w.f.m), 0);
	w.f.mm->map_count--;
	w.f.m->chk->mask = mask;
	expect_silence(&w);
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_lost_flush),
		cmocka_unit_test(test_rights_taken),
		cmocka_unit_test(test_rights_refused),
		cmocka_unit_test(test_rights_excused),
		cmocka_unit_test(test_stack_grows),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_value_of_nobody),
		cmocka_unit_test(test_value_not_zero),
		cmocka_unit_test(test_value_excused),
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_fork_silent),
		cmocka_unit_test(test_cow_to_parent),
		cmocka_unit_test(test_old_word_in_child),
		cmocka_unit_test(test_cow_to_child),
		cmocka_unit_test(test_page_counts),
		cmocka_unit_test(test_free_page_mapped),
		cmocka_unit_test(test_mm_counts),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_entry_rights),
		cmocka_unit_test(test_migration_left),
		cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_dirty_in_tlb),
		cmocka_unit_test(test_past_end),
		cmocka_unit_test(test_vmas),
		cmocka_unit_test(test_tlb_not_live),
		cmocka_unit_test(test_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
