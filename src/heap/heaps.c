// SPDX-License-Identifier: LGPL-2.1-or-later
#include "heap/heaps.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"

struct alias_name {
	struct list link; /* heaps.names */
	char name[HEAP_NAME_SIZE];
	struct heap *heap;
};

struct heaps {
	struct heap *own[HEAP_IDS]; /* owned; by their own ids */
	struct heap *any[HEAP_IDS]; /* by own and alias ids */
	struct list names;	    /* alias names */
};

int heaps_new(struct heaps **ret)
{
	struct heaps *heaps;

	heaps = calloc(1, sizeof(*heaps));
	if (!heaps)
		return err_origin(-ENOMEM);
	list_init(&heaps->names);
	*ret = heaps;
	return 0;
}

struct heaps *heaps_free(struct heaps *heaps)
{
	struct list *link;

	if (!heaps)
		return NULL;
	while ((link = list_pop(&heaps->names)))
		free(list_entry(link, struct alias_name, link));
	for (size_t id = 0; id < HEAP_IDS; id++)
		heap_free(heaps->own[id]);
	free(heaps);
	return NULL;
}

/**
 * heaps_add() - put a heap into the set
 * @heaps:	the set, which owns the heap from here on
 * @heap:	consumed on success only
 *
 * Return: 0, or HEAPS_E_TAKEN.
 */
int heaps_add(struct heaps *heaps, struct heap *heap)
{
	if (heaps->any[heap->id] || heaps_find(heaps, heap->name))
		return HEAPS_E_TAKEN;
	heaps->own[heap->id] = heap;
	heaps->any[heap->id] = heap;
	return 0;
}

int heaps_alias_id(struct heaps *heaps, uint32_t id, uint32_t alias)
{
	if (alias >= HEAP_IDS)
		return err_origin(-EINVAL);
	if (!heaps_get(heaps, id))
		return err_origin(-ENOENT);
	if (heaps->any[alias])
		return HEAPS_E_TAKEN;
	heaps->any[alias] = heaps->own[id];
	return 0;
}

int heaps_alias_name(struct heaps *heaps, uint32_t id, const char *alias)
{
	struct alias_name *name;

	if (!alias[0] || strlen(alias) >= HEAP_NAME_SIZE)
		return err_origin(-EINVAL);
	if (!heaps_get(heaps, id))
		return err_origin(-ENOENT);
	if (heaps_find(heaps, alias))
		return HEAPS_E_TAKEN;
	name = calloc(1, sizeof(*name));
	if (!name)
		return err_origin(-ENOMEM);
	strcpy(name->name, alias);
	name->heap = heaps->own[id];
	list_append(&heaps->names, &name->link);
	return 0;
}

struct heap *heaps_get(const struct heaps *heaps, uint32_t id)
{
	return id < HEAP_IDS ? heaps->own[id] : NULL;
}

struct heap *heaps_find(const struct heaps *heaps, const char *name)
{
	for (size_t id = 0; id < HEAP_IDS; id++) {
		if (heaps->own[id] && !strcmp(heaps->own[id]->name, name))
			return heaps->own[id];
	}
	list_for_each (link, &heaps->names) {
		struct alias_name *alias = list_entry(link, struct alias_name, link);

		if (!strcmp(alias->name, name))
			return alias->heap;
	}
	return NULL;
}

uint32_t heaps_resolve(const struct heaps *heaps, uint32_t mask)
{
	uint32_t resolved = 0;

	for (size_t id = 0; id < HEAP_IDS; id++) {
		if ((mask & (1u << id)) && heaps->any[id])
			resolved |= 1u << heaps->any[id]->id;
	}
	return resolved;
}

size_t heaps_list(const struct heaps *heaps, struct heap_info *infos, size_t max)
{
	size_t n = 0;

	for (size_t i = HEAP_IDS; i-- > 0;) {
		const struct heap *heap = heaps->own[i];

		if (!heap)
			continue;
		if (n < max) {
			infos[n] = (struct heap_info){ .type = heap->type, .id = heap->id };
			memcpy(infos[n].name, heap->name, sizeof(infos[n].name));
		}
		n++;
	}
	return n;
}

void heaps_on_work(struct heaps *heaps, void (*work)(void *user), void *user)
{
	for (size_t i = 0; i < HEAP_IDS; i++) {
		if (!heaps->own[i])
			continue;
		heaps->own[i]->work = work;
		heaps->own[i]->work_user = user;
	}
}

struct heap *heaps_tend_begin(struct heaps *heaps)
{
	for (size_t i = HEAP_IDS; i-- > 0;)
		if (heaps->own[i] && heap_tend_begin(heaps->own[i]))
			return heaps->own[i];
	return NULL;
}

bool heaps_age(struct heaps *heaps, bool pressure)
{
	struct heap_stock stock;
	bool kept = false;

	for (size_t i = 0; i < HEAP_IDS; i++) {
		if (!heaps->own[i])
			continue;
		heap_age(heaps->own[i], pressure);
		heap_stock(heaps->own[i], &stock);
		kept |= stock.pooled > 0;
	}
	return kept;
}
