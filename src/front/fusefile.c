// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tree is fixed: files in two directories. Names and attributes never change, so the kernel may
 * keep them for as long as it likes.
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
	INODE_NODES,		   /* from here on */
	INODE_DMA_HEAP = 1u << 20, /* their folder, if there are any */
};

#define DMA_HEAP "dma_heap/"
#define FOREVER	 86400.0

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

/* NULL: no file has it */
static const struct node *node_of(const struct fusefile_door *door, fuse_ino_t ino)
{
	if (ino < INODE_NODES || ino - INODE_NODES >= door->config.n_nodes)
		return NULL;
	return &door->config.nodes[ino - INODE_NODES];
}

static fuse_ino_t folder_of(const struct node *node)
{
	return node->heaps ? INODE_DMA_HEAP : INODE_ROOT;
}

/* in its folder */
static const char *name_of(const struct node *node)
{
	return node->heaps ? node->name + strlen(DMA_HEAP) : node->name;
}

static bool has_dma_heaps(const struct fusefile_door *door)
{
	for (size_t i = 0; i < door->config.n_nodes; i++)
		if (door->config.nodes[i].heaps)
			return true;
	return false;
}

static int fusefile_stat(const struct fusefile_door *door, fuse_ino_t ino, struct stat *st)
{
	const struct node *node = node_of(door, ino);

	*st = (struct stat){ .st_ino = ino, .st_mode = S_IFDIR | 0755, .st_nlink = 2 };
	if (ino == INODE_ROOT || (ino == INODE_DMA_HEAP && has_dma_heaps(door)))
		return 0;
	if (!node)
		return -ENOENT;
	st->st_mode = S_IFREG | node->mode;
	st->st_gid = node->gid;
	st->st_nlink = 1;
	return 0;
}

static void fusefile_init(void *userdata, struct fuse_conn_info *conn)
{
	struct fusefile_door *door =
		container_of((struct channel *)userdata, struct fusefile_door, channel);

	door->config.serves(door->config.user);
}

/* an entry of a folder: its name and inode */
struct place {
	const char *name;
	fuse_ino_t ino;
};

/* the @i-th entry of a folder. Return: false where it has no more. */
static bool fusefile_entry(const struct fusefile_door *door, fuse_ino_t folder, size_t i,
			   struct place *ret)
{
	const struct place fixed[] = {
		{ ".", folder },
		{ "..", INODE_ROOT },
		{ "dma_heap", INODE_DMA_HEAP },
	};
	size_t n = folder == INODE_ROOT && has_dma_heaps(door) ? 3 : 2;

	if (i < n) {
		*ret = fixed[i];
		return true;
	}
	i -= n;
	for (size_t k = 0; k < door->config.n_nodes; k++) {
		const struct node *node = &door->config.nodes[k];

		if (folder_of(node) != folder || i-- > 0)
			continue;
		*ret = (struct place){ name_of(node), INODE_NODES + k };
		return true;
	}
	return false;
}

static void fusefile_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .attr_timeout = FOREVER, .entry_timeout = FOREVER };
	const struct fusefile_door *door = door_of(req);
	struct place place;

	for (size_t i = 2; fusefile_entry(door, parent, i, &place); i++) {
		if (strcmp(place.name, name))
			continue;
		entry.ino = place.ino;
		fusefile_stat(door, entry.ino, &entry.attr);
		break;
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
	const struct fusefile_door *door = door_of(req);
	char bytes[1024];
	size_t used = 0, n;
	struct place place;
	struct stat st;

	size = MIN(size, sizeof(bytes));
	for (size_t i = MAX(off, 0); fusefile_entry(door, ino, i, &place); i++) {
		fusefile_stat(door, place.ino, &st);
		n = fuse_add_direntry(req, bytes + used, size - used, place.name, &st, i + 1);
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, bytes, used);
}

static void fusefile_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fusefile_door *door = door_of(req);
	const struct node *node = node_of(door, ino);

	if (node)
		fusecall_open(door->dispatch, &door->channel, node->heaps, req, fi);
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

	if (node_of(door, ino))
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
