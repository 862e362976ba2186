/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket that files are sent from. It is bound, so that a caller's socket can be connected to
 * it and then takes messages from no one else; and it is shut for receiving before it has a name,
 * so that nothing ever lies in its queue: a message there could hold a file whose last close waits
 * for a hostile file server.
 *
 * The caller's socket gets a name of the same bytes, one longer: both are abstract names (a NUL,
 * zeros, four bytes of chance), so the caller needs two words of memory and no string. The name is
 * no secret and needs to be none: a name can be held once only, both sockets are in one network
 * namespace, and what is in the way is a failure, never a wrong receiver.
 */
#ifndef DELIVER_POST_H
#define DELIVER_POST_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct post {
	int fd;		 /* or -1 */
	uint32_t offset; /* of the word of chance in the address, in bytes */
	uint32_t word;	 /* it: 1 to 2047 */
	uint32_t size;	 /* of our socket's address; the other's is one more */
};

#define POST_INIT        \
	{                \
		.fd = -1 \
	}

/* a socket with a fresh name in the calling thread's network namespace; 0 or a negative error */
int post_open(struct post *post);
struct post *post_close(struct post *post);

/* to the socket that has the other name; @fd: borrowed, or -1. 0 or a negative error */
int post_send(const struct post *post, const void *bytes, size_t size, int fd);

#endif
