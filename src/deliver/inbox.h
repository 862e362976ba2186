/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket that one caller sends its bytes to. It is a netlink socket (NETLINK_USERSOCK), since
 * no file can be sent over one: a file that lay in our queue would be closed by us, and that can
 * last for ever (an epoll has it and is held in the midst of a call; seen on 6.18). Both ends have
 * numbers, which one socket of a network namespace can hold at a time; ours takes messages from
 * the caller's alone.
 */
#ifndef DELIVER_INBOX_H
#define DELIVER_INBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

struct inbox {
	int fd;		/* or -1 */
	uint32_t word;	/* of the caller's number: 1 to 2047 ... */
	uint32_t bit;	/* ... and this bit, 11 to 30 */
	uint32_t other; /* our number has one more */
};

#define INBOX_INIT       \
	{                \
		.fd = -1 \
	}

/* in the calling thread's network namespace; 0 or a negative error */
int inbox_open(struct inbox *inbox);
struct inbox *inbox_close(struct inbox *inbox);

/* what came, without waiting; its size, or a negative error: -EMSGSIZE where it was more */
ssize_t inbox_receive(struct inbox *inbox, void *bytes, size_t size);

#endif
