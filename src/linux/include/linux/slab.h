/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * stricter: malloc with a header; what is never freed is reported at shutdown
 * by call site or cache.
 */
#ifndef LINUX_SLAB_H
#define LINUX_SLAB_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/types.h>

#define ARCH_KMALLOC_MINALIGN 16
#define KMALLOC_MAX_SIZE (4ul << 20)

/* What kmalloc(0) returns: may be freed, must not be touched. */
#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(x) ((unsigned long)(x) <= (unsigned long)ZERO_SIZE_PTR)

/* One for each place that allocates; on a list once it was used. */
struct linux_alloc_site {
	const char *file;
	int line;
	bool listed;
	bool pages; /* what it allocates */
	/* Objects in the upper 24 bits, bytes in the lower 40; atomic. */
	u64 live;
	struct linux_alloc_site *next;
};

#define __LINUX_SITE()                                   \
	({                                               \
		static struct linux_alloc_site __site = { \
			.file = __FILE__,                \
			.line = __LINE__,                \
		};                                       \
		&__site;                                 \
	})

void *linux_kmalloc(size_t size, gfp_t flags, size_t max,
		    struct linux_alloc_site *site) __malloc;
void *linux_krealloc(const void *p, size_t new_size, gfp_t flags,
		     struct linux_alloc_site *site);
char *linux_kstrdup(const char *s, size_t max, gfp_t flags,
		    struct linux_alloc_site *site);
void *linux_kmemdup(const void *src, size_t len, gfp_t flags, size_t max,
		    struct linux_alloc_site *site);
char *linux_kasprintf(gfp_t flags, struct linux_alloc_site *site,
		      const char *fmt, ...) __printf(3, 4);
/* NULL and ZERO_SIZE_PTR are ignored; foreign pointers are reported. */
void kfree(const void *ptr);
void kfree_sensitive(const void *ptr);
size_t ksize(const void *ptr);

/* At most 4 MiB; larger requests fail with a warning, as in the kernel. */
#define kmalloc(size, flags) \
	linux_kmalloc(size, flags, KMALLOC_MAX_SIZE, __LINUX_SITE())
#define kzalloc(size, flags) kmalloc(size, (flags) | __GFP_ZERO)
#define kmalloc_array(n, size, flags) kmalloc(size_mul(n, size), flags)
#define kcalloc(n, size, flags) kmalloc_array(n, size, (flags) | __GFP_ZERO)
#define kmalloc_node(size, flags, node) kmalloc(size, flags)
#define krealloc(p, new_size, flags) \
	linux_krealloc(p, new_size, flags, __LINUX_SITE())
#define krealloc_array(p, n, size, flags) krealloc(p, size_mul(n, size), flags)
#define kstrdup(s, flags) linux_kstrdup(s, SIZE_MAX, flags, __LINUX_SITE())
#define kstrndup(s, max, flags) linux_kstrdup(s, max, flags, __LINUX_SITE())
#define kstrdup_const(s, flags) kstrdup(s, flags)
#define kfree_const(s) kfree(s)
#define kmemdup(src, len, flags) \
	linux_kmemdup(src, len, flags, KMALLOC_MAX_SIZE, __LINUX_SITE())
#define kmemdup_array(src, n, size, flags) \
	kmemdup(src, size_mul(n, size), flags)
#define kasprintf(flags, fmt, args...) \
	linux_kasprintf(flags, __LINUX_SITE(), fmt, ##args)

/* Below 2 GiB. */
#define LINUX_KVMALLOC_MAX ((size_t)INT_MAX)
#define kvmalloc(size, flags) \
	linux_kmalloc(size, flags, LINUX_KVMALLOC_MAX, __LINUX_SITE())
#define kvzalloc(size, flags) kvmalloc(size, (flags) | __GFP_ZERO)
#define kvmalloc_array(n, size, flags) kvmalloc(size_mul(n, size), flags)
#define kvcalloc(n, size, flags) kvmalloc_array(n, size, (flags) | __GFP_ZERO)
#define kvmemdup(src, len, flags) \
	linux_kmemdup(src, len, flags, LINUX_KVMALLOC_MAX, __LINUX_SITE())
#define kvfree(ptr) kfree(ptr)

/* ---------------------------------------------------------------- caches -- */

#define SLAB_HWCACHE_ALIGN 0x1u
#define SLAB_PANIC 0x2u
#define SLAB_ACCOUNT 0x4u
#define SLAB_RECLAIM_ACCOUNT 0x8u
#define SLAB_TYPESAFE_BY_RCU 0x10u /* not provided: creation fails */

struct kmem_cache;

struct kmem_cache_args {
	unsigned int align;
	void (*ctor)(void *obj);
};

/* The constructor runs at each allocation. NULL on failure. */
struct kmem_cache *__kmem_cache_create(const char *name, unsigned int size,
				       unsigned int align, slab_flags_t flags,
				       void (*ctor)(void *obj));
struct kmem_cache *__kmem_cache_create_args(const char *name, unsigned int size,
					    struct kmem_cache_args *args,
					    slab_flags_t flags);
#define kmem_cache_create(name, size, args, ...)                        \
	_Generic((args),                                                \
		struct kmem_cache_args *: __kmem_cache_create_args,     \
		default: __kmem_cache_create)(name, size, args, __VA_ARGS__)
#define KMEM_CACHE(type, flags)                                         \
	__kmem_cache_create(#type, sizeof(struct type),                 \
			    __alignof__(struct type), (flags), NULL)
/* Reports objects that are still allocated. NULL is ignored. */
void kmem_cache_destroy(struct kmem_cache *cache);

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t flags) __malloc;
#define kmem_cache_zalloc(cache, flags) \
	kmem_cache_alloc(cache, (flags) | __GFP_ZERO)
/* Reports an object of another cache. */
void kmem_cache_free(struct kmem_cache *cache, void *obj);
/* All or none: returns size, or 0. */
int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t flags, size_t size,
			  void **objs);
void kmem_cache_free_bulk(struct kmem_cache *cache, size_t size, void **objs);
unsigned int kmem_cache_size(struct kmem_cache *cache);

#endif /* LINUX_SLAB_H */
