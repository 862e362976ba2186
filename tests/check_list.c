// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/base/list.h */
#include <check.h>
#include <stdlib.h>

#include "base/list.h"

struct item {
	int number;
	struct list link;
};

static struct list head;
static struct item items[4];

static void fill(void)
{
	list_init(&head);
	for (int i = 0; i < 4; i++) {
		items[i].number = i + 1;
		list_append(&head, &items[i].link);
	}
}

/* the numbers in order, as the digits of one number */
static int digits(const struct list *list)
{
	int n = 0;

	list_for_each (link, list)
		n = 10 * n + list_entry(link, struct item, link)->number;
	return n;
}

START_TEST(order)
{
	struct list named = LIST_INIT(named);

	ck_assert(list_is_empty(&named));
	ck_assert_ptr_null(list_pop(&named));
	fill();
	ck_assert(!list_is_empty(&head));
	ck_assert_int_eq(digits(&head), 1234);
	ck_assert_ptr_eq(list_pop(&head), &items[0].link);
	list_append(&head, &items[0].link);
	ck_assert_int_eq(digits(&head), 2341);
}
END_TEST

START_TEST(removal)
{
	fill();
	list_remove(&items[1].link);
	ck_assert_int_eq(digits(&head), 134);
	ck_assert(list_is_empty(&items[1].link));
	list_remove(&items[1].link); /* on no list: harmless */
	ck_assert_int_eq(digits(&head), 134);

	fill();
	list_for_each_safe (link, &head) {
		if (list_entry(link, struct item, link)->number & 1)
			list_remove(link);
	}
	ck_assert_int_eq(digits(&head), 24);
	list_for_each_safe (link, &head)
		list_remove(link);
	ck_assert(list_is_empty(&head));
}
END_TEST

START_TEST(take)
{
	struct list taken;

	fill();
	list_take(&taken, &head);
	ck_assert(list_is_empty(&head));
	ck_assert_int_eq(digits(&taken), 1234);
	ck_assert_ptr_eq(taken.prev, &items[3].link);
	list_remove(&items[3].link);
	ck_assert_int_eq(digits(&taken), 123);

	list_take(&taken, &head); /* of nothing */
	ck_assert(list_is_empty(&taken));
	ck_assert(list_is_empty(&head));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("list");
	TCase *tcase = tcase_create("list");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, order);
	tcase_add_test(tcase, removal);
	tcase_add_test(tcase, take);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
