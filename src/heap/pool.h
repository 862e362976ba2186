/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A pool keeps the memfds that buffers left, for the next buffers of the same sizes: to take pages
 * from the kernel costs 3 times as much for 4 KiB, and 160 times for 1 MiB.
 *
 * What comes in is dirty. Background work, in pieces (begin in the pool's thread, run in any,
 * finish in the pool's again), clears it, and gives back to the kernel what is not to be kept: what
 * the bound has no room for, what lay about for too long, and all where memory is short.
 */
#ifndef HEAP_POOL_H
#define HEAP_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"

struct pool;

/* a memfd that a pool may keep; who has taken it owns it */
struct pooled {
	struct list link;    /* pool.clean, .dirty, .going or .hand */
	struct list by_size; /* pool.sizes, where it may be taken */
	int fd;		     /* owned; nobody else has the memfd open */
	uint64_t size;
	uint64_t n_clean; /* bytes from the start that are zero */
	bool lost;	  /* it can't be cleared */
	bool unwanted;	  /* not to be kept when it comes back from the hand */
	uint64_t given;	  /* when: pool.age */
};

struct pool_totals {
	uint64_t clean, dirty; /* bytes that are kept */
	uint64_t going;	       /* bytes on their way out */
	uint64_t n;	       /* memfds of all of these */
};

/* one that keeps at most @bytes_max; 0 or -ENOMEM */
int pool_new(struct pool **ret, uint64_t bytes_max);
struct pool *pool_free(struct pool *pool); /* not while pool_run() runs */
DEFINE_CLEANUP(struct pool *, pool_free);

/*
 * A memfd of exactly @size that nobody else holds: a cleared one if there is one, else one that
 * pooled_clear() is to finish. NULL: there is none.
 */
struct pooled *pool_take(struct pool *pool, uint64_t size);

/* have all of it zero; any thread. Return: 0, or a negative error: it is lost, but still owned. */
int pooled_clear(struct pooled *pooled);

/* it comes back, dirty; consumed */
void pool_give(struct pool *pool, struct pooled *pooled);

/* likewise a memfd that is not of the pool yet; open for writing, consumed */
void pool_give_fd(struct pool *pool, int fd, uint64_t size);

/* is there a piece of work? Then run() and finish() are due. */
bool pool_begin(struct pool *pool);
void pool_run(struct pool *pool);
void pool_finish(struct pool *pool);

/* to be called from time to time: what was not used since the last call but one, or all where
 * memory is short, is given back, by background work */
void pool_age(struct pool *pool, bool all);

/* give all back at once, but for what background work has in hand. Return: bytes. */
uint64_t pool_trim(struct pool *pool);

/* bytes that pool_trim() could give back */
uint64_t pool_spare(const struct pool *pool);

void pool_totals(const struct pool *pool, struct pool_totals *ret);

/* calls @name for each fd that the pool holds */
void pool_name_fds(const struct pool *pool, void (*name)(int fd, void *user), void *user);

#endif
