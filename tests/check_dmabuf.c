// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/wire/dmabuf.c against ABI.md section 5, and the numbers that it has there */
#include <check.h>
#include <errno.h>
#include <linux/dma-buf.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "wire/dmabuf.h"

#define SYNC	0x40086200u
#define NAME_32 0x40046201u
#define NAME_64 0x40086201u
#define READ	1ull
#define WRITE	2ull
#define END	4ull

static int sync_flags(uint64_t flags)
{
	return wire_dmabuf_check(SYNC, &flags, sizeof(flags));
}

START_TEST(numbers)
{
	ck_assert_uint_eq(DMA_BUF_IOCTL_SYNC, SYNC);
	ck_assert_uint_eq(DMA_BUF_SYNC_READ, READ);
	ck_assert_uint_eq(DMA_BUF_SYNC_WRITE, WRITE);
	ck_assert_uint_eq(DMA_BUF_SYNC_END, END);
	ck_assert_uint_eq(DMA_BUF_NAME_LEN, WIRE_DMABUF_NAME_SIZE);
}
END_TEST

START_TEST(syncs)
{
	for (uint64_t flags = 0; flags < 64; flags++) {
		bool valid = flags < 8 && flags & (READ | WRITE);

		ck_assert_int_eq(sync_flags(flags), valid ? 0 : -EINVAL);
		ck_assert_int_eq(sync_flags(flags | 1ull << 32), -EINVAL);
		ck_assert_int_eq(sync_flags(flags | 1ull << 63), -EINVAL);
	}
	ck_assert_int_eq(wire_dmabuf_check(SYNC, "\3", 1), -EINVAL); /* the kernel brings all */
}
END_TEST

START_TEST(names)
{
	ck_assert_int_eq(wire_dmabuf_check(NAME_64, "abc\0efg", 8), 0);
	ck_assert_int_eq(wire_dmabuf_check(NAME_64, "\0bcdefg", 8), 0);
	ck_assert_int_eq(wire_dmabuf_check(NAME_64, "abcdefg", 8), 0);
	ck_assert_int_eq(wire_dmabuf_check(NAME_64, "abcdefgh", 8), WIRE_DMABUF_E_NAME);
	ck_assert_int_eq(wire_dmabuf_check(NAME_32, "abc", 4), 0);
	ck_assert_int_eq(wire_dmabuf_check(NAME_32, "abcdefg", 4), WIRE_DMABUF_E_NAME);
}
END_TEST

START_TEST(others)
{
	const uint32_t cmds[] = {
		0,	     0x6201, /* SET_NAME without a size */
		0x40106200u,	     /* SYNC of another size */
		0x80086200u,	     /* ... and direction */
		0xc0086202u,	     /* EXPORT_SYNC_FILE */
		0x40086203u,	     /* IMPORT_SYNC_FILE */
		0x4008620au,	     /* NXP's PHYS */
		0x6208,		     /* Exynos' TRACK */
		0xc0184900u,	     /* ION's ALLOC */
	};
	const char in[16] = "";

	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		ck_assert_int_eq(wire_dmabuf_check(cmds[i], in, sizeof(in)), -ENOTTY);
	ck_assert_int_eq(wire_dmabuf_check(0x6263, NULL, 0), -ENOTTY);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dmabuf");
	TCase *tcase = tcase_create("dmabuf");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, syncs);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, others);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
