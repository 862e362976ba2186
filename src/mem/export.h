/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exporters make a file out of memory: a file that a client may hold, map and pass on; and they
 * know how the end of such a file is seen. One file per exporter, export_<name>.c.
 *
 * An export goes: export_make() (any thread), export_follow(), export_steal_fd() to give the file
 * away, and then its mark fires, or export_is_over() is asked, or the exporter calls
 * export.ended(), as export.end says.
 */
#ifndef MEM_EXPORT_H
#define MEM_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "mem/watch.h"

struct export;
struct exporter;
struct slice;

enum exporter_kind { /* numbers that stand in records: never change one */
		     EXPORTER_UDMABUF = 1,
		     EXPORTER_FILE = 2,
		     EXPORTER_MEMFD = 3,
		     EXPORTER_DMABUF = 4,
		     EXPORTERS_END, /* above all of them; may change */
};

enum export_end {			/* numbers that stand in records */
		  EXPORT_END_NONE = 0,	/* not followed yet */
		  EXPORT_END_CLOSE = 1, /* the mark firing is the end */
		  EXPORT_END_LOOK =
			  2, /* the mark firing says when to look: set it again, then look */
		  EXPORT_END_HOLD = 3, /* nothing tells: look from time to time */
		  EXPORT_END_TOLD = 4, /* the exporter tells: export.ended() */
};

struct exporter_ops {
	enum exporter_kind kind;
	const char *name;
	/* who has a file has the memory's own memfd open: pages_new(read_only); or its dma-buf */
	bool hands_out_memfd;
	/* make() waits for the thread that serves the doors: to be called by another one */
	bool waits;
	/* sets export.fd; where the exporter wants to, export.file, .tells and .ino too */
	int (*make)(struct exporter *exporter, struct export *export, const struct slice *slices,
		    size_t n);
	void (*follow)(struct export *export); /* where it tells: it calls ended() from here on */
	bool (*is_over)(const struct export *export);
	void (*drop)(struct export *export); /* of export.file, where it was set */
	struct exporter *(*free)(struct exporter *exporter);
};

struct exporter {
	const struct exporter_ops *ops;
	uint64_t mount; /* of its files, as /proc/PID/fdinfo says; 0: none was followed yet */
	/* exporter_probe() found that ... */
	bool notifies; /* its files' closes are seen by a watch */
	bool lets_go;  /* when a file has ended nobody can reach its memory in any way */
};

/* one exported file; embedded in its owner's object */
struct export
{
	struct exporter *exporter;
	int fd; /* to be given away; -1 before and after */
	int look_fd;
	bool owns_look_fd;
	enum export_end end;
	uint64_t ino; /* of the file: what /proc/PID/fdinfo says of it in any process */
	struct watch_mark mark;
	void *file; /* the exporter's own, or NULL */
	bool tells; /* the exporter knows the end by itself */
	/* the owner's, set before export_follow(), called in its thread; it may deinit the export
	 */
	void (*ended)(struct export * export);
};

#define EXPORT_INIT                                                                 \
	{                                                                           \
		.exporter = NULL, .fd = -1, .look_fd = -1, .mark = WATCH_MARK_INIT, \
	}

/* @device is an open /dev/udmabuf, borrowed: it must outlive the exporter */
int exporter_udmabuf_new(struct exporter **ret, int device);
int exporter_memfd_new(struct exporter **ret);
int exporter_dmabuf_new(struct exporter **ret); /* of memory that is one; not to be probed */
struct exporter *exporter_free(struct exporter *exporter);
DEFINE_CLEANUP(struct exporter *, exporter_free);

/**
 * exporter_probe() - try one page: can it export, and what of a file's end?
 *
 * Not all kernels tell: newer ones say nothing of pseudo files, older ones tell of closes that are
 * not the end. Where it isn't told rightly, exports are held and looked at.
 *
 * Return: 0 with exporter.notifies set; a negative error where it can't export here at all.
 */
int exporter_probe(struct exporter *exporter);

void export_init(struct export *export);

/*
 * Make the file: export.fd. Any thread. Return: 0, -ENOMEM, or a negative error.
 */
int export_make(struct export *export, struct exporter *exporter, const struct slice *slices,
		size_t n);

/*
 * See to it that the end will be noticed, while export.fd is still here; @slice is the first of
 * those it was made of, and its fd stays open until export_deinit(), unless export.end is
 * EXPORT_END_CLOSE. Return: 0, or a negative error.
 */
int export_follow(struct export *export, struct watch *watch, const struct slice *slice);

/* after a mark of EXPORT_END_LOOK fired: set it again; where that fails, hold */
void export_follow_again(struct export *export, struct watch *watch);

/* the file, owned by the caller from here on */
int export_steal_fd(struct export *export);

static inline bool export_can_look(const struct export *export)
{
	return export->end == EXPORT_END_LOOK || export->end == EXPORT_END_HOLD;
}

/* nobody but us holds the file: only where it can be looked at, after export_steal_fd() */
bool export_is_over(const struct export *export);

void export_deinit(struct export *export);

#endif
