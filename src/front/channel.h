/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A channel: one connection to the kernel's FUSE code, /dev/fuse or /dev/cuse. The loop owns its
 * reads and this file its writes; libfuse sees neither the fd nor a thread, only one request after
 * the other (fuse_session_custom_io). Requests are read into the channel's slot in the state
 * (core/state.h), so each is on record in the moment the kernel has copied it.
 *
 * A FUSE_INTERRUPT never reaches libfuse: each PTRACE_INTERRUPT of a delivery causes one, and
 * libfuse would answer it with a second reply (LAB.md, item 9).
 */
#ifndef FRONT_CHANNEL_H
#define FRONT_CHANNEL_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/state.h"
#include "loop/loop.h"

struct fuse_lowlevel_ops;
struct fuse_session;

/* room for the largest answer that is caught for somebody else to write: an error */
enum { CHANNEL_ANSWER_MAX = sizeof(struct fuse_out_header) };

struct channel {
	struct loop *loop;
	struct loop_read read;
	struct state *state;	      /* borrowed */
	struct fuse_session *session; /* owned; closes the fd */
	int fd;
	uint32_t index; /* of the slot, and of the injector's copy of the fd */

	const struct fuse_in_header *current; /* the request that libfuse is working on, or NULL */
	size_t current_size;
	uint8_t *caught; /* where the next answer goes instead of to the kernel, or NULL */
	size_t caught_size;

	void (*gone)(struct channel *channel, void *user); /* the kernel closed the connection */
	/* changes libfuse's answer to the current request before it goes out; or NULL */
	void (*amend)(struct channel *channel, struct iovec *iov, int count);
	void *user;
};

/* a session for a mounted file system's channel, or NULL: no memory */
struct fuse_session *channel_session(struct channel *channel, const struct fuse_lowlevel_ops *ops);

/**
 * channel_start_consume() - take a session's requests off an fd
 * @channel:	zeroed by its owner but for gone, amend and user
 * @loop:	runs the reads
 * @state:	has the slot
 * @index:	of the channel
 * @fd:		consumed, also on failure: O_NONBLOCK, one message per read (a FUSE device or a
 *SEQPACKET socket); not read before this call
 * @session:	consumed, also on failure: its userdata is @channel
 *
 * Return: 0 or a negative error.
 */
int channel_start_consume(struct channel *channel, struct loop *loop, struct state *state,
			  uint32_t index, int fd, struct fuse_session *session);

/* no further request is taken; the fd is closed. Requests still unanswered are their owners'
 * matter. */
void channel_stop(struct channel *channel);

/*
 * The next answer of libfuse goes to @bytes (CHANNEL_ANSWER_MAX), not to the kernel;
 * channel_catch_end() gives its size, 0 where there was none.
 */
void channel_catch(struct channel *channel, uint8_t *bytes);
size_t channel_catch_end(struct channel *channel);

/* answers request @unique with @error (0 or -errno above -512), for whom libfuse has forgotten it
 */
void channel_answer_error(struct channel *channel, uint64_t unique, int error);

/* the same for an ioctl whose struct goes back all the same */
void channel_answer_ioctl(struct channel *channel, uint64_t unique, int result, const void *data,
			  size_t size);

#endif
