// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * Ids over an xarray. The caller serialises changes, so the array's own lock is
 * only ever taken by one thread at a time and costs little.
 */
#include <linux/idr.h>

static struct xarray *array_of(const struct idr *idr)
{
	return (struct xarray *)(uintptr_t)&idr->idr_xa;
}

static int alloc_range(struct idr *idr, void *ptr, u32 min, u32 max, gfp_t gfp)
{
	u32 id;
	int ret = xa_alloc(&idr->idr_xa, &id, ptr, XA_LIMIT(min, max), gfp);

	return ret == -EBUSY ? -ENOSPC : ret ?: (int)id;
}

int idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp)
{
	u32 max = end > 0 ? (u32)end - 1 : INT_MAX;

	if (WARN_ON_ONCE(start < 0))
		return -EINVAL;
	if (start < (int)idr->idr_base)
		start = (int)idr->idr_base;
	return alloc_range(idr, ptr, (u32)start, max, gfp);
}

int idr_alloc_cyclic(struct idr *idr, void *ptr, int start, int end, gfp_t gfp)
{
	u32 max = end > 0 ? (u32)end - 1 : INT_MAX;
	u32 from = idr->idr_next > (u32)start ? idr->idr_next : (u32)start;
	int id = alloc_range(idr, ptr, from, max, gfp);

	if (id == -ENOSPC && from > (u32)start)
		id = alloc_range(idr, ptr, (u32)start, max, gfp);
	if (id >= 0)
		idr->idr_next = (u32)id + 1;
	return id;
}

void *idr_find(const struct idr *idr, unsigned long id)
{
	return xa_load(array_of(idr), id);
}

void *idr_remove(struct idr *idr, unsigned long id)
{
	return xa_erase(&idr->idr_xa, id);
}

void *idr_replace(struct idr *idr, void *ptr, unsigned long id)
{
	void *old;

	xa_lock(&idr->idr_xa);
	if (__xa_insert(&idr->idr_xa, id, NULL, GFP_NOWAIT) != -EBUSY) {
		__xa_erase(&idr->idr_xa, id);
		old = ERR_PTR(-ENOENT);
	} else {
		old = __xa_store(&idr->idr_xa, id, ptr, GFP_NOWAIT);
	}
	xa_unlock(&idr->idr_xa);
	return old;
}

int idr_for_each(const struct idr *idr, int (*fn)(int id, void *p, void *data),
		 void *data)
{
	unsigned long id;
	void *entry;

	xa_for_each (array_of(idr), id, entry) {
		int ret = fn((int)id, entry, data);

		if (ret)
			return ret;
	}
	return 0;
}

void *idr_get_next(struct idr *idr, int *nextid)
{
	unsigned long id = (unsigned long)*nextid;
	void *entry = xa_find(&idr->idr_xa, &id, INT_MAX, XA_PRESENT);

	if (entry)
		*nextid = (int)id;
	return entry;
}

void idr_destroy(struct idr *idr)
{
	xa_destroy(&idr->idr_xa);
	idr->idr_next = 0;
}
