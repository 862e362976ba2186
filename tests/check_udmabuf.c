// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/mem/export_udmabuf.c against the kernel's own /dev/udmabuf: for the test machine, as root.
 * What a dma-buf is to a client (size, zero, mmap, SYNC), and that its end is seen when it comes,
 * and not before, by a watch and by looking.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "core_fixture.h"
#include "fault.h"

#define SIZE_LIMIT_PATH "/sys/module/udmabuf/parameters/size_limit_mb"

static struct exporter *exporter;
static struct watch *watch;
static int device;
static unsigned int fds_before;

static void setup(void)
{
	fds_before = open_fds();
	device = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(device, 0);
	ck_assert_int_eq(exporter_udmabuf_new(&exporter, device), 0);
	ck_assert_int_eq(exporter_probe(exporter), 0);
	ck_assert_int_eq(watch_new(&watch), 0);
}

static void teardown(void)
{
	watch = watch_free(watch);
	exporter = exporter_free(exporter);
	device = fd_close(device);
	ck_assert_uint_eq(open_fds(), fds_before);
}

/* ---- one exported buffer ---- */

struct one {
	struct slice slice;
	struct export export;
	int fd; /* the client's */
};

static int one_try(struct one *one, uint64_t size)
{
	int memfd = -1, r;

	*one = (struct one){ .export = EXPORT_INIT, .fd = -1 };
	ck_assert_int_eq(pages_new(&memfd, size, false), 0);
	one->slice = (struct slice){ .fd = memfd, .size = size };
	r = export_make(&one->export, exporter, &one->slice, 1);
	if (r < 0) {
		fd_close(memfd);
		return r;
	}
	ck_assert_int_eq(export_follow(&one->export, watch, &one->slice), 0);
	one->fd = export_steal_fd(&one->export);
	return 0;
}

static void one_new(struct one *one, uint64_t size)
{
	ck_assert_int_eq(one_try(one, size), 0);
}

static void one_done(struct one *one)
{
	one->fd = fd_close(one->fd);
	export_deinit(&one->export);
	fd_close(one->slice.fd);
}

static void fired(struct watch_mark *mark, void *user)
{
	ck_assert_ptr_eq(mark, &((struct one *)user)->export.mark);
	((struct one *)user)->export.ino = 0;
}

/* has its end been seen? By the way that the kernel at hand has. */
static bool one_is_over(struct one *one)
{
	if (one->export.end == EXPORT_END_HOLD)
		return export_is_over(&one->export);
	ck_assert_int_eq(one->export.end, EXPORT_END_CLOSE);
	watch_read(watch, fired, one);
	return !one->export.ino;
}

/* ---- what a client has ---- */

static const uint64_t sizes[] = { 4096, 73728, 1 << 20, 64 << 20 };

static void check_sync(int fd)
{
	const uint64_t flags[] = { DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW,
				   DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW };

	for (int i = 0; i < 2; i++) {
		struct dma_buf_sync sync = { .flags = flags[i] };

		ck_assert_int_eq(ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync), 0);
	}
}

static void check_file(int fd, uint64_t size)
{
	char path[64], target[64] = "";

	ck_assert_int_eq(lseek(fd, 0, SEEK_END), size);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ck_assert_int_gt(readlink(path, target, sizeof(target) - 1), 0);
	ck_assert_msg(!strncmp(target, "/dmabuf:", 8), "%s", target);
}

START_TEST(whole)
{
	static const char zero[4096];
	struct one one;
	char *map;

	one_new(&one, sizes[_i]);
	check_file(one.fd, sizes[_i]);
	check_sync(one.fd);
	map = mmap(NULL, sizes[_i], PROT_READ | PROT_WRITE, MAP_SHARED, one.fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	for (uint64_t at = 0; at < sizes[_i]; at += 4096) {
		ck_assert_mem_eq(map + at, zero, 4096);
		map[at] = at >> 12;
	}
	munmap(map, sizes[_i]);
	ck_assert_ptr_eq(mmap(NULL, sizes[_i] + 4096, PROT_READ, MAP_SHARED, one.fd, 0),
			 MAP_FAILED);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, one.fd, sizes[_i] - 4096);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(map[0], (char)((sizes[_i] - 4096) >> 12));
	munmap(map, 4096);
	one_done(&one);
}
END_TEST

START_TEST(inode)
{
	struct one one, other;
	struct stat st;

	one_new(&one, 4096);
	one_new(&other, 4096);
	ck_assert_int_eq(fstat(one.fd, &st), 0);
	ck_assert_uint_eq(one.export.ino, st.st_ino);
	ck_assert_uint_ne(one.export.ino, other.export.ino);
	one_done(&other);
	one_done(&one);
}
END_TEST

START_TEST(slices_in_order)
{
	struct export export = EXPORT_INIT;
	struct slice slices[3];
	int memfd, fd;
	char *map;

	ck_assert_int_eq(pages_new(&memfd, 3 * 4096, false), 0);
	for (int i = 0; i < 3; i++) {
		slices[i] = (struct slice){ memfd, (2 - i) * 4096, 4096 };
		ck_assert_int_eq(pwrite(memfd, &(char){ 'a' + i }, 1, i * 4096), 1);
	}
	ck_assert_int_eq(export_make(&export, exporter, slices, 3), 0);
	fd = export_steal_fd(&export);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 3 * 4096);
	map = mmap(NULL, 3 * 4096, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(map[i * 4096], 'c' - i);
	munmap(map, 3 * 4096);
	fd_close(fd);
	export_deinit(&export);
	fd_close(memfd);
}
END_TEST

/* ---- its end ---- */

static void use_hold(void)
{
	exporter->notifies = false;
}

static void use_kernels_way(void)
{
}

static void (*const ways[])(void) = { use_kernels_way, use_hold };

START_TEST(last_holder)
{
	struct one one;
	char *map;
	int copy;

	ways[_i]();
	one_new(&one, 8192);
	ck_assert(!one_is_over(&one));
	copy = dup(one.fd);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, copy, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	one.fd = fd_close(one.fd);
	ck_assert(!one_is_over(&one));
	fd_close(copy);
	ck_assert(!one_is_over(&one));
	map[0] = 1;
	munmap(map, 4096);
	ck_assert(!one_is_over(&one));
	map[4096] = 1;
	munmap(map + 4096, 4096);
	ck_assert(one_is_over(&one));
	one_done(&one);
}
END_TEST

START_TEST(held_by_a_child)
{
	struct one one;
	int pipe_fds[2], status;
	pid_t child;
	char byte;

	ways[_i]();
	ck_assert_int_eq(pipe(pipe_fds), 0);
	one_new(&one, 4096);
	child = fork();
	if (!child) {
		fd_close(pipe_fds[1]);
		if (one.export.owns_look_fd) /* our own, not the client's */
			fd_close(one.export.look_fd);
		_exit(read(pipe_fds[0], &byte, 1) != 0);
	}
	fd_close(pipe_fds[0]);
	one.fd = fd_close(one.fd);
	ck_assert(!one_is_over(&one));
	fd_close(pipe_fds[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert(one_is_over(&one));
	one_done(&one);
}
END_TEST

START_TEST(on_its_way)
{
	struct one one;
	int sockets[2], fd;
	char byte;

	ways[_i]();
	one_new(&one, 4096);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets), 0);
	ck_assert_int_eq(fd_send(sockets[0], "x", 1, one.fd, 0), 1);
	one.fd = fd_close(one.fd);
	ck_assert(!one_is_over(&one));
	ck_assert_int_eq(fd_receive(sockets[1], &byte, 1, &fd, 0), 1);
	ck_assert(!one_is_over(&one));
	fd_close(fd);
	ck_assert(one_is_over(&one));
	one_done(&one);
	fd_close(sockets[0]);
	fd_close(sockets[1]);
}
END_TEST

START_TEST(not_its_end)
{
	struct one one;
	int path_fd;

	/* an open file that can do nothing comes and goes; the buffer can't be opened again */
	ways[_i]();
	one_new(&one, 4096);
	path_fd = pages_reopen(one.fd, O_PATH);
	ck_assert_int_ge(path_fd, 0);
	ck_assert_int_lt(pages_reopen(one.fd, O_RDWR), 0);
	fd_close(path_fd);
	ck_assert(!one_is_over(&one));
	one.fd = fd_close(one.fd);
	ck_assert(one_is_over(&one));
	one_done(&one);
}
END_TEST

/* ---- limits ---- */

START_TEST(large)
{
	static const char zero[4096];
	char limit[32];
	struct one one;
	char *map;

	ck_assert_int_eq(file_read_text(SIZE_LIMIT_PATH, limit, sizeof(limit)), 0);
	ck_assert_int_eq(file_write_text(SIZE_LIMIT_PATH, "64"), 0);
	ck_assert_int_eq(one_try(&one, 200 << 20), -ENOMEM);
	ck_assert_int_eq(file_write_text(SIZE_LIMIT_PATH, "1024"), 0);
	one_new(&one, 200 << 20);
	ck_assert_int_eq(file_write_text(SIZE_LIMIT_PATH, limit), 0);
	check_file(one.fd, 200 << 20);
	map = mmap(NULL, 200 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, one.fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	for (uint64_t at = 0; at < 200 << 20; at += 1 << 20)
		ck_assert_mem_eq(map + at, zero, 4096);
	munmap(map, 200 << 20);
	one_done(&one);
}
END_TEST

/* ---- the core on it ---- */

static void check_core(bool notifies)
{
	struct core_fixture f;
	struct client *client;
	struct exporter *own;
	unsigned int fds;

	ck_assert_int_eq(exporter_udmabuf_new(&own, device), 0);
	core_start_exporter(&f, &core_limits, own);
	own->notifies = own->notifies && notifies;
	client = core_client(&f, 0);
	fd_close(core_alloc_fd(client, 70000));
	service_look(f.service);
	fds = open_fds(); /* with what is pooled */
	for (int i = 0; i < 500; i++) {
		int fd = core_alloc_fd(client, 70000);

		check_file(fd, 73728);
		fd_close(fd);
		service_look(f.service);
		ck_assert_uint_eq(client->account.used[QUOTA_BUFFERS], 0);
		ck_assert_uint_eq(open_fds(), fds);
	}
	client_free(client);
	core_assert_empty(&f);
	core_stop(&f);
}

START_TEST(rounds)
{
	check_core(true);
	check_core(false);
}
END_TEST

/* a buffer's memory comes back for the next one, zero; not while anyone has it */
START_TEST(recycled)
{
	static const char zero[4096];
	struct core_fixture f;
	struct exporter *own;
	struct client *client;
	struct heap_stock stock;
	uint64_t size, others;
	char *map;
	int fd;

	ck_assert_int_eq(exporter_udmabuf_new(&own, device), 0);
	core_start_exporter(&f, &core_limits, own);
	own->notifies = own->notifies && _i;
	client = core_client(&f, 0);
	for (int i = 0; i < 200; i++) {
		size = (i % 3 + 1) * 40960;
		others = i == 0 ? 0 : i == 1 ? 40960 : 6 * 40960 - size;
		fd = core_alloc_fd(client, size);
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		ck_assert_ptr_ne(map, MAP_FAILED);
		fd_close(fd);
		for (uint64_t at = 0; at < size; at += sizeof(zero))
			ck_assert_mem_eq(map + at, zero, sizeof(zero));
		memset(map, 0x5a, size);
		service_look(f.service);
		heap_stock(heaps_get(f.heaps, 0), &stock);
		ck_assert_uint_eq(client->account.used[QUOTA_BUFFERS], 1);
		/* the two other sizes */
		ck_assert_uint_eq(stock.pooled, own->lets_go ? others : 0);
		munmap(map, size);
		service_look(f.service);
		ck_assert_uint_eq(client->account.used[QUOTA_BUFFERS], 0);
		if (i % 5 == 0 && heaps_tend_begin(f.heaps)) {
			heap_tend_run(heaps_get(f.heaps, 0));
			heap_tend_finish(heaps_get(f.heaps, 0));
		}
	}
	client_free(client);
	core_stop(&f);
}
END_TEST

/* a udmabuf has its memfd's pages and not the memfd: only the dma-buf's own end is the end */
START_TEST(lease_does_not_see_it)
{
	struct one one;
	int fd, other;

	one_new(&one, 8192);
	fd = pages_reopen(one.slice.fd, O_RDWR);
	fd_close(one.slice.fd);
	other = pages_reopen(fd, O_RDONLY);
	ck_assert(pages_are_held(fd));
	fd_close(other);
	ck_assert(!pages_are_held(fd));
	one.slice.fd = fd;
	one_done(&one);
}
END_TEST

START_TEST(how_the_end_is_seen)
{
	printf("# the memory of a dma-buf can%s be used again here\n",
	       exporter->lets_go ? "" : "not");
	printf("# the end of a dma-buf is %s here\n", exporter->notifies ? "told" : "looked for");
	fflush(stdout);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("udmabuf");
	TCase *tcase = tcase_create("udmabuf");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (access("/dev/udmabuf", R_OK | W_OK) < 0) {
		printf("no /dev/udmabuf that may be opened\n");
		return 77;
	}
	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, whole, 0, ARRAY_SIZE(sizes));
	tcase_add_test(tcase, inode);
	tcase_add_test(tcase, slices_in_order);
	tcase_add_loop_test(tcase, last_holder, 0, ARRAY_SIZE(ways));
	tcase_add_loop_test(tcase, held_by_a_child, 0, ARRAY_SIZE(ways));
	tcase_add_loop_test(tcase, on_its_way, 0, ARRAY_SIZE(ways));
	tcase_add_loop_test(tcase, not_its_end, 0, ARRAY_SIZE(ways));
	tcase_add_test(tcase, large);
	tcase_add_test(tcase, rounds);
	tcase_add_loop_test(tcase, recycled, 0, 2);
	tcase_add_test(tcase, lease_does_not_see_it);
	tcase_add_test(tcase, how_the_end_is_seen);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
