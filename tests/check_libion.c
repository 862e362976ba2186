// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/libion/ion.c, against a device that answers from a script: ioctl, open, close and mmap are
 * replaced at link time. Numbers are those of ABI.md, not the headers' macros. Each test has a
 * process of its own, as the library remembers the device's interface for the process's life.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ion/ion.h>
#include <linux/ion_4.19.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/attr.h"

#define ALLOC	    0xC0204900u
#define NEW_ALLOC   0xC0184900u
#define FREE	    0xC0044901u
#define MAP	    0xC0084902u
#define SHARE	    0xC0084904u
#define IMPORT	    0xC0084905u
#define SYNC	    0xC0084907u
#define HEAP_QUERY  0xC0184908u
#define ABI_VERSION 0x80044909u

#define DEVICE	    4001 /* fds from 4000 up are the script's */
#define BUFFER	    4002
#define SCRIPTED    4000
#define MAX_CALLS   8

struct call {
	int fd;
	unsigned long request;
	unsigned char in[32];
};

struct answer {
	int result; /* of the ioctl, or -errno */
	unsigned char out[32];
	size_t size;
};

static struct {
	struct answer answers[MAX_CALLS];
	struct call calls[MAX_CALLS];
	int n_answers, n_calls;
	const char *open_path;
	int open_flags, open_result;
	int close_fd, close_result;
	void *map_result;
	size_t map_length;
	int map_prot, map_flags, map_fd;
	off_t map_offset;
} script;

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
void *__real_mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
void *__wrap_mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset);

static int result_or_errno(int r)
{
	if (r >= 0)
		return r;
	errno = -r;
	return -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct call *call;
	struct answer *answer;
	unsigned char *arg;
	size_t size;
	va_list ap;

	va_start(ap, request);
	arg = va_arg(ap, unsigned char *);
	va_end(ap);

	ck_assert_msg(script.n_calls < script.n_answers, "ioctl %lx was not expected", request);
	answer = &script.answers[script.n_calls];
	call = &script.calls[script.n_calls++];
	call->fd = fd;
	call->request = request;
	size = (request >> 16) & 0x3fff;
	memcpy(call->in, arg, size);
	memcpy(arg, answer->out, MIN(size, answer->size));
	return result_or_errno(answer->result);
}

int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (strncmp(path, "/dev/", 5) == 0 && script.open_result) {
		script.open_path = path;
		script.open_flags = flags;
		return result_or_errno(script.open_result);
	}
	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return __real_open(path, flags, mode);
}

int __wrap_close(int fd)
{
	if (fd < SCRIPTED)
		return __real_close(fd);
	script.close_fd = fd;
	return result_or_errno(script.close_result);
}

void *__wrap_mmap(void *at, size_t length, int prot, int flags, int fd, off_t offset)
{
	if (fd < SCRIPTED)
		return __real_mmap(at, length, prot, flags, fd, offset);
	script.map_length = length;
	script.map_prot = prot;
	script.map_flags = flags;
	script.map_fd = fd;
	script.map_offset = offset;
	if (!script.map_result) {
		errno = ENODEV;
		return MAP_FAILED;
	}
	return script.map_result;
}

static void answer(int result, const void *out, size_t size)
{
	struct answer *a = &script.answers[script.n_answers++];

	a->result = result;
	a->size = size;
	if (size)
		memcpy(a->out, out, size);
}

static void answer_handle(int result, ion_user_handle_t handle)
{
	struct ion_allocation_data data = { 1, 2, 3, 4, handle };

	answer(result, &data, sizeof(data));
}

static void answer_fd(int result, ion_user_handle_t handle, int fd)
{
	struct ion_fd_data data = { handle, fd };

	answer(result, &data, sizeof(data));
}

/* the call with this index: on the device, by this number, with the request as an int */
static const void *call(int i, uint32_t request)
{
	ck_assert_int_gt(script.n_calls, i);
	ck_assert_int_eq(script.calls[i].fd, DEVICE);
	ck_assert_uint_eq(script.calls[i].request, (unsigned long)(int)request);
	return script.calls[i].in;
}

static void no_more_calls(void)
{
	ck_assert_int_eq(script.n_calls, script.n_answers);
}

/* the first call of a process asks, and this is what is found */
static void device_is(bool legacy)
{
	const struct ion_handle_data *data;

	answer(legacy ? -EINVAL : -ENOTTY, NULL, 0);
	ck_assert_int_eq(ion_is_legacy(DEVICE), legacy);
	data = call(0, FREE);
	ck_assert_int_eq(data->handle, 0);
	no_more_calls();
	memset(&script, 0, sizeof(script));
}

START_TEST(open_close)
{
	script.open_result = DEVICE;
	ck_assert_int_eq(ion_open(), DEVICE);
	ck_assert_str_eq(script.open_path, "/dev/ion");
	ck_assert_int_eq(script.open_flags, O_RDONLY | O_CLOEXEC);

	script.open_result = -EACCES;
	errno = 0;
	ck_assert_int_eq(ion_open(), -1);
	ck_assert_int_eq(errno, EACCES);

	ck_assert_int_eq(ion_close(DEVICE), 0);
	ck_assert_int_eq(script.close_fd, DEVICE);
	script.close_result = -EBADF;
	ck_assert_int_eq(ion_close(DEVICE), -EBADF);
}
END_TEST

static const struct {
	int free_result;
	int legacy;
} detections[] = {
	{ -ENOTTY, 0 }, { -EINVAL, 1 }, { -EBADF, 1 }, { -EFAULT, 1 },
	{ -ENODEV, 1 }, { -EACCES, 1 }, { 0, 1 },      { 1, 1 },
};

START_TEST(detect)
{
	answer(detections[_i].free_result, NULL, 0);
	ck_assert_int_eq(ion_is_legacy(DEVICE), detections[_i].legacy);
	call(0, FREE);
	/* and never again, whatever the fd */
	ck_assert_int_eq(ion_is_legacy(DEVICE), detections[_i].legacy);
	ck_assert_int_eq(ion_is_legacy(-1), detections[_i].legacy);
	no_more_calls();
}
END_TEST

static const int no_answers[] = { -ENOTCONN, -ECONNABORTED, -EINTR, -EIO };

/* a service that ends in that moment: the error is the call's own, and the next one asks again */
START_TEST(no_answer)
{
	int fd = 77;

	answer(no_answers[_i], NULL, 0); /* the FREE that asks */
	answer(no_answers[_i], NULL, 0); /* what was to be done */
	ck_assert_int_eq(ion_alloc_fd(DEVICE, 4096, 0, 1, 0, &fd), no_answers[_i]);
	call(0, FREE);
	answer(-ENOTTY, NULL, 0);
	ck_assert_int_eq(ion_is_legacy(DEVICE), 0);
	call(2, FREE);
	ck_assert_int_eq(ion_is_legacy(DEVICE), 0);
	no_more_calls();
}
END_TEST

/* the first use may be any function: with an fd that isn't open it fixes the old interface */
START_TEST(bad_fd_pins_legacy)
{
	int fd = 77;

	answer(-EBADF, NULL, 0); /* the FREE that asks */
	answer(-EBADF, NULL, 0); /* the ALLOC, by handle */
	ck_assert_int_eq(ion_alloc_fd(-1, 4096, 0, 1, 0, &fd), -EBADF);
	ck_assert_int_eq(fd, 77);
	ck_assert_int_eq(script.calls[0].fd, -1);
	ck_assert_uint_eq((uint32_t)script.calls[1].request, ALLOC);
	ck_assert_int_eq(ion_is_legacy(DEVICE), 1);
	no_more_calls();
}
END_TEST

START_TEST(request_is_sign_extended)
{
	answer(0, NULL, 0);
	ck_assert_int_eq(ion_free(DEVICE, 1), 0);
#if __SIZEOF_LONG__ == 8
	ck_assert_uint_eq(script.calls[0].request, 0xffffffffc0044901ul);
#endif
	ck_assert_uint_eq((uint32_t)script.calls[0].request, FREE);
}
END_TEST

START_TEST(legacy_alloc)
{
	const struct ion_allocation_data *data;
	ion_user_handle_t handle = 0;

	device_is(true);
	answer_handle(0, 5);
	ck_assert_int_eq(ion_alloc(DEVICE, 70000, 8192, 0x0a000000, 0x80000003, &handle), 0);
	ck_assert_int_eq(handle, 5);
	data = call(0, ALLOC);
	ck_assert_uint_eq(data->len, 70000);
	ck_assert_uint_eq(data->align, 8192);
	ck_assert_uint_eq(data->heap_id_mask, 0x0a000000);
	ck_assert_uint_eq(data->flags, 0x80000003);
	ck_assert_int_eq(data->handle, 0);

	answer_handle(-ENOMEM, 6);
	ck_assert_int_eq(ion_alloc(DEVICE, 1, 0, 1, 0, &handle), -ENOMEM);
	ck_assert_int_eq(handle, 5);
	no_more_calls();
}
END_TEST

/* ALLOC, SHARE, FREE: the handle goes in any case, and the result is SHARE's */
START_TEST(legacy_alloc_fd)
{
	static const struct {
		int share, free, result, fd;
	} cases[] = {
		{ 0, 0, 0, BUFFER },
		{ 0, -EINVAL, 0, BUFFER },
		{ 3, 0, 3, BUFFER },
		{ -EMFILE, 0, -EMFILE, -7 },
	};
	const struct ion_fd_data *shared;
	const struct ion_handle_data *freed;
	int fd = -7;

	device_is(true);
	answer_handle(0, 9);
	answer_fd(cases[_i].share, 9, cases[_i].share < 0 ? -24 : BUFFER);
	answer(cases[_i].free, NULL, 0);
	ck_assert_int_eq(ion_alloc_fd(DEVICE, 4096, 16, 3, 1, &fd), cases[_i].result);
	ck_assert_int_eq(fd, cases[_i].fd);
	ck_assert_uint_eq(((const struct ion_allocation_data *)call(0, ALLOC))->align, 16);
	shared = call(1, SHARE);
	ck_assert_int_eq(shared->handle, 9);
	freed = call(2, FREE);
	ck_assert_int_eq(freed->handle, 9);
	no_more_calls();
}
END_TEST

START_TEST(legacy_share_import_sync)
{
	const struct ion_fd_data *data;
	ion_user_handle_t handle = 77;
	int fd = 77;

	device_is(true);
	answer_fd(0, 3, BUFFER);
	ck_assert_int_eq(ion_share(DEVICE, 3, &fd), 0);
	data = call(0, SHARE);
	ck_assert_int_eq(data->handle, 3);
	ck_assert_int_eq(fd, BUFFER);

	answer_fd(0, 4, BUFFER);
	ck_assert_int_eq(ion_import(DEVICE, BUFFER, &handle), 0);
	data = call(1, IMPORT);
	ck_assert_int_eq(data->fd, BUFFER);
	ck_assert_int_eq(handle, 4);

	answer(0, NULL, 0);
	ck_assert_int_eq(ion_sync_fd(DEVICE, BUFFER), 0);
	data = call(2, SYNC);
	ck_assert_int_eq(data->fd, BUFFER);
	no_more_calls();
}
END_TEST

START_TEST(legacy_map)
{
	static unsigned char memory[1];
	unsigned char *p = NULL;
	int fd = -7;

	device_is(true);
	answer_fd(0, 3, BUFFER);
	script.map_result = memory;
	ck_assert_int_eq(ion_map(DEVICE, 3, 8192, PROT_READ, MAP_SHARED, 4096, &p, &fd), 0);
	ck_assert_int_eq(((const struct ion_fd_data *)call(0, MAP))->handle, 3);
	ck_assert_ptr_eq(p, memory);
	ck_assert_int_eq(fd, BUFFER);
	ck_assert_int_eq(script.map_fd, BUFFER);
	ck_assert_uint_eq(script.map_length, 8192);
	ck_assert_int_eq(script.map_prot, PROT_READ);
	ck_assert_int_eq(script.map_flags, MAP_SHARED);
	ck_assert_int_eq(script.map_offset, 4096);
	ck_assert_int_eq(script.close_fd, 0);
}
END_TEST

/* a mapping that fails leaves no fd behind, and close() does not spoil its errno */
START_TEST(legacy_map_fails)
{
	unsigned char *p = NULL;
	int fd = -7;

	device_is(true);
	answer_fd(0, 3, BUFFER);
	script.close_result = -EIO;
	ck_assert_int_eq(ion_map(DEVICE, 3, 1, PROT_READ, MAP_SHARED, 0, &p, &fd), -ENODEV);
	ck_assert_int_eq(script.close_fd, BUFFER);
	ck_assert_ptr_null(p);
	ck_assert_int_eq(fd, -7);
}
END_TEST

START_TEST(legacy_negative_fd)
{
	unsigned char *p = NULL;
	int fd = 77;

	device_is(true);
	answer_fd(0, 3, -1);
	ck_assert_int_eq(ion_share(DEVICE, 3, &fd), -EINVAL);
	answer_fd(0, 3, -1);
	ck_assert_int_eq(ion_map(DEVICE, 3, 1, PROT_READ, MAP_SHARED, 0, &p, &fd), -EINVAL);
	ck_assert_int_eq(fd, 77);
	ck_assert_ptr_null(p);
	no_more_calls();
}
END_TEST

START_TEST(legacy_errors)
{
	static const int errors[] = { EINVAL, EFAULT, EBADF, ENODEV, ENOTTY, ENOTCONN };
	ion_user_handle_t handle = 77;
	unsigned char *p = NULL;
	int e = errors[_i], fd = 77;

	device_is(true);
	for (int i = 0; i < 6; i++)
		answer_fd(-e, 1, 2);
	ck_assert_int_eq(ion_alloc_fd(DEVICE, 1, 0, 1, 0, &fd), -e);
	ck_assert_int_eq(ion_free(DEVICE, 1), -e);
	ck_assert_int_eq(ion_share(DEVICE, 1, &fd), -e);
	ck_assert_int_eq(ion_map(DEVICE, 1, 1, 1, 1, 0, &p, &fd), -e);
	ck_assert_int_eq(ion_import(DEVICE, 1, &handle), -e);
	ck_assert_int_eq(ion_sync_fd(DEVICE, 1), -e);
	ck_assert_int_eq(fd, 77);
	ck_assert_int_eq(handle, 77);
	ck_assert_ptr_null(p);
	no_more_calls();
}
END_TEST

START_TEST(modern_alloc_fd)
{
	struct ion_new_allocation_data out = { .len = 1, .fd = BUFFER, .unused = 9 };
	const struct ion_new_allocation_data *data;
	int fd = 0;

	device_is(false);
	answer(0, &out, sizeof(out));
	ck_assert_int_eq(ion_alloc_fd(DEVICE, 70000, 8192, 0x0a000000, 0x80000003, &fd), 0);
	ck_assert_int_eq(fd, BUFFER);
	data = call(0, NEW_ALLOC);
	ck_assert_uint_eq(data->len, 70000);
	ck_assert_uint_eq(data->heap_id_mask, 0x0a000000);
	ck_assert_uint_eq(data->flags, 0x80000003);
	ck_assert_uint_eq(data->fd, 0);
	ck_assert_uint_eq(data->unused, 0);

	answer(-ENODEV, &out, sizeof(out));
	fd = 77;
	ck_assert_int_eq(ion_alloc_fd(DEVICE, 1, 0, 0, 0, &fd), -ENODEV);
	ck_assert_int_eq(fd, 77);
	no_more_calls();
}
END_TEST

/* without handles the device is not even asked; FREE alone goes through */
START_TEST(modern_has_no_handles)
{
	ion_user_handle_t handle = 77;
	unsigned char *p = NULL;
	int fd = 77;

	device_is(false);
	ck_assert_int_eq(ion_alloc(DEVICE, 4096, 0, 1, 0, &handle), -EINVAL);
	ck_assert_int_eq(ion_share(DEVICE, 1, &fd), -EINVAL);
	ck_assert_int_eq(ion_map(DEVICE, 1, 1, 1, 1, 0, &p, &fd), -EINVAL);
	ck_assert_int_eq(ion_import(DEVICE, 1, &handle), -EINVAL);
	ck_assert_int_eq(ion_sync_fd(DEVICE, 1), -EINVAL);
	ck_assert_int_eq(script.n_calls, 0);
	ck_assert_int_eq(fd, 77);
	ck_assert_int_eq(handle, 77);
	ck_assert_ptr_null(p);

	answer(-ENOTTY, NULL, 0);
	ck_assert_int_eq(ion_free(DEVICE, 1), -ENOTTY);
	no_more_calls();
}
END_TEST

/* allocations and queries look at the pointer first: nothing is asked, no interface is fixed */
START_TEST(null_pointers)
{
	unsigned char *p;
	int fd;

	ck_assert_int_eq(ion_alloc(DEVICE, 4096, 0, 1, 0, NULL), -EINVAL);
	ck_assert_int_eq(ion_alloc_fd(DEVICE, 4096, 0, 1, 0, NULL), -EINVAL);
	ck_assert_int_eq(ion_query_heap_cnt(DEVICE, NULL), -EINVAL);
	ck_assert_int_eq(script.n_calls, 0);

	device_is(true);
	ck_assert_int_eq(ion_share(DEVICE, 1, NULL), -EINVAL);
	ck_assert_int_eq(ion_import(DEVICE, 1, NULL), -EINVAL);
	ck_assert_int_eq(ion_map(DEVICE, 1, 1, 1, 1, 0, NULL, &fd), -EINVAL);
	ck_assert_int_eq(ion_map(DEVICE, 1, 1, 1, 1, 0, &p, NULL), -EINVAL);
	ck_assert_int_eq(script.n_calls, 0);
}
END_TEST

/* queries belong to both interfaces, and do not ask which one it is */
START_TEST(query)
{
	static const struct ion_heap_query zero;
	struct ion_heap_query out = { .cnt = 4 };
	struct ion_heap_data heaps[4];
	const struct ion_heap_query *in;
	int n = 77;

	answer(0, &out, sizeof(out));
	ck_assert_int_eq(ion_query_heap_cnt(DEVICE, &n), 0);
	ck_assert_mem_eq(call(0, HEAP_QUERY), &zero, sizeof(zero));
	ck_assert_int_eq(n, 4);

	answer(0, &out, sizeof(out));
	ck_assert_int_eq(ion_query_get_heaps(DEVICE, 4, heaps), 0);
	in = call(1, HEAP_QUERY);
	ck_assert_uint_eq(in->cnt, 4);
	ck_assert_uint_eq(in->heaps, (uintptr_t)heaps);
	ck_assert_uint_eq(in->reserved0 | in->reserved1 | in->reserved2, 0);

	answer(-EINVAL, &out, sizeof(out));
	ck_assert_int_eq(ion_query_get_heaps(DEVICE, 0, heaps), -EINVAL);
	n = 77;
	answer(-ENOTTY, &out, sizeof(out));
	ck_assert_int_eq(ion_query_heap_cnt(DEVICE, &n), -ENOTTY);
	ck_assert_int_eq(n, 77);
	no_more_calls();
}
END_TEST

START_TEST(modular_heaps)
{
	static const struct {
		int result;
		uint32_t version;
		int modular;
	} cases[] = {
		{ 0, 2, 1 }, { 0, 3, 1 }, { 0, 1, 0 }, { 0, 0, 0 }, { -ENOTTY, 2, 0 }, { 1, 2, 0 },
	};
	static const uint32_t zero;

	answer(cases[_i].result, &cases[_i].version, sizeof(uint32_t));
	ck_assert_int_eq(ion_is_using_modular_heaps(DEVICE), cases[_i].modular);
	ck_assert_mem_eq(call(0, ABI_VERSION), &zero, sizeof(zero));
	no_more_calls();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libion");
	TCase *tcase = tcase_create("libion");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, open_close);
	tcase_add_loop_test(tcase, detect, 0, ARRAY_SIZE(detections));
	tcase_add_loop_test(tcase, no_answer, 0, ARRAY_SIZE(no_answers));
	tcase_add_test(tcase, bad_fd_pins_legacy);
	tcase_add_test(tcase, request_is_sign_extended);
	tcase_add_test(tcase, legacy_alloc);
	tcase_add_loop_test(tcase, legacy_alloc_fd, 0, 4);
	tcase_add_test(tcase, legacy_share_import_sync);
	tcase_add_test(tcase, legacy_map);
	tcase_add_test(tcase, legacy_map_fails);
	tcase_add_test(tcase, legacy_negative_fd);
	tcase_add_loop_test(tcase, legacy_errors, 0, 6);
	tcase_add_test(tcase, modern_alloc_fd);
	tcase_add_test(tcase, modern_has_no_handles);
	tcase_add_test(tcase, null_pointers);
	tcase_add_test(tcase, query);
	tcase_add_loop_test(tcase, modular_heaps, 0, 6);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_FORK);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
