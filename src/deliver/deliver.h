/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reaching into a caller that waits in an ioctl: give it a file descriptor, or bytes. This is the
 * side of who asks; how it is done is behind struct deliver_ops (by ptrace: deliver/queue.h).
 */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

/* the largest reply or poke: 32 entries of a heap query fit */
#define DELIVER_BYTES_MAX 2048

/*
 * What the reply of a GIVE_FD says to the caller, in the header's error: it holds until the file is
 * there. A caller that nobody holds any more (the injector died) so gets no success without a file.
 */
#define DELIVER_NOT_YET	  EIO

enum deliver_verb {
	DELIVER_GIVE_FD, /* answer the call; its caller holds one more fd when it returns */
	DELIVER_POKE,	 /* write bytes into the caller; the call stays unanswered */
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
	 * (the address), EIO (the caller got in the way, or two injectors died over it). POKE: 0,
	 * -EFAULT, -ESRCH, -EACCES, -EIO.
	 */
	int result;
	/* the reply went out: nobody may answer the call again. Always false for POKE. */
	bool replied;
};

struct deliver_job;
typedef void (*deliver_done)(struct deliver_job *job, const struct deliver_result *result);

/* embedded in its owner's object, which stays until done() */
struct deliver_job {
	enum deliver_verb verb;
	struct deliver_call call;
	uint64_t client;  /* a client file has at most one delivery under way */
	uint64_t address; /* GIVE_FD: of the s32 that gets the number; POKE: of the bytes */
	int fd;		  /* GIVE_FD: consumed by deliver_submit(); no file that the caller has */
	uint32_t size;
	uint8_t bytes[DELIVER_BYTES_MAX]; /* GIVE_FD: the FUSE reply, -DELIVER_NOT_YET; POKE: data
					   */
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
