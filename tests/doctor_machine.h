/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine for cusion doctor: a folder that lacks nothing until a test takes something away, and
 * a service that runs.
 */
#ifndef TESTS_DOCTOR_MACHINE_H
#define TESTS_DOCTOR_MACHINE_H

#include <stdbool.h>

#include "cli/doctor.h"

#define HUGE_1G	   "/sys/kernel/mm/hugepages/hugepages-1048576kB/"
#define HUGE_2M	   "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define PARAMETERS "/sys/module/udmabuf/parameters/"
#define RELEASE	   "6.16.5-amd64"

/* what is no file */
struct machine {
	int open_result, ring_result, service_result;
	bool as_root;
	struct service_facts facts;
};

extern struct machine machine;
extern struct doctor doctor; /* of the last look */

/* a checked fixture */
void machine_setup(void);
void machine_teardown(void);

/* a file has that text from now on; a file or folder is no more */
void put(const char *path, const char *text);
void drop(const char *path);

/* Runs the doctor. Whatever the machine: who lacks something is told what that costs and what mends
 * it. */
void look(void);

/* the same, without a service */
void look_stopped(void);

/* the finding of that name, which must be there, in that state */
const struct finding *found(const char *name, enum finding_state state);

#endif
