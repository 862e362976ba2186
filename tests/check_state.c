// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/core/state.c: what a dead process leaves is what the next one finds */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "core/state.h"
#include "fault.h"

static struct state *state;
static unsigned int fds_before;
static int state_fd;

static void setup(void)
{
	fds_before = open_fds();
	ck_assert_int_eq(state_create(&state_fd), 0);
	ck_assert_int_eq(state_attach(&state, state_fd), 0);
}

static void teardown(void)
{
	state = state_free(state);
	state_fd = fd_close(state_fd);
	ck_assert_uint_eq(open_fds(), fds_before);
}

/* as a new process would: everything that isn't in the file is forgotten */
static void reattach(void)
{
	state = state_free(state);
	ck_assert_int_eq(state_attach(&state, state_fd), 0);
}

static void *take(enum state_kind kind, uint64_t *ret_id)
{
	static int owner;
	void *record;

	ck_assert_int_eq(state_take(state, kind, &owner, &record, ret_id), 0);
	ck_assert_ptr_eq(state_owner(state, kind, *ret_id), &owner);
	return record;
}

START_TEST(layout)
{
	const struct state_header *h = state_header(state);
	struct stat st;

	/* version 1: a change of any of these needs another version */
	ck_assert_uint_eq(sizeof(struct state_client), 128);
	ck_assert_uint_eq(sizeof(struct state_handle), 64);
	ck_assert_uint_eq(sizeof(struct state_buffer), 256);
	ck_assert_uint_eq(sizeof(struct state_request), 1024);
	ck_assert_uint_eq(sizeof(struct state_channel), 512);
	ck_assert_uint_eq(offsetof(struct state_header, channels), 1024);
	ck_assert_uint_eq(offsetof(struct state_request, head), 56);
	ck_assert_uint_eq(h->version, 1);

	for (int kind = 0; kind < _STATE_KIND_N; kind++)
		ck_assert_uint_eq(h->tables[kind].offset % 4096, 0);
	ck_assert_uint_eq(h->slots_offset % 4096, 0);
	ck_assert_uint_eq(h->slot_size, (1 << 20) + 4096);
	ck_assert_int_eq(fstat(state_fd, &st), 0);
	ck_assert_uint_eq(st.st_size, h->size);
	ck_assert_int_lt(st.st_blocks, 200); /* sparse */
	ck_assert_int_eq(ftruncate(state_fd, 0), -1);
}
END_TEST

START_TEST(records)
{
	struct state_client *c1, *c2;
	uint64_t id1, id2, id;
	uint32_t place = 0;

	c1 = take(STATE_CLIENT, &id1);
	ck_assert_ptr_null(state_find(state, STATE_CLIENT, id1)); /* not committed */
	c1->uid = 5;
	state_commit(c1);
	c2 = take(STATE_CLIENT, &id2);
	state_commit(c2);
	ck_assert_uint_eq(id1, 1);
	ck_assert_uint_eq(id2, 2);
	ck_assert_ptr_eq(state_find(state, STATE_CLIENT, id1), c1);
	ck_assert_ptr_eq(state_next(state, STATE_CLIENT, &place, &id), c1);
	ck_assert_uint_eq(id, id1);
	ck_assert_ptr_eq(state_next(state, STATE_CLIENT, &place, &id), c2);
	ck_assert_ptr_null(state_next(state, STATE_CLIENT, &place, &id));
	ck_assert_uint_eq(state_count(state, STATE_CLIENT), 2);
	ck_assert_uint_eq(state_count(state, STATE_BUFFER), 0);

	/* the place is used again, the id not */
	ck_assert_uint_eq(state_drop(state, STATE_CLIENT, id1), 0);
	ck_assert_ptr_null(state_find(state, STATE_CLIENT, id1));
	ck_assert_ptr_null(state_owner(state, STATE_CLIENT, id1));
	ck_assert_ptr_eq(take(STATE_CLIENT, &id), c1);
	ck_assert_uint_eq(id, 1ull << 32 | 1);
	ck_assert_uint_eq(c1->uid, 0);
	ck_assert_ptr_null(state_owner(state, STATE_CLIENT, id1));
	ck_assert_uint_eq(state_drop(state, STATE_CLIENT, id), 0);
	ck_assert_uint_eq(state_drop(state, STATE_CLIENT, id2), 0);
	ck_assert_uint_eq(state_drop(state, STATE_CLIENT, 0), 0);
	ck_assert_ptr_null(state_find(state, STATE_CLIENT, 0));
	ck_assert_ptr_null(state_find(state, STATE_CLIENT, UINT64_MAX));
	ck_assert_uint_eq(state_count(state, STATE_CLIENT), 0);
}
END_TEST

START_TEST(after_a_death)
{
	uint64_t committed, uncommitted, dropped, id;
	struct state_buffer *buffer;

	buffer = take(STATE_BUFFER, &dropped);
	state_commit(buffer);
	take(STATE_BUFFER, &uncommitted);
	buffer = take(STATE_BUFFER, &committed);
	buffer->size = 4096;
	state_commit(buffer);
	state_drop(state, STATE_BUFFER, dropped);

	reattach();
	ck_assert_uint_eq(state_count(state, STATE_BUFFER), 1);
	buffer = state_find(state, STATE_BUFFER, committed);
	ck_assert_ptr_nonnull(buffer);
	ck_assert_uint_eq(buffer->size, 4096);
	ck_assert_ptr_null(state_owner(state, STATE_BUFFER, committed)); /* nobody's yet */
	ck_assert_ptr_null(state_find(state, STATE_BUFFER, uncommitted));
	ck_assert_ptr_null(state_find(state, STATE_BUFFER, dropped));

	take(STATE_BUFFER, &id);
	ck_assert_uint_eq(id, 1ull << 32 | 1);
	take(STATE_BUFFER, &id);
	ck_assert_uint_eq(id, uncommitted);
	take(STATE_BUFFER, &id);
	ck_assert_uint_eq(id, 4);
}
END_TEST

START_TEST(full)
{
	const uint32_t capacity = state_header(state)->tables[STATE_REQUEST].capacity;
	void *record;
	uint64_t id;

	for (uint32_t i = 0; i < capacity; i++)
		state_commit(take(STATE_REQUEST, &id));
	ck_assert_int_eq(state_take(state, STATE_REQUEST, state, &record, &id), -ENOMEM);
	ck_assert_uint_eq(state_count(state, STATE_REQUEST), capacity);
	ck_assert_uint_eq(id, capacity);
	reattach();
	ck_assert_int_eq(state_take(state, STATE_REQUEST, state, &record, &id), -ENOMEM);
	state_drop(state, STATE_REQUEST, 77);
	take(STATE_REQUEST, &id);
	ck_assert_uint_eq(id, 1ull << 32 | 77);
}
END_TEST

START_TEST(requests)
{
	uint8_t head[STATE_HEAD_MAX + 100];
	const struct state_request *request;
	struct state_request_info info = {
		.unique = 42, .client = 7, .channel = 3, .tid = 99, .head = head, .head_size = 64
	};
	uint64_t id, longer;

	memset(head, 0xab, sizeof(head));
	ck_assert_int_eq(state_request_put(state, &id, &info), 0);
	info.head_size = sizeof(head);
	ck_assert_int_eq(state_request_put(state, &longer, &info), 0);
	reattach();
	request = state_find(state, STATE_REQUEST, id);
	ck_assert_uint_eq(request->unique, 42);
	ck_assert_uint_eq(request->client, 7);
	ck_assert_uint_eq(request->channel, 3);
	ck_assert_uint_eq(request->tid, 99);
	ck_assert_uint_eq(request->head_size, 64);
	ck_assert_mem_eq(request->head, head, 64);
	ck_assert_uint_eq(request->head[64], 0);
	request = state_find(state, STATE_REQUEST, longer);
	ck_assert_uint_eq(request->head_size, STATE_HEAD_MAX);
	ck_assert_uint_eq(state_request_drop(state, id), 0);
	ck_assert_uint_eq(state_request_drop(state, longer), 0);
	ck_assert_uint_eq(state_count(state, STATE_REQUEST), 0);
}
END_TEST

START_TEST(slots)
{
	struct stat before, after;
	char *last;

	fstat(state_fd, &before);
	ck_assert_int_eq(state_slot_prefault(state, 0), 0);
	ck_assert_int_eq(state_slot_prefault(state, STATE_CHANNELS - 1), 0);
	fstat(state_fd, &after);
	ck_assert_int_eq(after.st_blocks - before.st_blocks, 2 * STATE_SLOT_SIZE / 512);
	ck_assert_uint_eq((uintptr_t)state_slot(state, 1) % 4096, 0);
	last = state_slot(state, STATE_CHANNELS - 1);
	last[STATE_SLOT_SIZE - 1] = 'x';
	ck_assert_int_eq(state_channel(state, 5)->fd, -1);
	state_channel(state, 5)->fd = 17;
	state_header(state)->ring_fd = 12;
	reattach();
	last = state_slot(state, STATE_CHANNELS - 1);
	ck_assert_int_eq(last[STATE_SLOT_SIZE - 1], 'x');
	ck_assert_int_eq(state_channel(state, 5)->fd, 17);
	ck_assert_int_eq(state_header(state)->ring_fd, 12);

	/* that it can't be locked is no error, that it can't be there is one */
	fault_arm(1);
	ck_assert_int_eq(state_slot_prefault(state, 2), -ENOMEM);
	fault_arm(2);
	ck_assert_int_eq(state_slot_prefault(state, 2), 0);
	ck_assert(fault_disarm());
}
END_TEST

START_TEST(not_a_state)
{
	struct state_header *h = state_header(state);
	struct state *other = NULL;
	uint32_t *fields[] = { (uint32_t *)&h->magic, &h->version,    &h->header_size,
			       &h->slot_size,	      &h->n_channels, &h->tables[0].size,
			       &h->tables[3].capacity };
	_cleanup_(fd_closep) int fd = memfd_create("other", MFD_CLOEXEC);

	ck_assert_int_eq(state_attach(&other, fd), -EPROTO);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		++*fields[i];
		ck_assert_int_eq(state_attach(&other, state_fd), -EPROTO);
		--*fields[i];
	}
	h->tables[STATE_HANDLE].used = UINT32_MAX;
	ck_assert_int_eq(state_attach(&other, state_fd), -EPROTO);
	h->tables[STATE_HANDLE].used = 0;

	/* the header alone, and not the rest */
	ck_assert_int_eq(pwrite(fd, h, sizeof(*h), 0), sizeof(*h));
	ck_assert_int_eq(state_attach(&other, fd), -EPROTO);
	ck_assert_int_lt(state_attach(&other, -1), 0);
	ck_assert_ptr_null(other);
}
END_TEST

START_TEST(faults)
{
	unsigned int fds = open_fds();
	bool failed = true;
	uint64_t id;

	for (unsigned int nth = 1; failed; nth++) {
		int fd = -1, r;

		fault_arm(nth);
		r = state_create(&fd);
		failed = fault_disarm();
		ck_assert_int_eq(r < 0, failed);
		ck_assert_int_eq(r < 0, fd < 0);
		fd_close(fd);
		ck_assert_uint_eq(open_fds(), fds);
	}
	state_commit(take(STATE_CLIENT, &id));
	failed = true;
	for (unsigned int nth = 1; failed; nth++) {
		struct state *other = NULL;
		int r;

		fault_arm(nth);
		r = state_attach(&other, state_fd);
		failed = fault_disarm();
		ck_assert_int_eq(r < 0, failed);
		ck_assert_int_eq(r < 0, !other);
		state_free(other);
		ck_assert_uint_eq(open_fds(), fds);
	}
	fault_arm(1);
	ck_assert_int_lt(state_request_put(state, &id, &(struct state_request_info){ .head = "" }),
			 0);
	ck_assert(fault_disarm());
	ck_assert_uint_eq(state_count(state, STATE_REQUEST), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("state");
	TCase *tcase = tcase_create("state");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, layout);
	tcase_add_test(tcase, records);
	tcase_add_test(tcase, after_a_death);
	tcase_add_test(tcase, full);
	tcase_add_test(tcase, requests);
	tcase_add_test(tcase, slots);
	tcase_add_test(tcase, not_a_state);
	tcase_add_test(tcase, faults);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
