/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The injector: the process that reaches into callers (DESIGN.md section 2). One tracer thread per
 * socket; its own fd table with a copy of each channel; root with SYS_PTRACE, SYS_ADMIN,
 * SYS_RESOURCE and KILL (the SIGSTOP that a delivery swallowed is sent again), and no seccomp
 * filter.
 */
#ifndef DAEMON_INJECTOR_H
#define DAEMON_INJECTOR_H

#include <stddef.h>

struct injector_config {
	const int *channels; /* the injector's own copies, by index */
	size_t n_channels;
	const int *sockets; /* one per tracer */
	size_t n_sockets;
};

/* how many tracers serve here: one per CPU that we may run on, at most TRACERS_MAX */
enum { TRACERS_MAX = 64 };
size_t injector_tracers(void);

/* runs until the worker's ends of all sockets are gone. Return: the exit status. */
int injector_run(const struct injector_config *config);

#endif
