/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A tracer: the injector's end of one of the worker's sockets, and the thread that acts on what
 * comes over it. Every act on a caller is bounded in time: a caller that can't be brought to stop
 * again is killed, and the thread that held it is replaced.
 */
#ifndef DELIVER_TRACER_H
#define DELIVER_TRACER_H

#include <stddef.h>

struct log_limit;

struct tracer_config {
	const int *channels; /* borrowed; the table that struct deliver_call's index is into */
	size_t n_channels;
	int socket;		     /* borrowed; this tracer's end, blocking */
	int cpu;		     /* where to run, or -1 */
	struct log_limit *log_limit; /* borrowed, for lines that callers cause; or NULL */
};

/**
 * tracer_run() - serve one socket until its other end is gone
 * @config:	stays as it is meanwhile
 *
 * Blocks; call it from a thread per tracer. All signals should be blocked: it uses one of its own
 * (SIGRTMAX - 1, its handler is set process-wide).
 *
 * Return: 0, or a negative error.
 */
int tracer_run(const struct tracer_config *config);

#endif
