// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz_model.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fuzz_handles.h"
#include "fuzz_rig.h"
#include "wire/ion.h"

#define HEAPS_KNOWN (1u << 0 | 1u << RIG_HEAP_AREA | 1u << RIG_HEAP_ODD | 1u << 25 | 1u << 27)

/* ---- what is sent ---- */

const struct model_file *model_file_of(const struct model *model, uint64_t fh)
{
	for (size_t i = 0; i < model->n_files; i++) {
		if (model->files[i].fh == fh)
			return &model->files[i];
	}
	return NULL;
}

/* it is open, and no release of it is on its way */
static bool file_stays(const struct model *model, uint64_t fh)
{
	for (size_t i = 0; i < model->n_waiting; i++) {
		if (model->waiting[i].opcode == FUSE_RELEASE && model->waiting[i].fh == fh)
			return false;
	}
	return model_file_of(model, fh);
}

static bool wants_answer(uint32_t opcode)
{
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT;
}

bool model_may_send(const struct model *model, uint32_t channel, uint32_t opcode)
{
	if (opcode == FUSE_NOTIFY_REPLY) /* we never ask; libfuse loses memory by it */
		return false;
	if (opcode == FUSE_OPEN && model->n_files + MODEL_BATCH_MAX >= MODEL_FILES_MAX)
		return false;
	if (!wants_answer(opcode))
		return model->shaken[channel] || opcode == FUSE_INTERRUPT;
	return model->n_waiting < MODEL_WAITING_MAX;
}

static void sent_ioctl(const struct model *model, struct model_request *request, const void *body)
{
	struct wire_ion_alloc alloc;
	struct fuse_ioctl_in in;
	uint32_t size;

	memcpy(&in, body, sizeof(in));
	memcpy(&alloc, (const char *)body + sizeof(in), sizeof(alloc));
	size = _IOC_SIZE(in.cmd);
	request->fh = in.fh;
	request->cmd = in.cmd;
	request->arg = in.arg;
	request->flags = in.flags;
	request->out_size = in.out_size;
	request->as_kernel = in.in_size == (_IOC_DIR(in.cmd) & _IOC_WRITE ? size : 0) &&
			     in.out_size == (_IOC_DIR(in.cmd) & _IOC_READ ? size : 0) &&
			     !(in.flags & FUSE_IOCTL_DIR);
	request->len = alloc.len;
	request->mask = alloc.heap_id_mask;
	handles_sent(model, request, (const char *)body + sizeof(in));
}

/* what is said of this file now may be heard after its release, where that comes by another door */
static void sent_release(struct model *model, struct model_request *request, const void *body)
{
	memcpy(&request->fh, body, sizeof(request->fh));
	for (size_t i = 0; i < model->n_waiting; i++) {
		if (model->waiting[i].fh == request->fh)
			model->waiting[i].good = false;
	}
}

void model_sent(struct model *model, uint32_t channel, const void *frame)
{
	const void *body = (const char *)frame + sizeof(struct fuse_in_header);
	struct model_request *request = &model->waiting[model->n_waiting];
	struct fuse_in_header header;

	memcpy(&header, frame, sizeof(header));
	if (!wants_answer(header.opcode))
		return;
	*request = (struct model_request){
		.unique = header.unique,
		.channel = channel,
		.opcode = header.opcode,
		.tid = header.pid,
		.uid = header.uid,
	};
	if (header.opcode == FUSE_RELEASE)
		sent_release(model, request, body);
	if (header.opcode == FUSE_IOCTL)
		sent_ioctl(model, request, body);
	if (header.opcode == FUSE_INIT || header.opcode == CUSE_INIT)
		memcpy(&request->major, body, sizeof(request->major));
	if (header.opcode == FUSE_DESTROY)
		model->shaken[channel] = false;
	request->good = model->shaken[channel] && file_stays(model, request->fh);
	model->n_waiting++;
}

/* ---- what comes back ---- */

static struct model_request *model_find(struct model *model, uint32_t channel, uint64_t unique)
{
	for (size_t i = 0; i < model->n_waiting; i++) {
		if (model->waiting[i].channel == channel && model->waiting[i].unique == unique)
			return &model->waiting[i];
	}
	return NULL;
}

static void file_opened(struct model *model, uint32_t channel, const struct fake_answer *answer)
{
	struct fuse_open_out out;

	ck_assert_uint_eq(answer->size, sizeof(out));
	memcpy(&out, answer->body, sizeof(out));
	ck_assert_ptr_null(model_file_of(model, out.fh));
	ck_assert_uint_lt(model->n_files, MODEL_FILES_MAX);
	model->files[model->n_files++] = (struct model_file){ out.fh, channel, false };
}

static void file_released(struct model *model, uint64_t fh)
{
	struct model_file *file = (struct model_file *)model_file_of(model, fh);

	handles_released(model, fh);
	if (file)
		*file = model->files[--model->n_files];
}

/* an ALLOC was refused: for what is wrong with it, if anything is */
static void check_refusal(const struct model *model, const struct model_request *request, int error)
{
	if (!request->good || !request->as_kernel || model->faulty ||
	    (request->verb != MODEL_ALLOC && request->verb != MODEL_ALLOC_HANDLE) ||
	    error == -ENOTTY || (model->ending && error == -EIO))
		return;
	if (!pages_round(request->len))
		ck_assert_int_eq(error, -EINVAL);
	else if (!(request->mask & HEAPS_KNOWN))
		ck_assert_int_eq(error, -ENODEV);
}

static void check_ioctl(struct model *model, const struct model_request *request,
			const struct fake_answer *answer)
{
	struct fuse_ioctl_out out = { .result = answer->error };
	size_t size = 0;

	if (!answer->error) {
		ck_assert_uint_ge(answer->size, sizeof(out));
		memcpy(&out, answer->body, sizeof(out));
		size = answer->size - sizeof(out);
		ck_assert_uint_eq(out.flags, 0); /* a restricted ioctl can't ask for a retry */
		ck_assert_uint_eq(out.in_iovs, 0);
		ck_assert_uint_eq(out.out_iovs, 0);
		ck_assert_int_le(out.result, 0); /* no command returns anything else */
		ck_assert_int_gt(out.result, -512);
	}
	if (request->as_kernel)
		ck_assert_uint_le(size, request->out_size);
	if (out.result < 0)
		check_refusal(model, request, out.result);
	handles_answered(model, request, out.result, answer->body + sizeof(out), size);
}

/* what has happened, whether or not anybody hears of it */
static void has_happened(struct model *model, const struct model_request *request,
			 const struct fake_answer *answer)
{
	if (request->opcode == FUSE_IOCTL)
		check_ioctl(model, request, answer);
	else if (!answer->error && request->opcode == FUSE_RELEASE)
		file_released(model, request->fh);
}

static struct model_request take(struct model *model, uint32_t channel, uint64_t unique)
{
	struct model_request *request = model_find(model, channel, unique), taken;

	ck_assert_msg(request, "channel %u: an answer to %llu, which waits for none", channel,
		      (unsigned long long)unique);
	taken = *request;
	*request = model->waiting[--model->n_waiting];
	return taken;
}

void model_answered(struct model *model, uint32_t channel, const struct fake_answer *answer)
{
	const struct model_request request = take(model, channel, answer->unique);

	ck_assert_int_le(answer->error, 0);
	ck_assert_int_gt(answer->error, -512);
	if (answer->error)
		ck_assert_uint_eq(answer->size, 0);

	has_happened(model, &request, answer);
	if (answer->error)
		return;
	if (request.opcode == FUSE_OPEN)
		file_opened(model, channel, answer);
	else if (request.major == FUSE_KERNEL_VERSION)
		model->shaken[channel] = true;
}

void model_forgotten(struct model *model, uint32_t channel, const struct fake_answer *answer)
{
	const struct model_request request = take(model, channel, answer->unique);

	has_happened(model, &request, answer);
}

/* ---- deliveries ---- */

static void check_delivery(const struct model_request *request, const struct deliver_job *job)
{
	uint64_t offset =
		request->verb == MODEL_SHARE ? WIRE_SHARE_FD_OFFSET : WIRE_ALLOC_FD_OFFSET;

	if (job->verb == DELIVER_GIVE_FD) {
		ck_assert_uint_eq(job->address, request->arg + offset);
		ck_assert_uint_eq(job->flags,
				  request->verb == MODEL_SHARE ? DELIVER_TELL_ERRNO : 0);
		ck_assert_int_ge(job->fd, 0);
		return;
	}
	ck_assert_int_eq(job->fd, -1);
	if (job->verb == DELIVER_WHOSE_FD)
		ck_assert_int_eq(job->number, request->number);
	else
		ck_assert_uint_eq(deliver_pieces_size(job->pieces) % WIRE_HEAP_SIZE,
				  WIRE_QUERY_SIZE);
}

struct model_request *model_of_delivery(struct model *model, const struct deliver_job *job)
{
	struct model_request *request = model_find(model, job->call.channel, job->call.unique);

	if (!request) /* its caller has hung up */
		return NULL;
	ck_assert_uint_eq(request->opcode, FUSE_IOCTL);
	ck_assert_uint_eq(job->call.cmd, request->cmd);
	ck_assert_uint_eq(job->call.arg, request->arg);
	ck_assert_uint_eq(job->call.tid, request->tid);
	ck_assert_uint_eq(job->call.uid, request->uid);
	ck_assert_uint_eq(job->call.compat, !!(request->flags & FUSE_IOCTL_COMPAT));
	ck_assert_uint_eq(job->client, request->fh);
	check_delivery(request, job);
	ck_assert_uint_le(job->size + deliver_pieces_size(job->pieces), sizeof(job->bytes));
	return request;
}

void model_replied(struct model *model, const struct deliver_job *job)
{
	struct fuse_out_header header;
	struct fake_answer answer;

	ck_assert_uint_eq(job->size, sizeof(header));
	memcpy(&header, job->bytes, sizeof(header));
	ck_assert_uint_eq(header.len, job->size);
	ck_assert_int_eq(header.error, -DELIVER_NOT_YET);
	answer.unique = header.unique;
	answer.error = header.error;
	answer.size = 0;
	model_answered(model, job->call.channel, &answer);
}

void model_hung_up(struct model *model, uint32_t channel)
{
	size_t n = 0;

	for (size_t i = 0; i < model->n_waiting; i++) {
		struct model_request *request = &model->waiting[i];
		struct model_file *file = (struct model_file *)model_file_of(model, request->fh);

		if (request->channel != channel)
			model->waiting[n++] = *request;
		else if (file)
			file->unsure = true;
	}
	model->n_waiting = n;
}

/* ---- fds of buffers ---- */

void model_hold(struct model *model, const struct model_held *held)
{
	if (model->n_held == MODEL_HELD_MAX)
		model_drop(model, 0);
	model->held[model->n_held++] = *held;
}

void model_drop(struct model *model, size_t i)
{
	close(model->held[i].fd);
	model->held[i] = model->held[--model->n_held];
}
