// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tree is fixed: a directory with one file. Names and attributes never change, so the kernel
 * may keep them for as long as it likes.
 */
#include "front/fusefile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fd.h"
#include "front/fusecall.h"

enum {
	INODE_ROOT = FUSE_ROOT_ID,
	INODE_ION,
};

#define FOREVER 86400.0

struct fusefile_door {
	struct channel channel; /* first: libfuse's userdata is both */
	struct dispatch *dispatch;
	struct fusefile_config config;
};

static struct fusefile_door *door_of(fuse_req_t req)
{
	return container_of((struct channel *)fuse_req_userdata(req), struct fusefile_door,
			    channel);
}

static int fusefile_stat(const struct fusefile_door *door, fuse_ino_t ino, struct stat *st)
{
	*st = (struct stat){ .st_ino = ino, .st_gid = door->config.gid };
	switch (ino) {
	case INODE_ROOT:
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
		return 0;
	case INODE_ION:
		st->st_mode = S_IFREG | door->config.mode;
		st->st_nlink = 1;
		return 0;
	}
	return -ENOENT;
}

static void fusefile_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fusefile_door *door =
		container_of((struct channel *)userdata, struct fusefile_door, channel);

	door->config.serves(door->config.user);
}

static void fusefile_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .attr_timeout = FOREVER, .entry_timeout = FOREVER };

	if (parent == INODE_ROOT && !strcmp(name, "ion")) {
		entry.ino = INODE_ION;
		fusefile_stat(door_of(req), entry.ino, &entry.attr);
	}
	fuse_reply_entry(req, &entry); /* inode 0: there is no such name, and that stays so */
}

static void fusefile_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	int r;

	r = fusefile_stat(door_of(req), ino, &st);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, FOREVER);
}

static void fusefile_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			     struct fuse_file_info *fi)
{
	static const struct {
		const char *name;
		fuse_ino_t ino;
	} entries[] = { { ".", INODE_ROOT }, { "..", INODE_ROOT }, { "ion", INODE_ION } };
	char bytes[256];
	size_t used = 0, n;
	struct stat st;

	size = MIN(size, sizeof(bytes));
	for (size_t i = MAX(off, 0); i < ARRAY_SIZE(entries); i++) {
		fusefile_stat(door_of(req), entries[i].ino, &st);
		n = fuse_add_direntry(req, bytes + used, size - used, entries[i].name, &st, i + 1);
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, bytes, used);
}

static void fusefile_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (ino == INODE_ION)
		fusecall_open(door_of(req)->dispatch, &door_of(req)->channel, req, fi);
	else
		fuse_reply_err(req, EISDIR);
}

static void fusefile_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fusecall_release(door_of(req)->dispatch, req, fi);
}

/* ION's file has neither read nor write: the kernel answers EINVAL */
static void fusefile_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			  struct fuse_file_info *fi)
{
	fuse_reply_err(req, EINVAL);
}

static void fusefile_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
			   struct fuse_file_info *fi)
{
	fuse_reply_err(req, EINVAL);
}

static void fusefile_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
			   struct fuse_file_info *fi, unsigned int flags, const void *in,
			   size_t in_size, size_t out_size)
{
	struct fusefile_door *door = door_of(req);
	const struct fusecall_ioctl call = {
		.fh = fi->fh,
		.cmd = cmd,
		.arg = arg,
		.flags = flags,
		.in = in,
		.in_size = in_size,
	};

	if (ino == INODE_ION)
		fusecall_ioctl(door->dispatch, &door->channel, req, &call);
	else
		fuse_reply_err(req, ENOTTY);
}

static const struct fuse_lowlevel_ops fusefile_ops = {
	.init = fusefile_init,
	.lookup = fusefile_lookup,
	.getattr = fusefile_getattr,
	.readdir = fusefile_readdir,
	.open = fusefile_open,
	.read = fusefile_read,
	.write = fusefile_write,
	.release = fusefile_release,
	.ioctl = fusefile_ioctl,
};

static void fusefile_gone(struct channel *channel, void *user)
{
	struct fusefile_door *door = user;

	door->config.gone(door->config.user);
}

int fusefile_door_new_consume_fd(struct fusefile_door **ret, struct loop *loop, struct state *state,
				 struct dispatch *dispatch, const struct fusefile_config *config,
				 int fd)
{
	_cleanup_(fusefile_door_freep) struct fusefile_door *door = NULL;
	_cleanup_(fd_closep) int owned = fd;
	struct fuse_session *session;
	int r;

	door = calloc(1, sizeof(*door));
	if (!door)
		return err_origin(-ENOMEM);
	door->dispatch = dispatch;
	door->config = *config;
	door->channel.gone = fusefile_gone;
	door->channel.user = door;
	session = channel_session(&door->channel, &fusefile_ops);
	if (!session)
		return err_origin(-ENOMEM);
	r = channel_start_consume(&door->channel, loop, state, config->index, fd_steal(&owned),
				  session);
	if (r < 0)
		return r;
	*ret = steal(door);
	return 0;
}

struct fusefile_door *fusefile_door_free(struct fusefile_door *door)
{
	if (!door)
		return NULL;
	channel_stop(&door->channel);
	free(door);
	return NULL;
}
