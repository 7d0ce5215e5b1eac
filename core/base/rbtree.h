/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees, with the kernel's interface: the caller descends, links the node
 * with rb_link_node() and rebalances with rb_insert_color().  An augmented tree keeps
 * a value per subtree and passes the callbacks that maintain it.
 *
 * The caller's lock protects the tree, readers included.
 */
#ifndef BASE_RBTREE_H
#define BASE_RBTREE_H

#include "base/compiler.h"

struct rb_node {
	unsigned long	__rb_parent_color;	/* parent, bit 0: black */
	struct rb_node	*rb_right;
	struct rb_node	*rb_left;
} __aligned(sizeof(long));

struct rb_root {
	struct rb_node *rb_node;
};

/* Keeps the leftmost node at hand. */
struct rb_root_cached {
	struct rb_root	rb_root;
	struct rb_node	*rb_leftmost;
};

#define RB_ROOT		((struct rb_root){ NULL })
#define RB_ROOT_CACHED	((struct rb_root_cached){ { NULL }, NULL })

#define rb_parent(n)	((struct rb_node *)((n)->__rb_parent_color & ~3UL))
#define rb_entry(ptr, type, member)	container_of(ptr, type, member)
#define rb_first_cached(root)	((root)->rb_leftmost)

#define RB_EMPTY_ROOT(root)	((root)->rb_node == NULL)
/* A node in no tree points to itself, once RB_CLEAR_NODE() has been called on it. */
#define RB_EMPTY_NODE(node)	((node)->__rb_parent_color == (unsigned long)(node))
#define RB_CLEAR_NODE(node)	((node)->__rb_parent_color = (unsigned long)(node))

/*
 * propagate(n, stop): recompute from @n up to but not including @stop.
 * copy(old, new): @new takes @old's place and value.
 * rotate(old, new): @new has become the parent of @old.
 */
struct rb_augment_callbacks {
	void (*propagate)(struct rb_node *node, struct rb_node *stop);
	void (*copy)(struct rb_node *old, struct rb_node *new);
	void (*rotate)(struct rb_node *old, struct rb_node *new);
};

void rb_insert_color(struct rb_node *node, struct rb_root *root);
void rb_erase(struct rb_node *node, struct rb_root *root);
/* The values up to the root are recomputed too: the caller need not have done so. */
void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
			 const struct rb_augment_callbacks *augment);
void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
			const struct rb_augment_callbacks *augment);

struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent,
				struct rb_node **link)
{
	node->__rb_parent_color = (unsigned long)parent;
	node->rb_left = NULL;
	node->rb_right = NULL;
	*link = node;
}

static inline void rb_insert_color_cached(struct rb_node *node, struct rb_root_cached *root,
					  bool leftmost)
{
	if (leftmost)
		root->rb_leftmost = node;
	rb_insert_color(node, &root->rb_root);
}

static inline void rb_erase_cached(struct rb_node *node, struct rb_root_cached *root)
{
	if (root->rb_leftmost == node)
		root->rb_leftmost = rb_next(node);
	rb_erase(node, &root->rb_root);
}

static inline void rb_insert_augmented_cached(struct rb_node *node, struct rb_root_cached *root,
					      bool leftmost,
					      const struct rb_augment_callbacks *augment)
{
	if (leftmost)
		root->rb_leftmost = node;
	rb_insert_augmented(node, &root->rb_root, augment);
}

static inline void rb_erase_augmented_cached(struct rb_node *node, struct rb_root_cached *root,
					     const struct rb_augment_callbacks *augment)
{
	if (root->rb_leftmost == node)
		root->rb_leftmost = rb_next(node);
	rb_erase_augmented(node, &root->rb_root, augment);
}

/*
 * Callbacks for a subtree maximum: each node has @augmented = the largest of @compute(node)
 * in its subtree.
 */
#define RB_DECLARE_CALLBACKS_MAX(static_, name, type, rbfield, val, augmented, compute)	\
static inline bool name##_compute_max(type *node)				\
{										\
	val most = compute(node);						\
	type *child;								\
										\
	if (node->rbfield.rb_left) {						\
		child = rb_entry(node->rbfield.rb_left, type, rbfield);		\
		if (child->augmented > most)					\
			most = child->augmented;				\
	}									\
	if (node->rbfield.rb_right) {						\
		child = rb_entry(node->rbfield.rb_right, type, rbfield);	\
		if (child->augmented > most)					\
			most = child->augmented;				\
	}									\
	if (node->augmented == most)						\
		return true;							\
	node->augmented = most;							\
	return false;								\
}										\
static void name##_propagate(struct rb_node *rb, struct rb_node *stop)		\
{										\
	while (rb != stop) {							\
		type *node = rb_entry(rb, type, rbfield);			\
										\
		if (name##_compute_max(node))					\
			break;							\
		rb = rb_parent(rb);						\
	}									\
}										\
static void name##_copy(struct rb_node *rb_old, struct rb_node *rb_new)		\
{										\
	rb_entry(rb_new, type, rbfield)->augmented =				\
		rb_entry(rb_old, type, rbfield)->augmented;			\
}										\
static void name##_rotate(struct rb_node *rb_old, struct rb_node *rb_new)	\
{										\
	name##_copy(rb_old, rb_new);						\
	(void)name##_compute_max(rb_entry(rb_old, type, rbfield));		\
}										\
static_ const struct rb_augment_callbacks name = {				\
	.propagate = name##_propagate,						\
	.copy = name##_copy,							\
	.rotate = name##_rotate,						\
};

#endif
