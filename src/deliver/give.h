/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One delivery from end to end: answer the call, and have its caller receive the file, or the
 * bytes, or tell some, before it returns to user mode.
 */
#ifndef DELIVER_GIVE_H
#define DELIVER_GIVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/log_limit.h"
#include "deliver/message.h"
#include "deliver/net.h"
#include "deliver/post.h"
#include "deliver/watch.h"

/* what a tracing thread keeps between deliveries */
struct give {
	const int *channels; /* borrowed */
	size_t n_channels;
	struct log_limit *log_limit; /* borrowed, or NULL */
	struct watch watch;
	struct post post; /* in our own network namespace */
	struct net net;
	pid_t tid;
};

struct give_result {
	struct deliver_result result;
	uint8_t bytes[DELIVER_PEEK_MAX];
	/* a caller could not be let go of: the calling thread must end now */
	bool stuck;
	unsigned int stops;
};

/* of and for the calling thread; 0 or a negative error */
int give_init(struct give *give, const int *channels, size_t n_channels,
	      struct log_limit *log_limit);
void give_deinit(struct give *give);

/* @fd: borrowed; -1 but for a GIVE_FD */
void give_run(struct give *give, const struct deliver_request *request, int fd,
	      struct give_result *ret);

#endif
