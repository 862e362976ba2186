/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A whole core for tests: a state, a watch, the memfd exporter, a service, and two heaps: `system`
 * (0), and `odd` (4), which does as it is told. stop() sees to it that nothing is left.
 */
#ifndef TESTS_CORE_FIXTURE_H
#define TESTS_CORE_FIXTURE_H

#include "core/alloc.h"
#include "core/buffer.h"
#include "core/client.h"
#include "core/file.h"
#include "core/service.h"
#include "core/state.h"
#include "heap/heaps.h"
#include "mem/export.h"
#include "mem/watch.h"

#define CORE_TOTALRAM  (64u << 20)
#define CORE_BYTES     (16u << 20) /* what a user may have */
#define CORE_HEAP_ODD  4
#define CORE_ALIAS_ODD 27
#define MASK(id)       (1u << (id))

struct core_fixture {
	unsigned int fds;
	int state_fd;
	struct state *state;
	struct watch *watch;
	struct exporter *exporter;
	struct heaps *heaps;
	struct service *service;
	struct heap *odd;
	int odd_reserve, odd_fill;   /* what these return */
	struct heap_place odd_place; /* length 0: it has none */
	unsigned int odd_most;	     /* buffers it has room for; 0: any number */
};

/* CORE_BYTES and 4 clients for a user, 8 buffers for a client */
extern const struct quota_limits core_limits;

void core_start(struct core_fixture *f, const struct quota_limits *limits);

/* the same with an exporter of the test's own, which is consumed */
void core_start_exporter(struct core_fixture *f, const struct quota_limits *limits,
			 struct exporter *exporter);
void core_stop(struct core_fixture *f);

/* asserts that no client and no buffer is left anywhere */
void core_assert_empty(struct core_fixture *f);

struct client *core_client(struct core_fixture *f, uid_t uid);

/* the three calls at once: 0 with the fd, or the error */
int core_alloc(struct client *client, uint64_t len, uint32_t mask, struct file **ret, int *ret_fd);

/* the same for who only wants the fd: delivered, asserted to succeed */
int core_alloc_fd(struct client *client, uint64_t len);

#endif
