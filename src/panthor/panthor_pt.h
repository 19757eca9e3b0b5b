/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Page tables of one address space: AArch64 LPAE stage 1 with a 4 KiB granule,
 * as the MMU of Mali GPUs walks them (docs/panthor.md, "Page tables").
 *
 * An edit replaces what a range of addresses translates to, whatever was there
 * before, in place: an entry goes from its old value to its new one in a single
 * store, never through zero. What has the right value already is not written.
 * Blocks are used wherever addresses allow, split and rebuilt as needed; tables
 * without a live entry are unlinked at once.
 *
 * Every 2 MiB-aligned stretch of a sparse range looks the same. So there is,
 *per set of attributes, one table of each level that is full of them, and all
 * entries of the level above may name it: the entry that covers 512 GiB of
 * sparse memory costs the same single store as the one for 2 MiB. Such a shared
 * table is built at first use and never edited, only copied; a copy that looks
 * like it again is replaced by it. It lives until the owner says that no sparse
 * memory of its set is left: panthor_pt_drop_shared().
 *
 * Memory that was evicted has *absent* entries: a leaf that is not valid, but
 * not zero either. It keeps its level and attributes; its address bits hold the
 * offset in the BO, so that entries of a run are consecutive as those of pages
 * are. To the MMU it is a hole; here it is as alive as any leaf, is split and
 * copied like one, and is overwritten by the edit that maps the BO again. Of
 * sparse memory only the lowest shared table of each set is edited, and what is
 * private: panthor_pt_evict_shared(), panthor_pt_restore_shared().
 *
 * An edit never allocates. Its tables come from the reserve that was filled
 * before:
 *
 *	need = {}
 *	panthor_pt_need_add(pt, &need, edit)      for all edits that may be
 *queued while ((n = panthor_pt_shortage(pt, &need))) add n pages with
 *panthor_pt_reserve_add() panthor_pt_reserve_hold(pt, &need)
 *	    ... panthor_pt_edit(pt, edit), in any order and with others in
 *between panthor_pt_reserve_drop(pt, &need)
 *
 * Why this is enough: let U be the places in the tree (unit, level) where a
 *held edit may need a table of its own, and M those of them that have none now.
 *The reserve holds at least |M| pages at any time: need_add counts |M|, hold
 *makes it a promise; a table that appears takes one page from the reserve and
 *one place from M; a table that goes gives its page back, promised as well,
 *because its place may be one of U. So what is set aside is what is really
 *missing, not the worst case.
 *
 * Locking: none in here. The owner serialises all calls on one panthor_pt, and
 * keeps the MMU out of the range while it is edited.
 */
#ifndef PANTHOR_PT_H
#define PANTHOR_PT_H

#include <linux/bits.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/types.h>

struct device;
struct page;
struct panthor_backing;

#define PANTHOR_PT_ENTRIES 512
#define PANTHOR_PT_LEVELS 4

/* Leaf sizes in use: what DEV_QUERY_MMU_INFO reports. */
#define PANTHOR_PT_PAGE_SIZES (SZ_4K | SZ_2M)

/* Descriptors */
#define PANTHOR_PTE_VALID BIT_ULL(0)
#define PANTHOR_PTE_TYPE_MASK GENMASK_ULL(1, 0)
#define PANTHOR_PTE_BLOCK 1ull /* levels 1 and 2 */
#define PANTHOR_PTE_TABLE 3ull /* levels 0 to 2 */
#define PANTHOR_PTE_PAGE 3ull  /* level 3 */
#define PANTHOR_PTE_ADDR_MASK GENMASK_ULL(47, 12)
#define PANTHOR_PTE_ATTRINDX(i) ((u64)(i) << 2) /* 0 uncached, 1 cached */
#define PANTHOR_PTE_AP_EL0 BIT_ULL(6)
#define PANTHOR_PTE_AP_RDONLY BIT_ULL(7)
#define PANTHOR_PTE_SH_OUTER (2ull << 8)
#define PANTHOR_PTE_SH_INNER (3ull << 8)
#define PANTHOR_PTE_AF BIT_ULL(10)
#define PANTHOR_PTE_NG BIT_ULL(11)
#define PANTHOR_PTE_XN (BIT_ULL(53) | BIT_ULL(54))
/* To a GPU with GPU_VIRT_FEATURES_NULL_LEAVES: no memory. To others nothing. */
#define PANTHOR_PTE_NULL BIT_ULL(55)
/* Bits 58:56 are for software: which shared table an entry names. */
#define PANTHOR_PTE_SHARED BIT_ULL(56)
#define PANTHOR_PTE_SET(s) ((u64)(s) << 57)
#define PANTHOR_PTE_SET_MASK GENMASK_ULL(58, 57)

/* READONLY x UNCACHED; NOEXEC is mandatory for sparse memory. */
#define PANTHOR_PT_SETS 4

struct panthor_pt_shared {
	struct page *page; /* NULL: not built */
	u64 refs; /* entries that name it, those of shared tables included */
};

struct panthor_pt {
	struct device *dev;
	u8 va_bits;
	u8 root_level; /* 0, or 1 for at most 39 VA bits */
	bool coherent; /* walks snoop the CPU's caches */

	struct page *root;
	/* By attribute set and level; level 0 is never shared. */
	struct panthor_pt_shared shared[PANTHOR_PT_SETS][PANTHOR_PT_LEVELS];

	/* Pages linked by their lru; see above. */
	struct list_head reserve;
	u64 reserve_count;
	u64 promised; /* pages of it that held edits count on: at least |M| */
	u64 held;     /* |U| of all held needs; the promise never exceeds it */
	/*
	 * Unlinked tables. A walk that began before may still read them, so
	 * they keep their contents until panthor_pt_recycle().
	 */
	struct list_head unlinked;
	u64 unlinked_count;

	u64 pages; /* tables in use, root and shared ones included */
	/*
	 * Entries stored since the beginning. The 512 entries that a shared
	 * table is born with are not counted: it is built once.
	 */
	u64 written;
};

enum panthor_pt_edit_type {
	PANTHOR_PT_UNMAP,
	PANTHOR_PT_MAP,
	PANTHOR_PT_SPARSE,
	PANTHOR_PT_EVICT, /* makes the leaves of a BO absent */
	PANTHOR_PT_EVICT_SPARSE, /* and the private ones of sparse memory */
};

struct panthor_pt_edit {
	enum panthor_pt_edit_type type;
	u64 start, end; /* VA, 4 KiB aligned, start < end */
	/* MAP: the BO's pages. SPARSE: the dummy's, 2 MiB of them. */
	struct panthor_backing *backing;
	u64 offset; /* MAP, EVICT: of start in the BO */
	u64 leaf;   /* page descriptor without address: panthor_pt_leaf() */
	u8 set;	    /* SPARSE: panthor_pt_set() */
};

struct panthor_pt_need {
	u64 tables;  /* |U|; places that several edits share count once at best
		      */
	u64 missing; /* |M| */
	u64 last[PANTHOR_PT_LEVELS]; /* place counted last, for that */
	u8 sets; /* attribute sets whose shared tables were counted */
};

int panthor_pt_init(struct panthor_pt *pt, struct device *dev, u32 va_bits,
		    bool coherent);
void panthor_pt_fini(struct panthor_pt *pt);
u64 panthor_pt_root_pa(const struct panthor_pt *pt);

u64 panthor_pt_leaf(u32 op_flags);
u8 panthor_pt_set(u32 op_flags);
u32 panthor_pt_set_flags(u8 set);

void panthor_pt_need_add(const struct panthor_pt *pt,
			 struct panthor_pt_need *need,
			 const struct panthor_pt_edit *edit);
u64 panthor_pt_shortage(const struct panthor_pt *pt,
			const struct panthor_pt_need *need);
int panthor_pt_alloc_pages(struct device *dev, u64 count,
			   struct list_head *pages);
void panthor_pt_free_pages(struct device *dev, struct list_head *pages);
void panthor_pt_reserve_add(struct panthor_pt *pt, u64 count,
			    struct list_head *pages);
void panthor_pt_reserve_hold(struct panthor_pt *pt,
			     const struct panthor_pt_need *need);
void panthor_pt_reserve_drop(struct panthor_pt *pt,
			     const struct panthor_pt_need *need);

void panthor_pt_footprint(const struct panthor_pt *pt,
			  const struct panthor_pt_edit *edit, u64 *start_out,
			  u64 *end_out);
void panthor_pt_edit(struct panthor_pt *pt, const struct panthor_pt_edit *edit);
void panthor_pt_evict_shared(struct panthor_pt *pt, u8 set);
void panthor_pt_restore_shared(struct panthor_pt *pt,
			       const struct panthor_pt_edit *edit);
void panthor_pt_need_shared(const struct panthor_pt *pt,
			    struct panthor_pt_need *need, u8 set);
void panthor_pt_drop_shared(struct panthor_pt *pt, u8 set);
void panthor_pt_recycle(struct panthor_pt *pt);
void panthor_pt_settle(struct panthor_pt *pt, struct list_head *surplus);

/* panthor_pt_dump.c */
struct panthor_pt_entry {
	u64 start, end; /* VA */
	u64 desc;
	int level; /* of the table that holds it */
};

enum panthor_pt_kind {
	PANTHOR_PT_KIND_MEMORY, /* a leaf */
	PANTHOR_PT_KIND_NULL, /* one that says that there is no memory */
	PANTHOR_PT_KIND_ABSENT, /* one whose memory was evicted */
	PANTHOR_PT_KIND_SHARED, /* names a shared table of sparse memory */
};

bool panthor_pt_next_entry(const struct panthor_pt *pt, u64 va,
			   struct panthor_pt_entry *entry);
enum panthor_pt_kind
panthor_pt_entry_kind(const struct panthor_pt_entry *entry);

#endif /* PANTHOR_PT_H */
