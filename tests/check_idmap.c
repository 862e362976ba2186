// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/base/idmap.c */
#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/idmap.h"

void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static int fail_at; /* the nth reallocarray() from now fails; 0: none */

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	if (fail_at && !--fail_at)
		return NULL;
	return __real_reallocarray(p, n, size);
}

static struct idmap map;
static int value;

static uint32_t add(void *v)
{
	uint32_t id;

	ck_assert_int_eq(idmap_add(&map, v, &id), 0);
	return id;
}

START_TEST(lowest_first)
{
	for (uint32_t id = 1; id <= 40; id++)
		ck_assert_uint_eq(add(&value), id);
	ck_assert_ptr_eq(idmap_remove(&map, 30), &value);
	ck_assert_ptr_eq(idmap_remove(&map, 7), &value);
	ck_assert_ptr_eq(idmap_remove(&map, 40), &value);
	ck_assert_uint_eq(idmap_count(&map), 37);
	ck_assert_uint_eq(add(&value), 7);
	ck_assert_uint_eq(add(&value), 30);
	ck_assert_uint_eq(add(&value), 40);
	ck_assert_uint_eq(add(&value), 41);
	for (uint32_t id = 0; (id = idmap_next(&map, id));)
		idmap_remove(&map, id);
	ck_assert_uint_eq(add(&value), 1);
	idmap_remove(&map, 1);
	idmap_deinit(&map);
}
END_TEST

START_TEST(any_number_may_be_asked_for)
{
	static const uint32_t wrong[] = { 0, 2, 16, 17, INT32_MAX, 0x80000000, UINT32_MAX };
	uint32_t id;

	ck_assert_ptr_null(idmap_find(&map, 1));
	ck_assert_ptr_null(idmap_remove(&map, 1));
	ck_assert_uint_eq(idmap_next(&map, 0), 0);
	id = add(&value);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		ck_assert_ptr_null(idmap_find(&map, wrong[i]));
		ck_assert_ptr_null(idmap_remove(&map, wrong[i]));
		ck_assert_uint_eq(idmap_next(&map, wrong[i]), wrong[i] ? 0 : id);
	}
	ck_assert_ptr_eq(idmap_remove(&map, id), &value);
	ck_assert_ptr_null(idmap_remove(&map, id)); /* once only */
	ck_assert_uint_eq(idmap_count(&map), 0);
	idmap_deinit(&map);
}
END_TEST

/* a failed add changes nothing, and the map goes on */
START_TEST(no_memory)
{
	uint32_t id = 77, n = 0;

	for (int nth = 1; nth <= 2; nth++) {
		while (n < map.capacity)
			ck_assert_uint_eq(add(&value), ++n);
		fail_at = nth;
		ck_assert_int_eq(idmap_add(&map, &value, &id), -ENOMEM);
		ck_assert_uint_eq(id, 77);
		ck_assert_uint_eq(idmap_count(&map), n);
		ck_assert_uint_eq(add(&value), ++n);
	}
	for (id = 0; (id = idmap_next(&map, id));)
		idmap_remove(&map, id);
	idmap_deinit(&map);
}
END_TEST

enum {
	ORACLE_IDS = 300,
	ORACLE_STEPS = 20000,
};

/* the same by a linear search */
struct oracle {
	void *values[ORACLE_IDS + 1];
	uint32_t count;
};

static void compare(const struct oracle *oracle, unsigned int seed)
{
	uint32_t next = 0;

	ck_assert_uint_eq(idmap_count(&map), oracle->count);
	for (uint32_t id = 1; id <= ORACLE_IDS; id++) {
		ck_assert_msg(idmap_find(&map, id) == oracle->values[id], "seed %u id %u", seed,
			      id);
		if (oracle->values[id]) {
			next = idmap_next(&map, next);
			ck_assert_msg(next == id, "seed %u id %u", seed, id);
		}
	}
}

static void oracle_add(struct oracle *oracle, void *v, unsigned int seed)
{
	uint32_t expected = 1, id = 0;

	while (oracle->values[expected])
		expected++;
	ck_assert_int_eq(idmap_add(&map, v, &id), 0);
	ck_assert_msg(id == expected, "seed %u: id %u, not %u", seed, id, expected);
	oracle->values[id] = v;
	oracle->count++;
}

static void oracle_remove(struct oracle *oracle, uint32_t id, unsigned int seed)
{
	ck_assert_msg(idmap_remove(&map, id) == oracle->values[id], "seed %u id %u", seed, id);
	oracle->count -= !!oracle->values[id];
	oracle->values[id] = NULL;
}

START_TEST(agrees_with_the_oracle)
{
	static char values[ORACLE_STEPS];
	struct oracle oracle = { .count = 0 };
	unsigned int seed = _i, state = seed, upwards = 50;

	for (int step = 0; step < ORACLE_STEPS; step++) {
		if (step % 1000 == 0)
			upwards = 20 + rand_r(&state) % 60; /* fills, then empties */
		if (rand_r(&state) % 100 < (int)upwards && oracle.count < ORACLE_IDS)
			oracle_add(&oracle, &values[step], seed);
		else
			oracle_remove(&oracle, 1 + rand_r(&state) % ORACLE_IDS, seed);
		if (step % 64 == 0)
			compare(&oracle, seed);
	}
	for (uint32_t id = 1; id <= ORACLE_IDS; id++)
		oracle_remove(&oracle, id, seed);
	idmap_deinit(&map);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("idmap");
	TCase *tcase = tcase_create("idmap");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, lowest_first);
	tcase_add_test(tcase, any_number_may_be_asked_for);
	tcase_add_test(tcase, no_memory);
	tcase_add_loop_test(tcase, agrees_with_the_oracle, 1, 9);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
