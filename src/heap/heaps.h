/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The set of heaps: by id, by name, and by further ids and names (aliases), which are good for
 * asking but never listed.
 */
#ifndef HEAP_HEAPS_H
#define HEAP_HEAPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "heap/heap.h"

struct heaps;

enum {
	_HEAPS_OK,
	HEAPS_E_TAKEN, /* the id or the name is in use, as an alias too */
};

int heaps_new(struct heaps **ret);
struct heaps *heaps_free(struct heaps *heaps); /* frees the heaps */
DEFINE_CLEANUP(struct heaps *, heaps_free);

/* @heap is consumed on success only. Return: 0, HEAPS_E_TAKEN, or a negative error. */
int heaps_add(struct heaps *heaps, struct heap *heap);

/* one more id or name for the heap that has @id: 0, HEAPS_E_TAKEN, -EINVAL, -ENOENT, -ENOMEM */
int heaps_alias_id(struct heaps *heaps, uint32_t id, uint32_t alias);
int heaps_alias_name(struct heaps *heaps, uint32_t id, const char *alias);

struct heap *heaps_get(const struct heaps *heaps, uint32_t id);	      /* by its own id, or NULL */
struct heap *heaps_find(const struct heaps *heaps, const char *name); /* or NULL */

/* @mask with aliases turned into the ids they stand for, unknown bits dropped */
uint32_t heaps_resolve(const struct heaps *heaps, uint32_t mask);

/* the heaps themselves, highest id first, at most @max. Return: how many there are in all. */
size_t heaps_list(const struct heaps *heaps, struct heap_info *infos, size_t max);

/* from now on, @work is called when there may be something for heaps_tend_begin(), in the heaps'
 * thread, from within other calls: it may call that one and no other; NULL: no more. For the heaps
 * that are in the set now. */
void heaps_on_work(struct heaps *heaps, void (*work)(void *user), void *user);

/* a heap that has background work to do, begun: heap_tend_run() and heap_tend_finish() are due; or
 * NULL. To be called again after that. */
struct heap *heaps_tend_begin(struct heaps *heaps);

/* heap_age() of all. Return: is anything kept still, so that it is to be called again later? */
bool heaps_age(struct heaps *heaps, bool pressure);

#endif
