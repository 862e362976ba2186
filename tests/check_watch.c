// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/mem/watch.c */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "fault.h"
#include "mem/pages.h"
#include "mem/watch.h"

#define MARKS_MAX 10 /* of one instance: what limited_queue allows */

static struct watch *watch;
static unsigned int fds_before;

struct file { /* a memfd that we watch, and an open file of it that somebody may close */
	struct watch_mark mark;
	int memfd, fd;
	unsigned int fired;
};

/* ---- wrappers ---- */

static bool
	limited_queue; /* the kernel's limit reads as so small that an instance holds MARKS_MAX */
static bool lose_events;

int __real_file_read_text(const char *path, char *text, size_t size);
int __wrap_file_read_text(const char *path, char *text, size_t size);
int __wrap_file_read_text(const char *path, char *text, size_t size)
{
	if (!limited_queue)
		return __real_file_read_text(path, text, size);
	snprintf(text, size, "%d\n", 3 * MARKS_MAX);
	return 0;
}

ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
	const struct inotify_event overflow = { .wd = -1, .mask = IN_Q_OVERFLOW };
	ssize_t n;

	n = __real_read(fd, bytes, size);
	if (n <= 0 || !lose_events)
		return n;
	memcpy(bytes, &overflow, sizeof(overflow));
	return sizeof(overflow);
}

/* ---- helpers ---- */

static void setup(void)
{
	fds_before = open_fds();
	ck_assert_int_eq(watch_new(&watch), 0);
}

static void teardown(void)
{
	watch = watch_free(watch);
	ck_assert_uint_eq(open_fds(), fds_before);
}

static void file_open(struct file *f)
{
	*f = (struct file){ .mark = WATCH_MARK_INIT };
	ck_assert_int_eq(pages_new(&f->memfd, PAGES_SIZE, true), 0);
	f->fd = pages_reopen(f->memfd, O_RDWR);
	ck_assert_int_ge(f->fd, 0);
}

static void file_close(struct file *f)
{
	watch_clear(&f->mark);
	f->fd = fd_close(f->fd);
	f->memfd = fd_close(f->memfd);
}

static void fired(struct watch_mark *mark, void *user)
{
	ck_assert_ptr_null(mark->instance);
	container_of(mark, struct file, mark)->fired++;
}

static bool is_readable(void)
{
	struct pollfd p = { .fd = watch_fd(watch), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* ---- tests ---- */

START_TEST(last_close)
{
	struct file f;
	void *map;
	int copy;

	file_open(&f);
	ck_assert_int_eq(watch_set(watch, &f.mark, f.fd), 0);
	ck_assert_int_eq(watch_instance_index(&f.mark), 0);
	ck_assert_int_ge(watch_instance_fd(watch, 0), 0);
	ck_assert_int_eq(watch_instance_fd(watch, 1), -1);
	copy = dup(f.fd);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, copy, 0);
	f.fd = fd_close(f.fd);
	ck_assert(!is_readable());
	fd_close(copy);
	ck_assert(!is_readable());
	munmap(map, 4096);
	ck_assert(is_readable());
	watch_read(watch, fired, NULL);
	ck_assert_uint_eq(f.fired, 1);
	ck_assert(!is_readable());
	ck_assert_int_eq(watch_instance_index(&f.mark), -1);

	/* once: it must be set again */
	fd_close(pages_reopen(f.memfd, O_RDWR));
	watch_read(watch, fired, NULL);
	ck_assert_uint_eq(f.fired, 1);
	ck_assert_int_eq(watch_set(watch, &f.mark, f.memfd), 0);
	fd_close(pages_reopen(f.memfd, O_RDWR));
	watch_read(watch, fired, NULL);
	ck_assert_uint_eq(f.fired, 2);
	file_close(&f);
}
END_TEST

START_TEST(cleared)
{
	struct file f;

	file_open(&f);
	watch_clear(&f.mark);
	ck_assert_int_eq(watch_set(watch, &f.mark, f.fd), 0);
	f.fd = fd_close(f.fd); /* fired, and not read yet */
	watch_clear(&f.mark);
	ck_assert_int_eq(watch_set(watch, &f.mark, f.memfd), 0);
	watch_read(watch, fired, NULL);
	ck_assert_uint_eq(f.fired, 0);
	fd_close(pages_reopen(f.memfd, O_RDWR));
	watch_read(watch, fired, NULL);
	ck_assert_uint_eq(f.fired, 1);
	file_close(&f);
	watch_read(watch, fired, NULL);
	ck_assert(!is_readable());
}
END_TEST

static void fired_again(struct watch_mark *mark, void *user)
{
	struct file *f = container_of(mark, struct file, mark), *other = user;

	f->fired++;
	ck_assert_int_eq(watch_set(watch, mark, f->memfd), 0);
	watch_clear(&other->mark);
}

START_TEST(set_and_clear_while_reading)
{
	struct file files[2];

	for (int i = 0; i < 2; i++) {
		file_open(&files[i]);
		ck_assert_int_eq(watch_set(watch, &files[i].mark, files[i].fd), 0);
	}
	for (int i = 0; i < 2; i++)
		files[i].fd = fd_close(files[i].fd);
	watch_read(watch, fired_again, &files[1]);
	ck_assert_uint_eq(files[0].fired, 1);
	ck_assert_uint_eq(files[1].fired, 0); /* was in the queue, but cleared before it was read */
	for (int i = 0; i < 2; i++)
		file_close(&files[i]);
	watch_read(watch, fired, NULL);
}
END_TEST

START_TEST(many)
{
	enum { N = MARKS_MAX * WATCH_INSTANCES_MAX, ALL = N + 2 };
	static struct file files[ALL];

	watch_free(watch);
	limited_queue = true;
	ck_assert_int_eq(watch_new(&watch), 0);
	for (int i = 0; i < ALL; i++)
		file_open(&files[i]);
	for (int i = 0; i < N; i++) {
		ck_assert_int_eq(watch_set(watch, &files[i].mark, files[i].fd), 0);
		ck_assert_int_eq(watch_instance_index(&files[i].mark), i / MARKS_MAX);
	}
	ck_assert_int_eq(watch_set(watch, &files[N].mark, files[N].fd), -ENOSPC);

	/* a mark that fired or was cleared makes room once its events are read, not before */
	files[0].fd = fd_close(files[0].fd);
	watch_clear(&files[1].mark);
	ck_assert_int_eq(watch_set(watch, &files[N].mark, files[N].fd), -ENOSPC);
	watch_read(watch, fired, NULL);
	for (int i = N; i < ALL; i++)
		ck_assert_int_eq(watch_set(watch, &files[i].mark, files[i].fd), 0);

	for (int i = 0; i < ALL; i++)
		files[i].fd = fd_close(files[i].fd);
	watch_read(watch, fired, NULL);
	for (int i = 0; i < ALL; i++) {
		ck_assert_uint_eq(files[i].fired, i != 1);
		file_close(&files[i]);
	}
}
END_TEST

START_TEST(lost_events)
{
	struct file files[3];

	for (int i = 0; i < 3; i++) {
		file_open(&files[i]);
		ck_assert_int_eq(watch_set(watch, &files[i].mark, files[i].fd), 0);
	}
	files[0].fd = fd_close(files[0].fd);
	files[2].fd = fd_close(files[2].fd);
	lose_events = true;
	watch_read(watch, fired, NULL);
	lose_events = false;
	ck_assert_uint_eq(files[0].fired, 1);
	ck_assert_uint_eq(files[1].fired, 0);
	ck_assert_uint_eq(files[2].fired, 1);
	files[1].fd = fd_close(files[1].fd);
	watch_read(watch, fired, NULL);
	ck_assert_uint_eq(files[1].fired, 1);
	for (int i = 0; i < 3; i++)
		file_close(&files[i]);
}
END_TEST

START_TEST(faults)
{
	unsigned int fds = open_fds();
	struct file f;
	bool failed = true;

	for (unsigned int nth = 1; failed; nth++) {
		struct watch *w = NULL;
		int r;

		fault_arm(nth);
		r = watch_new(&w);
		failed = fault_disarm();
		ck_assert_int_eq(r < 0, !w);
		ck_assert(!r || failed);
		watch_free(w);
		ck_assert_uint_eq(open_fds(), fds);
	}
	file_open(&f);
	fault_arm(1);
	ck_assert_int_eq(watch_set(watch, &f.mark, f.fd), -ENOSPC);
	ck_assert(fault_disarm());
	ck_assert_ptr_null(f.mark.instance);
	ck_assert_int_eq(watch_set(watch, &f.mark, -1), -ENOENT);
	file_close(&f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("watch");
	TCase *tcase = tcase_create("watch");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, last_close);
	tcase_add_test(tcase, cleared);
	tcase_add_test(tcase, set_and_clear_while_reading);
	tcase_add_test(tcase, many);
	tcase_add_test(tcase, lost_events);
	tcase_add_test(tcase, faults);
	tcase_set_timeout(tcase, 60); /* also under emulation */
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
