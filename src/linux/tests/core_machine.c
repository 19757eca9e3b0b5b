// SPDX-License-Identifier: MIT OR GPL-2.0
#include "core_machine.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_B 4096ull
#define RAM_PAGES (CORE_RAM_B / PAGE_B)

static struct {
	pthread_mutex_t lock; /* guards all below */
	int fd;
	char *base;
	bool fragmented;
	bool used[RAM_PAGES];
	uint64_t used_pages;
	uint32_t status, mask, counter;
	uint32_t scratch[4];
} machine = {.lock = PTHREAD_MUTEX_INITIALIZER};

void machine_check(bool ok, const char *what, const char *file, int line)
{
	if (ok)
		return;
	fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
	abort();
}

/* ----------------------------------------------------------- the machine -- */

static uint32_t mmio_read32(void *arg, uint32_t offset)
{
	uint32_t value = 0;

	pthread_mutex_lock(&machine.lock);
	if (offset == DEV_STATUS)
		value = machine.status & machine.mask;
	else if (offset == DEV_MASK)
		value = machine.mask;
	else if (offset == DEV_COUNTER)
		value = machine.counter++;
	else if (offset >= DEV_SCRATCH && offset < DEV_SCRATCH + 16)
		value = machine.scratch[(offset - DEV_SCRATCH) / 4];
	pthread_mutex_unlock(&machine.lock);
	return value;
}

static void mmio_write32(void *arg, uint32_t offset, uint32_t value)
{
	bool was_active, raise;

	pthread_mutex_lock(&machine.lock);
	was_active = machine.status & machine.mask;
	if (offset == DEV_STATUS)
		machine.status |= value;
	else if (offset == DEV_CLEAR)
		machine.status &= ~value;
	else if (offset == DEV_MASK)
		machine.mask = value;
	else if (offset >= DEV_SCRATCH && offset < DEV_SCRATCH + 16)
		machine.scratch[(offset - DEV_SCRATCH) / 4] = value;
	/* Said once, when it becomes active; it stays so until it is quiet. */
	raise = !was_active && (machine.status & machine.mask);
	pthread_mutex_unlock(&machine.lock);
	if (raise)
		linux_raise_irq(DEV_IRQ);
}

static int ram_alloc(void *arg, uint64_t want_B, uint64_t *pa_out,
		     uint64_t *got_B_out)
{
	uint64_t step = machine.fragmented ? 2 : 1;
	uint64_t most = machine.fragmented ? 1 : want_B / PAGE_B;
	/* Page 0 stays free, so that no block is aligned by chance. */
	uint64_t first = 1, got = 0;

	pthread_mutex_lock(&machine.lock);
	while (first < RAM_PAGES && machine.used[first])
		first += step;
	while (got < most && first + got < RAM_PAGES &&
	       !machine.used[first + got])
		machine.used[first + got++] = true;
	machine.used_pages += got;
	pthread_mutex_unlock(&machine.lock);
	*pa_out = first * PAGE_B;
	*got_B_out = got * PAGE_B;
	return got ? 0 : -ENOMEM;
}

static void ram_free(void *arg, uint64_t pa, uint64_t size_B)
{
	pthread_mutex_lock(&machine.lock);
	memset(machine.base + pa, 0, size_B);
	for (uint64_t i = pa / PAGE_B; i < (pa + size_B) / PAGE_B; i++) {
		CHECK(machine.used[i]);
		machine.used[i] = false;
		machine.used_pages--;
	}
	pthread_mutex_unlock(&machine.lock);
}

static const struct linux_machine_ops ops = {
	.mmio_read32 = mmio_read32,
	.mmio_write32 = mmio_write32,
	.ram_alloc = ram_alloc,
	.ram_free = ram_free,
};

static int firmware(void *arg, const char *name, const void **data_out,
		    size_t *size_B_out)
{
	if (strcmp(name, DEV_FIRMWARE))
		return -ENOENT;
	*data_out = DEV_FIRMWARE_DATA;
	*size_B_out = sizeof(DEV_FIRMWARE_DATA);
	return 0;
}

void machine_boot(bool fragmented)
{
	struct linux_machine_desc desc = {
		.ops = &ops,
		.ram_size_B = CORE_RAM_B,
		.dma_mask = (1ull << 40) - 1,
		.dma_coherent = true,
		.irq_count = 3,
		.firmware = firmware,
	};

	machine.fragmented = fragmented;
	machine.status = 0;
	machine.mask = 0;
	machine.counter = 0;
	machine.used_pages = 0;
	memset(machine.used, 0, sizeof(machine.used));
	machine.fd = memfd_create("ram", MFD_CLOEXEC);
	CHECK(machine.fd >= 0);
	CHECK(!ftruncate(machine.fd, CORE_RAM_B));
	machine.base = mmap(NULL, CORE_RAM_B, PROT_READ | PROT_WRITE,
			    MAP_SHARED, machine.fd, 0);
	CHECK(machine.base != MAP_FAILED);
	desc.ram_base = machine.base;
	desc.ram_fd = machine.fd;
	CHECK(linux_boot(&desc) == 0);
}

void machine_shutdown(int leaks)
{
	CHECK(linux_shutdown() == leaks);
	munmap(machine.base, CORE_RAM_B);
	close(machine.fd);
}

uint64_t machine_pages(void)
{
	uint64_t pages;

	pthread_mutex_lock(&machine.lock);
	pages = machine.used_pages;
	pthread_mutex_unlock(&machine.lock);
	return pages;
}

static unsigned long expected_warnings;

int machine_setup(void **state)
{
	expected_warnings = linux_warn_count();
	machine_boot(false);
	return 0;
}

int machine_teardown(void **state)
{
	CHECK(linux_warn_count() == expected_warnings);
	CHECK(machine_pages() == 0);
	machine_shutdown(0);
	return 0;
}

/* -------------------------------------------------------------- warnings -- */

static struct {
	int saved;
	int fd;
	unsigned long before;
	char text[65536];
} catcher;

void catch_begin(void)
{
	fflush(stderr);
	catcher.before = linux_warn_count();
	catcher.saved = dup(STDERR_FILENO);
	catcher.fd = memfd_create("stderr", MFD_CLOEXEC);
	dup2(catcher.fd, STDERR_FILENO);
}

const char *caught(unsigned long warnings)
{
	unsigned long seen = linux_warn_count() - catcher.before;
	ssize_t n;

	dup2(catcher.saved, STDERR_FILENO);
	close(catcher.saved);
	n = pread(catcher.fd, catcher.text, sizeof(catcher.text) - 1, 0);
	catcher.text[n > 0 ? n : 0] = '\0';
	close(catcher.fd);
	expected_warnings += seen;
	if (seen != warnings)
		fprintf(stderr, "%lu warnings instead of %lu:\n%s", seen,
			warnings, catcher.text);
	CHECK(seen == warnings);
	return catcher.text;
}

uint32_t machine_random(void)
{
	static uint64_t state;

	if (!state) {
		const char *env = getenv("TEST_SEED");

		state = env ? strtoull(env, NULL, 0) : 20250401;
		printf("# TEST_SEED=%llu\n", (unsigned long long)state);
		state = state * 2 + 1;
	}
	/* A multiplicative congruential generator; the high half is good. */
	state *= 6364136223846793005ull;
	return (uint32_t)(state >> 32);
}
