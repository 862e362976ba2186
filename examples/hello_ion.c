/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program for Android's ION as such programs are: it knows libion and /dev/ion, and nothing of
 *what stands behind them. It says each step as it takes it.
 *
 *	cc hello_ion.c $(pkg-config --cflags --libs libion)
 *	./hello_ion [COMMAND...]	COMMAND is run while the buffer is held
 */
#include <errno.h>
#include <ion/ion.h>
#include <linux/dma-buf.h>
#include <linux/ion_4.19.h>
#include <linux/msm_ion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (1024 * 1024)

static const char greeting[] = "hello from the other side of a dma-buf";

static void step(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void step(const char *what, const char *format, ...)
{
	va_list ap;

	printf("  %-34s ", what);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static int fail(const char *what, int error)
{
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", what, strerror(error));
	return EXIT_FAILURE;
}

static void show_heaps(int ion)
{
	struct ion_heap_data heaps[32];
	int n = 0;

	if (ion_query_heap_cnt(ion, &n) || n > 32)
		return;
	memset(heaps, 0, sizeof(heaps));
	if (ion_query_get_heaps(ion, n, heaps))
		return;
	for (int i = 0; i < n; i++)
		step("ION_IOC_HEAP_QUERY", "heap %u: %s", heaps[i].heap_id, heaps[i].name);
}

static int sync_buffer(int fd, unsigned int flags)
{
	struct dma_buf_sync sync = { .flags = flags | DMA_BUF_SYNC_RW };

	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) ? errno : 0;
}

static void show_fd(int fd)
{
	char path[64], link[128];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	link[n < 0 ? 0 : n] = '\0';
	step("readlink /proc/self/fd/N", "%s", link);
	step("lseek to its end", "%lld bytes", (long long)lseek(fd, 0, SEEK_END));
}

static size_t count_set(const unsigned char *p, size_t n)
{
	size_t set = 0;

	while (n--)
		set += *p++ != 0;
	return set;
}

/* Another process, which never opens /dev/ion, maps the same memory. */
static int show_sharing(int fd)
{
	pid_t child;
	int status;
	char *p;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			_exit(1);
		step("mmap in another process", "it reads \"%.*s\"", (int)sizeof(greeting), p);
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : ECHILD;
}

static int use_buffer(int fd)
{
	unsigned char *p;
	int error;

	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return errno;
	step("mmap MAP_SHARED", "%zu of its bytes are not zero", count_set(p, SIZE));
	error = sync_buffer(fd, DMA_BUF_SYNC_START);
	step("DMA_BUF_IOCTL_SYNC start", "%s", error ? strerror(error) : "0");
	memcpy(p, greeting, sizeof(greeting));
	if (!error)
		error = sync_buffer(fd, DMA_BUF_SYNC_END);
	step("write, DMA_BUF_IOCTL_SYNC end", "%s", error ? strerror(error) : "0");
	munmap(p, SIZE);
	return error ? error : show_sharing(fd);
}

/* Return: the command's success; what it prints is seen as it is. */
static int run(char **command)
{
	pid_t child;
	int status;

	putchar('\n');
	fflush(stdout);
	child = fork();
	if (child == 0) {
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		return ECHILD;
	putchar('\n');
	return 0;
}

int main(int argc, char **argv)
{
	int ion, fd = -1, error;

	ion = ion_open();
	if (ion < 0)
		return fail("/dev/ion", errno);
	step("open /dev/ion", "fd %d", ion);
	show_heaps(ion);
	error = -ion_alloc_fd(ion, SIZE, 0, ION_HEAP(ION_QSECOM_HEAP_ID), 0, &fd);
	if (error)
		return fail("ION_IOC_ALLOC", error);
	step("ION_IOC_ALLOC 1 MiB, QSECOM heap", "fd %d", fd);
	show_fd(fd);
	error = use_buffer(fd);
	if (error)
		return fail("the buffer", error);
	if (argc > 1 && run(argv + 1))
		return EXIT_FAILURE;
	close(fd);
	ion_close(ion);
	step("close both", "done");
	return EXIT_SUCCESS;
}
