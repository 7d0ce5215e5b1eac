/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees: rotation, insertion, removal, traversal.
 *
 * Owns nothing and takes no lock: the caller's lock protects the tree.  Must never
 * allocate, nor read a key (order is the caller's business).
 *
 * The invariants: the root is black, a red node has black children, every path from
 * a node to a leaf has equally many black nodes.  Both repairs are written once, for
 * a side, and mirrored by the flag `right`.
 */
#include "base/rbtree.h"

#define RB_BLACK	1UL

static bool is_black(const struct rb_node *n)
{
	return !n || (n->__rb_parent_color & RB_BLACK);
}

static bool is_red(const struct rb_node *n)
{
	return !is_black(n);
}

static void set_black(struct rb_node *n)
{
	n->__rb_parent_color |= RB_BLACK;
}

static void set_red(struct rb_node *n)
{
	n->__rb_parent_color &= ~RB_BLACK;
}

static void set_parent(struct rb_node *n, struct rb_node *parent)
{
	n->__rb_parent_color = (unsigned long)parent | (n->__rb_parent_color & RB_BLACK);
}

static struct rb_node **child(struct rb_node *n, bool right)
{
	return right ? &n->rb_right : &n->rb_left;
}

/* Lets @parent (the root when NULL) point to @to where it pointed to @from. */
static void replace_child(struct rb_root *root, struct rb_node *parent, struct rb_node *from,
			  struct rb_node *to)
{
	if (!parent)
		root->rb_node = to;
	else
		*child(parent, parent->rb_right == from) = to;
}

/* @n goes down to the right (left), its left (right) child takes its place. */
static void rotate(struct rb_node *n, bool right, struct rb_root *root,
		   const struct rb_augment_callbacks *augment)
{
	struct rb_node *up = *child(n, !right);
	struct rb_node *between = *child(up, right);
	struct rb_node *parent = rb_parent(n);

	*child(n, !right) = between;
	if (between)
		set_parent(between, n);
	*child(up, right) = n;
	set_parent(n, up);
	set_parent(up, parent);
	replace_child(root, parent, n, up);
	if (augment)
		augment->rotate(n, up);
}

static void insert_repair(struct rb_node *node, struct rb_root *root,
			  const struct rb_augment_callbacks *augment)
{
	struct rb_node *parent, *grand, *uncle;
	bool right;

	/* node is red; only "a red node has black children" may be broken, at its parent */
	while ((parent = rb_parent(node)) && is_red(parent)) {
		grand = rb_parent(parent);
		right = grand->rb_right == parent;
		uncle = *child(grand, !right);
		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		if (node == *child(parent, !right)) {
			rotate(parent, right, root, augment);
			parent = node;
		}
		set_black(parent);
		set_red(grand);
		rotate(grand, !right, root, augment);
		break;
	}
	set_black(root->rb_node);
}

/* The paths through @node (may be NULL), a child of @parent, are one black node short. */
static void erase_repair(struct rb_node *node, struct rb_node *parent, struct rb_root *root,
			 const struct rb_augment_callbacks *augment)
{
	while (parent && is_black(node)) {
		bool right = parent->rb_left != node;
		/* exists: the other side has a black node more */
		struct rb_node *sibling = *child(parent, !right);

		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			rotate(parent, right, root, augment);
			sibling = *child(parent, !right);
		}
		if (is_black(sibling->rb_left) && is_black(sibling->rb_right)) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (is_black(*child(sibling, !right))) {
			set_black(*child(sibling, right));
			set_red(sibling);
			rotate(sibling, !right, root, augment);
			sibling = *child(parent, !right);
		}
		if (is_black(parent))
			set_black(sibling);
		else
			set_red(sibling);
		set_black(parent);
		set_black(*child(sibling, !right));
		rotate(parent, right, root, augment);
		return;
	}
	if (node)
		set_black(node);
}

/* @node has two children: its successor takes its place; returns where paths got short. */
static struct rb_node *erase_inner(struct rb_node *node, struct rb_root *root,
				   const struct rb_augment_callbacks *augment,
				   struct rb_node **short_child, bool *was_black)
{
	struct rb_node *next = node->rb_right, *parent;

	while (next->rb_left)
		next = next->rb_left;
	*was_black = is_black(next);
	*short_child = next->rb_right;
	parent = rb_parent(next);
	if (parent == node) {
		parent = next;
	} else {
		parent->rb_left = next->rb_right;
		if (next->rb_right)
			set_parent(next->rb_right, parent);
		next->rb_right = node->rb_right;
		set_parent(next->rb_right, next);
	}
	next->rb_left = node->rb_left;
	set_parent(next->rb_left, next);
	replace_child(root, rb_parent(node), node, next);
	next->__rb_parent_color = node->__rb_parent_color;
	if (augment) {
		/* an unchanged value ends a propagation: so up to next, then from it */
		augment->copy(node, next);
		augment->propagate(parent, next);
		augment->propagate(next, NULL);
	}
	return parent;
}

static void erase(struct rb_node *node, struct rb_root *root,
		  const struct rb_augment_callbacks *augment)
{
	struct rb_node *parent, *below;
	bool black;

	if (node->rb_left && node->rb_right) {
		parent = erase_inner(node, root, augment, &below, &black);
	} else {
		below = node->rb_left ? node->rb_left : node->rb_right;
		parent = rb_parent(node);
		black = is_black(node);
		replace_child(root, parent, node, below);
		if (below)
			set_parent(below, parent);
		if (augment && parent)
			augment->propagate(parent, NULL);
	}
	if (black)
		erase_repair(below, parent, root, augment);
}

void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	insert_repair(node, root, NULL);
}

void rb_erase(struct rb_node *node, struct rb_root *root)
{
	erase(node, root, NULL);
}

void rb_insert_augmented(struct rb_node *node, struct rb_root *root,
			 const struct rb_augment_callbacks *augment)
{
	struct rb_node *parent = rb_parent(node);

	augment->propagate(node, parent);
	if (parent)
		augment->propagate(parent, NULL);
	insert_repair(node, root, augment);
}

void rb_erase_augmented(struct rb_node *node, struct rb_root *root,
			const struct rb_augment_callbacks *augment)
{
	erase(node, root, augment);
}

static struct rb_node *outermost(struct rb_node *n, bool right)
{
	while (n && *child(n, right))
		n = *child(n, right);
	return n;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return outermost(root->rb_node, false);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return outermost(root->rb_node, true);
}

static struct rb_node *neighbour(const struct rb_node *node, bool right)
{
	struct rb_node *n = (struct rb_node *)node, *parent;

	if (*child(n, right))
		return outermost(*child(n, right), !right);
	/* up, until we come from the other side */
	while ((parent = rb_parent(n)) && n == *child(parent, right))
		n = parent;
	return parent;
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return RB_EMPTY_NODE(node) ? NULL : neighbour(node, true);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return RB_EMPTY_NODE(node) ? NULL : neighbour(node, false);
}
