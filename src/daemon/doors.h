/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The doors of the service and the nodes behind them, as the settings have them: each --frontend
 * fuse=DIR is one door with all nodes; --frontend cuse is one door for each node but for those that
 * the kernel has itself.
 */
#ifndef DAEMON_DOORS_H
#define DAEMON_DOORS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/settings.h"
#include "front/node.h"

enum {
	NODES_MAX = 1 + DMA_HEAPS_MAX,
	DOORS_MAX = FRONTENDS_MAX + DMA_HEAPS_MAX,
};

struct door {
	enum frontend_kind kind;
	const char *dir; /* FRONTEND_FUSE: where it is mounted; of argv */
	size_t node;	 /* FRONTEND_CUSE: which; 0 is ION's */
};

struct doors {
	struct node nodes[NODES_MAX];
	bool given[NODES_MAX]; /* the settings have the node's mode or group */
	size_t n_nodes;
	struct door doors[DOORS_MAX];
	int channels[DOORS_MAX]; /* of the doors */
	size_t n;
};

/*
 * List the nodes, of a dma-heap each one name, with mode and group. Where the settings list no
 * names these are all names and alias names of heaps but those that begin with "ion_", which
 * belong to /dev/ion.
 */
void doors_list_nodes(struct doors *doors, const struct settings *settings);

/**
 * doors_open() - open or mount all of them
 * @doors:	with its nodes listed; what was opened before an error stands in it
 * @settings:	the front ends
 *
 * Return: 0, or a negative error, which is on the log.
 */
int doors_open(struct doors *doors, const struct settings *settings);

/* the node of a CUSE door, below /dev; NULL for others */
const char *doors_cuse_name(const struct doors *doors, size_t i);

/* unmount those that are mounted; the channels are closed by who sweeps the table */
void doors_unmount(const struct doors *doors);

#endif
