/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that allocates buffers, fills them, and sends their fds to the one that started it,
 * which never opens ION. It lives on, with fds and mappings, until it is killed.
 */
#ifndef CLIENT_LENDER_H
#define CLIENT_LENDER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct options;

struct lender {
	pid_t pid;
	int socket;
};

/* buffer i is stamped with seed + i (probe_stamp); ends the program where it gets none */
void lender_start(struct lender *lender, const struct options *o, size_t size, unsigned int n,
		  uint64_t seed, int *fds);
void lender_kill(struct lender *lender); /* SIGKILL; returns when the process is gone */

#endif
