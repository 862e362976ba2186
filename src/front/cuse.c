// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Restricted ioctls only: the kernel copies _IOC_SIZE bytes in and out by _IOC_DIR, so each ioctl
 * is one round trip and a bad pointer is EFAULT before we see it (KERNEL-FACTS.md).
 */
#include "front/cuse.h"

#include <cuse_lowlevel.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fd.h"
#include "front/fusecall.h"

struct cuse_door {
	struct channel channel; /* first: libfuse's userdata is both */
	struct dispatch *dispatch;
	struct cuse_config config; /* but for the node */
	struct node node;
};

static struct cuse_door *door_of(fuse_req_t req)
{
	return container_of((struct channel *)fuse_req_userdata(req), struct cuse_door, channel);
}

static void cuse_init_done(void *userdata)
{
	struct cuse_door *door =
		container_of((struct channel *)userdata, struct cuse_door, channel);

	door->config.serves(door->config.user);
}

static void cuse_open(fuse_req_t req, struct fuse_file_info *fi)
{
	struct cuse_door *door = door_of(req);

	fusecall_open(door->dispatch, &door->channel, door->node.heaps, req, fi);
}

static void cuse_release(fuse_req_t req, struct fuse_file_info *fi)
{
	fusecall_release(door_of(req)->dispatch, req, fi);
}

/* ION's file has neither read nor write: the kernel answers EINVAL */
static void cuse_read(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi)
{
	fuse_reply_err(req, EINVAL);
}

static void cuse_write(fuse_req_t req, const char *buf, size_t size, off_t off,
		       struct fuse_file_info *fi)
{
	fuse_reply_err(req, EINVAL);
}

static void cuse_ioctl(fuse_req_t req, int cmd, void *arg, struct fuse_file_info *fi,
		       unsigned int flags, const void *in, size_t in_size, size_t out_size)
{
	struct cuse_door *door = door_of(req);
	const struct fusecall_ioctl call = {
		.fh = fi->fh,
		.cmd = cmd,
		.arg = arg,
		.flags = flags,
		.in = in,
		.in_size = in_size,
	};

	fusecall_ioctl(door->dispatch, &door->channel, req, &call);
}

static const struct cuse_lowlevel_ops cuse_ops = {
	.init_done = cuse_init_done,
	.open = cuse_open,
	.read = cuse_read,
	.write = cuse_write,
	.release = cuse_release,
	.ioctl = cuse_ioctl,
};

static void cuse_gone(struct channel *channel, void *user)
{
	struct cuse_door *door = user;

	door->config.gone(door->config.user);
}

static struct fuse_session *cuse_session(struct cuse_door *door)
{
	char name[64], program[] = "cusiond", *argv[] = { program, NULL };
	const char *info_argv[] = { name };
	struct cuse_info info = { .dev_info_argc = 1, .dev_info_argv = info_argv };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session;

	snprintf(name, sizeof(name), "DEVNAME=%s", door->node.name);
	session = cuse_lowlevel_new(&args, &info, &cuse_ops, &door->channel);
	fuse_opt_free_args(&args);
	return session;
}

int cuse_door_new_consume_fd(struct cuse_door **ret, struct loop *loop, struct state *state,
			     struct dispatch *dispatch, const struct cuse_config *config, int fd)
{
	_cleanup_(cuse_door_freep) struct cuse_door *door = NULL;
	_cleanup_(fd_closep) int owned = fd;
	struct fuse_session *session;
	int r;

	door = calloc(1, sizeof(*door));
	if (!door)
		return err_origin(-ENOMEM);
	door->dispatch = dispatch;
	door->config = *config;
	door->config.node = NULL;
	door->node = *config->node;
	door->channel.gone = cuse_gone;
	door->channel.user = door;
	session = cuse_session(door);
	if (!session)
		return err_origin(-ENOMEM);
	r = channel_start_consume(&door->channel, loop, state, config->index, fd_steal(&owned),
				  session);
	if (r < 0)
		return r;
	*ret = steal(door);
	return 0;
}

struct cuse_door *cuse_door_free(struct cuse_door *door)
{
	if (!door)
		return NULL;
	channel_stop(&door->channel);
	free(door);
	return NULL;
}
