// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Two sides have a file: its owner, from bufferfs_file_new() to bufferfs_file_free(), and the
 * kernel, from LOOKUP to FORGET, with an open and a RELEASE in between. It is on record here until
 * both are done. Owners come in any thread, so the table and what says who has a file are locked.
 *
 * Whoever has the fd may map it, seek and call ioctls. Opening the file again through /proc, as
 * anybody could, is ENXIO: as with a dma-buf, whose one open file is all there is.
 */
#include "front/bufferfs.h"

#include <assert.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "front/channel.h"
#include "wire/dmabuf.h"

/* of newer headers than those that we are built with */
#define INIT_EXT	  (1u << 30) /* flags: flags2 counts */
#define INIT_PASSTHROUGH  (1u << 5)  /* flags2 */
#define OPEN_PASSTHROUGH  (1u << 7)
#define PASSTHROUGH_STACK 1 /* fuse_init_out: the memfd's file system stacks on none */
#define FOREVER		  86400.0
#define BUCKETS		  1024u
#define READ_MAX	  (1u << 20) /* what the kernel asks for at once */
#define BACKGROUND_MAX	  64	     /* readahead, writeback and RELEASE under way */

enum file_state {
	FILE_NEW,
	FILE_OPEN,
	FILE_CLOSED,
};

struct bufferfs_file {
	struct bufferfs *fs;
	struct list link; /* bufferfs.files */
	uint64_t number;
	uint64_t size;
	uint64_t lookups; /* the kernel's references */
	enum file_state state;
	bool owned;
	int backing; /* 0: none */
	int fd;
	void (*released)(void *user);
	void *user;
};

struct bufferfs {
	struct channel channel; /* first: libfuse's userdata is both */
	struct bufferfs_config config;
	pthread_mutex_t lock; /* from here on */
	struct list files[BUCKETS];
	uint64_t last; /* number of the newest file */
	bool passthrough;
	struct bufferfs_counters counters;
	uint8_t pages[READ_MAX]; /* the loop's: on their way from a memfd to the kernel */
};

static struct bufferfs *fs_of(fuse_req_t req)
{
	return container_of((struct channel *)fuse_req_userdata(req), struct bufferfs, channel);
}

/* ---- files ---- */

static struct bufferfs_file *file_find(struct bufferfs *fs, uint64_t number)
{
	list_for_each (link, &fs->files[number % BUCKETS]) {
		struct bufferfs_file *file = list_entry(link, struct bufferfs_file, link);

		if (file->number == number)
			return file;
	}
	return NULL;
}

/* gone when nobody has it */
static void file_settle(struct bufferfs_file *file)
{
	if (file->owned || file->lookups || file->state == FILE_OPEN)
		return;
	list_remove(&file->link);
	file->fs->counters.files--;
	free(file);
}

int bufferfs_file_new(struct bufferfs_file **ret, struct bufferfs *fs, uint64_t size)
{
	struct bufferfs_file *file;

	file = calloc(1, sizeof(*file));
	if (!file)
		return err_origin(-ENOMEM);
	file->fs = fs;
	file->size = size;
	file->fd = -1;
	file->owned = true;

	pthread_mutex_lock(&fs->lock);
	file->number = ++fs->last;
	list_append(&fs->files[file->number % BUCKETS], &file->link);
	fs->counters.files++;
	pthread_mutex_unlock(&fs->lock);
	*ret = file;
	return 0;
}

uint64_t bufferfs_file_number(const struct bufferfs_file *file)
{
	return file->number;
}

void bufferfs_file_back(struct bufferfs_file *file, int backing)
{
	pthread_mutex_lock(&file->fs->lock);
	file->backing = backing;
	pthread_mutex_unlock(&file->fs->lock);
}

void bufferfs_file_consume_fd(struct bufferfs_file *file, int fd)
{
	pthread_mutex_lock(&file->fs->lock);
	file->fd = fd;
	pthread_mutex_unlock(&file->fs->lock);
}

void bufferfs_file_follow(struct bufferfs_file *file, void (*released)(void *user), void *user)
{
	file->released = released;
	file->user = user;
}

struct bufferfs_file *bufferfs_file_free(struct bufferfs_file *file)
{
	struct bufferfs *fs;

	if (!file)
		return NULL;
	fs = file->fs;
	pthread_mutex_lock(&fs->lock);
	file->fd = fd_close(file->fd);
	file->released = NULL;
	file->owned = false;
	file_settle(file);
	pthread_mutex_unlock(&fs->lock);
	return NULL;
}

/* the kernel gives up @n references */
static void file_unlook(struct bufferfs *fs, uint64_t number, uint64_t n)
{
	struct bufferfs_file *file;

	pthread_mutex_lock(&fs->lock);
	file = file_find(fs, number);
	if (file) {
		file->lookups -= MIN(n, file->lookups);
		file_settle(file);
	}
	pthread_mutex_unlock(&fs->lock);
}

/* ---- names and attributes ---- */

/* of a file, or of the root where @file is NULL */
static void file_stat(const struct bufferfs_file *file, struct stat *st)
{
	if (file)
		*st = (struct stat){
			.st_ino = file->number,
			.st_mode = S_IFREG | 0666,
			.st_nlink = 1,
			.st_size = file->size,
			.st_blksize = 4096,
			.st_blocks = file->size / 512,
		};
	else
		*st = (struct stat){
			.st_ino = FUSE_ROOT_ID,
			.st_mode = S_IFDIR | 0700,
			.st_nlink = 2,
		};
}

/* the number that a name stands for, 0 for none */
static uint64_t name_number(const char *name)
{
	char again[32];
	uint64_t number;

	if (sscanf(name, "dmabuf:%" SCNu64, &number) != 1)
		return 0;
	snprintf(again, sizeof(again), BUFFERFS_NAME, number);
	return strcmp(name, again) ? 0 : number;
}

static void bufferfs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .attr_timeout = FOREVER };
	struct bufferfs *fs = fs_of(req);
	struct bufferfs_file *file = NULL;

	pthread_mutex_lock(&fs->lock);
	if (parent == FUSE_ROOT_ID)
		file = file_find(fs, name_number(name));
	if (file && (file->state != FILE_NEW || !file->owned))
		file = NULL;
	if (file) {
		file->lookups++;
		entry.ino = file->number;
		file_stat(file, &entry.attr);
	}
	pthread_mutex_unlock(&fs->lock);

	if (!file)
		fuse_reply_err(req, ENOENT);
	else if (fuse_reply_entry(req, &entry) == -ENOENT)
		file_unlook(fs, entry.ino, 1); /* who asked was killed */
}

static void bufferfs_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	file_unlook(fs_of(req), ino, n);
	fuse_reply_none(req);
}

static void bufferfs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct bufferfs *fs = fs_of(req);
	struct bufferfs_file *file;
	struct stat st;

	pthread_mutex_lock(&fs->lock);
	file = file_find(fs, ino);
	file_stat(file, &st);
	pthread_mutex_unlock(&fs->lock);

	if (!file && ino != FUSE_ROOT_ID)
		fuse_reply_err(req, ESTALE);
	else
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

/* an open that the kernel knows of is over, or never came to be */
static void file_close(struct bufferfs *fs, uint64_t number)
{
	void (*released)(void *user) = NULL;
	struct bufferfs_file *file;
	void *user = NULL;

	pthread_mutex_lock(&fs->lock);
	file = file_find(fs, number);
	if (file && file->state == FILE_OPEN) {
		file->state = FILE_CLOSED;
		released = file->released;
		user = file->user;
		file_settle(file);
	}
	pthread_mutex_unlock(&fs->lock);
	if (released)
		released(user);
}

static void bufferfs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct bufferfs *fs = fs_of(req);
	struct bufferfs_file *file;
	bool opens;

	pthread_mutex_lock(&fs->lock);
	file = file_find(fs, ino);
	opens = file && file->owned && file->state == FILE_NEW;
	if (opens) {
		file->state = FILE_OPEN;
		/* read(2) and write(2) come here then, to be refused; mappings don't */
		fi->direct_io = file->backing > 0;
	}
	pthread_mutex_unlock(&fs->lock);
	if (!opens) {
		fuse_reply_err(req, ENXIO);
		return;
	}

	fi->noflush = 1; /* so that no close(2) waits for us */
	fi->fh = ino;
	if (fuse_reply_open(req, fi) == -ENOENT)
		file_close(fs, ino); /* who asked was killed, and no release will come */
}

static void bufferfs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct bufferfs *fs = fs_of(req);

	fuse_reply_err(req, 0);
	file_close(fs, fi->fh);
}

/* ---- the page cache's reads and writes ---- */

/* what @size bytes at @off of a file are read from or written to, or -1 */
static int file_pages(struct bufferfs *fs, uint64_t number, uint64_t off, size_t size)
{
	struct bufferfs_file *file;
	int fd = -1;

	pthread_mutex_lock(&fs->lock);
	file = file_find(fs, number);
	if (file && off <= file->size && size <= file->size - off)
		fd = file->fd; /* closed by this thread, or before the file was open */
	pthread_mutex_unlock(&fs->lock);
	return fd;
}

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
	fd = file_pages(fs, ino, off, size);
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
	fd = fi->writepage ? file_pages(fs, ino, off, size) : -1;
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
	pthread_mutex_lock(&fs->lock);
	fs->passthrough = passthrough;
	pthread_mutex_unlock(&fs->lock);
}

static void amend_open(struct bufferfs *fs, struct fuse_open_out *out)
{
	struct bufferfs_file *file;

	pthread_mutex_lock(&fs->lock);
	file = file_find(fs, fs->channel.current->nodeid);
	if (file && file->backing > 0) {
		out->open_flags |= OPEN_PASSTHROUGH;
		out->padding = file->backing;
	}
	pthread_mutex_unlock(&fs->lock);
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
	bool passthrough;

	pthread_mutex_lock(&fs->lock);
	passthrough = fs->passthrough;
	pthread_mutex_unlock(&fs->lock);
	return passthrough;
}

void bufferfs_counters(struct bufferfs *fs, struct bufferfs_counters *ret)
{
	pthread_mutex_lock(&fs->lock);
	*ret = fs->counters;
	pthread_mutex_unlock(&fs->lock);
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
	pthread_mutex_init(&fs->lock, NULL);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&fs->files[i]);
	fs->last = FUSE_ROOT_ID;
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
	struct bufferfs_file *file;
	struct list *link;

	if (!fs)
		return NULL;
	channel_stop(&fs->channel);
	for (size_t i = 0; i < BUCKETS; i++) {
		while ((link = list_pop(&fs->files[i]))) {
			file = list_entry(link, struct bufferfs_file, link);
			assert(!file->owned);
			free(file);
		}
	}
	pthread_mutex_destroy(&fs->lock);
	free(fs);
	return NULL;
}
