// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/front/verb_alloc.c, verb_give.c, verb_handle.c: the calls with handles, by both doors */
#include <check.h>
#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doors_rig.h"
#include "heap/heaps.h"
#include "mem/export.h"

static uint32_t alloc_handle(uint64_t fh, uint64_t len)
{
	struct wire_legacy_alloc data = { .len = len, .heap_id_mask = 1, .handle = -5, .rest = 7 };

	ck_assert_int_eq(fake_ioctl(&rig.kernel, fh, WIRE_LEGACY_ALLOC, ARG, &data), 0);
	ck_assert_uint_eq(data.len, len);
	ck_assert_uint_eq(data.rest, 7);
	return data.handle;
}

static int free_handle(uint64_t fh, int32_t handle)
{
	return fake_ioctl(&rig.kernel, fh, WIRE_LEGACY_FREE, ARG, &handle);
}

static uint64_t send_fd(uint64_t fh, uint32_t cmd, int32_t handle, int32_t fd)
{
	const struct wire_legacy_fd data = { handle, fd };

	return fake_send_ioctl(&rig.kernel, fh, cmd, ARG, &data);
}

START_TEST(handles)
{
	uint64_t fh;

	rig_up(_i);
	fh = rig_client();
	ck_assert_int_eq(free_handle(fh, 0), -ENOTTY); /* what libion asks */
	ck_assert_uint_eq(alloc_handle(fh, 5000), 1);
	ck_assert_uint_eq(alloc_handle(fh, 8 << 20), 2);
	ck_assert_int_eq(free_handle(fh, 0), -EINVAL);
	ck_assert_uint_eq(rig_totals().buffers, 2);
	ck_assert_int_eq(free_handle(fh, 1), 0);
	ck_assert_int_eq(free_handle(fh, 1), -EINVAL);
	ck_assert_uint_eq(rig_totals().buffers, 1);
	fake_release(&rig.kernel, fh);
	ck_assert_uint_eq(rig_totals().buffers, 0);
	rig_down();
}
END_TEST

START_TEST(share)
{
	struct wire_legacy_fd data;
	uint64_t fh, unique;
	struct deliver_job *job;
	int fd;

	rig_up(_i);
	fh = rig_client();
	alloc_handle(fh, 8192);
	unique = send_fd(fh, WIRE_LEGACY_SHARE, 1, -7);
	job = wait_job();
	ck_assert_int_eq(job->verb, DELIVER_GIVE_FD);
	ck_assert_uint_eq(job->address, ARG + 4);
	ck_assert_int_eq(lseek(job->fd, 0, SEEK_END), 8192);
	ck_assert_uint_eq(job->flags, DELIVER_TELL_ERRNO);
	ck_assert_uint_eq(job->size, sizeof(struct fuse_out_header));
	ck_assert_uint_eq(job->call.unique, unique);
	fake_deliver_end(&rig.deliver, 3, true, &fd);
	ck_assert(fake_is_quiet(&rig.kernel));

	unique = send_fd(fh, WIRE_LEGACY_MAP, 1, -7);
	wait_job();
	fake_deliver_end(&rig.deliver, -EBUSY, false, NULL);
	ck_assert_int_eq(fake_ioctl_answer(&rig.kernel, unique, &data, sizeof(data)), -EBUSY);
	ck_assert_int_eq(data.handle, 1);
	ck_assert_int_eq(data.fd, -EBUSY);

	data = (struct wire_legacy_fd){ 2, -7 };
	ck_assert_int_eq(fake_ioctl(&rig.kernel, fh, WIRE_LEGACY_SHARE, ARG, &data), -EINVAL);
	ck_assert_int_eq(data.fd, -7);
	ck_assert_int_eq(free_handle(fh, 1), 0);
	ck_assert_uint_eq(rig_totals().buffers, 1);
	close(fd);
	ck_assert_uint_eq(rig_totals().buffers, 0);
	rig_down();
}
END_TEST

/* what IMPORT or SYNC ends with, where @mount and @ino are seen at the caller's fd 9 */
static int look(uint64_t fh, uint32_t cmd, int result, uint64_t mount, uint64_t ino,
		struct wire_legacy_fd *ret)
{
	uint64_t unique = send_fd(fh, cmd, -5, 9);
	struct deliver_job *job = wait_job();

	ck_assert_int_eq(job->verb, DELIVER_WHOSE_FD);
	ck_assert_int_eq(job->number, 9);
	ck_assert_int_eq(job->fd, -1);
	fake_deliver_end_look(&rig.deliver, result, mount, ino);
	return fake_ioctl_answer(&rig.kernel, unique, ret, cmd == WIRE_LEGACY_SYNC ? 0 : 8);
}

START_TEST(import_and_sync)
{
	struct wire_legacy_fd data;
	uint64_t fh, mount;
	struct stat st;
	int fd;

	rig_up(_i);
	fh = rig_client();
	alloc_handle(fh, 8192);
	send_fd(fh, WIRE_LEGACY_SHARE, 1, -7);
	wait_job();
	fake_deliver_end(&rig.deliver, 3, true, &fd);
	ck_assert_int_eq(fstat(fd, &st), 0);
	mount = heaps_get(rig.memory.heaps, 0)->exporter->mount;

	ck_assert_int_eq(look(fh, WIRE_LEGACY_IMPORT, 0, mount, st.st_ino, &data), 0);
	ck_assert_int_eq(data.handle, 1);
	ck_assert_int_eq(data.fd, 9);
	ck_assert_int_eq(look(fh, WIRE_LEGACY_IMPORT, 0, mount, st.st_ino + 1, NULL), -EINVAL);
	ck_assert_int_eq(look(fh, WIRE_LEGACY_IMPORT, 0, 0, 0, NULL), -EINVAL);
	ck_assert_int_eq(look(fh, WIRE_LEGACY_IMPORT, -EBADF, 0, 0, NULL), -EBADF);
	ck_assert_int_eq(look(fh, WIRE_LEGACY_SYNC, 0, mount, st.st_ino, NULL), 0);
	ck_assert_int_eq(look(fh, WIRE_LEGACY_SYNC, 0, mount + 1, st.st_ino, NULL), -EINVAL);
	ck_assert_int_eq(look(fh, WIRE_LEGACY_SYNC, -EBADF, 0, 0, NULL), -EBADF);
	ck_assert_int_eq(free_handle(fh, 1), 0);
	ck_assert_int_eq(free_handle(fh, 1), 0);
	ck_assert_int_eq(free_handle(fh, 1), -EINVAL);
	close(fd);
	rig_down();
}
END_TEST

int main(void)
{
	const TTest *const cases[] = { handles, share, import_and_sync };
	Suite *suite = suite_create("door_handles");
	TCase *tcase = tcase_create("handles");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 20);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tcase_add_loop_test(tcase, cases[i], 0, WAYS);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
