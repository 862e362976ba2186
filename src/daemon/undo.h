/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers in sysfs that we raise and put back. Each is on a note before it is raised, so that who
 * comes after one that was killed puts it back, too.
 */
#ifndef DAEMON_UNDO_H
#define DAEMON_UNDO_H

#include <stddef.h>
#include <stdint.h>

enum undo_kind {
	UNDO_PAGES, /* a folder of huge pages: their number, which others change beside us */
	UNDO_LIMIT, /* a file with a number, which is nobody's but ours while it is what we wrote */
};

struct undo_entry {
	enum undo_kind kind;
	char path[120];		/* below undo.sysfs */
	uint64_t before, added; /* pages: those that stay, without the surplus */
};

enum {
	UNDO_MAX = 32,
};

struct undo {
	const char *sysfs; /* /sys */
	const char *note;  /* path of a file in a folder of root's; both borrowed */
	struct undo_entry entries[UNDO_MAX];
	size_t n;
};

void undo_init(struct undo *undo, const char *sysfs, const char *note);

/* put back what an earlier note says. Return: how much that was, or a negative error: it is there,
 * but can't be read. */
int undo_recover(struct undo *undo);

/* what is there now: 0 or a negative error */
int undo_read(const struct undo *undo, enum undo_kind kind, const char *path, uint64_t *ret);

/**
 * undo_raise() - raise a number
 * @undo:	notes it
 * @kind:	what is at the path
 * @path:	below undo.sysfs
 * @more:	by how much
 * @ret:	how much more is there now, for pages perhaps less than asked
 *
 * Return: 0, or a negative error: nothing was raised.
 */
int undo_raise(struct undo *undo, enum undo_kind kind, const char *path, uint64_t more,
	       uint64_t *ret);

/* put the last one back, or all: the note goes with them. Says what can't be put back. */
void undo_last(struct undo *undo);
void undo_all(struct undo *undo);

#endif
