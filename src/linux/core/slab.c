// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * kmalloc and caches over malloc. Sixteen bytes in front of every object name
 * its owner (call site or cache) and its size; the owner counts what lives.
 */
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <stdarg.h>
#include <stdlib.h>
#include "internal.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(addr, size) ((void)0)
#define ASAN_UNPOISON_MEMORY_REGION(addr, size) ((void)0)
#endif

enum kind {
	KIND_FREED = 0xfeed,
	KIND_KMALLOC = 0x6b6d,
	KIND_CACHE = 0xcac4,
};

struct header {
	void *owner;   /* struct linux_alloc_site or struct kmem_cache */
	u64 kind_size; /* kind in the upper 16 bits */
};

#define HEADER_SIZE 16
#define SIZE_BITS 48
_Static_assert(sizeof(struct header) == HEADER_SIZE,
	       "keeps malloc's alignment");

struct kmem_cache {
	const char *name;
	unsigned int size;
	unsigned int front; /* of the object in its malloc block */
	void (*ctor)(void *obj);
	s64 live; /* atomic */
	struct kmem_cache *next;
};

static struct {
	pthread_mutex_t lock; /* guards the lists */
	struct linux_alloc_site *sites;
	struct kmem_cache *caches;
} slab = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --------------------------------------------------------------- headers -- */

static struct header *header_of(const void *obj)
{
	return (struct header *)((uintptr_t)obj - HEADER_SIZE);
}

static void set_header(void *obj, void *owner, enum kind kind, size_t size)
{
	struct header *header = header_of(obj);

	header->owner = owner;
	header->kind_size = (u64)kind << SIZE_BITS | size;
	ASAN_POISON_MEMORY_REGION(header, HEADER_SIZE);
}

/* Reports what is no live object of ours. */
static bool get_header(const void *obj, struct header *out)
{
	struct header *header = header_of(obj);
	enum kind kind;

	ASAN_UNPOISON_MEMORY_REGION(header, HEADER_SIZE);
	*out = *header;
	kind = out->kind_size >> SIZE_BITS;
	if (likely(kind == KIND_KMALLOC || kind == KIND_CACHE))
		return true;
	WARN(1, "%p is %s", obj,
	     kind == KIND_FREED ? "freed already" : "no slab object");
	return false;
}

static enum kind header_kind(const struct header *header)
{
	return header->kind_size >> SIZE_BITS;
}

static size_t header_size(const struct header *header)
{
	return header->kind_size & ((1ull << SIZE_BITS) - 1);
}

static void count(s64 *counter, s64 delta)
{
	__atomic_fetch_add(counter, delta, __ATOMIC_RELAXED);
}

void linux_alloc_site_list(struct linux_alloc_site *site)
{
	pthread_mutex_lock(&slab.lock);
	if (!READ_ONCE(site->listed)) {
		site->next = slab.sites;
		slab.sites = site;
		WRITE_ONCE(site->listed, true);
	}
	pthread_mutex_unlock(&slab.lock);
}

/* --------------------------------------------------------------- kmalloc -- */

static bool may_allocate(gfp_t flags)
{
	if (gfpflags_allow_blocking(flags)) {
		might_sleep();
		linux_might_reclaim();
	}
	return (flags & __GFP_NOFAIL) || !linux_should_fail();
}

void *linux_kmalloc(size_t size, gfp_t flags, size_t max,
		    struct linux_alloc_site *site)
{
	char *block;

	if (unlikely(!size))
		return ZERO_SIZE_PTR;
	if (unlikely(size > max)) {
		WARN(!(flags & __GFP_NOWARN), "%s:%d asks for %zu bytes",
		     site->file, site->line, size);
		return NULL;
	}
	if (unlikely(!may_allocate(flags)))
		return NULL;
	block = flags & __GFP_ZERO ? calloc(1, HEADER_SIZE + size)
				   : malloc(HEADER_SIZE + size);
	if (unlikely(!block)) {
		BUG_ON(flags & __GFP_NOFAIL);
		return NULL;
	}
	if (unlikely(!READ_ONCE(site->listed)))
		linux_alloc_site_list(site);
	__atomic_fetch_add(&site->live, LINUX_LIVE(1, size), __ATOMIC_RELAXED);
	set_header(block + HEADER_SIZE, site, KIND_KMALLOC, size);
	return block + HEADER_SIZE;
}

static void free_block(void *obj, size_t front)
{
	header_of(obj)->kind_size = (u64)KIND_FREED << SIZE_BITS;
	free((char *)obj - front);
}

void kfree(const void *ptr)
{
	struct header header;

	if (ZERO_OR_NULL_PTR(ptr) || !get_header(ptr, &header))
		return;
	if (header_kind(&header) == KIND_CACHE) {
		kmem_cache_free(header.owner, (void *)(uintptr_t)ptr);
	} else {
		struct linux_alloc_site *site = header.owner;

		__atomic_fetch_sub(&site->live,
				   LINUX_LIVE(1, header_size(&header)),
				   __ATOMIC_RELAXED);
		free_block((void *)(uintptr_t)ptr, HEADER_SIZE);
	}
}

void kfree_sensitive(const void *ptr)
{
	if (!ZERO_OR_NULL_PTR(ptr))
		explicit_bzero((void *)(uintptr_t)ptr, ksize(ptr));
	kfree(ptr);
}

size_t ksize(const void *ptr)
{
	struct header header;

	if (ZERO_OR_NULL_PTR(ptr) || !get_header(ptr, &header))
		return 0;
	ASAN_POISON_MEMORY_REGION(header_of(ptr), HEADER_SIZE);
	return header_size(&header);
}

void *linux_krealloc(const void *p, size_t new_size, gfp_t flags,
		     struct linux_alloc_site *site)
{
	size_t old_size = ksize(p);
	void *new;

	if (!new_size) {
		kfree(p);
		return ZERO_SIZE_PTR;
	}
	new = linux_kmalloc(new_size, flags, KMALLOC_MAX_SIZE, site);
	if (!new)
		return NULL;
	if (old_size)
		memcpy(new, p, old_size < new_size ? old_size : new_size);
	kfree(p);
	return new;
}

void *linux_kmemdup(const void *src, size_t len, gfp_t flags, size_t max,
		    struct linux_alloc_site *site)
{
	void *new = linux_kmalloc(len, flags, max, site);

	if (new &&len)
		memcpy(new, src, len);
	return new;
}

char *linux_kstrdup(const char *s, size_t max, gfp_t flags,
		    struct linux_alloc_site *site)
{
	size_t len;
	char *new;

	if (!s)
		return NULL;
	len = strnlen(s, max);
	new = linux_kmalloc(len + 1, flags, KMALLOC_MAX_SIZE, site);
	if (!new)
		return NULL;
	memcpy(new, s, len);
	new[len] = '\0';
	return new;
}

char *linux_kasprintf(gfp_t flags, struct linux_alloc_site *site,
		      const char *fmt, ...)
{
	va_list args;
	char *new;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return NULL;
	new = linux_kmalloc((size_t)len + 1, flags, KMALLOC_MAX_SIZE, site);
	if (!new)
		return NULL;
	va_start(args, fmt);
	vsnprintf(new, (size_t)len + 1, fmt, args);
	va_end(args);
	return new;
}

/* ---------------------------------------------------------------- caches -- */

struct kmem_cache *__kmem_cache_create(const char *name, unsigned int size,
				       unsigned int align, slab_flags_t flags,
				       void (*ctor)(void *obj))
{
	struct kmem_cache *cache;

	if (flags & SLAB_HWCACHE_ALIGN)
		align = max(align, 64u);
	if (WARN_ON(!size || (align & (align - 1)) ||
		    (flags & SLAB_TYPESAFE_BY_RCU)))
		return NULL;
	if (!may_allocate(flags & SLAB_PANIC ? GFP_KERNEL | __GFP_NOFAIL
					     : GFP_KERNEL))
		return NULL;
	cache = calloc(1, sizeof(*cache));
	if (!cache) {
		BUG_ON(flags & SLAB_PANIC);
		return NULL;
	}
	cache->name = name;
	cache->size = size;
	cache->front = max(align, (unsigned int)HEADER_SIZE);
	cache->ctor = ctor;
	pthread_mutex_lock(&slab.lock);
	cache->next = slab.caches;
	slab.caches = cache;
	pthread_mutex_unlock(&slab.lock);
	return cache;
}

struct kmem_cache *__kmem_cache_create_args(const char *name, unsigned int size,
					    struct kmem_cache_args *args,
					    slab_flags_t flags)
{
	return __kmem_cache_create(name, size, args ? args->align : 0, flags,
				   args ? args->ctor : NULL);
}

void kmem_cache_destroy(struct kmem_cache *cache)
{
	struct kmem_cache **link = &slab.caches;

	if (!cache)
		return;
	/* Objects on their way through RCU are as good as freed. */
	if (__atomic_load_n(&cache->live, __ATOMIC_RELAXED))
		rcu_barrier();
	if (WARN(cache->live, "cache %s destroyed with %lld objects",
		 cache->name, (long long)cache->live))
		return; /* their headers name it */
	pthread_mutex_lock(&slab.lock);
	while (*link != cache)
		link = &(*link)->next;
	*link = cache->next;
	pthread_mutex_unlock(&slab.lock);
	free(cache);
}

void *kmem_cache_alloc(struct kmem_cache *cache, gfp_t flags)
{
	size_t size = (size_t)cache->front + cache->size;
	char *block;

	if (unlikely(!may_allocate(flags)))
		return NULL;
	if (cache->front > HEADER_SIZE)
		block = aligned_alloc(cache->front,
				      round_up(size, (size_t)cache->front));
	else
		block = malloc(size);
	if (unlikely(!block)) {
		BUG_ON(flags & __GFP_NOFAIL);
		return NULL;
	}
	block += cache->front;
	if (flags & __GFP_ZERO)
		memset(block, 0, cache->size);
	if (cache->ctor)
		cache->ctor(block);
	count(&cache->live, 1);
	set_header(block, cache, KIND_CACHE, cache->size);
	return block;
}

void kmem_cache_free(struct kmem_cache *cache, void *obj)
{
	struct header header;

	if (!obj || !get_header(obj, &header))
		return;
	if (WARN(header_kind(&header) != KIND_CACHE || header.owner != cache,
		 "%p is no object of cache %s", obj, cache->name))
		return;
	count(&cache->live, -1);
	free_block(obj, cache->front);
}

int kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t flags, size_t size,
			  void **objs)
{
	for (size_t i = 0; i < size; i++) {
		objs[i] = kmem_cache_alloc(cache, flags);
		if (!objs[i]) {
			kmem_cache_free_bulk(cache, i, objs);
			return 0;
		}
	}
	return (int)size;
}

void kmem_cache_free_bulk(struct kmem_cache *cache, size_t size, void **objs)
{
	for (size_t i = 0; i < size; i++)
		kmem_cache_free(cache, objs[i]);
}

unsigned int kmem_cache_size(struct kmem_cache *cache)
{
	return cache->size;
}

/* ----------------------------------------------------------------- leaks -- */

/* Pages are counted by site as well. */
int linux_slab_report_leaks(void)
{
	int lines = 0;

	pthread_mutex_lock(&slab.lock);
	for (struct linux_alloc_site *s = slab.sites; s; s = s->next) {
		u64 live = __atomic_exchange_n(&s->live, 0, __ATOMIC_RELAXED);

		if (!live)
			continue;
		linux_report("leak: %llu %s (%llu bytes) from %s:%d",
			     (unsigned long long)LINUX_LIVE_COUNT(live),
			     s->pages ? "page allocations" : "kmalloc objects",
			     (unsigned long long)LINUX_LIVE_BYTES(live),
			     s->file, s->line);
		lines++;
	}
	for (struct kmem_cache *c = slab.caches; c; c = c->next) {
		linux_report("leak: cache %s with %lld objects", c->name,
			     (long long)c->live);
		lines++;
	}
	slab.caches = NULL;
	pthread_mutex_unlock(&slab.lock);
	return lines;
}
