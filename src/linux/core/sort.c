// SPDX-License-Identifier: MIT OR GPL-2.0
/* Heapsort: no worst case, no memory, no recursion. */
#include <linux/minmax.h>
#include <linux/sort.h>

static void swap_bytes(void *a, void *b, int size)
{
	char *x = a, *y = b;

	while (size--) {
		swap(*x, *y);
		x++;
		y++;
	}
}

struct sorting {
	char *base;
	size_t size;
	int (*cmp)(const void *, const void *);
	void (*exchange)(void *, void *, int);
};

static void *element(const struct sorting *s, size_t i)
{
	return s->base + i * s->size;
}

/* Lets element i sink until no child in [0, n) is larger. */
static void sink(const struct sorting *s, size_t i, size_t n)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n)
			return;
		if (child + 1 < n &&
		    s->cmp(element(s, child), element(s, child + 1)) < 0)
			child++;
		if (s->cmp(element(s, i), element(s, child)) >= 0)
			return;
		s->exchange(element(s, i), element(s, child), (int)s->size);
		i = child;
	}
}

void sort(void *base, size_t num, size_t size,
	  int (*cmp_func)(const void *, const void *),
	  void (*swap_func)(void *, void *, int size))
{
	const struct sorting s = {base, size, cmp_func,
				  swap_func ? swap_func : swap_bytes};

	for (size_t i = num / 2; i--;)
		sink(&s, i, num);
	for (size_t n = num; n > 1; n--) {
		s.exchange(element(&s, 0), element(&s, n - 1), (int)size);
		sink(&s, 0, n - 1);
	}
}
