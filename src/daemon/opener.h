/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The opener: a process of the keeper's that opens buffers' files (front/bufferfs.h), at the
 * worker's request. An open is a request to the worker, and who waits for its answer can't be
 * killed: a thread of the worker would keep the worker from dying, and the keeper must never wait.
 * A backing needs CAP_SYS_ADMIN besides, which the worker has not.
 *
 * All three share one fd table, so fds go by their numbers. For the same reason no end of a socket
 * between them ever hangs up: opener_stop() and opener_excuse() end waits.
 */
#ifndef DAEMON_OPENER_H
#define DAEMON_OPENER_H

#include <stdint.h>

#include "base/attr.h"

struct opener;

/* ---- the process ---- */

struct opener_config {
	int channel; /* /dev/fuse of the mount */
	int root;    /* the mount, by its root */
	int socket;  /* to the worker: SEQPACKET */
};

/* runs until the socket is shut down. Return: the exit status. */
int opener_run(const struct opener_config *config);

/* the opener has died: for it, over its end of the socket, fail what it was asked for */
void opener_excuse(int socket);

/* ---- the worker's side ---- */

/* @socket: the other end; borrowed */
int opener_new(struct opener **ret, int socket);
struct opener *opener_free(struct opener *opener); /* nobody waits any more */
DEFINE_CLEANUP(struct opener *, opener_free);

/* opens the file of that number; the kernel maps @memfd (borrowed) instead of it, where that isn't
 * -1. It has no name any more after it. Any thread but the loop's. Return: the fd, or a negative
 * error. */
int opener_open(struct opener *opener, uint64_t number, int memfd);

/* whoever waits fails with -EIO, now and later */
void opener_stop(struct opener *opener);

#endif
