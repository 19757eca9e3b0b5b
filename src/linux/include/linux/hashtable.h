/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful: an array of hash lists; the number of buckets is a power of two. */
#ifndef LINUX_HASHTABLE_H
#define LINUX_HASHTABLE_H

#include <linux/array_size.h>
#include <linux/hash.h>
#include <linux/list.h>
#include <linux/log2.h>

#define DEFINE_HASHTABLE(name, bits) \
	struct hlist_head name[1 << (bits)] = { HLIST_HEAD_INIT }
#define DECLARE_HASHTABLE(name, bits) struct hlist_head name[1 << (bits)]
#define HASH_SIZE(name) ARRAY_SIZE(name)
#define HASH_BITS(name) ilog2(HASH_SIZE(name))
#define __linux_hash_bucket(table, key) \
	(&(table)[hash_64((u64)(key), HASH_BITS(table))])

#define hash_init(table) memset((table), 0, sizeof(table))
#define hash_add(table, node, key) \
	hlist_add_head(node, __linux_hash_bucket(table, key))
#define hash_del(node) hlist_del_init(node)
#define hash_hashed(node) (!hlist_unhashed(node))
#define hash_for_each_possible(table, obj, member, key) \
	hlist_for_each_entry(obj, __linux_hash_bucket(table, key), member)
#define hash_for_each(table, bkt, obj, member)                        \
	for ((bkt) = 0; (bkt) < (typeof(bkt))HASH_SIZE(table); (bkt)++) \
		hlist_for_each_entry(obj, &(table)[bkt], member)
#define hash_for_each_safe(table, bkt, tmp, obj, member)              \
	for ((bkt) = 0; (bkt) < (typeof(bkt))HASH_SIZE(table); (bkt)++) \
		hlist_for_each_entry_safe(obj, tmp, &(table)[bkt], member)

#endif /* LINUX_HASHTABLE_H */
