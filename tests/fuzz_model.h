/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's books about a channel, and a caller's: which requests wait for an answer, which
 * files are open, which fds of buffers are held. Every answer is held against them: it must be one
 * that is waited for, the first one, and in the kernel's limits.
 */
#ifndef TESTS_FUZZ_MODEL_H
#define TESTS_FUZZ_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/service.h"
#include "deliver/deliver.h"
#include "fake_kernel.h"

enum {
	MODEL_CHANNELS_MAX = 2,
	MODEL_WAITING_MAX = 64,
	MODEL_FILES_MAX = 32,
	MODEL_HELD_MAX = 32,
	MODEL_HANDLES_MAX = 256,
	MODEL_BATCH_MAX = 8, /* requests that are sent before the first answer is taken */
};

/* calls that the model knows more of */
enum model_verb {
	MODEL_OTHER,
	MODEL_ALLOC,
	MODEL_ALLOC_HANDLE,
	MODEL_FREE,
	MODEL_SHARE,
	MODEL_IMPORT,
	MODEL_SYNC,
};

/* a request that wants an answer */
struct model_request {
	uint64_t unique;
	uint32_t channel, opcode;
	uint32_t major; /* of an INIT */
	uint64_t fh;
	bool as_kernel; /* an ioctl whose sizes follow from its number */
	bool good;	/* sent to a door after its handshake, on an open file */
	uint32_t cmd, flags, tid, uid;
	uint64_t arg;
	uint32_t out_size;
	uint64_t len; /* of an ALLOC */
	uint32_t mask;
	enum model_verb verb;
	int32_t number;	 /* of a handle, or of an fd in the caller's table */
	uint64_t memory; /* what a SHARE's handle named as it was sent; 0: that may have changed */
	int looked;	 /* what an IMPORT's or a SYNC's fd was seen to be: 0 or -errno */
	uint64_t imported; /* ... and the memory that it is of */
};

struct model_file {
	uint64_t fh;
	uint32_t channel;
	bool unsure; /* an answer went nowhere: what handles it has is not known */
};

/* memory is named by the id that its buffer has in the service: none is used twice */
struct model_held {
	int fd;
	uint64_t memory, size; /* as its request asked for it, in pages */
	uint64_t mount, ino;   /* as /proc tells of it */
};

struct model_handle {
	uint64_t fh;
	int32_t number;
	uint32_t references;
	uint64_t memory, size;
};

struct model {
	struct model_request waiting[MODEL_WAITING_MAX];
	size_t n_waiting;
	struct model_file files[MODEL_FILES_MAX];
	size_t n_files;
	struct model_held held[MODEL_HELD_MAX];
	size_t n_held;
	struct model_handle handles[MODEL_HANDLES_MAX];
	size_t n_handles;
	bool modern;			 /* the node knows no handles */
	struct service *service;	 /* which memory a new handle is of, only it can say */
	bool shaken[MODEL_CHANNELS_MAX]; /* the handshake is done */
	bool faulty;			 /* a fault was made: errors may be any */
	bool ending;			 /* what waits for its turn is EIO, right or wrong */
};

/* may this be sent: there is room in the books, and it is nothing that libfuse answers although
 * nobody waits, as it does before the handshake */
bool model_may_send(const struct model *model, uint32_t channel, uint32_t opcode);

/* a request is sent: @frame is its header, what follows is there for as long as doors look at it */
void model_sent(struct model *model, uint32_t channel, const void *frame);

/* an answer came, from a door or from who delivers */
void model_answered(struct model *model, uint32_t channel, const struct fake_answer *answer);

/* the caller was killed: this answer goes nowhere, what it stands for has happened */
void model_forgotten(struct model *model, uint32_t channel, const struct fake_answer *answer);

/* the request that a delivery is for; asserts that the delivery says of it what it said itself */
struct model_request *model_of_delivery(struct model *model, const struct deliver_job *job);

/* as what the deliverer writes to the channel: the answer that the door has prepared */
void model_replied(struct model *model, const struct deliver_job *job);

/* the connection is gone: nobody waits on it, its files are closed without a word */
void model_hung_up(struct model *model, uint32_t channel);

const struct model_file *model_file_of(const struct model *model, uint64_t fh);

void model_hold(struct model *model, const struct model_held *held);
void model_drop(struct model *model, size_t i);

#endif
