/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches files for their close: a set of inotify instances behind one fd. A mark fires once, when
 * an open file of its inode is closed for good: the last fd, mapping and importer gone.
 *
 * An instance's queue can't overflow from marks that fire, however many do at once: it takes only
 * as many marks as it has room for all their events, then a further instance is opened.
 */
#ifndef MEM_WATCH_H
#define MEM_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"

struct watch;
struct watch_instance;

#define WATCH_INSTANCES_MAX 16

/* one watched inode; embedded in its owner's object */
struct watch_mark {
	struct watch_instance *instance; /* NULL: not set, or fired */
	int wd;
	struct list link; /* watch_instance.marks */
};

#define WATCH_MARK_INIT                    \
	{                                  \
		.instance = NULL, .wd = -1 \
	}

int watch_new(struct watch **ret);
struct watch *watch_free(struct watch *watch); /* no mark may be set */
DEFINE_CLEANUP(struct watch *, watch_free);

/* readable while there is something for watch_read(); one fd for the life of the set */
int watch_fd(const struct watch *watch);

/*
 * Set @mark, which is not set, on the inode of @fd (borrowed, may be closed at once). Return: 0, or
 * a negative error: -EEXIST where a mark is on that inode, -ENOSPC where this user may have no
 * more.
 */
int watch_set(struct watch *watch, struct watch_mark *mark, int fd);

/* nothing comes of @mark any more; a mark that is not set is let be */
void watch_clear(struct watch_mark *mark);

/* calls @fired for each mark that fired; it may set and clear any mark, the same too */
void watch_read(struct watch *watch, void (*fired)(struct watch_mark *mark, void *user),
		void *user);

/* which instance of the set a mark is on, from 0, and that instance's fd (borrowed) or -1: for
 * records that outlive this process */
int watch_instance_index(const struct watch_mark *mark);
int watch_instance_fd(const struct watch *watch, unsigned int index);

#endif
