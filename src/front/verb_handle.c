// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The calls of clients that use handles: FREE, SHARE, IMPORT, SYNC. The latter two name an fd of
 * the caller's, which is looked up from outside: nothing of the caller's is opened or held.
 */
#include "front/verb.h"

#include <errno.h>

#include "core/file.h"
#include "core/handle.h"
#include "core/share.h"

/* NULL: it has gone while the call waited, as no kernel lets it */
static struct client *client_of(const struct call *call)
{
	return service_client(call->dispatch->config.service, call->client);
}

void verb_free(struct call *call)
{
	call_answer(call, handle_put(client_of(call), call->wire.handle), NULL, 0);
}

/* ---- SHARE ---- */

/* the errno stands in the struct, too, where there was a handle */
static void share_refuse(struct call *call, int error)
{
	uint8_t answer[WIRE_FD_SIZE];

	call->dispatch->counters.refused++;
	wire_encode_fd(answer, call->wire.handle, error);
	call_answer(call, error, answer, sizeof(answer));
}

static void share_made(struct call *call)
{
	struct file *file;
	int fd, r;

	r = share_finish(call->share, &file, &fd);
	call->share = NULL;
	if (r < 0) {
		share_refuse(call, r);
		return;
	}
	verb_give(call, file, fd, WIRE_SHARE_FD_OFFSET);
}

static void share_job_run(struct loop_job *job)
{
	share_run(container_of(job, struct call, job)->share);
}

static void share_job_done(struct loop_job *job)
{
	struct call *call = container_of(job, struct call, job);

	if (job->ran) {
		share_made(call);
	} else {
		call->share = share_free(call->share);
		share_refuse(call, -EIO); /* the service is ending */
	}
}

void verb_share(struct call *call)
{
	struct client *client = client_of(call);
	int r = -EBADF;

	if (client)
		r = share_begin(&call->share, client, call->wire.handle, call->caller.unique,
				call->caller.tid);
	if (r == -EINVAL || r == -EBADF) {
		call_answer(call, r, NULL, 0);
	} else if (r < 0) {
		share_refuse(call, r);
	} else if (share_is_slow(call->share)) {
		call->job = (struct loop_job){ .run = share_job_run, .done = share_job_done };
		loop_jobs_submit(call->dispatch->config.jobs, &call->job);
	} else {
		share_run(call->share);
		share_made(call);
	}
}

/* ---- IMPORT and SYNC ---- */

static int imported(struct call *call, const struct deliver_result *result, uint32_t *ret_handle)
{
	struct client *client = client_of(call);

	if (result->result < 0)
		return result->result;
	if (!client)
		return -EBADF;
	return share_import(client, result->file.mount, result->file.ino, ret_handle);
}

static void import_looked(struct deliver_job *job, const struct deliver_result *result)
{
	struct call *call = container_of(job, struct call, delivery);
	uint8_t answer[WIRE_FD_SIZE];
	uint32_t handle = 0;
	int r;

	r = imported(call, result, &handle);
	if (r < 0) {
		call_answer(call, r, NULL, 0);
		return;
	}
	wire_encode_fd(answer, handle, call->wire.fd);
	call_answer(call, 0, answer, sizeof(answer));
}

static void sync_looked(struct deliver_job *job, const struct deliver_result *result)
{
	struct call *call = container_of(job, struct call, delivery);
	int r = result->result;

	if (r >= 0 &&
	    !file_find(call->dispatch->config.service, result->file.mount, result->file.ino))
		r = -EINVAL;
	call_answer(call, MIN(r, 0), NULL, 0);
}

static void look_at_fd(struct call *call, deliver_done done)
{
	call->delivery = (struct deliver_job){
		.verb = DELIVER_WHOSE_FD,
		.call = call->caller,
		.client = call->client,
		.fd = -1,
		.number = call->wire.fd,
		.done = done,
	};
	deliver_submit(call->dispatch->config.deliver, &call->delivery);
}

void verb_import(struct call *call)
{
	look_at_fd(call, import_looked);
}

void verb_sync(struct call *call)
{
	look_at_fd(call, sync_looked);
}
