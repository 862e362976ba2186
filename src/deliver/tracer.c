// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ptrace knows threads, not processes: who seized must also wait and let go, and a caller that
 * can't be let go of stays with its tracer until that thread ends, which kills it. So the work is
 * done in a thread that may end at any delivery, and tracer_run() starts the next one.
 *
 * A caller that could go on but gets no CPU (a quota, a busy machine) is honest: its thread stays
 * with it for as long as it takes, tells the worker that this delivery failed, and leaves the
 * socket to the next thread all the same.
 */
#include "deliver/tracer.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/stop_point.h"
#include "deliver/give.h"
#include "deliver/message.h"
#include "deliver/whose.h"

/* threads of a lane that stay with their callers, and with those of one user */
enum { LATE_MAX = 32, LATE_PER_USER = LATE_MAX / 4 };

enum {
	_TRACER_OK,
	TRACER_E_STUCK, /* this thread must end, another one takes over */
	TRACER_E_LATE,	/* this thread stays with its caller, another one takes over */
};

/* what the threads of one socket have in common; the last one that knows it frees it */
struct lane {
	const struct tracer_config *config;
	atomic_int refs; /* tracer_run()'s, and one of each thread */
	/* who has a thread that stays with its caller: a uid and 1; 0: free */
	atomic_uint late[LATE_MAX];
	sem_t left; /* posted once by each thread: the socket is the next one's */
	int result; /* of the thread that posted ... */
	bool stays; /* ... and whether it goes on without the socket */
};

struct tracer {
	struct lane *lane;
	const struct tracer_config *config;
	struct give give;
	struct deliver_request request;
	struct give_result given; /* so far */
	atomic_uint *late;	  /* its place in lane.late, once it stays with its caller */
};

static struct lane *lane_unref(struct lane *lane)
{
	if (lane && atomic_fetch_sub(&lane->refs, 1) == 1) {
		sem_destroy(&lane->left);
		free(lane);
	}
	return NULL;
}
DEFINE_CLEANUP(struct lane *, lane_unref);

static void lane_leave(struct lane *lane, int result)
{
	lane->result = result;
	sem_post(&lane->left);
}

static int answer(struct tracer *tracer, const struct deliver_result *result)
{
	struct deliver_answer answer = {
		.id = tracer->request.id,
		.file = result->file,
		.result = result->result,
		.replied = result->replied,
	};
	size_t size = result->bytes ? result->result : 0;
	ssize_t n;

	if (size)
		memcpy(answer.bytes, result->bytes, size);
	n = fd_send(tracer->config->socket, &answer, DELIVER_ANSWER_SIZE(size), -1, 0);

	return n < 0 ? n : 0;
}

static void say(const struct tracer *tracer, const char *what)
{
	const struct deliver_call *call = &tracer->request.call;
	const struct log_about about = { tracer->config->log_limit, call->uid };

	log_about(&about, LOG_LEVEL_INFO, "deliver", "thread %u (uid %u) %s", call->tid, call->uid,
		  what);
}

/* a free place, or NULL; only the thread at the socket takes one */
static atomic_uint *late_place(struct lane *lane, uint32_t uid)
{
	atomic_uint *free = NULL;
	int n = 0;

	for (int i = 0; i < LATE_MAX; i++) {
		unsigned int who = atomic_load(&lane->late[i]);

		n += who == uid + 1;
		if (!who)
			free = &lane->late[i];
	}
	return n < LATE_PER_USER ? free : NULL;
}

/* the watch's: the delivery takes long; the rest of it is this thread's own affair */
static bool hand_over(void *user)
{
	struct tracer *tracer = user;
	struct deliver_result result = {
		.result = -EIO,
		.replied = tracer->given.result.replied,
	};
	int r;

	tracer->late = late_place(tracer->lane, tracer->request.call.uid);
	if (!tracer->late)
		return false;
	atomic_store(tracer->late, tracer->request.call.uid + 1);
	say(tracer, "gets no CPU: waiting for it apart");
	r = answer(tracer, &result);
	tracer->lane->stays = true;
	lane_leave(tracer->lane, r == -EPIPE || r == -ECONNRESET ? 0 : r ? r : TRACER_E_LATE);
	return true;
}

static bool request_is_sound(const struct tracer *tracer, ssize_t n, int fd)
{
	const struct deliver_request *request = &tracer->request;

	size_t size = request->size;

	if (n < (ssize_t)DELIVER_REQUEST_SIZE(0))
		return false;
	for (int i = 0; i < DELIVER_PIECES_MAX; i++)
		size += request->pieces[i].size;
	if (n != (ssize_t)DELIVER_REQUEST_SIZE(size))
		return false;
	if (request->call.channel >= tracer->config->n_channels)
		return false;
	switch (request->verb) {
	case DELIVER_GIVE_FD:
		return fd >= 0;
	case DELIVER_PEEK:
		return request->least && request->least <= request->most &&
		       request->most <= DELIVER_PEEK_MAX;
	case DELIVER_PUT:
	case DELIVER_WHOSE_FD:
		return true;
	}
	return false;
}

/* the watch's ticks end what waits may be in this */
static int look(struct tracer *tracer, struct deliver_file *ret)
{
	const struct deliver_request *request = &tracer->request;
	int r;

	watch_start(&tracer->give.watch);
	r = whose_fd(request->call.tid, request->number, ret);
	watch_stop(&tracer->give.watch);
	return r;
}

/* the file is let go of before the answer: who counts its holders then counts right */
static int act_consume_fd(struct tracer *tracer, int fd)
{
	const struct deliver_request *request = &tracer->request;
	struct give_result *given = &tracer->given;
	int r;

	*given = (struct give_result){ .result.result = -ESRCH };
	if (request->call.tid == 0)
		say(tracer, "is not visible in our pid namespace");
	else if (request->verb == DELIVER_WHOSE_FD)
		given->result.result = look(tracer, &given->result.file);
	else
		give_run(&tracer->give, request, fd, given);
	fd_close(fd);
	if (given->stuck)
		say(tracer, "did not stop, or was killed: let go of by force");
	if (tracer->late) {
		atomic_store(tracer->late, 0);
		return TRACER_E_LATE;
	}
	STOP_POINT("tracer.done", request->call.tid);
	r = answer(tracer, &given->result);
	STOP_POINT("tracer.answered", request->call.tid);
	return r ? r : given->stuck ? TRACER_E_STUCK : 0;
}

static int serve(struct tracer *tracer)
{
	int r;

	do {
		_cleanup_(fd_closep) int fd = -1;
		ssize_t n;

		n = fd_receive(tracer->config->socket, &tracer->request, sizeof(tracer->request),
			       &fd, 0);
		if (n == -EINTR) {
			r = 0;
			continue;
		}
		if (n == 0 || n == -ECONNRESET)
			return 0;
		if (n < 0)
			return err_origin(n);
		if (!request_is_sound(tracer, n, fd))
			return err_origin(-EPROTO);
		STOP_POINT("tracer.asked", tracer->request.call.tid);
		r = act_consume_fd(tracer, fd_steal(&fd));
	} while (!r);
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

static void *tracer_thread(void *user)
{
	_cleanup_(lane_unrefp) struct lane *lane = user;
	struct tracer tracer = { .lane = lane, .config = lane->config };
	cpu_set_t set;
	int r;

	if (tracer.config->cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(tracer.config->cpu, &set);
		pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	}
	r = give_init(&tracer.give, tracer.config->channels, tracer.config->n_channels,
		      tracer.config->log_limit);
	if (!r) {
		tracer.give.watch.hand_over = hand_over;
		tracer.give.watch.user = &tracer;
		r = serve(&tracer);
		give_deinit(&tracer.give);
	}
	if (!tracer.late)
		lane_leave(lane, r);
	return NULL;
}

/* one thread at the socket, until it leaves it */
static int lane_run(struct lane *lane)
{
	pthread_t thread;
	int r;

	lane->stays = false;
	atomic_fetch_add(&lane->refs, 1);
	r = -pthread_create(&thread, NULL, tracer_thread, lane);
	if (r) {
		atomic_fetch_sub(&lane->refs, 1);
		return err_origin(r);
	}
	while (sem_wait(&lane->left) < 0)
		;
	if (lane->stays)
		pthread_detach(thread);
	else
		pthread_join(thread, NULL);
	return lane->result;
}

int tracer_run(const struct tracer_config *config)
{
	_cleanup_(lane_unrefp) struct lane *lane = NULL;
	int r;

	lane = calloc(1, sizeof(*lane));
	if (!lane)
		return err_origin(-ENOMEM);
	lane->config = config;
	atomic_init(&lane->refs, 1);
	sem_init(&lane->left, 0, 0);
	do {
		r = lane_run(lane);
	} while (r == TRACER_E_STUCK || r == TRACER_E_LATE);
	return r;
}
