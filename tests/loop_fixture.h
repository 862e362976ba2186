/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of src/loop share: a loop of the backend under test, two sockets with a source of
 * either kind for each, and a suite that runs every case over both backends.
 */
#ifndef TESTS_LOOP_FIXTURE_H
#define TESTS_LOOP_FIXTURE_H

#include <check.h>

#include "loop/loop.h"

extern const enum loop_backend_kind backends[2];

struct end {
	struct loop_poll poll;
	struct loop_read read;
	int fd;
	char bytes[64];
	int n_asked, n_called;
	ssize_t last;
	short revents;
	struct end *victim; /* removed by the callback */
};

extern struct loop *loop;
extern struct end ends[2];
extern int peers[2]; /* the other sides of ends[].fd */

struct iovec end_buffer(struct loop_read *source);
void end_data(struct loop_read *source, ssize_t n);
void end_ready(struct loop_poll *source, short revents);

void setup(int backend);

/* loop_free() asserts that no source is left; the fds are counted */
void teardown(void);

/* send @text to ends[i] */
void say(int i, const char *text);

/* turns until nothing happens any more */
void settle(void);

/* each case with each backend's index as _i. Return: main()'s. */
int run_over_backends(const char *name, const TTest *const cases[], size_t n);

#endif
