// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/doors.h"

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "core/record.h"
#include "daemon/priv.h"

_Static_assert(DOORS_MAX < STATE_CHANNELS, "each door has a slot, and buffers' files have one");

#define FOLDER "dma_heap/"
_Static_assert(sizeof(FOLDER) + HEAP_NAME_SIZE <= NODE_NAME_SIZE, "a heap's name fits");

/* ---- the nodes ---- */

static gid_t pick_group(const char *name)
{
	struct group *group = getgrnam(name);

	if (!group)
		log_notice("keeper", "no group '%s' here: the nodes belong to root alone", name);
	return group ? group->gr_gid : 0;
}

static void add_dma_heap(struct doors *doors, const char *name, const struct heap_settings *heap)
{
	struct node *node;

	if (doors->n_nodes == NODES_MAX) {
		log_warning("keeper", "no node " FOLDER "%s: there are %d already", name,
			    DMA_HEAPS_MAX);
		return;
	}
	node = &doors->nodes[doors->n_nodes++];
	node->heaps = 1u << heap->id;
	snprintf(node->name, sizeof(node->name), FOLDER "%s", name);
}

static void add_chosen(struct doors *doors, const char *name, const struct heap_settings *heap)
{
	if (strncmp(name, "ion_", 4))
		add_dma_heap(doors, name, heap);
}

static void add_dma_heaps(struct doors *doors, const struct settings *settings)
{
	const struct dma_heap_settings *dma_heap = &settings->dma_heap;

	for (size_t i = 0; i < dma_heap->n_names; i++)
		add_dma_heap(doors, dma_heap->names[i],
			     settings_find_heap(settings, dma_heap->names[i]));
	for (size_t i = 0; !dma_heap->listed && i < settings->n_heaps; i++) {
		const struct heap_settings *heap = &settings->heaps[i];

		add_chosen(doors, heap->name, heap);
		for (size_t k = 0; k < heap->n_alias_names; k++)
			add_chosen(doors, heap->alias_names[k], heap);
	}
}

void doors_list_nodes(struct doors *doors, const struct settings *settings)
{
	const struct node_settings *ion = &settings->ion, *dma_heap = &settings->dma_heap.node;
	gid_t ion_gid = pick_group(ion->group);
	gid_t dma_heap_gid =
		strcmp(dma_heap->group, ion->group) ? pick_group(dma_heap->group) : ion_gid;

	*doors = (struct doors){ .nodes = { { .name = "ion" } }, .n_nodes = 1 };
	add_dma_heaps(doors, settings);
	for (size_t i = 0; i < doors->n_nodes; i++) {
		doors->nodes[i].mode = i ? dma_heap->mode : ion->mode;
		doors->nodes[i].gid = i ? dma_heap_gid : ion_gid;
		doors->given[i] = i ? dma_heap->given : ion->given;
	}
}

/* ---- the doors ---- */

static void add_door(struct doors *doors, const struct door *door, int fd)
{
	doors->doors[doors->n] = *door;
	doors->channels[doors->n] = fd;
	doors->n++;
}

/* the kernel's own node is let be, also where it is one of another /dev */
static bool kernel_has(const struct node *node)
{
	char path[32 + NODE_NAME_SIZE];

	snprintf(path, sizeof(path), "/dev/%s", node->name);
	if (access(path, F_OK) == 0)
		return true;
	snprintf(path, sizeof(path), "/sys/class/%s", node->name);
	return access(path, F_OK) == 0;
}

static int open_cuse(struct doors *doors)
{
	for (size_t i = 0; i < doors->n_nodes; i++) {
		const struct node *node = &doors->nodes[i];
		int fd, r;

		if (node->heaps && kernel_has(node)) {
			log_info("keeper", "the kernel has /dev/%s itself: ours is not made",
				 node->name);
			continue;
		}
		r = priv_open_cuse(&fd, node->name);
		if (r < 0)
			return r;
		add_door(doors, &(struct door){ .kind = FRONTEND_CUSE, .node = i }, fd);
	}
	return 0;
}

static int mount_fuse(struct doors *doors, const char *dir)
{
	int fd, r;

	r = priv_mount_fuse(&fd, dir);
	if (r == 0)
		add_door(doors, &(struct door){ .kind = FRONTEND_FUSE, .dir = dir }, fd);
	return r;
}

int doors_open(struct doors *doors, const struct settings *settings)
{
	for (size_t i = 0; i < settings->n_frontends; i++) {
		const struct frontend *frontend = &settings->frontends[i];
		int r;

		r = frontend->kind == FRONTEND_CUSE ? open_cuse(doors)
						    : mount_fuse(doors, frontend->dir);
		if (r < 0)
			return r;
	}
	return 0;
}

const char *doors_cuse_name(const struct doors *doors, size_t i)
{
	const struct door *door = &doors->doors[i];

	return door->kind == FRONTEND_CUSE ? doors->nodes[door->node].name : NULL;
}

void doors_unmount(const struct doors *doors)
{
	for (size_t i = 0; i < doors->n; i++)
		if (doors->doors[i].kind == FRONTEND_FUSE)
			priv_unmount_fuse(doors->doors[i].dir);
}
