// SPDX-License-Identifier: LGPL-2.1-or-later
#include "front/fusecall.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/stop_point.h"

struct fuse_call {
	struct call call;
	struct channel *channel;
	fuse_req_t req;	 /* NULL once libfuse has answered, or believes it has */
	uint64_t record; /* of the request in the state */
};

static void fuse_call_answer(struct call *call, int result, const void *data, size_t size)
{
	struct fuse_call *fuse = container_of(call, struct fuse_call, call);

	if (result < 0 && !size)
		fuse_reply_err(fuse->req, -result);
	else
		fuse_reply_ioctl(fuse->req, result, data, size);
	fuse->req = NULL;
}

static size_t fuse_call_answer_by_other(struct call *call, uint8_t *bytes)
{
	struct fuse_call *fuse = container_of(call, struct fuse_call, call);

	channel_catch(fuse->channel, bytes);
	fuse_reply_err(fuse->req, DELIVER_NOT_YET);
	fuse->req = NULL;
	return channel_catch_end(fuse->channel);
}

static void fuse_call_fail(struct call *call, int error, const void *data, size_t size)
{
	struct fuse_call *fuse = container_of(call, struct fuse_call, call);

	if (size)
		channel_answer_ioctl(fuse->channel, call->caller.unique, error, data, size);
	else
		channel_answer_error(fuse->channel, call->caller.unique, error);
}

static void fuse_call_free(struct call *call)
{
	struct fuse_call *fuse = container_of(call, struct fuse_call, call);

	state_request_drop(fuse->channel->state, fuse->record);
	free(fuse);
}

static const struct call_ops fuse_call_ops = {
	.answer = fuse_call_answer,
	.answer_by_other = fuse_call_answer_by_other,
	.fail = fuse_call_fail,
	.free = fuse_call_free,
};

void fusecall_open(struct dispatch *dispatch, struct channel *channel, uint32_t heaps,
		   fuse_req_t req, struct fuse_file_info *fi)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	const struct client_who who = {
		.uid = ctx->uid,
		.gid = ctx->gid,
		.tid = ctx->pid, /* the header's pid is a thread's */
		.channel = channel->index,
		.heaps = heaps,
	};
	uint64_t fh;
	int r;

	r = dispatch_open(dispatch, &who, &fh);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	STOP_POINT("open.recorded", who.tid);
	fi->fh = fh;
	fi->direct_io = 1;
	fi->nonseekable = 1;
	/* ENOENT: the opener was killed meanwhile, and no release will come */
	if (fuse_reply_open(req, fi) == -ENOENT)
		dispatch_release(dispatch, fh);
}

void fusecall_release(struct dispatch *dispatch, fuse_req_t req, struct fuse_file_info *fi)
{
	dispatch_release(dispatch, fi->fh);
	fuse_reply_err(req, 0);
}

static void fuse_call_init(struct fuse_call *fuse, struct channel *channel, fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	fuse->channel = channel;
	fuse->req = req;
	fuse->call.ops = &fuse_call_ops;
	fuse->call.caller = (struct deliver_call){
		.unique = channel->current->unique,
		.channel = channel->index,
		.tid = ctx->pid,
		.uid = ctx->uid,
	};
}

void fusecall_ioctl(struct dispatch *dispatch, struct channel *channel, fuse_req_t req,
		    const struct fusecall_ioctl *ioctl)
{
	struct fuse_call *fuse;
	int r;

	fuse = calloc(1, sizeof(*fuse));
	if (!fuse) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	fuse_call_init(fuse, channel, req);
	fuse->call.client = ioctl->fh;
	fuse->call.caller.cmd = ioctl->cmd;
	fuse->call.caller.arg = (uintptr_t)ioctl->arg;
	fuse->call.caller.compat = !!(ioctl->flags & FUSE_IOCTL_COMPAT);

	const struct state_request_info info = {
		.unique = fuse->call.caller.unique,
		.client = ioctl->fh,
		.channel = channel->index,
		.tid = fuse->call.caller.tid,
		.head = channel->current,
		.head_size = channel->current_size,
	};
	r = state_request_put(channel->state, &fuse->record, &info);
	if (r < 0) {
		fuse_reply_err(req, ENOMEM);
		free(fuse);
		return;
	}
	STOP_POINT("call.recorded", fuse->call.caller.tid);
	dispatch_ioctl(dispatch, &fuse->call, ioctl->in, ioctl->in_size);
}
