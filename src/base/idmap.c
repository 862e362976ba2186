// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Each id up to the highest one ever given out is either in use or in the heap of the freed ones.
 * So the lowest free id is the heap's first, and where the heap is empty it is the next one above.
 * The heap has room for all ids: removing can't fail.
 */
#include "base/idmap.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

enum {
	FIRST_CAPACITY = 16,
};

void idmap_deinit(struct idmap *map)
{
	assert(!idmap_count(map));
	free(map->values);
	free(map->freed);
	*map = (struct idmap){ 0 };
}

static int grow(struct idmap *map)
{
	uint32_t capacity = map->capacity ? 2 * map->capacity : FIRST_CAPACITY;
	uint32_t *freed;
	void **values;

	if (capacity > INT32_MAX)
		return err_origin(-ENOSPC);
	values = reallocarray(map->values, capacity, sizeof(*values));
	if (!values)
		return err_origin(-ENOMEM);
	map->values = values;
	freed = reallocarray(map->freed, capacity, sizeof(*freed));
	if (!freed)
		return err_origin(-ENOMEM);
	map->freed = freed;
	map->capacity = capacity;
	return 0;
}

static void heap_push(struct idmap *map, uint32_t id)
{
	uint32_t i = map->n_freed++, parent;

	for (; i; i = parent) {
		parent = (i - 1) / 2;
		if (map->freed[parent] < id)
			break;
		map->freed[i] = map->freed[parent];
	}
	map->freed[i] = id;
}

static uint32_t heap_pop(struct idmap *map)
{
	uint32_t lowest = map->freed[0], last = map->freed[--map->n_freed];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < map->n_freed) {
		if (child + 1 < map->n_freed && map->freed[child + 1] < map->freed[child])
			child++;
		if (last < map->freed[child])
			break;
		map->freed[i] = map->freed[child];
		i = child;
	}
	map->freed[i] = last;
	return lowest;
}

int idmap_add(struct idmap *map, void *value, uint32_t *ret_id)
{
	uint32_t id;
	int r;

	assert(value);
	if (map->n_freed) {
		id = heap_pop(map);
	} else {
		if (map->top == map->capacity) {
			r = grow(map);
			if (r < 0)
				return r;
		}
		id = ++map->top;
	}
	map->values[id - 1] = value;
	*ret_id = id;
	return 0;
}

void *idmap_find(const struct idmap *map, uint32_t id)
{
	return id && id <= map->top ? map->values[id - 1] : NULL;
}

void *idmap_remove(struct idmap *map, uint32_t id)
{
	void *value = idmap_find(map, id);

	if (!value)
		return NULL;
	map->values[id - 1] = NULL;
	heap_push(map, id);
	return value;
}

uint32_t idmap_next(const struct idmap *map, uint32_t id)
{
	while (id++ < map->top) {
		if (map->values[id - 1])
			return id;
	}
	return 0;
}
