// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/core/check.c: nothing is found in a sound service, and each planted fault is */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/check.h"
#include "core/core.h"
#include "core_fixture.h"

static struct core_fixture f;
static struct client *client;
static struct file *file;
static int fd;
static struct fd_map standing;

static void setup(void)
{
	core_start(&f, &core_limits);
	ck_assert_int_eq(fd_map_read(&standing), 0);
	client = core_client(&f, 1000);
	ck_assert_int_eq(core_alloc(client, 8192, MASK(0), &file, &fd), 0);
}

static void teardown(void)
{
	file_delivered(file);
	close(fd);
	client_free(client);
	service_look(f.service);
	fd_map_deinit(&standing);
	core_stop(&f);
}

/* the number of findings; the last one's text is in @text */
static uint64_t findings(char text[CHECK_TEXT_SIZE])
{
	static struct check check;
	uint64_t n;

	ck_assert_int_eq(check_init(&check), 0);
	ck_assert_uint_eq(service_check(f.service, &check), 0);
	check_name_fd(&check, fd, "client");
	for (size_t i = 0; i < standing.n; i++)
		if (fd_map_has(&standing, i))
			fd_map_remove(&check.unnamed, i);
	check_end(&check);
	n = check.n_findings;
	strcpy(text, n ? check.texts[n - 1] : "");
	check_deinit(&check);
	return n;
}

static void expect(uint64_t n, const char *word)
{
	char text[CHECK_TEXT_SIZE];

	ck_assert_uint_eq(findings(text), n);
	ck_assert_msg(strstr(text, word), "'%s' is not in '%s'", word, text);
}

START_TEST(sound)
{
	expect(0, "");
}
END_TEST

/* what a heap keeps for later has a name */
START_TEST(pooled)
{
	struct exporter_ops ops = *f.exporter->ops;
	const struct exporter_ops *before = f.exporter->ops;
	struct heap_block block;
	struct heap_stock stock;

	ops.hands_out_memfd = false;
	f.exporter->ops = &ops;
	f.exporter->lets_go = true;
	heap_block_init(&block);
	ck_assert_int_eq(
		heap_reserve(heaps_get(f.heaps, 0), &block, &(struct heap_want){ .size = 4096 }),
		0);
	ck_assert_int_eq(heap_fill(&block), 0);
	heap_release(&block);
	heap_stock(heaps_get(f.heaps, 0), &stock);
	ck_assert_uint_eq(stock.pooled, 4096);
	expect(0, "");
	f.exporter->ops = before;
}
END_TEST

START_TEST(charges)
{
	client->account.used[QUOTA_BUFFERS]++;
	expect(1, "buffers");
	client->account.used[QUOTA_BUFFERS]--;
	client->user->account.used[QUOTA_BYTES] += 4096;
	expect(1, "user 1000 pays for 12288 bytes and has 8192");
	client->user->account.used[QUOTA_BYTES] -= 4096;
	client->user->references++;
	expect(1, "references");
	client->user->references--;
	expect(0, "");
}
END_TEST

START_TEST(records)
{
	struct state_buffer *record = state_find(f.state, STATE_BUFFER, file->id);
	struct state_client *who = state_find(f.state, STATE_CLIENT, client->id);
	void *place;
	uint64_t id;

	record->size++;
	expect(1, "size");
	record->size--;
	who->uid++;
	expect(1, "another on record");
	who->uid--;
	record->record.valid = 0;
	expect(1, "allocations under way");
	record->record.valid = 1;
	ck_assert_int_eq(state_take(f.state, STATE_BUFFER, f.state, &place, &id), 0);
	state_commit(place);
	expect(1, "on record only");
	state_drop(f.state, STATE_BUFFER, id);
	expect(0, "");
}
END_TEST

START_TEST(totals)
{
	f.service->bytes++;
	expect(1, "bytes");
	f.service->bytes--;
	f.service->n_clients++;
	expect(1, "clients");
	f.service->n_clients--;
	file->buffer->block.heap->buffers++;
	expect(1, "buffers of a heap");
	file->buffer->block.heap->buffers--;
	expect(0, "");
}
END_TEST

START_TEST(open_files)
{
	int stray = dup(0), memfd = file->buffer->block.memfd;

	expect(1, "belongs to nothing");
	close(stray);
	file->buffer->block.memfd = fd;
	file->record->memfd = fd;
	expect(2, "belongs to nothing"); /* and the client's is named twice */
	file->buffer->block.memfd = 1000;
	file->record->memfd = 1000;
	expect(3, "belongs to nothing");
	file->buffer->block.memfd = memfd;
	file->record->memfd = memfd;
	expect(0, "");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("check");
	TCase *tcase = tcase_create("check");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, sound);
	tcase_add_test(tcase, pooled);
	tcase_add_test(tcase, charges);
	tcase_add_test(tcase, records);
	tcase_add_test(tcase, totals);
	tcase_add_test(tcase, open_files);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
