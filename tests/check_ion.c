// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/wire/ion.c: every errno, and which of two comes first (ion(4)) */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "wire/ion.h"

static const struct wire_policy automatic = { .abi = WIRE_ABI_AUTO };
static const struct wire_policy modern = { .abi = WIRE_ABI_MODERN };
static const struct wire_policy versioned = { .abi = WIRE_ABI_AUTO, .abi_version = 2 };

static const struct wire_caller native = { .compat = false };
static const struct wire_caller compat = { .compat = true };

static const struct wire_ion_alloc some_alloc = {
	.len = 70000, .heap_id_mask = 1u << 27, .flags = 3, .fd = 99, .unused = 7
};

/* numbers that are no command of this node in any mode: other sizes, letters, older and vendors'
 * (those that one mode or one width has are in check_ion_legacy.c) */
static const struct {
	uint32_t cmd;
	int automatic, modern;
} unknown[] = {
	{ 0xc0104900, -ENOTTY, -ENOTTY }, /* ALLOC of Linux 3.0 */
	{ 0xc0084901, -ENOTTY, -ENOTTY }, /* handles that are pointers, in 64 bit: FREE, */
	{ 0xc0104902, -ENOTTY, -ENOTTY }, /* MAP */
	{ 0xc0104904, -ENOTTY, -ENOTTY }, /* and SHARE; */
	{ 0xc0044905, -ENOTTY, -ENOTTY }, /* IMPORT of Linux 3.0 */
	{ 0xc0084903, -ENOTTY, -ENOTTY }, /* never used */
	{ 0xc0184909, -ENOTTY, -ENOTTY }, /* vendors' */
	{ 0xc0084909, -ENOTTY, -ENOTTY }, { 0xc018490b, -ENOTTY, -ENOTTY },
	{ 0x40184900, -ENOTTY, -ENOTTY }, /* ALLOC without _IOC_READ */
	{ 0xc0184800, -ENOTTY, -ENOTTY }, /* ALLOC under another letter */
	{ 0xc0284900, -EINVAL, -EINVAL }, /* with 64-bit handles */
	{ 0xc0194900, -ENOTTY, -EINVAL }, { 0xc0204901, -ENOTTY, -EINVAL },
	{ 0xc0214900, -EINVAL, -EINVAL }, { 0xffff49ff, -EINVAL, -EINVAL },
	{ 0x00000000, -ENOTTY, -ENOTTY }, { 0x000049f0, -ENOTTY, -ENOTTY }, /* ion-test's */
	{ 0x0000490b, -ENOTTY, -ENOTTY }, { 0x00005401, -ENOTTY, -ENOTTY }, /* TCGETS: isatty() */
	{ 0x80044909, -ENOTTY, -ENOTTY }, /* ABI_VERSION where there is none */
};

START_TEST(alloc)
{
	struct wire_call call;

	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(wire_decode(&call, i ? &modern : &automatic, i ? &compat : &native,
					     0xc0184900, &some_alloc, 24),
				 0);
		ck_assert_int_eq(call.verb, WIRE_ALLOC);
		ck_assert_uint_eq(call.cmd, 0xc0184900);
		ck_assert_int_eq(call.compat, i);
		ck_assert(!call.handles);
		ck_assert_uint_eq(call.alloc.len, 70000);
		ck_assert_uint_eq(call.alloc.align, 0);
		ck_assert_uint_eq(call.alloc.mask, 1u << 27);
		ck_assert_uint_eq(call.alloc.flags, 3);
	}
}
END_TEST

START_TEST(not_a_command)
{
	struct wire_call call = { .cmd = 77 };
	uint8_t in[32] = { 0 };
	size_t size = MIN(_IOC_SIZE(unknown[_i].cmd), sizeof(in));
	uint32_t cmd = unknown[_i].cmd;
	int r;

	ck_assert_int_eq(wire_decode(&call, &automatic, &native, cmd, in, size),
			 unknown[_i].automatic);
	ck_assert_int_eq(wire_decode(&call, &automatic, &compat, cmd, in, size),
			 unknown[_i].automatic);
	ck_assert_int_eq(wire_decode(&call, &modern, &native, cmd, in, size), unknown[_i].modern);

	/* its bytes can't be read: after the size, before the command */
	r = wire_decode(&call, &automatic, &native, cmd, in, 0);
	if (unknown[_i].automatic == -EINVAL || !(_IOC_DIR(cmd) & _IOC_WRITE))
		ck_assert_int_eq(r, unknown[_i].automatic);
	else
		ck_assert_int_eq(r, -EFAULT);
	ck_assert_uint_eq(call.cmd, 77);
}
END_TEST

START_TEST(short_input)
{
	struct wire_call call;

	for (size_t size = 0; size < 24; size++) {
		ck_assert_int_eq(
			wire_decode(&call, &modern, &native, WIRE_ION_ALLOC, &some_alloc, size),
			-EFAULT);
		ck_assert_int_eq(wire_decode(&call, &modern, &native, WIRE_ION_HEAP_QUERY,
					     &some_alloc, size),
				 -EFAULT);
	}
}
END_TEST

static const struct {
	struct wire_ion_query query;
	int result;
} queries[] = {
	{ { .cnt = 0, .heaps = 0 }, 0 },
	{ { .cnt = 5, .heaps = 0 }, 0 },
	{ { .cnt = 5, .heaps = 0xfffffffffff0 }, 0 },
	{ { .cnt = UINT32_MAX, .heaps = 1 }, 0 },
	{ { .cnt = 0, .heaps = 1 }, -EINVAL },
	{ { .cnt = 1, .heaps = 1, .reserved0 = 1 }, -EINVAL },
	{ { .cnt = 1, .heaps = 1, .reserved1 = 1 }, -EINVAL },
	{ { .cnt = 1, .heaps = 0, .reserved2 = 1 }, -EINVAL },
};

START_TEST(query)
{
	struct wire_ion_query out;
	struct wire_call call;

	ck_assert_int_eq(
		wire_decode(&call, &automatic, &native, 0xc0184908, &queries[_i].query, 24),
		queries[_i].result);
	if (queries[_i].result)
		return;
	ck_assert_int_eq(call.verb, WIRE_HEAP_QUERY);
	ck_assert_uint_eq(call.query.cnt, queries[_i].query.cnt);
	ck_assert_uint_eq(call.query.heaps, queries[_i].query.heaps);

	wire_encode_query(&out, &call, 4);
	ck_assert_uint_eq(out.cnt, 4);
	ck_assert_uint_eq(out.heaps, queries[_i].query.heaps);
	ck_assert_uint_eq(out.reserved0 | out.reserved1 | out.reserved2, 0);
}
END_TEST

START_TEST(version)
{
	struct wire_call call;
	uint32_t out = 0;

	/* nothing comes with it: it only reads */
	ck_assert_int_eq(wire_decode(&call, &automatic, &native, 0x80044909, NULL, 0), -ENOTTY);
	ck_assert_int_eq(wire_decode(&call, &versioned, &native, 0x80044909, NULL, 0), 0);
	ck_assert_int_eq(call.verb, WIRE_ABI_VERSION);
	wire_encode_version(&out, &versioned);
	ck_assert_uint_eq(out, 2);
}
END_TEST

START_TEST(heaps)
{
	static const char long_name[] = "a name that has more than 31 letters";
	static const uint32_t types[][2] = { { 0, 0 },	{ 1, 16 }, { 2, 16 },
					     { 3, 16 }, { 4, 2 },  { 5, 16 } };
	struct wire_ion_heap out;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct wire_heap heap = { .name = "x", .type = types[i][0], .id = 31 };

		memset(&out, 0xff, sizeof(out));
		wire_encode_heap(&out, &automatic, &heap);
		ck_assert_uint_eq(out.type, types[i][0]);
		ck_assert_uint_eq(out.heap_id, 31);
		ck_assert_uint_eq(out.reserved[0] | out.reserved[1] | out.reserved[2], 0);
		ck_assert_mem_eq(out.name, "x\0\0\0", 4);
		wire_encode_heap(&out, &versioned, &heap);
		ck_assert_uint_eq(out.type, types[i][1]);
	}
	wire_encode_heap(&out, &modern, &(struct wire_heap){ .name = long_name });
	ck_assert_mem_eq(out.name, long_name, 31);
	ck_assert_int_eq(out.name[31], 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ion");
	TCase *tcase = tcase_create("ion");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, alloc);
	tcase_add_loop_test(tcase, not_a_command, 0, ARRAY_SIZE(unknown));
	tcase_add_test(tcase, short_input);
	tcase_add_loop_test(tcase, query, 0, ARRAY_SIZE(queries));
	tcase_add_test(tcase, version);
	tcase_add_test(tcase, heaps);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
