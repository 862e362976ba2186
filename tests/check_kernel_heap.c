// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/heap/dma_heap.c, src/mem/dmabuf.c, export_dmabuf.c: with the kernel's own
 * /dev/dma_heap/system where it is there and may be opened, as in the test machine; else with a
 * fake, whose dma-bufs are memfds.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/check.h"
#include "core/core.h"
#include "core/file.h"
#include "core/handle.h"
#include "core/share.h"
#include "core_fixture.h"
#include "fault.h"
#include "mem/dmabuf.h"

#define DEVICE "/dev/dma_heap/system"
#define ID     6
#define SIZE   (3 * 4096)

static struct core_fixture f;
static struct exporter *exporter;
static struct heap *heap;
static struct client *client;
static unsigned int fds_before;

/* ---- the fake ---- */

static struct {
	bool used;
	int error;
	long count; /* that fdinfo has; 0: the right one; -1: none */
} fake;

int __real_ioctl(int fd, unsigned long cmd, ...);
int __wrap_ioctl(int fd, unsigned long cmd, void *arg);
int __wrap_ioctl(int fd, unsigned long cmd, void *arg)
{
	struct dma_heap_allocation_data *data = arg;

	if (cmd != DMA_HEAP_IOCTL_ALLOC)
		return __real_ioctl(fd, cmd, arg);
	if (fault_now(ENOMEM))
		return -1;
	if (fake.error) {
		errno = fake.error;
		fake.error = errno == EINTR ? 0 : errno;
		return -1;
	}
	if (!fake.used)
		return __real_ioctl(fd, cmd, arg);
	ck_assert_uint_eq(data->fd_flags, O_RDWR | O_CLOEXEC);
	ck_assert_uint_eq(data->heap_flags, 0);
	return pages_new((int *)&data->fd, data->len, false);
}

static long count_mappings(ino_t ino)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long of;
	char line[512];
	long n = 0;

	while (fgets(line, sizeof(line), maps))
		n += sscanf(line, "%*s %*s %*s %*s %lu", &of) == 1 && of == ino;
	fclose(maps);
	return n;
}

static long count_references(int fd)
{
	struct stat st, other;
	long n = 0;

	if (fstatat(fd, "", &st, AT_EMPTY_PATH) < 0)
		return 0;
	for (int i = 0; i < 256; i++)
		n += !fstatat(i, "", &other, AT_EMPTY_PATH) && other.st_ino == st.st_ino &&
		     other.st_dev == st.st_dev;
	return n + count_mappings(st.st_ino);
}

int __real_file_read_text(const char *path, char *text, size_t size);
int __wrap_file_read_text(const char *path, char *text, size_t size);
int __wrap_file_read_text(const char *path, char *text, size_t size)
{
	int fd, r;

	r = __real_file_read_text(path, text, size);
	if ((!fake.used && !fake.count) || r < 0 || sscanf(path, "/proc/self/fdinfo/%d", &fd) != 1)
		return r;
	if (fake.count < 0)
		snprintf(text, size, "pos:\t0\n");
	else if (fake.count)
		snprintf(text, size, "pos:\t0\ncount:\t%ld\n", fake.count);
	else
		snprintf(text + strlen(text), size - strlen(text), "count:\t%ld\n",
			 count_references(fd));
	return 0;
}

static int open_device(void)
{
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC);

	fake.used = fd < 0;
	return fake.used ? open("/dev/null", O_RDONLY | O_CLOEXEC) : fd;
}

/* ---- helpers ---- */

static void setup(void)
{
	const struct heap_config config = { .id = ID, .name = "system", .exporter = NULL };
	struct heap_config with = config;

	fds_before = open_fds();
	core_start(&f, &core_limits);
	ck_assert_int_eq(exporter_dmabuf_new(&exporter), 0);
	with.exporter = exporter;
	ck_assert_int_eq(heap_dma_heap_new_consume_fd(&heap, &with, open_device()), 0);
	ck_assert_int_eq(heaps_add(f.heaps, heap), 0);
	client = core_client(&f, 1000);
}

static void teardown(void)
{
	client_free(client);
	core_assert_empty(&f);
	core_stop(&f);
	exporter = exporter_free(exporter);
	ck_assert_uint_eq(open_fds(), fds_before);
}

static int alloc_fd(void)
{
	struct file *file;
	int fd;

	ck_assert_int_eq(core_alloc(client, SIZE, MASK(ID), &file, &fd), 0);
	file_delivered(file);
	return fd;
}

/* buffers there are, after looking */
static uint64_t buffers(void)
{
	service_look(f.service);
	return heap->buffers;
}

static void check_sound(void)
{
	static struct check check;

	ck_assert_int_eq(check_init(&check), 0);
	service_check(f.service, &check);
	ck_assert_msg(!check.n_findings, "%s", check.texts[0]);
	check_deinit(&check);
}

/* ---- what it is ---- */

START_TEST(a_buffer)
{
	static const char zero[SIZE];
	char path[64], target[64] = "";
	int fd = alloc_fd();
	char *map;

	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), SIZE);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_mem_eq(map, zero, SIZE);
	memset(map, 1, SIZE);
	munmap(map, SIZE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ck_assert_int_gt(readlink(path, target, sizeof(target) - 1), 0);
	ck_assert_msg(fake.used || !strncmp(target, "/dmabuf:", 8), "%s", target);
	check_sound();
	fd_close(fd);
	ck_assert_uint_eq(buffers(), 0);
	check_sound();
}
END_TEST

START_TEST(last_holder)
{
	int fd = alloc_fd(), copy;
	void *map;

	ck_assert_uint_eq(buffers(), 1);
	copy = dup(fd);
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	fd_close(fd);
	ck_assert_uint_eq(buffers(), 1);
	fd_close(copy);
	ck_assert_uint_eq(buffers(), 1);
	ck_assert(service_must_look(f.service));
	munmap(map, SIZE); /* he only had it mapped */
	ck_assert_uint_eq(buffers(), 0);
	ck_assert(!service_must_look(f.service));
}
END_TEST

START_TEST(outlives_its_client)
{
	int fd = alloc_fd();

	client = client_free(client);
	ck_assert_uint_eq(buffers(), 1);
	fd_close(fd);
	ck_assert_uint_eq(buffers(), 0);
}
END_TEST

static int share(uint32_t handle)
{
	struct share *share;
	struct file *file;
	int fd;

	ck_assert_int_eq(share_begin(&share, client, handle, 5, 12), 0);
	share_run(share);
	ck_assert_int_eq(share_finish(share, &file, &fd), 0);
	file_delivered(file);
	return fd;
}

/* a handle keeps the memory though nobody has a file of it; each file is of the same memory */
START_TEST(handles)
{
	const struct alloc_want want = { 9, SIZE, MASK(ID), .handle = true };
	struct alloc_done done;
	struct alloc *alloc;
	struct stat st[2];
	int fds[2];

	ck_assert_int_eq(alloc_begin(&alloc, client, &want), 0);
	alloc_run(alloc);
	ck_assert_int_eq(alloc_finish(alloc, &done), 0);
	for (int i = 0; i < 2; i++)
		fds[i] = share(done.handle);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(fstat(fds[i], &st[i]), 0);
	ck_assert_uint_eq(st[0].st_ino, st[1].st_ino);
	check_sound();
	fd_close(fds[0]);
	fd_close(fds[1]);
	ck_assert_uint_eq(buffers(), 1);
	ck_assert(!service_must_look(f.service));
	fds[0] = share(done.handle);
	ck_assert_int_eq(handle_put(client, done.handle), 0);
	ck_assert_uint_eq(buffers(), 1);
	fd_close(fds[0]);
	ck_assert_uint_eq(buffers(), 0);
}
END_TEST

/* ---- what it refuses ---- */

START_TEST(no_room)
{
	struct heap_block block = HEAP_BLOCK_INIT;
	struct heap_place place;
	struct file *file;
	int fd;

	fake.error = ENOMEM;
	ck_assert_int_eq(core_alloc(client, SIZE, MASK(ID), &file, &fd), -ENOMEM);
	fake.error = EINTR;
	fd_close(alloc_fd());
	ck_assert_uint_eq(buffers(), 0);
	ck_assert_int_eq(heap_reserve(heap, &block, &(struct heap_want){ 4096, 0, 8192 }), -EINVAL);
	ck_assert_int_eq(heap_reserve(heap, &block, &(struct heap_want){ 4096, 0, 0 }), 0);
	ck_assert_int_eq(heap_fill(&block), 0);
	ck_assert_int_eq(heap_place(&block, &place), -ENODEV);
	heap_release(&block);
}
END_TEST

static int try_heap(struct heap_config config, int device, struct heap **ret)
{
	config.exporter = config.exporter ?: exporter;
	return heap_dma_heap_new_consume_fd(ret, &config, device);
}

START_TEST(construct)
{
	static const struct {
		const char *name;
		uint32_t type;
	} names[] = {
		{ "system", HEAP_TYPE_SYSTEM },
		{ "system-uncached", HEAP_TYPE_SYSTEM },
		{ "linux,cma", HEAP_TYPE_DMA },
		{ "reserved", HEAP_TYPE_DMA },
	};
	struct heap_block block = HEAP_BLOCK_INIT;
	struct heap *other = NULL;
	int device = open_device();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert_int_eq(try_heap((struct heap_config){ .id = 1,
								.name = names[i].name,
								.maximum = 8192 },
					  device, &other),
				 0);
		ck_assert_uint_eq(other->type, names[i].type);
		ck_assert_int_eq(heap_reserve(other, &block, &(struct heap_want){ 12288, 0, 0 }),
				 -ENOMEM);
		other = heap_free(other);
		device = open_device();
	}
	ck_assert_int_eq(try_heap((struct heap_config){ .id = 32, .name = "x" }, device, &other),
			 -EINVAL);
	ck_assert_int_eq(
		try_heap((struct heap_config){ .id = 1, .name = "x", .exporter = f.exporter },
			 device, &other),
		-EINVAL);
	fake.count = -1;
	ck_assert_int_eq(try_heap((struct heap_config){ .id = 1, .name = "x" }, device, &other),
			 -EOPNOTSUPP);
	fake.count = 1;
	ck_assert_int_eq(try_heap((struct heap_config){ .id = 1, .name = "x" }, device, &other),
			 -EOPNOTSUPP);
	fake.error = ENOTTY;
	ck_assert_int_eq(try_heap((struct heap_config){ .id = 1, .name = "x" }, device, &other),
			 -ENOTTY);
	ck_assert_ptr_null(other);
	fd_close(device);
}
END_TEST

START_TEST(not_a_part)
{
	struct export export = EXPORT_INIT;
	struct slice slices[2] = { { .fd = 0 }, { .fd = 0 } };

	ck_assert_int_eq(export_make(&export, exporter, slices, 2), -EOPNOTSUPP);
	slices[0].offset = 4096;
	ck_assert_int_eq(export_make(&export, exporter, slices, 1), -EOPNOTSUPP);
	slices[0] = (struct slice){ .fd = -1 };
	ck_assert_int_eq(export_make(&export, exporter, slices, 1), -EBADF);
	ck_assert(dmabuf_is_held(-1));
}
END_TEST

START_TEST(faults)
{
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		struct heap *other = NULL;
		struct file *file;
		int fd = -1, device = open_device(), r;

		fault_arm(nth);
		r = core_alloc(client, SIZE, MASK(ID), &file, &fd);
		failed = fault_disarm();
		ck_assert(!r || failed);
		if (!r) {
			file_delivered(file);
			fd_close(fd);
		}
		ck_assert_uint_eq(buffers(), 0);
		fault_arm(nth);
		r = try_heap((struct heap_config){ .id = 1, .name = "x" }, device, &other);
		failed |= fault_disarm();
		if (r < 0)
			fd_close(device);
		heap_free(other);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kernel_heap");
	TCase *tcase = tcase_create("kernel_heap");
	SRunner *runner = srunner_create(suite);
	int failed;

	printf("# with %s\n", access(DEVICE, R_OK) < 0 ? "a fake" : DEVICE);
	fflush(stdout);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_buffer);
	tcase_add_test(tcase, last_holder);
	tcase_add_test(tcase, outlives_its_client);
	tcase_add_test(tcase, handles);
	tcase_add_test(tcase, no_room);
	tcase_add_test(tcase, construct);
	tcase_add_test(tcase, not_a_part);
	tcase_add_test(tcase, faults);
	tcase_set_timeout(tcase, 60); /* also under emulation */
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
