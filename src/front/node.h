/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A node that a door makes for clients to open: ION's, or one that stands for a heap as
 * /dev/dma_heap/NAME does.
 */
#ifndef FRONT_NODE_H
#define FRONT_NODE_H

#include <stdint.h>
#include <sys/types.h>

#define NODE_NAME_SIZE 48 /* with the NUL: that of a heap, and the folder's before it */

struct node {
	char name[NODE_NAME_SIZE]; /* below /dev, or below the mount: "ion", "dma_heap/system" */
	uint32_t heaps;		   /* 0: ION's; else the ids of the heap that it stands for */
	mode_t mode;
	gid_t gid;
};

#endif
