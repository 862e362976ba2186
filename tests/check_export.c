// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/mem/export.c, export_memfd.c, export_udmabuf.c. There is no /dev/udmabuf on most machines: an
 * ioctl stands in for it here; tests/check_udmabuf.c has the real one, in the test machine.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "fault.h"
#include "mem/export.h"
#include "mem/pages.h"

#define DEVICE 12345 /* an fd number that means the fake device */

static struct watch *watch;
static struct exporter *memfd, *udmabuf;
static unsigned int fds_before;
static int quiet; /* a file that nobody closes */

/* ---- the fake /dev/udmabuf: its files are memfds ---- */

static struct {
	int error;
	bool closes_early; /* a close of any open file of it looks like the end */
	bool silent;	   /* as newer kernels: nothing is told of its close */
	long count;	   /* what fdinfo has; 0: the right number */
	bool no_count;
	bool empty;   /* its files have no page */
	bool pfn_map; /* as newer kernels: no pipe gets a page of a mapping */
	uint32_t items;
	uint64_t size;
} fake;

int __real_ftruncate(int fd, off_t size);

static int fake_open(void)
{
	_cleanup_(fd_closep) int fd = memfd_create("fake", MFD_CLOEXEC);

	if (fd >= 0 && !fake.empty)
		__real_ftruncate(fd, PAGES_SIZE);
	return pages_reopen(fd, O_RDWR);
}

int __real_ioctl(int fd, unsigned long cmd, ...);
int __wrap_ioctl(int fd, unsigned long cmd, void *arg);
int __wrap_ioctl(int fd, unsigned long cmd, void *arg)
{
	const struct udmabuf_create_list *list = arg;
	const struct udmabuf_create *create = arg;

	if (fd != DEVICE)
		return __real_ioctl(fd, cmd, arg);
	if (fault_now(ENOMEM))
		return -1;
	if (fake.error) {
		errno = fake.error;
		return -1;
	}
	if (cmd == UDMABUF_CREATE) {
		ck_assert_uint_eq(create->flags, UDMABUF_FLAGS_CLOEXEC);
		fake.items = 1;
		fake.size = create->size;
		return fake_open();
	}
	ck_assert_uint_eq(cmd, UDMABUF_CREATE_LIST);
	ck_assert_uint_eq(list->flags, UDMABUF_FLAGS_CLOEXEC);
	fake.items = list->count;
	fake.size = 0;
	for (uint32_t i = 0; i < list->count; i++)
		fake.size += list->list[i].size;
	return fake_open();
}

ssize_t __real_vmsplice(int fd, const struct iovec *iov, size_t n, unsigned int flags);
ssize_t __wrap_vmsplice(int fd, const struct iovec *iov, size_t n, unsigned int flags);
ssize_t __wrap_vmsplice(int fd, const struct iovec *iov, size_t n, unsigned int flags)
{
	if (!fake.pfn_map)
		return __real_vmsplice(fd, iov, n, flags);
	errno = EFAULT;
	return -1;
}

/* as many references as there are fds of the same file in this process */
static long count_references(int fd)
{
	struct stat st, other;
	long n = 0;

	fstat(fd, &st);
	for (int i = 0; i < 1024; i++)
		n += !fstat(i, &other) && other.st_ino == st.st_ino && other.st_dev == st.st_dev;
	return n;
}

int __real_file_read_text(const char *path, char *text, size_t size);
int __wrap_file_read_text(const char *path, char *text, size_t size);
int __wrap_file_read_text(const char *path, char *text, size_t size)
{
	int fd;

	if (sscanf(path, "/proc/self/fdinfo/%d", &fd) != 1)
		return __real_file_read_text(path, text, size);
	if (fake.no_count)
		snprintf(text, size, "pos:\t0\n");
	else
		snprintf(text, size, "pos:\t0\nsize:\t4096\ncount:\t%ld\nexp_name:\tudmabuf\n",
			 fake.count ? fake.count : count_references(fd));
	return 0;
}

/* O_PATH closes are told by older kernels only: here a test says so */
int __real_fd_close(int fd);
int __wrap_fd_close(int fd);
int __wrap_fd_close(int fd)
{
	if (fake.closes_early && fd >= 0 && (fcntl(fd, F_GETFL) & O_PATH))
		fd_close(pages_reopen(fd, O_RDONLY));
	return __real_fd_close(fd);
}

/* where nothing shall be told, another file is watched */
int __real_watch_set(struct watch *set, struct watch_mark *mark, int fd);
int __wrap_watch_set(struct watch *set, struct watch_mark *mark, int fd);
int __wrap_watch_set(struct watch *set, struct watch_mark *mark, int fd)
{
	return __real_watch_set(set, mark, fake.silent ? quiet : fd);
}

/* ---- helpers ---- */

static void setup(void)
{
	memset(&fake, 0, sizeof(fake));
	fds_before = open_fds();
	quiet = memfd_create("quiet", MFD_CLOEXEC);
	ck_assert_int_eq(watch_new(&watch), 0);
	ck_assert_int_eq(exporter_memfd_new(&memfd), 0);
	ck_assert_int_eq(exporter_udmabuf_new(&udmabuf, DEVICE), 0);
}

static void teardown(void)
{
	udmabuf = exporter_free(udmabuf);
	memfd = exporter_free(memfd);
	watch = watch_free(watch);
	quiet = fd_close(quiet);
	ck_assert_uint_eq(open_fds(), fds_before);
}

static void fired(struct watch_mark *mark, void *user)
{
	++*(unsigned int *)user;
}

static unsigned int read_watch(void)
{
	unsigned int n = 0;

	watch_read(watch, fired, &n);
	return n;
}

/* an export that is followed; its fd is given to the caller */
static int export_one(struct export *export, struct exporter *exporter, struct slice *slice)
{
	int memory, fd;

	export_init(export);
	ck_assert_int_eq(pages_new(&memory, 2 * PAGES_SIZE, exporter->ops->hands_out_memfd), 0);
	*slice = (struct slice){ .fd = memory, .size = 2 * PAGES_SIZE };
	ck_assert_int_eq(export_make(export, exporter, slice, 1), 0);
	ck_assert_int_eq(export_follow(export, watch, slice), 0);
	fd = export_steal_fd(export);
	ck_assert_int_eq(export->fd, -1);
	ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	return fd;
}

static void export_done(struct export *export, struct slice *slice)
{
	export_deinit(export);
	fd_close(slice->fd);
}

/* ---- memfd ---- */

START_TEST(memfd_looks_when_told)
{
	struct export export;
	struct slice slice;
	struct stat st;
	void *map;
	int fd;

	ck_assert_int_eq(exporter_probe(memfd), 0);
	ck_assert(memfd->notifies);
	fd = export_one(&export, memfd, &slice);
	ck_assert_int_eq(export.end, EXPORT_END_LOOK);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 2 * PAGES_SIZE);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(export.ino, st.st_ino);

	ck_assert(!export_is_over(&export));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	fd_close(fd);
	ck_assert_uint_eq(read_watch(), 0);
	ck_assert(!export_is_over(&export));

	/* who maps it can open it again: a close, but not the end */
	fd = pages_reopen(slice.fd, O_RDONLY);
	munmap(map, 4096);
	ck_assert_uint_eq(read_watch(), 1);
	ck_assert(!export_is_over(&export));
	export_follow_again(&export, watch);
	ck_assert_int_eq(export.end, EXPORT_END_LOOK);
	fd_close(fd);
	ck_assert_uint_eq(read_watch(), 1);
	ck_assert(export_is_over(&export));
	ck_assert(export_is_over(&export));
	export_done(&export, &slice);
}
END_TEST

START_TEST(memfd_without_a_watch)
{
	struct export export;
	struct slice slice;
	int fd;

	fd = export_one(&export, memfd, &slice); /* not probed */
	ck_assert_int_eq(export.end, EXPORT_END_HOLD);
	ck_assert(!export_is_over(&export));
	fd_close(fd);
	ck_assert(export_is_over(&export));
	export_done(&export, &slice);

	/* no more watches to be had: at first, and later */
	ck_assert_int_eq(exporter_probe(memfd), 0);
	fd = export_one(&export, memfd, &slice);
	fd_close(fd);
	ck_assert_uint_eq(read_watch(), 1);
	fault_arm(1);
	export_follow_again(&export, watch);
	ck_assert(fault_disarm());
	ck_assert_int_eq(export.end, EXPORT_END_HOLD);
	ck_assert(export_is_over(&export));
	export_done(&export, &slice);
}
END_TEST

START_TEST(memfd_is_one_file_from_its_start)
{
	struct export export = EXPORT_INIT;
	struct slice slices[2] = { { .fd = -1 }, { .fd = -1 } };

	ck_assert_int_eq(export_make(&export, memfd, slices, 2), -EOPNOTSUPP);
	slices[0].offset = 4096;
	ck_assert_int_eq(export_make(&export, memfd, slices, 1), -EOPNOTSUPP);
	/* not a part of one either: who opens it has all of it */
	ck_assert_int_eq(pages_new(&slices[0].fd, 8192, true), 0);
	slices[0].offset = 0;
	slices[0].size = 4096;
	ck_assert_int_eq(export_make(&export, memfd, slices, 1), -EOPNOTSUPP);
	fd_close(slices[0].fd);
	ck_assert_int_eq(export_make(&export, memfd, slices, 1), -EOPNOTSUPP);
	ck_assert_int_eq(export.fd, -1);
	export_deinit(&export);
}
END_TEST

static int kept; /* by O_PATH: it doesn't count as open, but can be opened */

static void open_meanwhile(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", kept);
	ck_assert_int_eq(open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC), -1);
	ck_assert_int_eq(errno, EWOULDBLOCK);
}

START_TEST(memfd_opened_while_we_look)
{
	struct export export;
	struct slice slice;
	int fd;

	fd = export_one(&export, memfd, &slice);
	kept = pages_reopen(fd, O_PATH);
	fd_close(fd);
	fault_leased = open_meanwhile;
	ck_assert(export_is_over(&export)); /* and we are alive: the signal was none that kills */
	fault_leased = NULL;
	fd = pages_reopen(kept, O_RDWR);
	ck_assert_int_ge(fd, 0);
	ck_assert(!export_is_over(&export));
	fd_close(fd);
	fd_close(kept);
	export_done(&export, &slice);
}
END_TEST

/* ---- udmabuf ---- */

START_TEST(udmabuf_ends_with_its_close)
{
	struct export export;
	struct slice slice;
	int fd, copy;

	ck_assert_int_eq(exporter_probe(udmabuf), 0);
	ck_assert(udmabuf->notifies);
	fd = export_one(&export, udmabuf, &slice);
	ck_assert_uint_eq(fake.items, 1);
	ck_assert_uint_eq(fake.size, 2 * PAGES_SIZE);
	ck_assert_int_eq(export.end, EXPORT_END_CLOSE);
	ck_assert_int_eq(export.look_fd, -1); /* nothing of it is ours */
	copy = dup(fd);
	fd_close(fd);
	ck_assert_uint_eq(read_watch(), 0);
	fd_close(copy);
	ck_assert_uint_eq(read_watch(), 1);
	export_done(&export, &slice);
}
END_TEST

static void check_held(void)
{
	struct export export;
	struct slice slice;
	int fd;

	ck_assert_int_eq(exporter_probe(udmabuf), 0);
	ck_assert(!udmabuf->notifies);
	fd = export_one(&export, udmabuf, &slice);
	ck_assert_int_eq(export.end, EXPORT_END_HOLD);
	fake.count = 2;
	ck_assert(!export_is_over(&export));
	fake.count = 1;
	ck_assert(export_is_over(&export));
	fake.no_count = true;
	ck_assert(!export_is_over(&export));
	fd_close(fd);
	export_done(&export, &slice);
}

START_TEST(udmabuf_held_where_nothing_tells)
{
	fake.silent = true;
	check_held();
}
END_TEST

START_TEST(udmabuf_held_where_other_closes_tell)
{
	fake.closes_early = true;
	check_held();
}
END_TEST

START_TEST(udmabuf_probe_fails)
{
	fake.silent = true;
	fake.no_count = true;
	ck_assert_int_eq(exporter_probe(udmabuf), -EOPNOTSUPP);
	fake.error = ENODEV;
	ck_assert_int_eq(exporter_probe(udmabuf), -ENODEV);
	fake.error = EINVAL; /* more than its limits allow */
	ck_assert_int_eq(exporter_probe(udmabuf), -ENOMEM);
}
END_TEST

START_TEST(lets_go)
{
	ck_assert_int_eq(exporter_probe(udmabuf), 0);
	ck_assert(!udmabuf->lets_go);
	fake.pfn_map = true;
	ck_assert_int_eq(exporter_probe(udmabuf), 0);
	ck_assert(udmabuf->lets_go);
	fake.empty = true; /* nothing that a pipe could refuse */
	ck_assert_int_eq(exporter_probe(udmabuf), 0);
	ck_assert(!udmabuf->lets_go);
	ck_assert_int_eq(exporter_probe(memfd), 0);
	ck_assert(!memfd->lets_go);
}
END_TEST

START_TEST(udmabuf_list)
{
	struct export export = EXPORT_INIT;
	struct slice slices[3];
	int memory;

	ck_assert_int_eq(pages_new(&memory, 4 * PAGES_SIZE, false), 0);
	for (int i = 0; i < 3; i++)
		slices[i] = (struct slice){ memory, (3 - i) * PAGES_SIZE, PAGES_SIZE };
	ck_assert_int_eq(export_make(&export, udmabuf, slices, 3), 0);
	ck_assert_uint_eq(fake.items, 3);
	ck_assert_uint_eq(fake.size, 3 * PAGES_SIZE);
	export_deinit(&export);
	fd_close(memory);
}
END_TEST

/* ---- faults ---- */

static int make_and_follow(struct exporter *exporter, struct slice *slices, size_t n)
{
	struct export export = EXPORT_INIT;
	int r;

	r = export_make(&export, exporter, slices, n);
	if (!r)
		r = export_follow(&export, watch, slices);
	export_deinit(&export);
	return r;
}

static void check_faults(struct exporter *exporter, size_t n)
{
	struct slice slices[2];
	bool failed = true;
	int memory, r;

	ck_assert_int_eq(pages_new(&memory, n * PAGES_SIZE, exporter->ops->hands_out_memfd), 0);
	for (size_t i = 0; i < n; i++)
		slices[i] = (struct slice){ memory, i * PAGES_SIZE, PAGES_SIZE };
	for (unsigned int nth = 1; failed; nth++) {
		unsigned int fds = open_fds();

		fault_arm(nth);
		r = make_and_follow(exporter, slices, n);
		failed = fault_disarm();
		ck_assert(!r || failed);
		ck_assert_uint_eq(open_fds(), fds);
	}
	fd_close(memory);
	read_watch();
}

START_TEST(faults)
{
	check_faults(memfd, 1); /* held */
	check_faults(udmabuf, 2);
	ck_assert_int_eq(exporter_probe(memfd), 0);
	ck_assert_int_eq(exporter_probe(udmabuf), 0);
	check_faults(memfd, 1);
	check_faults(udmabuf, 1);
	check_faults(udmabuf, 2);
}
END_TEST

START_TEST(probe_faults)
{
	struct exporter *exporters[] = { memfd, udmabuf };
	bool failed;
	int r;

	for (int i = 0; i < 2; i++) {
		fake.count = 0;
		failed = true;
		for (unsigned int nth = 1; failed; nth++) {
			unsigned int fds = open_fds();

			fault_arm(nth);
			r = exporter_probe(exporters[i]);
			failed = fault_disarm();
			ck_assert(!r || failed);
			ck_assert_uint_eq(open_fds(), fds);
		}
		ck_assert(exporters[i]->notifies);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("export");
	TCase *tcase = tcase_create("export");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, memfd_looks_when_told);
	tcase_add_test(tcase, memfd_without_a_watch);
	tcase_add_test(tcase, memfd_opened_while_we_look);
	tcase_add_test(tcase, memfd_is_one_file_from_its_start);
	tcase_add_test(tcase, udmabuf_ends_with_its_close);
	tcase_add_test(tcase, udmabuf_held_where_nothing_tells);
	tcase_add_test(tcase, udmabuf_held_where_other_closes_tell);
	tcase_add_test(tcase, udmabuf_probe_fails);
	tcase_add_test(tcase, lets_go);
	tcase_add_test(tcase, udmabuf_list);
	tcase_add_test(tcase, faults);
	tcase_add_test(tcase, probe_faults);
	tcase_set_timeout(tcase, 60); /* also under emulation */
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
