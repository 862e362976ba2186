// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whoever has the fd may map it, seek and call ioctls. Opening the file again through /proc, as
 * anybody could, is ENXIO: as with a dma-buf, whose one open file is all there is.
 */
#include "front/bufferfs.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "front/channel.h"
#include "wire/dmabuf.h"

/* of newer headers than those that we are built with */
#define INIT_EXT	  (1u << 30) /* flags: flags2 counts */
#define INIT_PASSTHROUGH  (1u << 5)  /* flags2 */
#define OPEN_PASSTHROUGH  (1u << 7)
#define PASSTHROUGH_STACK 1 /* fuse_init_out: the memfd's file system stacks on none */
#define FOREVER		  86400.0
#define READ_MAX	  (1u << 20) /* what the kernel asks for at once */
#define BACKGROUND_MAX	  64	     /* readahead, writeback and RELEASE under way */

struct bufferfs {
	struct channel channel; /* first: libfuse's userdata is both */
	struct bufferfs_config config;
	struct bufferfiles files;
	atomic_bool passthrough;
	uint32_t backing; /* of the file whose OPEN is being answered; 0: none */
	struct bufferfs_counters counters;
	uint8_t pages[READ_MAX]; /* on their way from a memfd to the kernel */
};

static struct bufferfs *fs_of(fuse_req_t req)
{
	return container_of((struct channel *)fuse_req_userdata(req), struct bufferfs, channel);
}

/* ---- names and attributes ---- */

static void root_stat(struct stat *st)
{
	*st = (struct stat){
		.st_ino = FUSE_ROOT_ID,
		.st_mode = S_IFDIR | 0700,
		.st_nlink = 2,
	};
}

static void file_stat(struct stat *st, uint64_t number, uint64_t size)
{
	*st = (struct stat){
		.st_ino = number,
		.st_mode = S_IFREG | 0666,
		.st_nlink = 1,
		.st_size = size,
		.st_blksize = 4096,
		.st_blocks = size / 512,
	};
}

/* whether it is a name, and nothing but */
static bool name_parse(const char *name, uint64_t *ret_number, uint32_t *ret_backing)
{
	char again[48];

	if (sscanf(name, "dmabuf:%" SCNu64 ":%" SCNu32, ret_number, ret_backing) != 2)
		return false;
	snprintf(again, sizeof(again), BUFFERFS_NAME, *ret_number, *ret_backing);
	return !strcmp(name, again);
}

static void bufferfs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .attr_timeout = FOREVER };
	struct bufferfs *fs = fs_of(req);
	uint64_t number, size;
	uint32_t backing;

	if (parent != FUSE_ROOT_ID || !name_parse(name, &number, &backing) ||
	    !bufferfiles_look(&fs->files, number, backing, &size)) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	entry.ino = number;
	file_stat(&entry.attr, number, size);
	if (fuse_reply_entry(req, &entry) == -ENOENT)
		bufferfiles_unlook(&fs->files, number, 1); /* who asked was killed */
}

static void bufferfs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	bufferfiles_unlook(&fs_of(req)->files, ino, n);
	fuse_reply_none(req);
}

static void bufferfs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	uint64_t size;

	if (ino == FUSE_ROOT_ID) {
		root_stat(&st);
	} else if (bufferfiles_size(&fs_of(req)->files, ino, &size)) {
		file_stat(&st, ino, size);
	} else {
		fuse_reply_err(req, ESTALE);
		return;
	}
	fuse_reply_attr(req, &st, FOREVER);
}

/* ---- what a dma-buf refuses, in its own words ---- */

static void bufferfs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *st, int to_set,
			     struct fuse_file_info *fi)
{
	fuse_reply_err(req, EINVAL);
}

static void bufferfs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	fuse_reply_err(req, EINVAL);
}

static void bufferfs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t size,
			       struct fuse_file_info *fi)
{
	fuse_reply_err(req, ENODEV);
}

/* SEEK_DATA and SEEK_HOLE; the kernel does the others by itself */
static void bufferfs_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence,
			   struct fuse_file_info *fi)
{
	fuse_reply_err(req, EINVAL);
}

/* ---- open and release ---- */

static void bufferfs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct bufferfs *fs = fs_of(req);

	if (!bufferfiles_open(&fs->files, ino, &fs->backing)) {
		fuse_reply_err(req, ENXIO);
		return;
	}
	fi->fh = ino;
	fi->noflush = 1; /* so that no close(2) waits for us */
	/* read(2) and write(2) come here then, to be refused; mappings don't */
	fi->direct_io = fs->backing > 0;
	if (fuse_reply_open(req, fi) == -ENOENT)
		bufferfiles_close(&fs->files, ino); /* who asked was killed: no release comes */
}

static void bufferfs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct bufferfs *fs = fs_of(req);

	fuse_reply_err(req, 0);
	bufferfiles_close(&fs->files, fi->fh);
}

/* ---- the page cache's reads and writes ---- */

static bool pages_read(int fd, uint8_t *bytes, size_t size, off_t off)
{
	ssize_t n;

	for (; size; bytes += n, size -= n, off += n) {
		n = pread(fd, bytes, size, off);
		if (n <= 0)
			return false;
	}
	return true;
}

static bool pages_write(int fd, const char *bytes, size_t size, off_t off)
{
	ssize_t n;

	for (; size; bytes += n, size -= n, off += n) {
		n = pwrite(fd, bytes, size, off);
		if (n <= 0)
			return false;
	}
	return true;
}

/* without a backing a client's read(2) looks like a page being read, and is served */
static void bufferfs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
			  struct fuse_file_info *fi)
{
	struct bufferfs *fs = fs_of(req);
	int fd;

	fs->counters.reads++;
	fd = bufferfiles_pages(&fs->files, ino, off, size);
	if (fd < 0)
		fuse_reply_err(req, EINVAL);
	else if (size > sizeof(fs->pages) || !pages_read(fd, fs->pages, size, off))
		fuse_reply_err(req, EIO);
	else
		fuse_reply_buf(req, (const char *)fs->pages, size);
}

static void bufferfs_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size,
			   off_t off, struct fuse_file_info *fi)
{
	struct bufferfs *fs = fs_of(req);
	int fd;

	fs->counters.writes++;
	fd = fi->writepage ? bufferfiles_pages(&fs->files, ino, off, size) : -1;
	if (fd < 0)
		fuse_reply_err(req, EINVAL); /* write(2) */
	else if (!pages_write(fd, bytes, size, off))
		fuse_reply_err(req, EIO);
	else
		fuse_reply_write(req, size);
}

/* ---- ioctl ---- */

static void bufferfs_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
			   struct fuse_file_info *fi, unsigned int flags, const void *in,
			   size_t in_size, size_t out_size)
{
	int r = ino == FUSE_ROOT_ID ? -ENOTTY : wire_dmabuf_check(cmd, in, in_size);

	/* a name's rest is in the caller's memory; as we do nothing with it, it isn't fetched */
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_ioctl(req, 0, NULL, 0);
}

/* ---- the handshake, and what libfuse's answers don't say yet ---- */

static void bufferfs_init(void *userdata, struct fuse_conn_info *conn)
{
	struct bufferfs *fs = container_of((struct channel *)userdata, struct bufferfs, channel);

	/* nothing that makes the kernel ask more often: all attributes are for ever */
	conn->want = conn->capable & FUSE_CAP_ASYNC_READ;
	conn->max_background = BACKGROUND_MAX;
	conn->congestion_threshold = BACKGROUND_MAX;
	fs->config.serves(fs->config.user);
}

static bool init_offers_passthrough(const struct channel *channel)
{
	const struct fuse_init_in *in = (const void *)(channel->current + 1);

	return channel->current_size >= sizeof(*channel->current) + sizeof(*in) &&
	       in->flags & INIT_EXT && in->flags2 & INIT_PASSTHROUGH;
}

static void amend_init(struct bufferfs *fs, struct fuse_init_out *out)
{
	bool passthrough = init_offers_passthrough(&fs->channel);

	if (passthrough) {
		out->flags |= INIT_EXT;
		out->flags2 |= INIT_PASSTHROUGH;
		out->unused[0] = PASSTHROUGH_STACK;
	}
	fs->passthrough = passthrough;
}

static void amend_open(struct bufferfs *fs, struct fuse_open_out *out)
{
	if (!fs->backing)
		return;
	out->open_flags |= OPEN_PASSTHROUGH;
	out->padding = fs->backing;
}

static void bufferfs_amend(struct channel *channel, struct iovec *iov, int count)
{
	struct bufferfs *fs = container_of(channel, struct bufferfs, channel);
	const struct fuse_out_header *header = iov[0].iov_base;

	if (header->error || header->unique != channel->current->unique || count < 2)
		return;
	if (channel->current->opcode == FUSE_INIT && iov[1].iov_len == sizeof(struct fuse_init_out))
		amend_init(fs, iov[1].iov_base);
	if (channel->current->opcode == FUSE_OPEN && iov[1].iov_len == sizeof(struct fuse_open_out))
		amend_open(fs, iov[1].iov_base);
}

bool bufferfs_has_passthrough(struct bufferfs *fs)
{
	return fs->passthrough;
}

struct bufferfiles *bufferfs_files(struct bufferfs *fs)
{
	return &fs->files;
}

void bufferfs_counters(const struct bufferfs *fs, struct bufferfs_counters *ret)
{
	*ret = fs->counters;
}

static const struct fuse_lowlevel_ops bufferfs_ops = {
	.init = bufferfs_init,
	.lookup = bufferfs_lookup,
	.forget = bufferfs_forget,
	.getattr = bufferfs_getattr,
	.setattr = bufferfs_setattr,
	.open = bufferfs_open,
	.read = bufferfs_read,
	.write = bufferfs_write,
	.release = bufferfs_release,
	.fsync = bufferfs_fsync,
	.ioctl = bufferfs_ioctl,
	.fallocate = bufferfs_fallocate,
	.lseek = bufferfs_lseek,
};

/* ---- birth and end ---- */

static void bufferfs_gone(struct channel *channel, void *user)
{
	struct bufferfs *fs = user;

	fs->config.gone(fs->config.user);
}

int bufferfs_new_consume_fd(struct bufferfs **ret, struct loop *loop, struct state *state,
			    const struct bufferfs_config *config, int fd)
{
	_cleanup_(bufferfs_freep) struct bufferfs *fs = NULL;
	_cleanup_(fd_closep) int owned = fd;
	struct fuse_session *session;
	int r;

	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return err_origin(-ENOMEM);
	bufferfiles_init(&fs->files, FUSE_ROOT_ID);
	fs->config = *config;
	fs->channel.gone = bufferfs_gone;
	fs->channel.amend = bufferfs_amend;
	fs->channel.user = fs;
	session = channel_session(&fs->channel, &bufferfs_ops);
	if (!session)
		return err_origin(-ENOMEM);
	r = channel_start_consume(&fs->channel, loop, state, config->index, fd_steal(&owned),
				  session);
	if (r < 0)
		return r;
	*ret = steal(fs);
	return 0;
}

void bufferfs_stop(struct bufferfs *fs)
{
	channel_stop(&fs->channel);
}

struct bufferfs *bufferfs_free(struct bufferfs *fs)
{
	if (!fs)
		return NULL;
	channel_stop(&fs->channel);
	bufferfiles_deinit(&fs->files);
	free(fs);
	return NULL;
}
