// SPDX-License-Identifier: MIT OR GPL-2.0
/*
 * User memory is our own, but its addresses come from outside. The host kernel
 * copies, because it reports a bad address instead of faulting: with
 * process_vm_readv() on ourselves, or through a pipe where a sandbox forbids
 * that.
 */
#include <linux/bug.h>
#include <linux/capability.h>
#include <linux/minmax.h>
#include <linux/page.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "internal.h"

/* --------------------------------------------------------------- by pipe -- */

static struct {
	pthread_mutex_t lock; /* guards the pipe's contents */
	pthread_once_t once;
	int fd[2];
} pipes = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static void open_pipe(void)
{
	if (pipe2(pipes.fd, O_CLOEXEC))
		abort();
}

/* One side faults. A page at a time always fits into the pipe. */
static size_t copy_by_pipe(void *to, const void *from, size_t n)
{
	size_t done = 0;

	pthread_once(&pipes.once, open_pipe);
	pthread_mutex_lock(&pipes.lock);
	while (done < n) {
		const char *src = (const char *)from + done;
		char *dst = (char *)to + done;
		size_t step = min(n - done, PAGE_SIZE - offset_in_page(src));
		ssize_t in, out;
		char drain[PAGE_SIZE];

		step = min(step, PAGE_SIZE - offset_in_page(dst));
		in = write(pipes.fd[1], src, step);
		if (in <= 0)
			break;
		out = read(pipes.fd[0], dst, (size_t)in);
		if (out < in) {
			/* Nobody may find the rest in there. */
			if (out < 0)
				out = 0;
			if (read(pipes.fd[0], drain, (size_t)(in - out)) < 0)
				abort();
			done += (size_t)out;
			break;
		}
		done += (size_t)out;
	}
	pthread_mutex_unlock(&pipes.lock);
	return done;
}

/* -------------------------------------------------------------- one copy -- */

/* Ourselves, for process_vm_readv(); -1: through the pipe. 0: not asked yet. */
static pid_t self;

static void forget_self(void)
{
	__atomic_store_n(&self, 0, __ATOMIC_RELAXED);
}

static void watch_forks(void)
{
	if (pthread_atfork(NULL, NULL, forget_self))
		abort();
}

/* getpid() is a system call; this is one for each process. */
static pid_t find_self(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *env = getenv("LINUX_UACCESS_PIPE");
	char a = 0, b = 0;
	struct iovec to = {&a, 1}, from = {&b, 1};
	pid_t found = getpid();

	pthread_once(&once, watch_forks);
	if ((env && env[0] == '1') ||
	    process_vm_readv(found, &to, 1, &from, 1, 0) != 1)
		found = -1;
	__atomic_store_n(&self, found, __ATOMIC_RELAXED);
	return found;
}

/* How many bytes were copied; write: @to is the user's. */
static size_t copy(void *to, const void *from, size_t n, bool write)
{
	pid_t pid = __atomic_load_n(&self, __ATOMIC_RELAXED);
	size_t done = 0;
	int saved = errno;

	if (unlikely(!pid))
		pid = find_self();
	if (pid < 0) {
		done = copy_by_pipe(to, from, n);
		errno = saved;
		return done;
	}
	/* A partial result means that the next byte is bad: ask for it. */
	while (done < n) {
		struct iovec dst = {(char *)to + done, n - done};
		struct iovec src = {(char *)(uintptr_t)from + done, n - done};
		ssize_t got =
			write ? process_vm_writev(pid, &src, 1, &dst, 1, 0)
			      : process_vm_readv(pid, &dst, 1, &src, 1, 0);

		if (got <= 0)
			break;
		done += (size_t)got;
	}
	errno = saved;
	return done;
}

static _Thread_local struct {
	linux_copy_fn fn; /* NULL: nobody */
	void *data;
} observer;

void linux_observe_copies(linux_copy_fn fn, void *data)
{
	observer.fn = fn;
	observer.data = data;
}

unsigned long copy_from_user(void *to, const void __user *from, unsigned long n)
{
	size_t done = 0;

	might_sleep();
	if (likely(access_ok(from, n)))
		done = copy(to, from, n, false);
	if (unlikely(observer.fn))
		observer.fn(observer.data, false, from, to, done);
	if (unlikely(done < n))
		memset((char *)to + done, 0, n - done);
	return n - done;
}

unsigned long copy_to_user(void __user *to, const void *from, unsigned long n)
{
	size_t done;

	might_sleep();
	if (unlikely(!access_ok(to, n)))
		return n;
	done = copy(to, from, n, true);
	if (unlikely(observer.fn))
		observer.fn(observer.data, true, to, from, done);
	return n - done;
}

/* --------------------------------------------------------------- derived -- */

unsigned long clear_user(void __user *to, unsigned long n)
{
	static const char zeros[PAGE_SIZE];

	while (n) {
		unsigned long step = min(n, sizeof(zeros));
		unsigned long left = copy_to_user(to, zeros, step);

		if (left)
			return n - step + left;
		to = (char *)to + step;
		n -= step;
	}
	return 0;
}

int check_zeroed_user(const void __user *from, size_t size)
{
	char chunk[256];

	while (size) {
		size_t step = min(size, sizeof(chunk));

		if (copy_from_user(chunk, from, step))
			return -EFAULT;
		if (memchr_inv(chunk, 0, step))
			return 0;
		from = (const char *)from + step;
		size -= step;
	}
	return 1;
}

int copy_struct_from_user(void *dst, size_t ksize, const void __user *src,
			  size_t usize)
{
	size_t size = min(ksize, usize);

	if (usize > ksize) {
		int ret = check_zeroed_user((const char *)src + size,
					    usize - size);

		if (ret <= 0)
			return ret ?: -E2BIG;
	}
	if (copy_from_user(dst, src, size))
		return -EFAULT;
	memset((char *)dst + size, 0, ksize - size);
	return 0;
}

long strncpy_from_user(char *dst, const char __user *src, long count)
{
	long done = 0;

	/* Never across a page before the string's end is known. */
	while (done < count) {
		size_t step = min((size_t)(count - done),
				  PAGE_SIZE - offset_in_page(src + done));
		size_t len;

		if (copy_from_user(dst + done, src + done, step))
			return -EFAULT;
		len = strnlen(dst + done, step);
		done += (long)len;
		if (len < step)
			return done;
	}
	return count;
}

long strnlen_user(const char __user *s, long n)
{
	char chunk[256];
	long done = 0;

	while (done < n) {
		size_t step = min((size_t)(n - done), sizeof(chunk));
		size_t len;

		step = min(step, PAGE_SIZE - offset_in_page(s + done));
		if (copy_from_user(chunk, s + done, step))
			return 0;
		len = strnlen(chunk, step);
		done += (long)len;
		if (len < step)
			return done + 1;
	}
	return n + 1;
}

char *linux_strndup_user(const char __user *s, long n,
			 struct linux_alloc_site *site)
{
	long len = strnlen_user(s, n);
	char *copied;

	if (!len)
		return ERR_PTR(-EFAULT);
	if (len > n)
		return ERR_PTR(-EINVAL);
	copied = linux_memdup_user(s, (size_t)len, KMALLOC_MAX_SIZE, site);
	/* Another thread may have overwritten the terminator meanwhile. */
	if (!IS_ERR(copied))
		copied[len - 1] = '\0';
	return copied;
}

void *linux_memdup_user(const void __user *src, size_t len, size_t max,
			struct linux_alloc_site *site)
{
	void *p = linux_kmalloc(len, GFP_USER, max, site);

	if (!p)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(p, src, len)) {
		kfree(p);
		return ERR_PTR(-EFAULT);
	}
	return p;
}

/* ---------------------------------------------------------- capabilities -- */

bool capable(int cap)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[cap / 32].effective & (1u << (cap % 32));
}
