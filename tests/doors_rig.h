/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A door over a fake kernel, with all that stands behind it but for who delivers, which is the
 * test. Each way is a door on a backend of the loop.
 */
#ifndef TESTS_DOORS_RIG_H
#define TESTS_DOORS_RIG_H

#include <stdbool.h>

#include "fake_deliver.h"
#include "fake_kernel.h"
#include "front/cuse.h"
#include "front/fusefile.h"
#include "loop/jobs.h"
#include "memory_fixture.h"

enum { WAYS = 4, PER_USER = 2 };
#define ARG 0x7ffc00001000ull /* where a caller has its struct */

struct doors_rig {
	struct loop *loop;
	struct loop_jobs *jobs;
	struct state *state;
	int state_fd;
	struct memory memory;
	struct fake_deliver deliver;
	struct dispatch dispatch;
	struct cuse_door *cuse;
	struct fusefile_door *fusefile;
	struct fake_kernel kernel;
	int fds; /* open before the case */
	bool serves, gone;
};

extern struct doors_rig rig;

/* a CUSE door has one of them, a FUSE door all */
enum rig_node {
	RIG_ION,
	RIG_SYSTEM,
	RIG_CMA,
	RIG_NONE, /* stands for a heap that there is not */
};

/* way 0 to 3: which door over which backend; clients open that node */
void rig_up(int way); /* ION's */
void rig_up_node(int way, enum rig_node node);
void rig_down(void); /* asserts that nothing is left */

/* handshake and one open node: its file handle */
uint64_t rig_client(void);
struct service_totals rig_totals(void);

/* turns the loop until a delivery is asked for */
struct deliver_job *wait_job(void);

#endif
