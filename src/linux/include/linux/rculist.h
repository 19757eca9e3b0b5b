/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: list operations that readers under rcu_read_lock() may race with. */
#ifndef LINUX_RCULIST_H
#define LINUX_RCULIST_H

#include <linux/list.h>
#include <linux/rcupdate.h>

static inline void list_add_tail_rcu(struct list_head *entry,
				     struct list_head *head)
{
	struct list_head *last = head->prev;

	entry->next = head;
	entry->prev = last;
	__atomic_store_n(&last->next, entry, __ATOMIC_RELEASE);
	head->prev = entry;
}

static inline void list_add_rcu(struct list_head *entry,
				struct list_head *head)
{
	struct list_head *first = head->next;

	entry->next = first;
	entry->prev = head;
	__atomic_store_n(&head->next, entry, __ATOMIC_RELEASE);
	first->prev = entry;
}

/* The entry still leads readers onwards; free it after a grace period. */
static inline void list_del_rcu(struct list_head *entry)
{
	__list_del_entry(entry);
	entry->prev = LIST_POISON2;
}

#define list_entry_rcu(ptr, type, member) \
	container_of(__atomic_load_n(&(ptr), __ATOMIC_ACQUIRE), type, member)
#define list_for_each_entry_rcu(pos, head, member, cond...)             \
	for ((pos) = list_entry_rcu((head)->next, typeof(*(pos)), member); \
	     &(pos)->member != (head);                                  \
	     (pos) = list_entry_rcu((pos)->member.next, typeof(*(pos)), member))

#endif /* LINUX_RCULIST_H */
