/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker's own seccomp filter: an allow-list of what serving needs. What is not on it is EPERM.
 * Only the worker has one: the keeper's would be inherited by the injector, and a tracer with a
 * filter can't suspend its tracee's (LAB.md, item 7).
 */
#ifndef DAEMON_FILTER_H
#define DAEMON_FILTER_H

/* for all threads of this process, for good. In a build with sanitizers: nothing, as their runtime
 * calls what it likes. Return: 0 or a negative error. */
int filter_worker(void);

#endif
