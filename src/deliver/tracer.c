// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ptrace knows threads, not processes: who seized must also wait and let go, and a caller that
 * can't be let go of stays with its tracer until that thread ends. So the work is done in a thread
 * that may end at any delivery, and tracer_run() starts the next one.
 */
#include "deliver/tracer.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/stop_point.h"
#include "deliver/give.h"
#include "deliver/message.h"
#include "deliver/poke.h"

enum {
	_TRACER_OK,
	TRACER_E_STUCK, /* this thread must end, another one takes over */
};

struct tracer {
	const struct tracer_config *config;
	struct give give;
	struct deliver_request request;
	int result;
};

static int answer(struct tracer *tracer, const struct deliver_result *result)
{
	struct deliver_answer answer = {
		.id = tracer->request.id,
		.result = result->result,
		.replied = result->replied,
	};
	ssize_t n = fd_send(tracer->config->socket, &answer, sizeof(answer), -1, 0);

	return n < 0 ? n : 0;
}

static bool request_is_sound(const struct tracer *tracer, ssize_t n, int fd)
{
	const struct deliver_request *request = &tracer->request;

	if (n < (ssize_t)DELIVER_REQUEST_SIZE(0) || request->size > DELIVER_BYTES_MAX ||
	    n != (ssize_t)DELIVER_REQUEST_SIZE(request->size))
		return false;
	if (request->call.channel >= tracer->config->n_channels)
		return false;
	return request->verb == DELIVER_POKE || (request->verb == DELIVER_GIVE_FD && fd >= 0);
}

/* the file is let go of before the answer: who counts its holders then counts right */
static int act_consume_fd(struct tracer *tracer, int fd)
{
	const struct deliver_request *request = &tracer->request;
	struct give_result given = { .result.result = -ESRCH };
	int r;

	if (request->call.tid == 0)
		log_info("deliver", "a caller that is not visible in our pid namespace");
	else if (request->verb == DELIVER_GIVE_FD)
		give_fd(&tracer->give, request, fd, &given);
	else
		given.result.result = poke_bytes(request);
	fd_close(fd);
	STOP_POINT("tracer.done", request->call.tid);
	r = answer(tracer, &given.result);
	STOP_POINT("tracer.answered", request->call.tid);
	if (given.stuck)
		log_warning("deliver", "thread %u (uid %u) can't be stopped: let go of by force",
			    request->call.tid, request->call.uid);
	return r ? r : given.stuck ? TRACER_E_STUCK : 0;
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
	struct tracer *tracer = user;
	cpu_set_t set;

	if (tracer->config->cpu >= 0) {
		CPU_ZERO(&set);
		CPU_SET(tracer->config->cpu, &set);
		pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	}
	tracer->result =
		give_init(&tracer->give, tracer->config->channels, tracer->config->n_channels);
	if (tracer->result)
		return NULL;
	tracer->result = serve(tracer);
	give_deinit(&tracer->give);
	return NULL;
}

int tracer_run(const struct tracer_config *config)
{
	struct tracer tracer = { .config = config };
	pthread_t thread;
	int r;

	do {
		r = -pthread_create(&thread, NULL, tracer_thread, &tracer);
		if (r)
			return err_origin(r);
		pthread_join(thread, NULL);
	} while (tracer.result == TRACER_E_STUCK);
	return tracer.result;
}
