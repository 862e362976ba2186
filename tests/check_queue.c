// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/deliver/queue.c: the other ends of the sockets are held here, in the place of tracers */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "deliver/message.h"
#include "deliver/queue.h"

#define N_MOST 16

struct fixture {
	struct deliver_queue *queue;
	size_t n;
	int mine[N_MOST];   /* the queue's ends */
	int theirs[N_MOST]; /* the tracers' */
	struct deliver_request requests[N_MOST];
};

struct test_job {
	struct deliver_job job;
	unsigned int done;
	struct deliver_result result;
	unsigned int peeked; /* bytes that are as they were sent */
};

static struct fixture f;

static void make(size_t n)
{
	int pair[2];

	f.n = n;
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
		f.mine[i] = pair[0];
		f.theirs[i] = pair[1];
	}
	ck_assert_int_eq(deliver_queue_new(&f.queue, f.mine, n), 0);
	ck_assert_uint_eq(deliver_queue_size(f.queue), n);
}

static void unmake(void)
{
	f.queue = deliver_queue_free(f.queue);
	for (size_t i = 0; i < f.n; i++) {
		fd_close(f.mine[i]);
		fd_close(f.theirs[i]);
	}
}

static void on_done(struct deliver_job *job, const struct deliver_result *result)
{
	struct test_job *mine = container_of(job, struct test_job, job);

	mine->done++;
	mine->result = *result;
	while (job->verb == DELIVER_PEEK && (int)mine->peeked < result->result &&
	       result->bytes[mine->peeked] == 'x')
		mine->peeked++;
}

static void submit(struct test_job *job, uint32_t uid, uint64_t client)
{
	*job = (struct test_job){
		.job = { .verb = DELIVER_GIVE_FD,
			 .call = { .uid = uid, .tid = 7 },
			 .client = client,
			 .fd = memfd_create("queue", MFD_CLOEXEC),
			 .size = 8,
			 .bytes = "a reply",
			 .done = on_done },
	};
	deliver_submit(deliver_queue_deliver(f.queue), &job->job);
	ck_assert_uint_eq(job->done, 0);
}

/* is there a request at tracer @i? It is then f.requests[i] */
static bool receive(size_t i)
{
	int fd = -1;
	ssize_t n = fd_receive(f.theirs[i], &f.requests[i], sizeof(f.requests[i]), &fd, 0);

	if (n < 0)
		return false;
	ck_assert_int_eq(n, DELIVER_REQUEST_SIZE(f.requests[i].size));
	ck_assert_int_ge(fd, 0);
	close(fd);
	return true;
}

/* the tracer that has something, or -1 */
static int receive_any(void)
{
	for (size_t i = 0; i < f.n; i++) {
		if (receive(i))
			return i;
	}
	return -1;
}

static void answer(size_t i, int result, bool replied)
{
	struct deliver_answer message = {
		.id = f.requests[i].id,
		.result = result,
		.replied = replied,
	};

	ck_assert_int_eq(fd_send(f.theirs[i], &message, DELIVER_ANSWER_SIZE(0), -1, 0),
			 DELIVER_ANSWER_SIZE(0));
	ck_assert_int_eq(deliver_queue_read(f.queue, i), 0);
}

/* whose request is next? It is answered with success */
static uint32_t next_uid(void)
{
	int i = receive_any();

	ck_assert_int_ge(i, 0);
	answer(i, 5, true);
	return f.requests[i].call.uid;
}

START_TEST(one)
{
	struct test_job job;
	int fd;

	make(1);
	submit(&job, 1000, 1);
	ck_assert(receive(0));
	ck_assert_str_eq((const char *)f.requests[0].bytes, "a reply");
	ck_assert_uint_eq(f.requests[0].call.tid, 7);
	ck_assert_int_eq(deliver_queue_read(f.queue, 0), 0);
	ck_assert_uint_eq(job.done, 0);
	answer(0, 12, true);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_int_eq(job.result.result, 12);
	ck_assert(job.result.replied);
	/* nothing is left open */
	ck_assert_int_eq(job.job.fd, -1);
	fd = dup(0);
	ck_assert_int_eq(fd, f.theirs[0] + 1);
	close(fd);
	unmake();
}
END_TEST

/* what is to be put comes along, behind the reply */
START_TEST(pieces)
{
	struct test_job job = {
		.job = { .verb = DELIVER_PUT,
			 .fd = -1,
			 .size = 8,
			 .bytes = "a reply",
			 .done = on_done },
	};

	make(1);
	memset(deliver_put(&job.job, 0x1000, 100), 'x', 100);
	memset(deliver_put(&job.job, 0x2000, 3), 'y', 3);
	ck_assert_uint_eq(deliver_pieces_size(job.job.pieces), 103);
	deliver_submit(deliver_queue_deliver(f.queue), &job.job);
	ck_assert_int_eq(recv(f.theirs[0], &f.requests[0], sizeof(f.requests[0]), 0),
			 DELIVER_REQUEST_SIZE(8 + 103));
	ck_assert_uint_eq(f.requests[0].size, 8);
	ck_assert(!memcmp(f.requests[0].pieces, job.job.pieces, sizeof(job.job.pieces)));
	ck_assert_uint_eq(f.requests[0].pieces[0].address, 0x1000);
	ck_assert_uint_eq(f.requests[0].pieces[1].address, 0x2000);
	ck_assert(!memcmp(f.requests[0].bytes + 8 + 98, "xxyyy", 5));
	answer(0, 0, true);
	ck_assert_uint_eq(job.done, 1);
	unmake();
}
END_TEST

/* what is asked of a number, and what comes back */
START_TEST(whose)
{
	struct test_job job = {
		.job = { .verb = DELIVER_WHOSE_FD, .fd = -1, .number = 77, .done = on_done },
	};
	struct deliver_answer message = { .file = { .ino = 1ull << 40, .mount = 25 } };

	make(1);
	deliver_submit(deliver_queue_deliver(f.queue), &job.job);
	ck_assert_int_eq(recv(f.theirs[0], &f.requests[0], sizeof(f.requests[0]), 0),
			 DELIVER_REQUEST_SIZE(0));
	ck_assert_int_eq(f.requests[0].verb, DELIVER_WHOSE_FD);
	ck_assert_int_eq(f.requests[0].number, 77);
	message.id = f.requests[0].id;
	ck_assert_int_gt(fd_send(f.theirs[0], &message, DELIVER_ANSWER_SIZE(0), -1, 0), 0);
	ck_assert_int_eq(deliver_queue_read(f.queue, 0), 0);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_int_eq(job.result.result, 0);
	ck_assert(!job.result.replied);
	ck_assert_uint_eq(job.result.file.ino, 1ull << 40);
	ck_assert_uint_eq(job.result.file.mount, 25);
	unmake();
}
END_TEST

/* what is to be read, and what was; an answer of another size than it says is nonsense */
START_TEST(peek)
{
	static const struct {
		int32_t result;
		size_t size;
		int expected;
	} answers[] = {
		{ 20, 20, 0 },	     { 1, 1, 0 },
		{ -EFAULT, 0, 0 },   { 0, 0, 0 },
		{ 20, 19, -EPROTO }, { 20, 21, -EPROTO },
		{ 33, 33, -EPROTO }, { -EFAULT, 1, -EPROTO },
	};
	struct test_job job = {
		.job = { .verb = DELIVER_PEEK,
			 .fd = -1,
			 .address = 0x1000,
			 .most = 32,
			 .least = 1,
			 .size = 8,
			 .bytes = "a reply",
			 .done = on_done },
	};
	struct deliver_answer message = { .result = answers[_i].result, .replied = true };

	make(1);
	memset(message.bytes, 'x', sizeof(message.bytes));
	deliver_submit(deliver_queue_deliver(f.queue), &job.job);
	ck_assert_int_eq(recv(f.theirs[0], &f.requests[0], sizeof(f.requests[0]), 0),
			 DELIVER_REQUEST_SIZE(8));
	ck_assert_uint_eq(f.requests[0].address, 0x1000);
	ck_assert_uint_eq(f.requests[0].most, 32);
	ck_assert_uint_eq(f.requests[0].least, 1);
	message.id = f.requests[0].id;
	ck_assert_int_gt(
		fd_send(f.theirs[0], &message, DELIVER_ANSWER_SIZE(answers[_i].size), -1, 0), 0);
	ck_assert_int_eq(deliver_queue_read(f.queue, 0), answers[_i].expected);
	ck_assert_uint_eq(job.done, !answers[_i].expected);
	if (job.done) {
		ck_assert_int_eq(job.result.result, answers[_i].result);
		ck_assert_uint_eq(job.peeked, MAX(answers[_i].result, 0));
	}
	unmake();
}
END_TEST

/* 100 jobs of one uid wait; a second uid has its turn after the one in hand */
START_TEST(turns)
{
	struct test_job flood[100], other[3], third;

	make(1);
	for (size_t i = 0; i < 100; i++)
		submit(&flood[i], 1, 1);
	for (size_t i = 0; i < 3; i++)
		submit(&other[i], 2, 2);
	submit(&third, 3, 3);
	ck_assert_uint_eq(next_uid(), 1);
	ck_assert_uint_eq(next_uid(), 1); /* it was first in the ring */
	ck_assert_uint_eq(next_uid(), 2);
	ck_assert_uint_eq(next_uid(), 3);
	ck_assert_uint_eq(next_uid(), 1);
	ck_assert_uint_eq(next_uid(), 2);
	ck_assert_uint_eq(next_uid(), 1);
	ck_assert_uint_eq(next_uid(), 2);
	for (size_t i = 4; i < 100; i++)
		ck_assert_uint_eq(next_uid(), 1);
	ck_assert_int_lt(receive_any(), 0);
	for (size_t i = 0; i < 100; i++)
		ck_assert_uint_eq(flood[i].done, 1);
	unmake();
}
END_TEST

/* within a uid the order is that of arrival */
START_TEST(order)
{
	struct test_job jobs[5];

	make(1);
	for (size_t i = 0; i < 5; i++)
		submit(&jobs[i], 1, i);
	for (size_t i = 0; i < 5; i++) {
		next_uid();
		for (size_t k = 0; k < 5; k++)
			ck_assert_uint_eq(jobs[k].done, k <= i);
	}
	unmake();
}
END_TEST

static size_t count_in_hand(void)
{
	size_t n = 0;

	while (receive_any() >= 0)
		n++;
	return n;
}

/* a quarter of the tracers, but one at least */
START_TEST(quarter)
{
	static const struct {
		size_t n, most;
	} sizes[] = { { 1, 1 }, { 2, 1 }, { 4, 1 }, { 8, 2 }, { 16, 4 } };
	struct test_job jobs[N_MOST], other;

	make(sizes[_i].n);
	for (size_t i = 0; i < N_MOST; i++)
		submit(&jobs[i], 1, i);
	ck_assert_uint_eq(count_in_hand(), sizes[_i].most);
	submit(&other, 2, 99);
	ck_assert_uint_eq(count_in_hand(), sizes[_i].n > 1);
	unmake();
	for (size_t i = 0; i < N_MOST; i++) {
		ck_assert_uint_eq(jobs[i].done, 1);
		ck_assert_int_eq(jobs[i].result.result, -EIO);
		ck_assert(!jobs[i].result.replied);
	}
	ck_assert_uint_eq(other.done, 1);
}
END_TEST

/* one client, one delivery; others of the uid overtake it */
START_TEST(client)
{
	struct test_job jobs[4];
	int i, k;

	make(8);
	submit(&jobs[0], 1, 1);
	submit(&jobs[1], 1, 1);
	submit(&jobs[2], 1, 1);
	submit(&jobs[3], 1, 2);
	i = receive_any();
	k = receive_any();
	ck_assert(i >= 0 && k >= 0);
	ck_assert_int_lt(receive_any(), 0);
	answer(i, 1, true);
	answer(k, 1, true);
	ck_assert_uint_eq(jobs[0].done + jobs[3].done, 2);
	ck_assert_uint_eq(count_in_hand(), 1);
	unmake();
	ck_assert_uint_eq(jobs[1].done + jobs[2].done, 2);
}
END_TEST

/* the tracer of our CPU, where there is one and it is free */
START_TEST(beside)
{
	struct test_job jobs[2];
	cpu_set_t old, set;
	int cpu, i;

	make(N_MOST);
	cpu = sched_getcpu();
	ck_assert_int_ge(cpu, 0);
	sched_getaffinity(0, sizeof(old), &old);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	submit(&jobs[0], 1, 1);
	submit(&jobs[1], 2, 2);
	i = cpu < N_MOST ? cpu : 0;
	ck_assert(receive(i));
	ck_assert_int_eq(f.requests[i].call.uid, 1);
	ck_assert_int_ge(receive_any(), 0);
	sched_setaffinity(0, sizeof(old), &old);
	unmake();
}
END_TEST

/* a new injector; the old one's socket is closed */
static void attach_anew(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	deliver_queue_attach(f.queue, pair);
	fd_close(f.mine[0]);
	fd_close(f.theirs[0]);
	f.mine[0] = pair[0];
	f.theirs[0] = pair[1];
	ck_assert_int_eq(deliver_queue_fd(f.queue, 0), pair[0]);
}

static void die(void)
{
	f.theirs[0] = fd_close(f.theirs[0]);
	ck_assert_int_eq(deliver_queue_read(f.queue, 0), -EPIPE);
	deliver_queue_lost(f.queue);
}

/* the injector dies: what it has goes to the next one, and with that one it ends */
START_TEST(lost)
{
	struct test_job jobs[3];

	make(1);
	for (size_t i = 0; i < 3; i++)
		submit(&jobs[i], 1, 7);
	ck_assert(receive(0));
	ck_assert_uint_eq(f.requests[0].call.again, 0);
	die();
	ck_assert_uint_eq(jobs[0].done, 0);
	attach_anew();
	next_uid();
	next_uid();
	ck_assert(receive(0));
	ck_assert_uint_eq(f.requests[0].call.again, 1);
	die();
	ck_assert_uint_eq(jobs[0].done, 1);
	ck_assert_int_eq(jobs[0].result.result, -EIO);
	ck_assert(!jobs[0].result.replied);
	ck_assert_uint_eq(jobs[1].done + jobs[2].done, 2);
	unmake();
}
END_TEST

/* gone before anything is sent: never said in submit */
START_TEST(lost_before)
{
	struct test_job job;

	make(1);
	f.theirs[0] = fd_close(f.theirs[0]);
	submit(&job, 1, 1);
	ck_assert_int_eq(deliver_queue_read(f.queue, 0), -EPIPE);
	deliver_queue_lost(f.queue);
	ck_assert_uint_eq(job.done, 0);
	attach_anew();
	next_uid();
	ck_assert_uint_eq(job.done, 1);
	unmake();
}
END_TEST

/* an answer to nothing, to another request, of another size */
START_TEST(nonsense)
{
	struct deliver_answer message = { .id = 77 };
	struct test_job job;

	make(1);
	if (_i)
		submit(&job, 1, 1);
	ck_assert_int_gt(
		fd_send(f.theirs[0], &message, _i == 2 ? 3 : DELIVER_ANSWER_SIZE(0), -1, 0), 0);
	ck_assert_int_eq(deliver_queue_read(f.queue, 0), -EPROTO);
	deliver_queue_lost(f.queue);
	unmake();
	if (_i)
		ck_assert_uint_eq(job.done, 1);
}
END_TEST

/* from done(), too, and then not in vain */
static struct test_job again_jobs[2];

static void on_done_again(struct deliver_job *job, const struct deliver_result *result)
{
	on_done(job, result);
	submit(&again_jobs[1], 1, 1);
}

START_TEST(again)
{
	make(1);
	submit(&again_jobs[0], 1, 1);
	again_jobs[0].job.done = on_done_again;
	next_uid();
	ck_assert_uint_eq(again_jobs[0].done, 1);
	next_uid();
	ck_assert_uint_eq(again_jobs[1].done, 1);
	unmake();
}
END_TEST

/* a seeded crowd: every job ends once, no limit is ever passed */
START_TEST(crowd)
{
	static struct test_job jobs[2000];
	unsigned int seed = 4711 + _i, in_hand[8] = { 0 };
	size_t submitted = 0, ended = 0;
	bool busy[N_MOST] = { false };

	make(N_MOST);
	while (ended < ARRAY_SIZE(jobs)) {
		size_t i = rand_r(&seed) % N_MOST;
		uint32_t uid = rand_r(&seed) % 8;

		if (submitted < ARRAY_SIZE(jobs) && rand_r(&seed) % 3) {
			submit(&jobs[submitted++], uid, rand_r(&seed) % 32);
		} else if (busy[i]) {
			busy[i] = false;
			in_hand[f.requests[i].call.uid]--;
			answer(i, 3, true);
			ended++;
		}
		for (i = 0; i < N_MOST; i++) {
			if (busy[i] || !receive(i))
				continue;
			busy[i] = true;
			ck_assert_uint_le(++in_hand[f.requests[i].call.uid], N_MOST / 4);
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++)
		ck_assert_uint_eq(jobs[i].done, 1);
	unmake();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("queue");
	TCase *tcase = tcase_create("queue");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, one);
	tcase_add_test(tcase, pieces);
	tcase_add_test(tcase, whose);
	tcase_add_loop_test(tcase, peek, 0, 8);
	tcase_add_test(tcase, turns);
	tcase_add_test(tcase, order);
	tcase_add_loop_test(tcase, quarter, 0, 5);
	tcase_add_test(tcase, client);
	tcase_add_test(tcase, beside);
	tcase_add_test(tcase, lost);
	tcase_add_test(tcase, lost_before);
	tcase_add_loop_test(tcase, nonsense, 0, 3);
	tcase_add_test(tcase, again);
	tcase_add_loop_test(tcase, crowd, 0, 5);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
