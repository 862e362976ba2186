// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/base/parse.c */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/parse.h"

static const struct {
	const char *text;
	int result;
	uint64_t value;
} sizes[] = {
	{ "0", 0, 0 },
	{ "4096", 0, 4096 },
	{ "0x1000", 0, 4096 },
	{ "4K", 0, 4096 },
	{ "16M", 0, 16 << 20 },
	{ "3G", 0, 3ull << 30 },
	{ "1T", 0, 1ull << 40 },
	{ "18446744073709551615", 0, UINT64_MAX },
	{ "18446744073709551616", -ERANGE, 0 },
	{ "16777216T", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ " 1", -EINVAL, 0 },
	{ "1 ", -EINVAL, 0 },
	{ "-1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },
	{ "1k", -EINVAL, 0 },
	{ "1KB", -EINVAL, 0 },
	{ "0x", -EINVAL, 0 },
	{ "M", -EINVAL, 0 },
};

START_TEST(size)
{
	uint64_t n = 77;
	int r;

	r = parse_size(&n, sizes[_i].text);
	ck_assert_int_eq(r, sizes[_i].result);
	ck_assert_uint_eq(n, r ? 77 : sizes[_i].value);
}
END_TEST

START_TEST(numbers)
{
	uint64_t n64;
	uint32_t n32;

	ck_assert_int_eq(parse_u64(&n64, "0xffffffffffffffff"), 0);
	ck_assert_uint_eq(n64, UINT64_MAX);
	ck_assert_int_eq(parse_u64(&n64, "1K"), -EINVAL);
	ck_assert_int_eq(parse_u32(&n32, "4294967295"), 0);
	ck_assert_uint_eq(n32, UINT32_MAX);
	ck_assert_int_eq(parse_u32(&n32, "4294967296"), -ERANGE);
	ck_assert_int_eq(parse_u32(&n32, "010"), 0);
	ck_assert_uint_eq(n32, 10);
}
END_TEST

START_TEST(booleans)
{
	bool b = false;

	ck_assert_int_eq(parse_bool(&b, "yes"), 0);
	ck_assert(b);
	ck_assert_int_eq(parse_bool(&b, "off"), 0);
	ck_assert(!b);
	ck_assert_int_eq(parse_bool(&b, "Yes"), -EINVAL);
	ck_assert_int_eq(parse_bool(&b, ""), -EINVAL);
}
END_TEST

START_TEST(words)
{
	const char *text = "  linux,cma\tb  ";
	char word[10] = "x";

	ck_assert_int_eq(parse_word(word, sizeof(word), &text), 1);
	ck_assert_str_eq(word, "linux,cma");
	ck_assert_int_eq(parse_word(word, sizeof(word), &text), 1);
	ck_assert_str_eq(word, "b");
	ck_assert_int_eq(parse_word(word, sizeof(word), &text), 0);
	ck_assert_str_eq(word, "");
	ck_assert_int_eq(parse_word(word, sizeof(word), &text), 0);

	text = "a longerword c";
	ck_assert_int_eq(parse_word(word, sizeof(word), &text), 1);
	ck_assert_int_eq(parse_word(word, sizeof(word), &text), -ERANGE);
	ck_assert_str_eq(text, " longerword c");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("parse");
	TCase *tcase = tcase_create("parse");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, size, 0, ARRAY_SIZE(sizes));
	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, booleans);
	tcase_add_test(tcase, words);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
