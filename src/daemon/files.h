/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The exporter `file` with all that it stands on: the file system, who opens its files, and the
 * trial that shows what the kernel is able to.
 */
#ifndef DAEMON_FILES_H
#define DAEMON_FILES_H

#include <stdint.h>

#include "base/attr.h"
#include "core/state.h"
#include "loop/jobs.h"
#include "loop/loop.h"

struct bufferfs;
struct exporter;
struct files;

struct files_config {
	struct loop *loop; /* borrowed, these three */
	struct loop_jobs *jobs;
	struct state *state;
	uint32_t index; /* of the channel */
	int opener;	/* socket, borrowed: daemon/opener.h */
	/* tried out: 0, or a negative error: it is of no use here. Called once, from the loop. */
	void (*tried)(void *user, int result);
	void (*gone)(void *user); /* the kernel closed the connection */
	void *user;
};

/**
 * files_new_consume_fd() - serve the file system and try the exporter out
 * @ret:	all of it; config.tried() is called later
 * @config:	copied
 * @fd:		/dev/fuse of the mount, O_NONBLOCK; consumed, also on failure
 *
 * Return: 0 or a negative error.
 */
int files_new_consume_fd(struct files **ret, const struct files_config *config, int fd);

/* owned by the caller from here on; not before it was tried, and to be freed before the rest */
struct exporter *files_steal_exporter(struct files *files);

struct bufferfs *files_fs(struct files *files); /* borrowed */

/* closes the connection, so that nobody waits for a file any more: helper threads can be ended */
void files_stop(struct files *files);

struct files *files_free(struct files *files); /* the helper threads have ended */
DEFINE_CLEANUP(struct files *, files_free);

#endif
