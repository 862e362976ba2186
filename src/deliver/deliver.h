/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reaching into a caller that waits in an ioctl: give it a file descriptor, or bytes, or look at
 * what it has. This is the side of who asks; how it is done is behind struct deliver_ops (by
 * ptrace: deliver/queue.h).
 */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* a reply and what is put: 32 entries of a heap query fit */
#define DELIVER_BYTES_MAX  2048
#define DELIVER_PIECES_MAX 2
#define DELIVER_PEEK_MAX   256

/*
 * What the reply says to the caller, in the header's error: it holds until the file, or the bytes,
 * are there. A caller that nobody holds any more (the injector died) so gets no success without.
 */
#define DELIVER_NOT_YET	   EIO

enum deliver_verb {
	DELIVER_GIVE_FD, /* answer the call; its caller holds one more fd when it returns */
	DELIVER_PUT,	 /* answer the call; bytes stand in its caller's memory when it returns */
	/*
	 * Bytes of its caller's memory. It ends the call, but not for its caller, which makes the
	 * same one again before it runs any code of its own: the next call of that thread is it,
	 * and may come before done() does.
	 */
	DELIVER_PEEK,
	/* which file a number is in the caller's table; answers nothing */
	DELIVER_WHOSE_FD,
};

/* a file, as statx() and /proc/PID/fdinfo tell of it in any process; mount 0 is that of memfds */
struct deliver_file {
	uint64_t ino;
	uint64_t mount;
};

/* the ioctl that is waited in, as the FUSE request's header says */
struct deliver_call {
	uint64_t unique;
	uint64_t arg;
	uint32_t channel; /* index into the injector's table of channels */
	uint32_t tid;	  /* of the caller, in our pid namespace; 0: not visible there */
	uint32_t uid;
	uint32_t cmd;
	uint32_t compat; /* 1: entered by the 32-bit way (FUSE_IOCTL_COMPAT) */
	uint32_t again;	 /* 1: an injector that died may have begun with it (the queue's own) */
};

struct deliver_result {
	/*
	 * GIVE_FD: the fd's number in the caller, or -errno: EBUSY (already traced), EACCES
	 * (forbidden), ESRCH (not there, or gone), ENOTTY (x32), EMFILE, ENFILE, ENOMEM, EFAULT
	 * (the address), EIO (the caller got in the way, or two injectors died over it). PUT: 0
	 * or the same. PEEK: bytes read, or the same. WHOSE_FD: 0, or EBADF (not open), EACCES,
	 * ESRCH, EIO.
	 */
	int result;
	struct deliver_file file; /* WHOSE_FD: ino 0 where it can't be one of ours */
	const uint8_t *bytes;	  /* PEEK: what was read; gone when done() returns */
	bool replied;		  /* the reply went out: nobody may answer the call again */
};

/* bytes to put: what is at @address from there on */
struct deliver_piece {
	uint64_t address;
	uint32_t size; /* 0: there is no such piece */
	uint32_t spare;
};

/* of a GIVE_FD */
enum {
	DELIVER_OVER_EXEC = 1,	/* the fd is not close-on-exec */
	DELIVER_TELL_ERRNO = 2, /* on failure its place gets the -errno that the call returns */
};

struct deliver_job;
typedef void (*deliver_done)(struct deliver_job *job, const struct deliver_result *result);

/* embedded in its owner's object, which stays until done() */
struct deliver_job {
	enum deliver_verb verb;
	struct deliver_call call;
	uint64_t client;      /* a client file has at most one delivery under way */
	uint64_t address;     /* GIVE_FD: of the s32 that gets the number; PEEK: of the bytes */
	uint32_t flags;	      /* GIVE_FD */
	uint32_t most, least; /* PEEK: bytes to read, up to DELIVER_PEEK_MAX; least is at least 1 */
	int fd;		/* GIVE_FD: consumed by deliver_submit(); no file that the caller has */
	int32_t number; /* WHOSE_FD: in the caller's table */
	struct deliver_piece pieces[DELIVER_PIECES_MAX]; /* PUT: by deliver_put() */
	uint32_t size;					 /* of the reply */
	uint8_t bytes[DELIVER_BYTES_MAX]; /* the FUSE reply, -DELIVER_NOT_YET; then the pieces */
	deliver_done done;

	struct list link; /* the deliver's own */
	struct list ring; /* the deliver's own */
};

struct deliver;

struct deliver_ops {
	void (*submit)(struct deliver *deliver, struct deliver_job *job);
	struct deliver *(*free)(struct deliver *deliver);
};

struct deliver {
	const struct deliver_ops *ops;
};

/* bytes of @pieces, all together */
static inline uint32_t deliver_pieces_size(const struct deliver_piece *pieces)
{
	uint32_t size = 0;

	for (int i = 0; i < DELIVER_PIECES_MAX; i++)
		size += pieces[i].size;
	return size;
}

/**
 * deliver_put() - one more piece of a PUT
 * @job:	has its reply already, and less than DELIVER_PIECES_MAX pieces
 * @address:	in the caller
 * @size:	such that all fits in DELIVER_BYTES_MAX
 *
 * Return: where its @size bytes belong.
 */
static inline uint8_t *deliver_put(struct deliver_job *job, uint64_t address, uint32_t size)
{
	uint8_t *bytes = job->bytes + job->size + deliver_pieces_size(job->pieces);
	struct deliver_piece *piece = job->pieces;

	while (piece->size)
		piece++;
	piece->address = address;
	piece->size = size;
	return bytes;
}

/**
 * deliver_submit() - start a delivery
 * @deliver:	by whom
 * @job:	what; done() is called exactly once, never from inside of this call
 */
static inline void deliver_submit(struct deliver *deliver, struct deliver_job *job)
{
	deliver->ops->submit(deliver, job);
}

/* what has not ended ends with -EIO; NULL is fine. Return: NULL. */
static inline struct deliver *deliver_free(struct deliver *deliver)
{
	return deliver ? deliver->ops->free(deliver) : NULL;
}

#endif
