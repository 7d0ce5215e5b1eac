/* SPDX-License-Identifier: MIT */
/* room: mm_check mm_mm mm_kern */
/* needs: check */
/* A task's pins, what devices do with them, and what the oracles say of that. */

#include <errno.h>

#include "check_rig.h"
#include "mm/gup.h"
#include "mm/pin.h"

/* Pinned, and told as the executor tells it. */
static long pin_told(unsigned int place, unsigned long page, unsigned long pages, unsigned int how)
{
	struct check_pin pin = { .start = PG(page), .place = place, .how = how };
	long ret;

	check_pin_begin(current, &pin);
	ret = sys_pin(place, PG(page), pages * PAGE_SIZE, how);
	check_pin_end(current, &pin, ret);
	return ret;
}

static u64 dma_peek(unsigned int place, unsigned long at)
{
	u64 value = ~0ULL;

	assert_int_equal(sys_dma_load(place, at, 8, &value), 0);
	return value;
}

/* The task's next tag, by a device, to its own word of that page of the pin. */
static u64 dma_tag(struct watch *w, unsigned int place, unsigned long page)
{
	u64 tag = check_tag(current, ++w->tags);

	assert_int_equal(sys_dma_store(place, page * PAGE_SIZE + check_slot_offset(current), 8,
				       tag), 0);
	return tag;
}

static u64 *frame_word(unsigned int place)
{
	return (u64 *)((char *)page_address(current->pins[place].page[0]) +
		       check_slot_offset(current));
}

static void test_places(void **state)
{
	struct watch w = watch_open();
	struct page *page;
	u64 value;

	assert_int_equal(sys_unpin(0), -ENXIO);
	assert_int_equal(sys_pin(0, PG(0) + 100, PAGE_SIZE, PIN_WRITE), 2);
	page = current->pins[0].page[0];
	assert_int_equal(sys_pin(PINS_MAX, PG(0), PAGE_SIZE, PIN_READ), -EINVAL);
	assert_int_equal(sys_pin(0, PG(0), 0, PIN_READ), -EINVAL);
	assert_int_equal(sys_pin(0, PG(0), ~0UL, PIN_READ), -EINVAL);
	assert_int_equal(sys_pin(0, PG(0) + 1, PIN_PAGES_MAX * PAGE_SIZE, PIN_READ), -EINVAL);
	assert_int_equal(sys_pin(0, PG(0), PAGE_SIZE, PIN_GET | PIN_WRITE), -EINVAL);
	assert_int_equal(sys_pin(0, PG(0), PAGE_SIZE, 8), -EINVAL);
	/* None of these let go of it. */
	assert_int_equal(page_ref_count(page), 1 + GUP_PIN_COUNTING_BIAS);
	assert_int_equal(sys_dma_store(0, PAGE_SIZE + 8, 4, 7), 0);
	assert_int_equal(peek(PG(1) + 8), 7);
	assert_int_equal(sys_dma_load(0, 2 * PAGE_SIZE, 8, &value), -ENXIO);
	assert_int_equal(sys_dma_load(0, 4, 8, &value), -EINVAL);
	assert_int_equal(sys_dma_load(PINS_MAX, 0, 8, &value), -ENXIO);
	/* Another in its place; a failure leaves the place free. */
	assert_int_equal(sys_pin(0, PG(2), PAGE_SIZE, PIN_LONGTERM), 1);
	assert_int_equal(page_ref_count(page), 1);
	assert_true(PageDirty(page));
	assert_int_equal(sys_dma_store(0, 0, 8, 1), -EACCES);
	assert_int_equal(sys_pin(0, PG(40), PAGE_SIZE, PIN_READ), -EFAULT);
	assert_int_equal(sys_dma_load(0, 0, 8, &value), -ENXIO);
	watch_close(&w);
}

/* What is pinned when a task ends is let go: watch_close() counts the frames. */
static void test_ends_with_its_task(void **state)
{
	struct watch w = watch_open();

	assert_int_equal(pin_told(0, 0, 2, PIN_WRITE), 2);
	assert_int_equal(pin_told(1, 2, 1, PIN_GET), 1);
	assert_int_equal(pin_told(2, 3, 1, PIN_LONGTERM), 1);
	assert_int_equal(check_quiet(w.f.m), 0);
	watch_close(&w);
}

static void test_coherent(void **state)
{
	struct watch w = watch_open();
	u64 tag;

	assert_int_equal(pin_told(0, 0, 1, PIN_WRITE), 1);
	tag = dma_tag(&w, 0, 0);
	assert_int_equal(conclusive_of(&w, CHECK_VALUE,
				       assert_int_equal(peek(slot_of(0)), tag)), 1);
	tag = store_tag(&w, 0);
	assert_int_equal(conclusive_of(&w, CHECK_VALUE,
				       assert_int_equal(dma_peek(0, slot_of(0) - PG(0)), tag)), 1);
	expect_silence(&w);
	/* The device's store is lost, as if the process had another page. */
	dma_tag(&w, 0, 0);
	*word_behind(w.f.mm, slot_of(0)) = tag;
	peek(slot_of(0));
	expect_finding(&w, FINDING_VALUE, "VALUE: a word that goes back in time");
	watch_close(&w);
}

/* And the other way: the process's store does not get to the device. */
static void test_device_reads_old(void **state)
{
	struct watch w = watch_open();

	store_tag(&w, 0);
	assert_int_equal(pin_told(0, 0, 1, PIN_READ), 1);
	store_tag(&w, 0);
	*word_behind(w.f.mm, slot_of(0)) = 0;
	dma_peek(0, slot_of(0) - PG(0));
	expect_finding(&w, FINDING_VALUE, "VALUE: an acknowledged write is lost");
	watch_close(&w);
}

/* Shared behind the pin's back, as by a fork that has not seen it: the next store copies. */
static void test_parted(void **state)
{
	struct watch w = watch_open();
	struct page *page;

	assert_int_equal(pin_told(0, 0, 1, PIN_WRITE), 1);
	store_tag(&w, 0);
	dma_peek(0, 56);
	expect_silence(&w);
	page = current->pins[0].page[0];
	ClearPageAnonExclusive(page);
	ptep_set_wrprotect(pgtable_peek_pte(&w.f.mm->context, PG(0)));
	tlb_flush_all(&this_cpu()->tlb);
	store_tag(&w, 0);
	/* A word that nobody has stored to: no value gives it away. */
	dma_peek(0, 56);
	expect_finding(&w, FINDING_COW,
		       "COW: a device and its process use two copies of a pinned page");
	SetPageAnonExclusive(page);
	watch_close(&w);
}

/* A short look at what was never written is a look at the zero page, and no promise. */
static void test_zero_page_is_no_promise(void **state)
{
	struct watch w = watch_open();

	assert_int_equal(pin_told(0, 0, 1, PIN_READ), 1);
	store_tag(&w, 0);
	assert_int_equal(dma_peek(0, slot_of(0) - PG(0)), 0);
	expect_silence(&w);
	watch_close(&w);
}

/* Reading by a reference what another process has written since. */
static void test_foreign_word(void **state)
{
	struct watch w = watch_open();
	struct task_struct *child;
	u64 tag = store_tag(&w, 0);
	struct check_mm *token = check_fork_begin(current);
	struct mm_struct *mm = dup_mm(current->mm);

	assert_false(IS_ERR(mm));
	child = mmfix_task(&w.f, 2, mm);
	check_fork_end(current, token, mm);
	assert_int_equal(check_task_start(child), 0);
	assert_int_equal(pin_told(0, 0, 1, PIN_GET), 1);
	watched_unmap(0, 1);
	assert_int_equal(dma_peek(0, check_slot_offset(current)), tag);
	expect_silence(&w);
	kern_switch_to(child);
	tag = check_tag(child, 1);
	kern_switch_to(w.f.task);
	*frame_word(0) = tag;
	assert_int_equal(dma_peek(0, check_slot_offset(current)), tag);
	expect_finding(&w, FINDING_COW, "COW: a write of one process is seen in another");
	kern_switch_to(child);
	check_task_exit(child);
	mmfix_task_end(&w.f, child);
	watch_close(&w);
}

/* A call has touched the page: the device is elsewhere, and nobody is judged by it. */
static void test_detached(void **state)
{
	struct watch w = watch_open();
	u64 tag;

	store_tag(&w, 0);
	assert_int_equal(pin_told(0, 0, 1, PIN_WRITE), 1);
	watched_unmap(0, 1);
	watched_map(0, 1, RW);
	dma_tag(&w, 0, 0);
	assert_int_equal(peek(slot_of(0)), 0);
	tag = store_tag(&w, 0);
	dma_tag(&w, 0, 0);
	assert_int_equal(peek(slot_of(0)), tag);
	expect_silence(&w);
	watch_close(&w);
}

/* The page moves, and the device with it: its words turn up where nobody was told. */
static void test_moved(void **state)
{
	struct watch w = watch_open();
	struct check_call move = told(CHECK_EFFECT_MOVE, 0, 1);
	u64 tag;

	store_tag(&w, 0);
	assert_int_equal(pin_told(0, 0, 1, PIN_WRITE), 1);
	move.to = PG(20);
	move.to_len = PAGE_SIZE;
	check_call_begin(current, &move);
	check_call_end(current, &move, sys_mremap(PG(0), PAGE_SIZE, PAGE_SIZE,
						  MREMAP_MAYMOVE | MREMAP_FIXED, PG(20)));
	store_tag(&w, 20);
	tag = dma_tag(&w, 0, 0);
	assert_int_equal(peek(slot_of(20)), tag);
	expect_silence(&w);
	watch_close(&w);
}

static void test_freed_frame(void **state)
{
	struct watch w = watch_open();

	assert_int_equal(pin_told(0, 0, 1, PIN_WRITE), 1);
	ram_gen_bump(&w.f.m->ram, page_to_pfn(current->pins[0].page[0]));
	dma_peek(0, 0);
	expect_finding(&w, FINDING_STALE,
		       "STALE: a device reaches a frame that was freed under its pin");
	watch_close(&w);
}

static void test_lost_pin(void **state)
{
	struct watch w = watch_open();
	struct page *page;

	assert_int_equal(pin_told(0, 0, 1, PIN_WRITE), 1);
	page = current->pins[0].page[0];
	assert_int_equal(check_quiet(w.f.m), 0);
	atomic_add(GUP_PIN_COUNTING_BIAS, &page->_refcount);
	assert_int_equal(check_quiet(w.f.m), 1);
	expect_finding(&w, FINDING_REFS, "REFS: refcount is off");
	put_page_refs(page, GUP_PIN_COUNTING_BIAS);
	watch_close(&w);
}

static void test_rights(void **state)
{
	struct watch w = watch_open();
	struct check_call protect = told(CHECK_EFFECT_PROTECT, 0, 1);

	assert_int_equal(conclusive_of(&w, CHECK_RIGHTS, pin_told(0, 0, 2, PIN_WRITE)), 2);
	expect_silence(&w);
	/* Told, not done. */
	protect.prot = PROT_READ;
	tell(protect, 0);
	pin_told(0, 0, 1, PIN_WRITE);
	expect_finding(&w, FINDING_RIGHTS,
		       "RIGHTS: a page was pinned with rights that were taken away");
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_ends_with_its_task),
		cmocka_unit_test(test_coherent),
		cmocka_unit_test(test_device_reads_old),
		cmocka_unit_test(test_parted),
		cmocka_unit_test(test_zero_page_is_no_promise),
		cmocka_unit_test(test_foreign_word),
		cmocka_unit_test(test_detached),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_freed_frame),
		cmocka_unit_test(test_lost_pin),
		cmocka_unit_test(test_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
