/* SPDX-License-Identifier: MIT */
/*
 * The oracle of translations: each law broken by hand, and each time that it must not
 * speak.  Frames are not freed here, so that their law says nothing.
 *
 * needs: check
 */
#include "check_rig.h"

#define TAKEN	"STALE: access through a translation that a completed call took away"
#define OLDER	"STALE: access to a frame of which a page has a newer one in use"

static struct tlb_entry *entry_at(unsigned long page)
{
	struct vcpu *cpu = this_cpu();

	return tlb_lookup(&cpu->tlb, cpu->pcid, PG(page));
}

/* In use, and translated before anything that comes now. */
static struct tlb_entry translated(unsigned long page)
{
	poke(PG(page), 1);
	assert_non_null(entry_at(page));
	return *entry_at(page);
}

/* As if no flush had been. */
static void bring_back(unsigned long page, const struct tlb_entry *e)
{
	struct vcpu *cpu = this_cpu();

	*tlb_fill(&cpu->tlb, cpu->pcid, PG(page), e->pfn, e->gen, e->flags & ~TLB_VALID) = *e;
}

/* ---- moments ---- */

static void test_moments(void **state)
{
	struct watch w = watch_open();
	u64 before, after;

	(void)state;
	before = machine_translation_stamp(w.f.m);
	poke(PG(0), 1);
	after = machine_translation_stamp(w.f.m);
	assert_true(before < entry_at(0)->stamp && entry_at(0)->stamp < after);
	/* A hit is no new translation; setting D is one. */
	poke(PG(0), 2);
	assert_true(entry_at(0)->stamp < after);
	tlb_flush_all(&this_cpu()->tlb);
	peek(PG(1));
	before = entry_at(1)->stamp;
	poke(PG(1), 1);
	assert_true(entry_at(1)->stamp > before);
	watch_close(&w);
}

/* ---- calls ---- */

/* Each call that takes a page's translations away, whoever else was at it. */
static void test_taken_away(void **state)
{
	static const enum check_effect effect[] = {
		CHECK_EFFECT_MAP, CHECK_EFFECT_UNMAP, CHECK_EFFECT_ZERO, CHECK_EFFECT_MOVE,
	};
	struct watch w = watch_open();
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(effect); i++) {
		struct check_call call = told(effect[i], i, 1);
		struct check_call other = told(CHECK_EFFECT_ZERO, i, 1);
		struct tlb_entry e = translated(i);

		call.to = PG(20 + i);
		call.to_len = PAGE_SIZE;
		/* The other call is under way all the time: nothing else may be judged. */
		check_call_begin(current, &other);
		check_call_begin(current, &call);
		peek(PG(i));			/* not yet taken away */
		expect_silence(&w);
		tell_end(&call, effect[i] == CHECK_EFFECT_MAP ? (long)PG(i) :
				effect[i] == CHECK_EFFECT_MOVE ? (long)call.to : 0);
		peek(PG(i));			/* translated anew */
		expect_silence(&w);
		bring_back(i, &e);
		peek(PG(i));
		/* One title, counted. */
		if (!i)
			expect_finding(&w, FINDING_STALE, TAKEN);
		assert_int_equal(finding_get(&w.f.m->sink, 0)->count, i + 1);
		expect_silence(&w);
		tlb_flush_all(&this_cpu()->tlb);
		tell_end(&other, 0);
	}
	watch_close(&w);
}

/* mprotect takes what it does not leave, and nothing else. */
static void test_protect(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_PROTECT, 0, 1);
	struct tlb_entry e = translated(0);

	(void)state;
	tell(call, 0);
	bring_back(0, &e);
	poke(PG(0), 1);
	call.prot = PROT_READ;
	tell(call, 0);
	bring_back(0, &e);
	peek(PG(0));
	expect_silence(&w);
	user_store(PG(0), 8, 1);
	expect_finding(&w, FINDING_STALE, TAKEN);
	expect_finding(&w, FINDING_RIGHTS, "RIGHTS: access with rights that were taken away");
	tlb_flush_all(&this_cpu()->tlb);
	call.prot = PROT_READ | PROT_WRITE;
	tell(call, 0);
	poke(PG(0), 1);
	watch_close(&w);
}

/* Calls that fail, leave the page where it is, or are of other pages. */
static void test_not_taken_away(void **state)
{
	struct watch w = watch_open();
	struct check_call move = told(CHECK_EFFECT_MOVE, 0, 1);
	struct tlb_entry e = translated(0);

	(void)state;
	tell(told(CHECK_EFFECT_ZERO, 0, 1), -ENOMEM);
	tell(told(CHECK_EFFECT_UNMAP, 0, 1), -EINVAL);
	tell(told(CHECK_EFFECT_ADVISE, 0, 1), 0);
	tell(told(CHECK_EFFECT_UNMAP, 1, 2), 0);
	move.to = move.start;		/* shrinks or grows where it is */
	move.to_len = 2 * PAGE_SIZE;
	tell(move, (long)move.to);
	bring_back(0, &e);
	peek(PG(0));
	expect_silence(&w);
	tlb_flush_all(&this_cpu()->tlb);
	watch_close(&w);
}

/* ---- order ---- */

static void test_order(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_ADVISE, 0, 1);
	struct mm_struct *child;
	struct tlb_entry old;

	(void)state;
	translated(0);
	child = dup_mm(w.f.mm);		/* keeps the old frame alive */
	assert_false(IS_ERR(child));
	peek(PG(0) + 128);
	old = *entry_at(0);
	poke(PG(0) + 128, 1);
	assert_true(entry_at(0)->pfn != old.pfn);
	/* A call is under way: what frame is there is open. */
	bring_back(0, &old);
	check_call_begin(current, &call);
	peek(PG(0) + 128);
	check_call_end(current, &call, 0);
	expect_silence(&w);
	peek(PG(0) + 128);
	expect_finding(&w, FINDING_STALE, OLDER);
	/* The newer one is no finding, however often. */
	tlb_flush_all(&this_cpu()->tlb);
	peek(PG(0) + 128);
	poke(PG(0) + 128, 2);
	mmput(child);
	watch_close(&w);
}

/* ---- copy ---- */

/* Copied on write, and nobody has used the copy yet. */
static void break_cow(struct mm_struct *mm, unsigned long page)
{
	mmap_read_lock(mm);
	assert_int_equal(handle_mm_fault(vma_lookup(mm, PG(page)), PG(page),
					 FAULT_FLAG_WRITE | FAULT_FLAG_USER) & VM_FAULT_ERROR, 0);
	mmap_read_unlock(mm);
}

/* A store through an entry that fork should have seen flushed. */
static void test_copy(void **state)
{
	struct watch w = watch_open();
	struct mm_struct *child;
	struct tlb_entry old;
	unsigned long i;

	(void)state;
	for (i = 0; i < 2; i++)
		translated(i);
	old = *entry_at(1);
	child = dup_mm(w.f.mm);
	assert_false(IS_ERR(child));
	/* Before the copy is begun: it is copied too. */
	break_cow(w.f.mm, 0);
	peek(PG(0) + 128);
	expect_silence(&w);
	break_cow(w.f.mm, 1);
	bring_back(1, &old);
	poke(PG(1) + 128, 2);
	expect_silence(&w);
	tlb_flush_all(&this_cpu()->tlb);
	peek(PG(1) + 128);
	expect_finding(&w, FINDING_STALE, "STALE: a store to a page after its copy was begun");
	/* Once is enough; and what is stored to the copy stays. */
	poke(PG(1) + 128, 3);
	peek(PG(1) + 128);
	expect_silence(&w);
	mmput(child);
	watch_close(&w);
}

/* ---- file ---- */

/* Out of the cache, and still mapped: somebody has left out the unmapping. */
static void test_file(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_ADVISE, 20, 1);
	struct file *file = file_create(FILE_REGULAR, PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	struct address_space *mapping;
	struct page *page;

	(void)state;
	assert_int_equal(sys_mmap(PG(20), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, file, 0), PG(20));
	tell_map(20, 1, PROT_READ | PROT_WRITE, CHECK_BACK_SHARED);
	peek(PG(20));
	page = page_of(w.f.mm, PG(20));
	mapping = page->mapping;
	page->mapping = NULL;
	/* Who is unmapping it may have let truncation pass. */
	check_call_begin(current, &call);
	peek(PG(20));
	check_call_end(current, &call, 0);
	expect_silence(&w);
	peek(PG(20));
	expect_finding(&w, FINDING_STALE, "STALE: access to a page that has left its file");
	page->mapping = mapping;
	peek(PG(20));
	peek(PG(0));			/* anonymous: of no file, and never was */
	peek(PG(1));			/* the zero page: nobody's */
	fput(file);
	watched_unmap(20, 1);
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moments), cmocka_unit_test(test_taken_away),
		cmocka_unit_test(test_protect), cmocka_unit_test(test_not_taken_away),
		cmocka_unit_test(test_order), cmocka_unit_test(test_copy),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
