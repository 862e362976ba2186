/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hostile callers. Each attack runs in processes of its own, one after the other until its time
 * is over, while a bystander of another user allocates and keeps what it got. What an attack does
 * to itself is its own affair: it may be killed or get any errno.
 */
#ifndef CLIENT_HOSTILE_H
#define CLIENT_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "abi.h"

/* the sizes tell whose a buffer is */
#define HOSTILE_LEN   (3 * PAGE)
#define BYSTANDER_LEN (5 * PAGE)

struct hostile_counts {
	unsigned int given, refused, killed, rounds;
	unsigned int foreign; /* buffers that are not the caller's own: must stay 0 */
};

struct hostile {
	const char *node;
	uid_t uid;
	long run_ms;
	int device;		       /* in an attack's process */
	int slot;		       /* in the same: the lowest free number */
	int fuse_file;		       /* a file of the attacker's own mount, or -1 */
	struct hostile_counts *counts; /* shared memory */
};

extern struct hostile hostile;

#define hostile_require(condition)                                                                \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			dprintf(1, "# %s:%d: not so: %s (%m)\n", __FILE__, __LINE__, #condition); \
			_exit(3);                                                                 \
		}                                                                                 \
	} while (0)

/* an attack's process; it returns when hostile_goes_on() says no, or dies */
struct hostile_attack {
	const char *name;
	void (*run)(void);
	bool needs_fuse; /* hostile.fuse_file is to be there */
	bool once;	 /* a second process would add nothing */
};

extern const struct hostile_attack hostile_files[], hostile_memory[], hostile_life[];

long hostile_now_us(void);
bool hostile_goes_on(void);
void hostile_pause(long us);
void hostile_thread(void *(*run)(void *), void *user);

void hostile_become(uid_t uid);
int hostile_alloc(struct ion_alloc *alloc); /* >= 0 or -errno, counted */
void hostile_round(void);		    /* one ALLOC, looked at and closed */
void hostile_look_at(int fd);		    /* is it the caller's own? */

/* a FUSE mount whose files answer nothing once open; in a mount namespace of the process */
int hostile_fuse_start(void); /* an open file of it, or -errno */
void hostile_fuse_stop(void); /* everything that hangs in it ends */

/* ALLOCs by code on a page of their own, at which threads can aim (hostile_memory.c) */
struct hostile_code {
	uint8_t *page;
	long (*call)(long fd, long cmd, void *arg, void *stack);
};

#endif
