/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file: what a buffer was exported as, for somebody outside to hold, map, pass on and import. A
 * buffer may have several, each made anew. A file lives until two things have come, in any order:
 * its delivery is over (file_delivered()) and nobody holds it.
 */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"
#include "mem/export.h"

struct buffer;
struct service;
struct state_buffer;

struct file {
	struct buffer *buffer; /* a reference */
	struct list link;      /* service.files, of its inode */
	struct list look_link; /* service.looked */
	uint64_t id;	       /* of its record, which may be its buffer's */
	struct state_buffer *record;
	struct export export;
	bool delivered;
	bool over;   /* nobody holds it */
	bool unsure; /* a close was told that was not the end, or not yet: look again */
};

/*
 * The delivery is over, well or not, and our fd of the file is closed or given away: from here on
 * the end rule decides. @file may be gone on return.
 */
void file_delivered(struct file *file);

/*
 * The file that somebody has open and that /proc/PID/fdinfo tells so of: its mount and its inode.
 * Of several that are the same (a memfd) any one. NULL: none of ours.
 */
struct file *file_find(struct service *service, uint64_t mount, uint64_t ino);

/* ---- for the files of this folder ---- */

/* a file of @buffer that is not made yet: 0 or a negative error */
int file_new(struct file **ret, struct buffer *buffer);
struct file *file_free(struct file *file);
DEFINE_CLEANUP(struct file *, file_free);

/* the slow part: make it; any thread */
int file_make(struct file *file);

/* it is made: follow it and put it on record, with its buffer where that isn't yet. @unique is of
 * the request, @tid of the thread that asked. Return: 0 or a negative error. */
int file_publish(struct file *file, uint64_t unique, uint32_t tid);

/* its mark fired */
void file_closed(struct file *file);

/* ask whether anyone holds it, where that can be asked; @file may be gone on return */
void file_look(struct file *file);

#endif
