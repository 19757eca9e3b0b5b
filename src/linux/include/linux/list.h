/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful interface, our own bodies. */
#ifndef LINUX_LIST_H
#define LINUX_LIST_H

#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/poison.h>
#include <linux/types.h>

/* ----------------------------------------------- circular, doubly linked -- */

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	WRITE_ONCE(list->next, list);
	list->prev = list;
}

static inline void __linux_list_link(struct list_head *prev,
				     struct list_head *next)
{
	next->prev = prev;
	WRITE_ONCE(prev->next, next);
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	__linux_list_link(entry, head->next);
	__linux_list_link(head, entry);
}

static inline void list_add_tail(struct list_head *entry,
				 struct list_head *head)
{
	struct list_head *last = head->prev;

	__linux_list_link(last, entry);
	__linux_list_link(entry, head);
}

static inline void __list_del_entry(struct list_head *entry)
{
	__linux_list_link(entry->prev, entry->next);
}

static inline void list_del(struct list_head *entry)
{
	__list_del_entry(entry);
	entry->next = LIST_POISON1;
	entry->prev = LIST_POISON2;
}

static inline void list_del_init(struct list_head *entry)
{
	__list_del_entry(entry);
	INIT_LIST_HEAD(entry);
}

/* Pairs with list_empty_careful(): the deletion is visible last. */
static inline void list_del_init_careful(struct list_head *entry)
{
	__list_del_entry(entry);
	WRITE_ONCE(entry->prev, entry);
	__atomic_store_n(&entry->next, entry, __ATOMIC_RELEASE);
}

static inline void list_replace(struct list_head *old, struct list_head *entry)
{
	__linux_list_link(entry, old->next);
	__linux_list_link(old->prev, entry);
}

static inline void list_replace_init(struct list_head *old,
				     struct list_head *entry)
{
	list_replace(old, entry);
	INIT_LIST_HEAD(old);
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	__list_del_entry(entry);
	list_add(entry, head);
}

static inline void list_move_tail(struct list_head *entry,
				  struct list_head *head)
{
	__list_del_entry(entry);
	list_add_tail(entry, head);
}

/* Moves everything up to and including entry from head to the front of to. */
static inline void list_cut_position(struct list_head *to,
				     struct list_head *head,
				     struct list_head *entry)
{
	if (head->next == head || entry == head) {
		INIT_LIST_HEAD(to);
		return;
	}
	struct list_head *first = head->next, *rest = entry->next;

	__linux_list_link(to, first);
	__linux_list_link(entry, to);
	__linux_list_link(head, rest);
}

static inline int list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline int list_empty_careful(const struct list_head *head)
{
	const struct list_head *next =
		__atomic_load_n(&head->next, __ATOMIC_ACQUIRE);

	return next == head && READ_ONCE(head->prev) == next;
}

static inline int list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline int list_is_first(const struct list_head *entry,
				const struct list_head *head)
{
	return entry->prev == head;
}

static inline int list_is_last(const struct list_head *entry,
			       const struct list_head *head)
{
	return entry->next == head;
}

static inline int list_is_head(const struct list_head *entry,
			       const struct list_head *head)
{
	return entry == head;
}

static inline void __linux_list_splice(const struct list_head *list,
				       struct list_head *prev,
				       struct list_head *next)
{
	struct list_head *first = list->next, *last = list->prev;

	__linux_list_link(prev, first);
	__linux_list_link(last, next);
}

static inline void list_splice(const struct list_head *list,
			       struct list_head *head)
{
	if (!list_empty(list))
		__linux_list_splice(list, head, head->next);
}

static inline void list_splice_tail(struct list_head *list,
				    struct list_head *head)
{
	if (!list_empty(list))
		__linux_list_splice(list, head->prev, head);
}

static inline void list_splice_init(struct list_head *list,
				    struct list_head *head)
{
	list_splice(list, head);
	INIT_LIST_HEAD(list);
}

static inline void list_splice_tail_init(struct list_head *list,
					 struct list_head *head)
{
	list_splice_tail(list, head);
	INIT_LIST_HEAD(list);
}

static inline void list_rotate_left(struct list_head *head)
{
	if (!list_empty(head))
		list_move_tail(head->next, head);
}

static inline size_t list_count_nodes(struct list_head *head)
{
	size_t count = 0;

	for (struct list_head *pos = head->next; pos != head; pos = pos->next)
		count++;
	return count;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(ptr, type, member) \
	list_entry((ptr)->next, type, member)
#define list_last_entry(ptr, type, member) list_entry((ptr)->prev, type, member)
#define list_first_entry_or_null(ptr, type, member)                        \
	({                                                                 \
		struct list_head *__lf_head = (ptr);                       \
		struct list_head *__lf_first = READ_ONCE(__lf_head->next); \
		__lf_first != __lf_head ?                                  \
			list_entry(__lf_first, type, member) :             \
			NULL;                                              \
	})
#define list_next_entry(pos, member) \
	list_entry((pos)->member.next, typeof(*(pos)), member)
#define list_prev_entry(pos, member) \
	list_entry((pos)->member.prev, typeof(*(pos)), member)
#define list_entry_is_head(pos, head, member) (&(pos)->member == (head))

#define list_for_each(pos, head) \
	for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)
#define list_for_each_prev(pos, head) \
	for ((pos) = (head)->prev; (pos) != (head); (pos) = (pos)->prev)
#define list_for_each_safe(pos, n, head)                                     \
	for ((pos) = (head)->next, (n) = (pos)->next; (pos) != (head);       \
	     (pos) = (n), (n) = (pos)->next)
#define list_for_each_entry(pos, head, member)                               \
	for ((pos) = list_first_entry(head, typeof(*(pos)), member);         \
	     !list_entry_is_head(pos, head, member);                         \
	     (pos) = list_next_entry(pos, member))
#define list_for_each_entry_reverse(pos, head, member)                       \
	for ((pos) = list_last_entry(head, typeof(*(pos)), member);          \
	     !list_entry_is_head(pos, head, member);                         \
	     (pos) = list_prev_entry(pos, member))
/* For list_for_each_entry_continue(): @pos, or the head where it is NULL. */
#define list_prepare_entry(pos, head, member) \
	((pos) ?: list_entry(head, typeof(*(pos)), member))
#define list_for_each_entry_continue(pos, head, member)                      \
	for ((pos) = list_next_entry(pos, member);                           \
	     !list_entry_is_head(pos, head, member);                         \
	     (pos) = list_next_entry(pos, member))
#define list_for_each_entry_continue_reverse(pos, head, member)              \
	for ((pos) = list_prev_entry(pos, member);                           \
	     !list_entry_is_head(pos, head, member);                         \
	     (pos) = list_prev_entry(pos, member))
#define list_for_each_entry_from(pos, head, member)                          \
	for (; !list_entry_is_head(pos, head, member);                       \
	     (pos) = list_next_entry(pos, member))
#define list_for_each_entry_safe(pos, n, head, member)                       \
	for ((pos) = list_first_entry(head, typeof(*(pos)), member),         \
	    (n) = list_next_entry(pos, member);                              \
	     !list_entry_is_head(pos, head, member);                         \
	     (pos) = (n), (n) = list_next_entry(n, member))
#define list_for_each_entry_safe_reverse(pos, n, head, member)               \
	for ((pos) = list_last_entry(head, typeof(*(pos)), member),          \
	    (n) = list_prev_entry(pos, member);                              \
	     !list_entry_is_head(pos, head, member);                         \
	     (pos) = (n), (n) = list_prev_entry(n, member))

/* ---------------------------------------- singly linked head, for hashes -- */

#define HLIST_HEAD_INIT { .first = NULL }
#define HLIST_HEAD(name) struct hlist_head name = { .first = NULL }
#define INIT_HLIST_HEAD(ptr) ((ptr)->first = NULL)

static inline void INIT_HLIST_NODE(struct hlist_node *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

static inline int hlist_unhashed(const struct hlist_node *node)
{
	return !node->pprev;
}

static inline int hlist_empty(const struct hlist_head *head)
{
	return !READ_ONCE(head->first);
}

static inline void hlist_add_head(struct hlist_node *node,
				  struct hlist_head *head)
{
	node->next = head->first;
	if (node->next)
		node->next->pprev = &node->next;
	WRITE_ONCE(head->first, node);
	node->pprev = &head->first;
}

static inline void hlist_del_init(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	WRITE_ONCE(*node->pprev, node->next);
	if (node->next)
		node->next->pprev = node->pprev;
	INIT_HLIST_NODE(node);
}

static inline void hlist_del(struct hlist_node *node)
{
	hlist_del_init(node);
	node->next = LIST_POISON1;
	node->pprev = LIST_POISON2;
}

#define hlist_entry(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry_safe(ptr, type, member)                        \
	({                                                         \
		typeof(ptr) __he_ptr = (ptr);                      \
		__he_ptr ? hlist_entry(__he_ptr, type, member) : NULL; \
	})
#define hlist_for_each_entry(pos, head, member)                              \
	for ((pos) = hlist_entry_safe((head)->first, typeof(*(pos)), member); \
	     (pos); (pos) = hlist_entry_safe((pos)->member.next,             \
					     typeof(*(pos)), member))
#define hlist_for_each_entry_safe(pos, n, head, member)                       \
	for ((pos) = hlist_entry_safe((head)->first, typeof(*(pos)), member); \
	     (pos) && ({                                                      \
		     (n) = (pos)->member.next;                                \
		     1;                                                       \
	     });                                                              \
	     (pos) = hlist_entry_safe(n, typeof(*(pos)), member))

#endif /* LINUX_LIST_H */
