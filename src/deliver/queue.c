// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What waits is kept in the jobs themselves: the first waiting job of each uid stands in the ring,
 * in the order of turns, and heads the list of that uid's others. A uid that had its turn goes to
 * the ring's end.
 */
#include "deliver/queue.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "deliver/message.h"

struct lane {
	int fd; /* borrowed */
	bool lost;
	uint64_t id; /* of the request in hand */
	struct deliver_job *job;
};

struct deliver_queue {
	struct deliver deliver;
	struct list ring; /* deliver_job.ring: one job per uid that waits */
	uint64_t next_id;
	size_t most; /* tracers per uid */
	size_t n_lanes;
	struct lane lanes[];
};

static struct deliver_queue *queue_of(struct deliver *deliver)
{
	return container_of(deliver, struct deliver_queue, deliver);
}

/* ---- what waits ---- */

static struct deliver_job *head_of_uid(struct deliver_queue *queue, uint32_t uid)
{
	list_for_each (i, &queue->ring) {
		struct deliver_job *head = list_entry(i, struct deliver_job, ring);

		if (head->call.uid == uid)
			return head;
	}
	return NULL;
}

static void wait_append(struct deliver_queue *queue, struct deliver_job *job)
{
	struct deliver_job *head = head_of_uid(queue, job->call.uid);

	list_init(&job->link);
	list_init(&job->ring);
	list_append(head ? &head->link : &queue->ring, head ? &job->link : &job->ring);
}

/* take @job out; the rest of its uid goes to the end of the ring */
static void wait_remove(struct deliver_queue *queue, struct deliver_job *head,
			struct deliver_job *job)
{
	struct deliver_job *next = head;

	if (job == head)
		next = list_is_empty(&head->link)
			       ? NULL
			       : list_entry(head->link.next, struct deliver_job, link);
	list_remove(&job->link);
	list_remove(&head->ring);
	if (!next)
		return;
	list_remove(&next->ring);
	list_append(&queue->ring, &next->ring);
}

/* ---- who may ---- */

static size_t lanes_of_uid(const struct deliver_queue *queue, uint32_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < queue->n_lanes; i++)
		n += queue->lanes[i].job && queue->lanes[i].job->call.uid == uid;
	return n;
}

static bool client_is_busy(const struct deliver_queue *queue, const struct deliver_job *job)
{
	for (size_t i = 0; i < queue->n_lanes; i++) {
		if (queue->lanes[i].job && queue->lanes[i].job->client == job->client)
			return true;
	}
	return false;
}

/* the first job behind @head, itself included, whose client is free */
static struct deliver_job *first_ready(const struct deliver_queue *queue, struct deliver_job *head)
{
	if (!client_is_busy(queue, head))
		return head;
	list_for_each (i, &head->link) {
		struct deliver_job *job = list_entry(i, struct deliver_job, link);

		if (!client_is_busy(queue, job))
			return job;
	}
	return NULL;
}

static struct deliver_job *wait_take(struct deliver_queue *queue)
{
	list_for_each (i, &queue->ring) {
		struct deliver_job *head = list_entry(i, struct deliver_job, ring), *job;

		if (lanes_of_uid(queue, head->call.uid) >= queue->most)
			continue;
		job = first_ready(queue, head);
		if (!job)
			continue;
		wait_remove(queue, head, job);
		return job;
	}
	return NULL;
}

/* ---- handing on ---- */

/* the free lane beside the caller, whom the kernel put on our CPU when it woke us; else any */
static struct lane *lane_choose(struct deliver_queue *queue)
{
	int cpu = sched_getcpu();

	if (cpu >= 0 && (size_t)cpu < queue->n_lanes && !queue->lanes[cpu].job &&
	    !queue->lanes[cpu].lost)
		return &queue->lanes[cpu];
	for (size_t i = 0; i < queue->n_lanes; i++) {
		if (!queue->lanes[i].job && !queue->lanes[i].lost)
			return &queue->lanes[i];
	}
	return NULL;
}

static ssize_t request_send(int socket, uint64_t id, const struct deliver_job *job)
{
	struct deliver_request request = {
		.id = id,
		.address = job->address,
		.call = job->call,
		.verb = job->verb,
		.number = job->number,
		.flags = job->flags,
		.most = job->most,
		.least = job->least,
		.size = job->size,
	};
	uint32_t size = job->size + deliver_pieces_size(job->pieces);

	memcpy(request.pieces, job->pieces, sizeof(request.pieces));
	memcpy(request.bytes, job->bytes, size);
	return fd_send(socket, &request, DELIVER_REQUEST_SIZE(size), job->fd, MSG_DONTWAIT);
}

/* A job that can't be sent stays in its lane: who reads the socket will see that it is done for. */
static void lane_hand(struct deliver_queue *queue, struct lane *lane, struct deliver_job *job)
{
	lane->id = ++queue->next_id;
	lane->job = job;
	if (request_send(lane->fd, lane->id, job) < 0) {
		lane->lost = true;
		shutdown(lane->fd, SHUT_RDWR);
	}
}

static void hand_on(struct deliver_queue *queue)
{
	struct deliver_job *job;
	struct lane *lane;

	for (;;) {
		lane = lane_choose(queue);
		if (!lane)
			return;
		job = wait_take(queue);
		if (!job)
			return;
		lane_hand(queue, lane, job);
	}
}

static void queue_submit(struct deliver *deliver, struct deliver_job *job)
{
	struct deliver_queue *queue = queue_of(deliver);

	wait_append(queue, job);
	hand_on(queue);
}

/* the job's memory may be gone when this returns */
static void job_end(struct deliver_job *job, const struct deliver_result *result)
{
	job->fd = fd_close(job->fd);
	job->done(job, result);
}

static void lane_end(struct lane *lane, const struct deliver_result *result)
{
	struct deliver_job *job = steal(lane->job);

	if (job)
		job_end(job, result);
}

/* @lane has a job */
static bool answer_is_sound(const struct deliver_answer *answer, ssize_t n, const struct lane *lane)
{
	size_t size = 0;

	if (n < (ssize_t)DELIVER_ANSWER_SIZE(0) || answer->id != lane->id)
		return false;
	if (lane->job->verb == DELIVER_PEEK && answer->result > 0)
		size = answer->result;
	return size <= lane->job->most && n == (ssize_t)DELIVER_ANSWER_SIZE(size);
}

int deliver_queue_read(struct deliver_queue *queue, size_t i)
{
	struct lane *lane = &queue->lanes[i];
	struct deliver_answer answer;
	struct deliver_result result;
	ssize_t n;

	n = recv(lane->fd, &answer, sizeof(answer), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return lane->lost ? -EPIPE : 0;
	if (n <= 0) {
		lane->lost = true;
		return -EPIPE;
	}
	if (!lane->job || !answer_is_sound(&answer, n, lane)) {
		lane->lost = true;
		return err_origin(-EPROTO);
	}
	result = (struct deliver_result){
		.result = answer.result,
		.file = answer.file,
		.bytes = answer.bytes,
		.replied = answer.replied,
	};
	lane_end(lane, &result);
	hand_on(queue);
	return 0;
}

/* A job whose injector died waits for the next one; one over which two died may be what kills them.
 */
static void lane_lose(struct deliver_queue *queue, struct lane *lane)
{
	const struct deliver_result result = { .result = -EIO };

	if (!lane->job || lane->job->call.again) {
		lane_end(lane, &result);
		return;
	}
	lane->job->call.again = 1;
	wait_append(queue, steal(lane->job));
}

void deliver_queue_lost(struct deliver_queue *queue)
{
	for (size_t i = 0; i < queue->n_lanes; i++)
		queue->lanes[i].lost = true;
	for (size_t i = 0; i < queue->n_lanes; i++)
		lane_lose(queue, &queue->lanes[i]);
}

void deliver_queue_attach(struct deliver_queue *queue, const int *fds)
{
	deliver_queue_lost(queue);
	for (size_t i = 0; i < queue->n_lanes; i++) {
		queue->lanes[i].fd = fds[i];
		queue->lanes[i].lost = false;
	}
	hand_on(queue);
}

/* ---- birth and end ---- */

static struct deliver *queue_free(struct deliver *deliver)
{
	deliver_queue_free(queue_of(deliver));
	return NULL;
}

static const struct deliver_ops queue_ops = {
	.submit = queue_submit,
	.free = queue_free,
};

int deliver_queue_new(struct deliver_queue **ret, const int *fds, size_t n)
{
	struct deliver_queue *queue;

	queue = calloc(1, sizeof(*queue) + n * sizeof(queue->lanes[0]));
	if (!queue)
		return err_origin(-ENOMEM);
	queue->deliver.ops = &queue_ops;
	list_init(&queue->ring);
	queue->most = MAX(n / 4, (size_t)1);
	queue->n_lanes = n;
	for (size_t i = 0; i < n; i++)
		queue->lanes[i].fd = fds[i];
	*ret = queue;
	return 0;
}

/* the waiting jobs of one uid end, its head last */
static void wait_end(struct deliver_job *head)
{
	const struct deliver_result result = { .result = -EIO };
	struct list *link;

	list_remove(&head->ring);
	while ((link = list_pop(&head->link)))
		job_end(list_entry(link, struct deliver_job, link), &result);
	job_end(head, &result);
}

struct deliver_queue *deliver_queue_free(struct deliver_queue *queue)
{
	if (!queue)
		return NULL;
	deliver_queue_lost(queue); /* no lane takes a job any more */
	while (!list_is_empty(&queue->ring))
		wait_end(list_entry(queue->ring.next, struct deliver_job, ring));
	free(queue);
	return NULL;
}

struct deliver *deliver_queue_deliver(struct deliver_queue *queue)
{
	return &queue->deliver;
}

size_t deliver_queue_size(const struct deliver_queue *queue)
{
	return queue->n_lanes;
}

int deliver_queue_fd(const struct deliver_queue *queue, size_t i)
{
	return queue->lanes[i].fd;
}
