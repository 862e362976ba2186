// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/core/quota.c */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "core/quota.h"
#include "fault.h"

static struct quota *quota;

static void setup(void)
{
	const struct quota_limits limits = {
		.user = { 1000, 3, QUOTA_NO_LIMIT },
		.client = { QUOTA_NO_LIMIT, 2, 0 },
	};

	ck_assert_int_eq(quota_new(&quota, &limits), 0);
}

static void teardown(void)
{
	quota = quota_free(quota);
}

static struct quota_user *user_of(uid_t uid)
{
	struct quota_user *user;

	ck_assert_int_eq(quota_user_get(&user, quota, uid), 0);
	return user;
}

START_TEST(users)
{
	struct quota_user *a = user_of(0), *b = user_of(64), *c = user_of(UINT32_MAX);

	ck_assert_ptr_ne(a, b);
	ck_assert_ptr_eq(user_of(0), a);
	ck_assert_ptr_eq(user_of(64), b);
	ck_assert_uint_eq(a->references, 2);
	ck_assert_uint_eq(c->uid, UINT32_MAX);
	ck_assert_ptr_null(quota_user_unref(a));
	ck_assert_ptr_eq(quota_user_ref(a), a);
	for (int i = 0; i < 2; i++) {
		quota_user_unref(a);
		quota_user_unref(b);
	}
	quota_user_unref(c);
	ck_assert_ptr_null(quota_user_unref(NULL));
}
END_TEST

START_TEST(limits)
{
	struct quota_user *user = user_of(1);
	struct charge one = { 0 }, two = { 0 };

	quota_uncharge(&one);
	ck_assert_int_eq(quota_charge(&one, &user->account, QUOTA_BYTES, 999), 0);
	ck_assert_int_eq(quota_charge(&one, &user->account, QUOTA_BUFFERS, 1), 0);
	ck_assert_int_eq(quota_charge(&two, &user->account, QUOTA_BYTES, 2), QUOTA_E_EXCEEDED);
	ck_assert_int_eq(quota_charge(&two, &user->account, QUOTA_BYTES, UINT64_MAX),
			 QUOTA_E_EXCEEDED);
	ck_assert_ptr_null(two.account);
	ck_assert_int_eq(quota_charge(&two, &user->account, QUOTA_BYTES, 1), 0);
	ck_assert_int_eq(quota_charge(&two, &user->account, QUOTA_CLIENTS, UINT64_MAX), 0);
	ck_assert_int_eq(quota_charge(&two, &user->account, QUOTA_CLIENTS, 1), QUOTA_E_EXCEEDED);
	ck_assert_uint_eq(user->account.used[QUOTA_BYTES], 1000);
	quota_uncharge(&one);
	ck_assert_uint_eq(user->account.used[QUOTA_BYTES], 1);
	ck_assert_uint_eq(user->account.used[QUOTA_BUFFERS], 0);
	quota_uncharge(&one);
	quota_uncharge(&two);
	quota_user_unref(user);
}
END_TEST

START_TEST(clients)
{
	struct charge charges[3] = { 0 };
	struct account account;

	quota_account_init(&account, quota);
	ck_assert_int_eq(quota_charge(&charges[0], &account, QUOTA_BUFFERS, 1), 0);
	ck_assert_int_eq(quota_charge(&charges[1], &account, QUOTA_BUFFERS, 1), 0);
	ck_assert_int_eq(quota_charge(&charges[2], &account, QUOTA_BUFFERS, 1), QUOTA_E_EXCEEDED);
	/* a limit lowered below what is used: nothing more, and no wrap */
	account.limit[QUOTA_BUFFERS] = 1;
	ck_assert_int_eq(quota_charge(&charges[2], &account, QUOTA_BUFFERS, 1), QUOTA_E_EXCEEDED);
	quota_uncharge(&charges[0]);
	quota_uncharge(&charges[1]);
	quota_account_deinit(&account);
}
END_TEST

START_TEST(faults)
{
	struct quota_user *user = NULL;
	struct quota *other = NULL;

	fault_arm(1);
	ck_assert_int_eq(quota_new(&other, &(struct quota_limits){ 0 }), -ENOMEM);
	fault_arm(1);
	ck_assert_int_eq(quota_user_get(&user, quota, 1), -ENOMEM);
	ck_assert(fault_disarm());
	ck_assert(!other && !user);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quota");
	TCase *tcase = tcase_create("quota");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, users);
	tcase_add_test(tcase, limits);
	tcase_add_test(tcase, clients);
	tcase_add_test(tcase, faults);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
