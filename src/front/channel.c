// SPDX-License-Identifier: LGPL-2.1-or-later
#include "front/channel.h"

#include <assert.h>
#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"

static struct iovec channel_slot(struct loop_read *read)
{
	struct channel *channel = container_of(read, struct channel, read);
	struct fuse_in_header *header = state_slot(channel->state, channel->index);

	/* length 0: armed, nothing came yet */
	__atomic_store_n(&header->len, 0, __ATOMIC_RELEASE);
	return (struct iovec){ .iov_base = header, .iov_len = STATE_SLOT_SIZE };
}

/* a later worker feeds it to a session of its own: the kernel sends it once */
static void channel_remember_init(struct channel *channel, const void *frame, size_t size)
{
	struct state_channel *record = state_channel(channel->state, channel->index);

	record->init_size = MIN(size, sizeof(record->init));
	memcpy(record->init, frame, record->init_size);
}

static void channel_process(struct channel *channel, size_t size)
{
	const struct fuse_in_header *header = state_slot(channel->state, channel->index);
	struct fuse_buf buf = { .mem = (void *)header, .size = size };

	if (size < sizeof(*header) || header->len != size) {
		log_warning("channel", "dropped a request of %zu bytes that claims %u", size,
			    size < sizeof(header->len) ? 0 : header->len);
		return;
	}
	if (header->opcode == FUSE_INTERRUPT)
		return;
	if (header->opcode == FUSE_INIT || header->opcode == CUSE_INIT)
		channel_remember_init(channel, header, size);

	channel->current = header;
	channel->current_size = size;
	fuse_session_process_buf(channel->session, &buf);
	channel->current = NULL;
	if (fuse_session_exited(channel->session))
		channel->gone(channel, channel->user);
}

static void channel_read(struct loop_read *read, ssize_t n)
{
	struct channel *channel = container_of(read, struct channel, read);

	if (n > 0) {
		channel_process(channel, n);
		return;
	}
	/* ENOENT: the request's caller was killed before we had read it */
	if (n == -ENOENT) {
		n = loop_read_add(channel->loop, read, channel->fd);
		if (n == 0)
			return;
	}
	if (n != 0 && n != -ENODEV)
		log_warning("channel", "can't read requests: %s", strerror(-n));
	channel->gone(channel, channel->user);
}

/* libfuse's way out: to the kernel, or to who asked to catch it */
static ssize_t channel_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct channel *channel = userdata;
	size_t size = 0;
	ssize_t n;

	for (int i = 0; i < count; i++)
		size += iov[i].iov_len;
	if (channel->amend && channel->current)
		channel->amend(channel, iov, count);
	if (!channel->caught) {
		n = writev(fd, iov, count);
		/* an error beyond the kernel's range would leave a caller waiting for ever */
		assert(n >= 0 || errno != EINVAL);
		return n;
	}

	assert(channel->caught_size + size <= CHANNEL_ANSWER_MAX);
	for (int i = 0; i < count; i++) {
		memcpy(channel->caught + channel->caught_size, iov[i].iov_base, iov[i].iov_len);
		channel->caught_size += iov[i].iov_len;
	}
	return size;
}

/* the loop reads; libfuse is never asked to */
static ssize_t channel_no_read(int fd, void *buf, size_t size, void *userdata)
{
	errno = EIO;
	return -1;
}

static const struct fuse_custom_io channel_io = {
	.writev = channel_writev,
	.read = channel_no_read,
};

struct fuse_session *channel_session(struct channel *channel, const struct fuse_lowlevel_ops *ops)
{
	char program[] = "cusiond", *argv[] = { program, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *session;

	session = fuse_session_new(&args, ops, sizeof(*ops), channel);
	fuse_opt_free_args(&args);
	return session;
}

int channel_start_consume(struct channel *channel, struct loop *loop, struct state *state,
			  uint32_t index, int fd, struct fuse_session *session)
{
	int r;

	channel->loop = loop;
	channel->state = state;
	channel->index = index;
	channel->fd = fd;
	channel->session = session;
	loop_read_init(&channel->read, channel_slot, channel_read, channel);

	r = fuse_session_custom_io(session, &channel_io, fd);
	if (r < 0) {
		fd_close(fd);
		fuse_session_destroy(steal(channel->session));
		return err_origin(r);
	}
	r = state_slot_prefault(state, index);
	if (r == 0)
		r = loop_read_add(loop, &channel->read, fd);
	if (r < 0) {
		channel_stop(channel);
		return r;
	}
	state_channel(state, index)->fd = fd;
	return 0;
}

void channel_stop(struct channel *channel)
{
	if (!channel->session)
		return;
	loop_read_remove(&channel->read);
	fuse_session_destroy(steal(channel->session)); /* closes the fd */
	channel->fd = -1;
}

void channel_catch(struct channel *channel, uint8_t *bytes)
{
	channel->caught = bytes;
	channel->caught_size = 0;
}

size_t channel_catch_end(struct channel *channel)
{
	channel->caught = NULL;
	return channel->caught_size;
}

static void channel_answer(struct channel *channel, struct fuse_out_header *header,
			   struct iovec *parts, int n)
{
	parts[0] = (struct iovec){ header, sizeof(*header) };
	header->len = 0;
	for (int i = 0; i < n; i++)
		header->len += parts[i].iov_len;
	/* ENOENT: answered already, or the connection was aborted: then nobody waits */
	if (writev(channel->fd, parts, n) < 0 && errno != ENOENT)
		log_warning("channel", "can't answer a request: %s", strerror(errno));
}

void channel_answer_error(struct channel *channel, uint64_t unique, int error)
{
	struct fuse_out_header header = { .error = error, .unique = unique };
	struct iovec part;

	assert(error <= 0 && error > -512);
	channel_answer(channel, &header, &part, 1);
}

void channel_answer_ioctl(struct channel *channel, uint64_t unique, int result, const void *data,
			  size_t size)
{
	struct fuse_out_header header = { .unique = unique };
	struct fuse_ioctl_out out = { .result = result };
	struct iovec parts[] = { { 0 }, { &out, sizeof(out) }, { (void *)data, size } };

	channel_answer(channel, &header, parts, 3);
}
