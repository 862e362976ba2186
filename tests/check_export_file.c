// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/daemon/export_file.c over a fake kernel: what becomes of a file whose making fails somewhere,
 * and when it is tried without a backing. The real kernel is in tests/check_file_export.c.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "daemon/export_file.h"
#include "fake_kernel.h"
#include "fault.h"
#include "front/bufferfs.h"
#include "mem/export.h"
#include "mem/pages.h"

#define PASSTHROUGH (1u << 5) /* flags2 */
#define BACKING	    9

static struct {
	struct loop *loop;
	struct state *state;
	int state_fd;
	struct fake_kernel kernel;
	struct bufferfs *fs;
	struct exporter *exporter;
	unsigned int fds;
	int backing_error, open_error; /* what an open ends with */
	int opens, ended;
} rig;

static void nothing(void *user)
{
}

static void shake(uint32_t flags2)
{
	const struct fuse_init_in in = {
		.major = 7,
		.minor = 40,
		.flags = 1u << 30,
		.flags2 = flags2,
	};
	struct fake_answer answer;

	fake_ask(&rig.kernel, &answer, FUSE_INIT, 0, &in, sizeof(in));
	ck_assert_int_eq(answer.error, 0);
}

/* what the opener and the kernel do. Return: an fd of something, or the error. */
static int open_file(void *user, uint64_t number, int memfd)
{
	const struct fuse_forget_in forget = { .nlookup = 1 };
	const struct fuse_open_in open = { .flags = O_RDWR };
	struct fake_answer answer;
	char name[48];
	int fd;

	ck_assert_ptr_eq(user, &rig);
	rig.opens++;
	if (memfd >= 0 && rig.backing_error)
		return rig.backing_error;
	snprintf(name, sizeof(name), BUFFERFS_NAME, number, memfd < 0 ? 0 : BACKING);
	fake_ask(&rig.kernel, &answer, FUSE_LOOKUP, FUSE_ROOT_ID, name, strlen(name) + 1);
	ck_assert_int_eq(answer.error, 0);
	if (!rig.open_error) {
		fake_ask(&rig.kernel, &answer, FUSE_OPEN, number, &open, sizeof(open));
		ck_assert_int_eq(answer.error, 0);
		fd = memfd_create("file", MFD_CLOEXEC);
		if (fd >= 0)
			return fd;
		rig.open_error = -errno;
		fake_ask(&rig.kernel, &answer, FUSE_RELEASE, number,
			 &(struct fuse_release_in){ .fh = number }, sizeof(struct fuse_release_in));
	}
	fake_send(&rig.kernel, FUSE_FORGET, number, &forget, sizeof(forget));
	ck_assert(fake_is_quiet(&rig.kernel));
	return rig.open_error;
}

static void release(uint64_t number)
{
	const struct fuse_release_in in = { .fh = number };
	const struct fuse_forget_in forget = { .nlookup = 1 };
	struct fake_answer answer;

	fake_ask(&rig.kernel, &answer, FUSE_RELEASE, number, &in, sizeof(in));
	fake_send(&rig.kernel, FUSE_FORGET, number, &forget, sizeof(forget));
	ck_assert(fake_is_quiet(&rig.kernel));
}

static void setup(void)
{
	const struct bufferfs_config config = { .serves = nothing, .gone = nothing };

	memset(&rig, 0, sizeof(rig));
	rig.fds = open_fds();
	ck_assert_int_eq(loop_new(&rig.loop, LOOP_POLL), 0);
	ck_assert_int_eq(state_create(&rig.state_fd), 0);
	ck_assert_int_eq(state_attach(&rig.state, rig.state_fd), 0);
	fake_kernel_open(&rig.kernel, FAKE_FUSE, rig.loop);
	ck_assert_int_eq(
		bufferfs_new_consume_fd(&rig.fs, rig.loop, rig.state, &config, rig.kernel.channel),
		0);
	ck_assert_int_eq(exporter_file_new(&rig.exporter, rig.fs, open_file, &rig), 0);
}

static uint64_t n_files(void)
{
	return bufferfiles_count(bufferfs_files(rig.fs));
}

static void teardown(void)
{
	ck_assert_uint_eq(n_files(), 0);
	exporter_free(rig.exporter);
	bufferfs_free(rig.fs);
	fake_kernel_close(&rig.kernel);
	state_free(rig.state);
	close(rig.state_fd);
	loop_free(rig.loop);
	ck_assert_uint_eq(open_fds(), rig.fds);
}

static int new_pages(void)
{
	int fd;

	ck_assert_int_eq(pages_new(&fd, PAGES_SIZE, true), 0);
	return fd;
}

static void on_ended(struct export *export)
{
	rig.ended++;
}

START_TEST(slices)
{
	struct export export = EXPORT_INIT;
	const struct slice odd[] = { { -1, PAGES_SIZE, PAGES_SIZE }, { -1, 0, PAGES_SIZE } };

	ck_assert_int_eq(export_make(&export, rig.exporter, odd, 1), -EOPNOTSUPP);
	ck_assert_int_eq(export_make(&export, rig.exporter, odd, 2), -EOPNOTSUPP);
	ck_assert_int_eq(rig.opens, 0);
}
END_TEST

START_TEST(through_the_page_cache)
{
	struct export export = EXPORT_INIT;
	struct slice slice = { .fd = new_pages(), .size = PAGES_SIZE };

	shake(0);
	ck_assert_int_eq(export_make(&export, rig.exporter, &slice, 1), 0);
	ck_assert(export.tells);
	ck_assert_uint_eq(export.ino, 2);
	export.ended = on_ended;
	ck_assert_int_eq(export_follow(&export, NULL, &slice), 0);
	ck_assert_int_eq(export.end, EXPORT_END_TOLD);
	ck_assert(!export_can_look(&export));
	close(export_steal_fd(&export));
	ck_assert_int_eq(rig.ended, 0);
	release(export.ino);
	ck_assert_int_eq(rig.ended, 1);
	export_deinit(&export);
	close(slice.fd);
}
END_TEST

START_TEST(with_a_backing)
{
	struct export export = EXPORT_INIT;
	struct slice slice = { .fd = new_pages(), .size = PAGES_SIZE };
	int holder;

	shake(PASSTHROUGH);
	ck_assert_int_eq(export_make(&export, rig.exporter, &slice, 1), 0);
	ck_assert(!export.tells);
	ck_assert_int_eq(export_follow(&export, NULL, &slice), 0);
	ck_assert_int_eq(export.end, EXPORT_END_HOLD);
	/* a mapping is one of the memfd, and outlives the file */
	holder = pages_reopen(slice.fd, O_RDWR);
	close(export_steal_fd(&export));
	release(export.ino);
	ck_assert(!export_is_over(&export));
	close(holder);
	ck_assert(export_is_over(&export));
	export_deinit(&export);
	close(slice.fd);
}
END_TEST

START_TEST(no_backing_to_be_had)
{
	struct slice slice = { .fd = new_pages(), .size = PAGES_SIZE };
	struct export export = EXPORT_INIT;
	uint64_t number;

	shake(PASSTHROUGH);
	/* nobody was there to ask: that says nothing of the kernel */
	rig.backing_error = -EIO;
	ck_assert_int_eq(export_make(&export, rig.exporter, &slice, 1), -EIO);
	ck_assert(exporter_file_backs(rig.exporter));
	/* nor does a failure that is one without a backing too */
	rig.backing_error = -EPERM;
	rig.open_error = -ENOTCONN;
	ck_assert_int_eq(export_make(&export, rig.exporter, &slice, 1), -ENOTCONN);
	ck_assert(exporter_file_backs(rig.exporter));

	rig.open_error = 0;
	ck_assert_int_eq(export_make(&export, rig.exporter, &slice, 1), 0);
	ck_assert(export.tells);
	ck_assert(!exporter_file_backs(rig.exporter));
	number = export.ino;
	export_deinit(&export);
	release(number);
	/* it isn't asked for again */
	rig.opens = 0;
	ck_assert_int_eq(export_make(&export, rig.exporter, &slice, 1), 0);
	ck_assert_int_eq(rig.opens, 1);
	number = export.ino;
	export_deinit(&export);
	release(number);
	close(slice.fd);
}
END_TEST

START_TEST(faults)
{
	struct slice slice = { .fd = new_pages(), .size = PAGES_SIZE };
	bool failed = true;

	shake(_i ? PASSTHROUGH : 0);
	for (unsigned int nth = 1; failed; nth++) {
		struct export export = EXPORT_INIT;
		unsigned int fds = open_fds();
		uint64_t number;
		int r;

		rig.open_error = 0;
		fault_arm(nth);
		r = export_make(&export, rig.exporter, &slice, 1);
		failed = fault_disarm();
		ck_assert(r == 0 || failed);
		ck_assert(r == 0 || (export.fd < 0 && !export.file && !export.exporter));
		number = export.ino;
		export_deinit(&export);
		if (r == 0)
			release(number);
		ck_assert_uint_eq(open_fds(), fds);
		ck_assert_uint_eq(n_files(), 0);
	}
	close(slice.fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("export_file");
	TCase *tcase = tcase_create("export_file");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, slices);
	tcase_add_test(tcase, through_the_page_cache);
	tcase_add_test(tcase, with_a_backing);
	tcase_add_test(tcase, no_backing_to_be_had);
	tcase_add_loop_test(tcase, faults, 0, 2);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
