/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* faithful interface, over xarray.h; the user locks, lookups need RCU only. */
#ifndef LINUX_IDR_H
#define LINUX_IDR_H

#include <linux/preempt.h>
#include <linux/xarray.h>

struct idr {
	struct xarray idr_xa;
	unsigned int idr_base;
	unsigned int idr_next;
};

#define IDR_INIT_BASE(name, base)                           \
	{                                                   \
		.idr_xa = XARRAY_INIT(name.idr_xa, XA_FLAGS_ALLOC), \
		.idr_base = (base),                         \
	}
#define IDR_INIT(name) IDR_INIT_BASE(name, 0)
#define DEFINE_IDR(name) struct idr name = IDR_INIT(name)

#define idr_init_base(ptr, base)                                 \
	do {                                                     \
		struct idr *__idr = (ptr);                       \
		xa_init_flags(&__idr->idr_xa, XA_FLAGS_ALLOC);   \
		__idr->idr_base = (base);                        \
		__idr->idr_next = 0;                             \
	} while (0)
#define idr_init(ptr) idr_init_base(ptr, 0)

/* Lowest free id in [start, end); end 0: no bound. -ENOSPC, -ENOMEM. */
int idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp);
int idr_alloc_cyclic(struct idr *idr, void *ptr, int start, int end, gfp_t gfp);
void *idr_find(const struct idr *idr, unsigned long id);
void *idr_remove(struct idr *idr, unsigned long id);
/* The old pointer; ERR_PTR(-ENOENT) if the id is free. */
void *idr_replace(struct idr *idr, void *ptr, unsigned long id);
/* Stops at the first non-zero result and returns it. */
int idr_for_each(const struct idr *idr,
		 int (*fn)(int id, void *p, void *data), void *data);
void *idr_get_next(struct idr *idr, int *nextid);
void idr_destroy(struct idr *idr);

static inline bool idr_is_empty(const struct idr *idr)
{
	return xa_empty(&idr->idr_xa);
}

#define idr_for_each_entry(idr, entry, id) \
	for ((id) = 0; ((entry) = idr_get_next(idr, &(id))) != NULL; (id)++)

/* The kernel fills a reserve here; allocating without sleeping needs none. */
static inline void idr_preload(gfp_t gfp)
{
	might_sleep_if(gfpflags_allow_blocking(gfp));
	preempt_disable();
}

static inline void idr_preload_end(void)
{
	preempt_enable();
}

#endif /* LINUX_IDR_H */
