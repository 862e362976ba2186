/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device to deliver over: a file of a FUSE mount in a mount namespace of the test's own, served
 * by a hand-written responder, and tracers behind a queue, as worker and injector have them. An
 * ALLOC is answered with a fresh memfd.
 */
#ifndef TESTS_FUSE_RIG_H
#define TESTS_FUSE_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "deliver/deliver.h"

#define RIG_ALLOC 0xc0184900u /* modern ALLOC: 24 bytes, the fd at 16 */
#define RIG_QUERY 0xc0184908u /* answered at once */
#define RIG_GO	  0xc0184906u
#define RIG_KEPT  0xc0184905u /* EAGAIN, or 0 while an ALLOC is kept */
#define RIG_PUT \
	0xc0184907u /* puts @len bytes of 0x5a where its second u64 points to, 0 into @len */

/* the first u32 is a number in the caller's table: answered with the file's inode and mount */
#define RIG_WHOSE 0xc0184904u

/* a struct rig_peek: answered with how many bytes there are, and them */
#define RIG_PEEK  0xc1104903u

struct rig_peek {
	uint64_t address;
	uint32_t most, least;
	uint8_t bytes[256];
};

/* an ALLOC with this flag: DELIVER_OVER_EXEC, DELIVER_TELL_ERRNO */
#define RIG_OVER_EXEC 0x20000000u
#define RIG_TELL      0x10000000u

/* an ALLOC with this flag has its fd field where nothing is */
#define RIG_NOWHERE   0x80000000u

/* an ALLOC with this flag is kept until the next RIG_QUERY, from whomever */
#define RIG_LATE      0x40000000u

struct rig;

struct rig_stats {
	unsigned int given;  /* deliveries that ended with an fd */
	unsigned int failed; /* and those that did not */
	struct deliver_result last;
};

/* 0, or a negative error (-EPERM, -ENOENT: there is no FUSE to be had); @n_tracers of 0: none */
int rig_new(struct rig **ret, size_t n_tracers);
struct rig *rig_free(struct rig *rig);

/* the device file */
const char *rig_path(const struct rig *rig);

/* the process of the tracers */
pid_t rig_injector(const struct rig *rig);

/* deliveries so far; waits until none is under way */
void rig_stats(struct rig *rig, struct rig_stats *ret);

#endif
