/* SPDX-License-Identifier: MIT */
/* room: mm_base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
	int value;
	struct list_head link;
	struct hlist_node hash;
};

static void fill(struct item *items, int n, struct list_head *head)
{
	for (int i = 0; i < n; i++) {
		items[i].value = i;
		list_add_tail(&items[i].link, head);
	}
}

/* The values in order, as decimal digits after a leading 1. */
static int digits(struct list_head *head)
{
	struct item *it;
	int sum = 1;

	list_for_each_entry(it, head, link)
		sum = sum * 10 + it->value;
	return sum;
}

static void test_order(void **state)
{
	struct item items[4], extra = { .value = 9 };
	struct item *it;
	int back = 1;
	LIST_HEAD(head);

	assert_true(list_empty(&head));
	fill(items, 4, &head);
	assert_int_equal(digits(&head), 10123);
	list_for_each_entry_reverse(it, &head, link)
		back = back * 10 + it->value;
	assert_int_equal(back, 13210);
	list_add(&extra.link, &head);
	assert_int_equal(digits(&head), 190123);
	list_move_tail(&extra.link, &head);
	assert_int_equal(digits(&head), 101239);
	assert_ptr_equal(list_first_entry(&head, struct item, link), &items[0]);
	assert_ptr_equal(list_last_entry(&head, struct item, link), &extra);
	assert_int_equal(list_count_nodes(&head), 5);
}

static void test_delete(void **state)
{
	struct item items[4], *it, *next;
	LIST_HEAD(head);

	fill(items, 4, &head);
	list_for_each_entry_safe(it, next, &head, link)
		if (it->value % 2)
			list_del(&it->link);
	assert_int_equal(digits(&head), 102);
	/* use of a deleted entry faults */
	assert_ptr_equal(items[1].link.next, LIST_POISON1);
	list_del_init(&items[0].link);
	assert_true(list_empty(&items[0].link));
	assert_true(list_is_singular(&head));
	list_del(&items[2].link);
	assert_null(list_first_entry_or_null(&head, struct item, link));
}

static void test_splice(void **state)
{
	struct item a[2], b[3];
	LIST_HEAD(one);
	LIST_HEAD(two);

	fill(a, 2, &one);
	fill(b, 3, &two);
	list_splice_init(&two, &one);
	assert_true(list_empty(&two));
	assert_int_equal(digits(&one), 101201);
	list_splice_tail_init(&one, &two);
	assert_int_equal(digits(&two), 101201);
	/* an empty list adds nothing */
	list_splice(&one, &two);
	assert_int_equal(digits(&two), 101201);
}

static void test_hlist(void **state)
{
	struct hlist_head head = HLIST_HEAD_INIT;
	struct item items[3], *it;
	struct hlist_node *next;
	int sum = 1;

	for (int i = 0; i < 3; i++) {
		items[i].value = i;
		hlist_add_head(&items[i].hash, &head);
	}
	hlist_for_each_entry(it, &head, hash)
		sum = sum * 10 + it->value;
	assert_int_equal(sum, 1210);
	hlist_for_each_entry_safe(it, next, &head, hash)
		if (it->value == 1)
			hlist_del_init(&it->hash);
	assert_true(hlist_unhashed(&items[1].hash));
	assert_ptr_equal(items[2].hash.next, &items[0].hash);
	hlist_del(&items[2].hash);
	hlist_del(&items[0].hash);
	assert_true(hlist_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_delete),
		cmocka_unit_test(test_splice),
		cmocka_unit_test(test_hlist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
