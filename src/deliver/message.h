/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What worker and injector say to each other, over one SOCK_SEQPACKET pair per tracer: a request,
 * then its answer; never two requests at a time. GIVE_FD's file comes along by SCM_RIGHTS.
 */
#ifndef DELIVER_MESSAGE_H
#define DELIVER_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "deliver/deliver.h"

struct deliver_request {
	uint64_t id; /* the answer carries it again */
	uint64_t address;
	struct deliver_call call;
	struct deliver_piece pieces[DELIVER_PIECES_MAX];
	uint32_t verb; /* enum deliver_verb */
	int32_t number;
	uint32_t flags;
	uint32_t most, least;
	uint32_t size;			  /* of the reply; the pieces stand behind it */
	uint8_t bytes[DELIVER_BYTES_MAX]; /* only those that there are are sent */
};

struct deliver_answer {
	uint64_t id;
	struct deliver_file file;
	int32_t result;
	uint32_t replied;
	uint8_t bytes[DELIVER_PEEK_MAX]; /* of a PEEK, as many as the result says */
};

#define DELIVER_ANSWER_SIZE(size)  (offsetof(struct deliver_answer, bytes) + (size))
#define DELIVER_REQUEST_SIZE(size) (offsetof(struct deliver_request, bytes) + (size))

#endif
