/* SPDX-License-Identifier: MIT */
/* room: mm_base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "base/rbtree.h"

#define NODES	300

/* An interval [key, last]; most is the largest last of the subtree. */
struct node {
	struct rb_node rb;
	unsigned long key;
	unsigned long last;
	unsigned long most;
	bool in;
};

#define node_last(n)	((n)->last)
RB_DECLARE_CALLBACKS_MAX(static, augment, struct node, rb, unsigned long, most, node_last)

static void insert(struct rb_root *root, struct node *node, bool augmented)
{
	struct rb_node **link = &root->rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = rb_entry(parent, struct node, rb)->key > node->key ? &parent->rb_left :
									    &parent->rb_right;
	}
	rb_link_node(&node->rb, parent, link);
	node->most = 0;
	if (augmented)
		rb_insert_augmented(&node->rb, root, &augment);
	else
		rb_insert_color(&node->rb, root);
	node->in = true;
}

/* Checks the subtree's shape, colours and maxima; returns its black height. */
static int check(const struct rb_node *rb, const struct rb_node *parent, bool augmented)
{
	const struct node *n;
	bool black;
	int left, right;

	if (!rb)
		return 0;
	n = rb_entry(rb, struct node, rb);
	black = rb->__rb_parent_color & 1;
	assert_ptr_equal(rb_parent(rb), parent);
	if (!parent)
		assert_true(black);
	else if (!black)
		assert_true(parent->__rb_parent_color & 1);
	left = check(rb->rb_left, rb, augmented);
	right = check(rb->rb_right, rb, augmented);
	assert_int_equal(left, right);
	if (augmented) {
		unsigned long most = n->last;

		if (rb->rb_left)
			most = max(most, rb_entry(rb->rb_left, struct node, rb)->most);
		if (rb->rb_right)
			most = max(most, rb_entry(rb->rb_right, struct node, rb)->most);
		assert_int_equal(n->most, most);
	}
	return left + black;
}

static void check_order(struct rb_root *root, int count)
{
	unsigned long before = 0;
	struct rb_node *rb;
	int n = 0;

	for (rb = rb_first(root); rb; rb = rb_next(rb), n++) {
		assert_true(rb_entry(rb, struct node, rb)->key >= before);
		before = rb_entry(rb, struct node, rb)->key;
	}
	assert_int_equal(n, count);
	for (rb = rb_last(root); rb; rb = rb_prev(rb), n--)
		;
	assert_int_equal(n, 0);
}

static void churn(bool augmented, u64 seed)
{
	static struct node nodes[NODES];
	struct rb_root root = RB_ROOT;
	struct prng prng;
	int count = 0;

	prng_seed(&prng, seed);
	for (int i = 0; i < NODES; i++)
		nodes[i].in = false;
	for (int step = 0; step < 6000; step++) {
		struct node *n = &nodes[prng_below(&prng, NODES)];

		if (n->in) {
			if (augmented)
				rb_erase_augmented(&n->rb, &root, &augment);
			else
				rb_erase(&n->rb, &root);
			n->in = false;
			count--;
		} else {
			n->key = prng_below(&prng, 100);
			n->last = n->key + prng_below(&prng, 50);
			insert(&root, n, augmented);
			count++;
		}
		if (step % 7 == 0) {
			check(root.rb_node, NULL, augmented);
			check_order(&root, count);
		}
	}
}

static void test_churn(void **state)
{
	for (u64 seed = 0; seed < 5; seed++)
		churn(false, seed);
}

static void test_churn_augmented(void **state)
{
	for (u64 seed = 10; seed < 15; seed++)
		churn(true, seed);
}

static void test_cached(void **state)
{
	struct rb_root_cached root = RB_ROOT_CACHED;
	struct node a = { .key = 1 }, b = { .key = 2 };

	assert_null(rb_first_cached(&root));
	rb_link_node(&b.rb, NULL, &root.rb_root.rb_node);
	rb_insert_color_cached(&b.rb, &root, true);
	rb_link_node(&a.rb, &b.rb, &b.rb.rb_left);
	rb_insert_color_cached(&a.rb, &root, true);
	assert_ptr_equal(rb_first_cached(&root), &a.rb);
	rb_erase_cached(&a.rb, &root);
	assert_ptr_equal(rb_first_cached(&root), &b.rb);
	rb_erase_cached(&b.rb, &root);
	assert_null(rb_first_cached(&root));
	assert_true(RB_EMPTY_ROOT(&root.rb_root));
	RB_CLEAR_NODE(&a.rb);
	assert_true(RB_EMPTY_NODE(&a.rb));
	assert_null(rb_next(&a.rb));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_churn),
		cmocka_unit_test(test_churn_augmented),
		cmocka_unit_test(test_cached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
