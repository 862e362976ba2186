/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cusion doctor: what this machine has and lacks for cusion. A probe looks at files below a root
 * and adds findings; what is no file is asked for by a function, so that a test has machines of
 * its own. doctor_run() calls the groups of probes in order; a later one may use what an earlier
 * one found.
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	FINDINGS_MAX = 48,
};

enum finding_state {
	FINDING_OK,
	FINDING_NOTE,  /* worth knowing, nothing to mend */
	FINDING_LACK,  /* has a cost and a remedy */
	FINDING_FAULT, /* what is there does not do what it should; has a cost */
};

struct finding {
	const char *name; /* stays the same from release to release, and is there once at most */
	enum finding_state state;
	bool essential; /* for it the service does not start, or gives nothing to anybody */
	char text[224];
	const char *cost; /* "" where there is none */
	char mend[256];	  /* a command where one mends it, else what to do; "" */
};

struct service_facts {
	char version[32];
	char nodes[160];
	char exporter[96];
	bool contiguous; /* it has an area of contiguous memory */
	uint64_t allocations;
	uint64_t refused;
	uint64_t delivery_fails;
};

struct doctor {
	/* the caller's: where and how to look */
	const char *root;			    /* "": the machine itself */
	const char *machine;			    /* uname(2)'s */
	bool is_root;				    /* who asks */
	int (*may_open)(const char *path);	    /* 0, or -errno: reading and writing */
	int (*io_uring)(void);			    /* 0, or -errno: io_uring_setup(2) */
	int (*ask_service)(struct service_facts *); /* 0, or -errno: nobody answers */

	struct finding findings[FINDINGS_MAX];
	size_t n_findings;

	/* what later probes and the verdict need */
	unsigned int kernel[3]; /* the release's own number, also where the distribution hides it */
	struct service_facts service;
	uint64_t memory; /* bytes; 0: not known */
	bool serves;	 /* the service answers */
	bool contained;
	bool has_cuse, has_fuse, has_udmabuf, has_huge;
	const char *not_contiguous; /* why; NULL: contiguous memory is to be had */
	char reach[128];	    /* who may use the node without being root */
};

/* the probes, and all of them in order */
void doctor_kernel(struct doctor *doctor);
void doctor_faults(struct doctor *doctor);
void doctor_service(struct doctor *doctor);
void doctor_area(struct doctor *doctor);
void doctor_devices(struct doctor *doctor);
void doctor_memory(struct doctor *doctor);
void doctor_rights(struct doctor *doctor);
void doctor_access(struct doctor *doctor);
void doctor_run(struct doctor *doctor);

/**
 * doctor_add() - one more finding
 * @doctor:	gets it
 * @name:	a constant
 * @state:	what kind
 * @format:	the text
 *
 * Return: the finding, for finding_cost().
 */
struct finding *doctor_add(struct doctor *doctor, const char *name, enum finding_state state,
			   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* what a finding costs, a constant, and what mends it. Return: the finding. */
struct finding *finding_cost(struct finding *finding, const char *cost, const char *mend, ...)
	__attribute__((format(printf, 3, 4)));

const char *finding_state_name(enum finding_state state);
const struct finding *doctor_find(const struct doctor *doctor, const char *name);

/* whether the service works, or could: nothing essential is found. A service that runs has what it
 * needed to start, whatever is lacking where the doctor was called. */
bool doctor_can_serve(const struct doctor *doctor);

/* How probes look: all paths are below the root. */
FILE *look_open(const struct doctor *doctor, const char *path);
bool look_exists(const struct doctor *doctor, const char *path);
/* the first line; 0 or -errno */
int look_text(const struct doctor *doctor, const char *path, char *text, size_t size);
int look_u64(const struct doctor *doctor, const char *path, uint64_t *ret);
/* the rest of the first line that begins with @key, without blanks and colon before it */
int look_value(const struct doctor *doctor, const char *path, const char *key, char *text,
	       size_t size);
/* whether a line of the file contains @word */
bool look_word(const struct doctor *doctor, const char *path, const char *word);
/* whether the mount that holds @path is read-only to us */
bool look_read_only(const struct doctor *doctor, const char *path);
/* whether the running kernel has a module of that name to load, or built in */
bool look_module(const struct doctor *doctor, const char *name);

/* how it is told */
void doctor_print(const struct doctor *doctor, FILE *out, bool colour);
struct json_object *doctor_json(const struct doctor *doctor);

#endif
