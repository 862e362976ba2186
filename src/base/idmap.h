/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ids for pointers: from 1 on, always the lowest one that is free. Adding and removing take O(log
 * n), finding O(1). A zeroed struct is an empty map.
 */
#ifndef BASE_IDMAP_H
#define BASE_IDMAP_H

#include <stdint.h>

#include "base/attr.h"

struct idmap {
	void **values;	 /* [capacity], by id - 1; NULL: free */
	uint32_t *freed; /* [capacity], a heap: the lowest freed id is first */
	uint32_t capacity;
	uint32_t n_freed;
	uint32_t top; /* highest id that was ever given out */
};

/* no id is in use any more: asserted */
void idmap_deinit(struct idmap *map);

/* name @value, which is not NULL. Return: 0, -ENOMEM, or -ENOSPC after 2^30 ids. */
int idmap_add(struct idmap *map, void *value, uint32_t *ret_id);

/* what @id names, or NULL: any number may be asked for */
void *idmap_find(const struct idmap *map, uint32_t id);

/* free @id. Return: what it named, or NULL where it named nothing. */
void *idmap_remove(struct idmap *map, uint32_t id);

/* the lowest used id above @id, or 0: `for (id = 0; (id = idmap_next(map, id));)` visits all; the
 * visited one may be removed */
uint32_t idmap_next(const struct idmap *map, uint32_t id);

static inline uint32_t idmap_count(const struct idmap *map)
{
	return map->top - map->n_freed;
}

#endif
