// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/wire/ion_legacy.c, by way of the table: which caller has which call, and what its bytes say
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "wire/ion.h"

enum {
	NATIVE = 0,
	COMPAT = 1,
	N_WIDTHS,
};

static const struct wire_policy policies[] = {
	{ .abi = WIRE_ABI_AUTO },
	{ .abi = WIRE_ABI_LEGACY },
	{ .abi = WIRE_ABI_MODERN },
};

/* bytes of some struct, all different */
static void fill(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = 0x11 + i;
}

/* ---- which call exists for whom: 0, or the refusal in auto and legacy, and in modern ---- */

#define NO	  -ENOTTY
#define TOO_LARGE -EINVAL

static const struct {
	uint32_t cmd;
	enum wire_verb verb;
	int native, compat, modern;
	bool handles;
} calls[] = {
	{ 0xc0204900, WIRE_ALLOC_HANDLE, 0, NO, TOO_LARGE, true },
	{ 0xc0144900, WIRE_ALLOC_HANDLE, NO, 0, NO, true },
	{ 0xc0044901, WIRE_FREE, 0, 0, NO, false },
	{ 0xc0084902, WIRE_SHARE, 0, 0, NO, true },
	{ 0xc0084904, WIRE_SHARE, 0, 0, NO, false },
	{ 0xc0084905, WIRE_IMPORT, 0, 0, NO, true },
	{ 0xc0104906, WIRE_CUSTOM, 0, NO, NO, false },
	{ 0xc0084906, WIRE_CUSTOM, NO, 0, NO, false },
	{ 0xc0084907, WIRE_SYNC, 0, 0, NO, false },
	/* what came later is there beside them, in all modes and for all */
	{ 0xc0184900, WIRE_ALLOC, 0, 0, 0, false },
};

START_TEST(who_has_what)
{
	struct wire_call call;
	uint8_t in[32];

	fill(in, sizeof(in));
	for (size_t policy = 0; policy < ARRAY_SIZE(policies); policy++) {
		for (int who = 0; who < 4; who++) {
			const struct wire_caller caller = { .compat = who & 1, .handles = who & 2 };
			uint32_t cmd = calls[_i].cmd;
			int expected = caller.compat ? calls[_i].compat : calls[_i].native;

			if (policies[policy].abi == WIRE_ABI_MODERN)
				expected = calls[_i].modern;
			memset(&call, 0xa5, sizeof(call));
			ck_assert_int_eq(wire_decode(&call, &policies[policy], &caller, cmd, in,
						     _IOC_SIZE(cmd)),
					 expected);
			if (expected) {
				ck_assert_uint_eq(call.cmd, 0xa5a5a5a5);
				continue;
			}
			ck_assert_int_eq(call.verb, calls[_i].verb);
			ck_assert_uint_eq(call.cmd, cmd);
			ck_assert_int_eq(call.compat, caller.compat);
			ck_assert_int_eq(call.handles, calls[_i].handles);
		}
	}
}
END_TEST

/* a struct that can't be read is seen before the mode is, its size before that */
START_TEST(unreadable)
{
	const struct wire_caller caller = { 0 };
	uint32_t cmd = calls[_i].cmd;
	struct wire_call call;
	uint8_t in[32] = { 0 };

	for (size_t size = 0; size < _IOC_SIZE(cmd); size++) {
		for (size_t policy = 0; policy < ARRAY_SIZE(policies); policy++) {
			bool large = policies[policy].abi == WIRE_ABI_MODERN && _IOC_SIZE(cmd) > 24;

			ck_assert_int_eq(
				wire_decode(&call, &policies[policy], &caller, cmd, in, size),
				large ? -EINVAL : -EFAULT);
		}
	}
}
END_TEST

/* ---- FREE of handle 0: the question whether there are handles ---- */

static const struct {
	enum wire_abi abi;
	bool handles;
	int result;
} probes[] = {
	{ WIRE_ABI_AUTO, false, -ENOTTY },   { WIRE_ABI_AUTO, true, -EINVAL },
	{ WIRE_ABI_LEGACY, false, -EINVAL }, { WIRE_ABI_LEGACY, true, -EINVAL },
	{ WIRE_ABI_MODERN, false, -ENOTTY }, { WIRE_ABI_MODERN, true, -ENOTTY },
};

START_TEST(free_none)
{
	const struct wire_policy policy = { .abi = probes[_i].abi };
	const int32_t none = 0;
	struct wire_call call;

	for (int width = 0; width < N_WIDTHS; width++) {
		const struct wire_caller caller = { width, probes[_i].handles };

		ck_assert_int_eq(wire_decode(&call, &policy, &caller, 0xc0044901, &none, 4),
				 probes[_i].result);
	}
}
END_TEST

/* any other is the core's to judge, in auto of a new client too */
START_TEST(free_some)
{
	static const int32_t handles[] = { 1, 2, 77, INT32_MAX, -1, INT32_MIN };
	const struct wire_caller caller = { 0 };
	struct wire_call call;

	for (size_t i = 0; i < ARRAY_SIZE(handles); i++) {
		ck_assert_int_eq(
			wire_decode(&call, &policies[0], &caller, 0xc0044901, &handles[i], 4), 0);
		ck_assert_int_eq(call.handle, handles[i]);
	}
}
END_TEST

/* ---- what stands in the structs: by offsets, as ion(4) has them ---- */

static uint64_t at(const uint8_t *bytes, size_t offset, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, bytes + offset, size); /* lowest byte first */
	return value;
}

/* where the fields are: 64 bit, 32 bit */
static const struct {
	uint32_t cmd;
	size_t size, word, align, mask, flags, handle;
} allocs[] = {
	{ 0xc0204900, 32, 8, 8, 16, 20, 24 },
	{ 0xc0144900, 20, 4, 4, 8, 12, 16 },
};

START_TEST(alloc)
{
	const struct wire_caller caller = { .compat = _i };
	uint8_t in[32], out[33];
	struct wire_call call;
	size_t size = allocs[_i].size;

	fill(in, sizeof(in));
	ck_assert_int_eq(wire_decode(&call, &policies[0], &caller, allocs[_i].cmd, in, size), 0);
	ck_assert_uint_eq(call.alloc.len, at(in, 0, allocs[_i].word));
	ck_assert_uint_eq(call.alloc.align, at(in, allocs[_i].align, allocs[_i].word));
	ck_assert_uint_eq(call.alloc.mask, at(in, allocs[_i].mask, 4));
	ck_assert_uint_eq(call.alloc.flags, at(in, allocs[_i].flags, 4));

	/* only the handle changes, and nothing behind the struct */
	memset(out, 0xee, sizeof(out));
	ck_assert_uint_eq(wire_encode_handle(out, &call, 0x01020304), size);
	ck_assert_uint_eq(at(out, allocs[_i].handle, 4), 0x01020304);
	memcpy(in + allocs[_i].handle, out + allocs[_i].handle, 4);
	ck_assert_mem_eq(out, in, size);
	ck_assert_uint_eq(out[size], 0xee);
}
END_TEST

/* the largest that there is: a 32-bit caller's -1 is a length of 4 GiB less one */
START_TEST(alloc_largest)
{
	const struct wire_caller caller = { .compat = _i };
	struct wire_call call;
	uint8_t in[32];

	memset(in, 0xff, sizeof(in));
	ck_assert_int_eq(
		wire_decode(&call, &policies[0], &caller, allocs[_i].cmd, in, allocs[_i].size), 0);
	ck_assert_uint_eq(call.alloc.len, _i ? UINT32_MAX : UINT64_MAX);
	ck_assert_uint_eq(call.alloc.align, _i ? UINT32_MAX : UINT64_MAX);
	ck_assert_uint_eq(call.alloc.mask, UINT32_MAX);
}
END_TEST

/* handle at 0 and fd at 4: SHARE and MAP look at one, IMPORT and SYNC at the other */
START_TEST(handle_and_fd)
{
	static const int32_t in[2] = { 0x11223344, -5 };
	const struct wire_caller caller = { .compat = _i };
	struct wire_call call;

	ck_assert_int_eq(wire_decode(&call, &policies[0], &caller, 0xc0084902, in, 8), 0);
	ck_assert_int_eq(call.handle, 0x11223344);
	ck_assert_int_eq(wire_decode(&call, &policies[0], &caller, 0xc0084904, in, 8), 0);
	ck_assert_int_eq(call.handle, 0x11223344);
	ck_assert_int_eq(wire_decode(&call, &policies[0], &caller, 0xc0084905, in, 8), 0);
	ck_assert_int_eq(call.fd, -5);
	ck_assert_int_eq(wire_decode(&call, &policies[0], &caller, 0xc0084907, in, 8), 0);
	ck_assert_int_eq(call.fd, -5);
}
END_TEST

/* IMPORT: the handle is new, the fd goes back; SHARE that failed: its errno in the fd's place */
START_TEST(answers)
{
	int32_t out[3] = { 0, 0, 0x77777777 };

	wire_encode_fd(out, 3, 12);
	ck_assert_int_eq(out[0], 3);
	ck_assert_int_eq(out[1], 12);
	wire_encode_fd(out, 1, -EMFILE);
	ck_assert_int_eq(out[0], 1);
	ck_assert_int_eq(out[1], -24);
	ck_assert_int_eq(out[2], 0x77777777);
}
END_TEST

START_TEST(custom)
{
	const struct wire_caller caller = { .compat = _i };
	struct wire_call call;
	uint8_t in[16];

	fill(in, sizeof(in));
	ck_assert_int_eq(wire_decode(&call, &policies[1], &caller, _i ? 0xc0084906 : 0xc0104906, in,
				     _i ? 8 : 16),
			 0);
	ck_assert_uint_eq(call.custom.cmd, at(in, 0, 4));
	ck_assert_uint_eq(call.custom.arg, _i ? at(in, 4, 4) : at(in, 8, 8));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ion_legacy");
	TCase *tcase = tcase_create("ion_legacy");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, who_has_what, 0, ARRAY_SIZE(calls));
	tcase_add_loop_test(tcase, unreadable, 0, ARRAY_SIZE(calls));
	tcase_add_loop_test(tcase, free_none, 0, ARRAY_SIZE(probes));
	tcase_add_test(tcase, free_some);
	tcase_add_loop_test(tcase, alloc, 0, N_WIDTHS);
	tcase_add_loop_test(tcase, alloc_largest, 0, N_WIDTHS);
	tcase_add_loop_test(tcase, handle_and_fd, 0, N_WIDTHS);
	tcase_add_test(tcase, answers);
	tcase_add_loop_test(tcase, custom, 0, N_WIDTHS);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
