/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A buffer: memory of a heap, the file it was exported as, and who pays. It lives until two things
 * have come, in any order: its delivery is over (buffer_delivered()) and nobody holds the file.
 */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"
#include "core/quota.h"
#include "heap/heap.h"
#include "mem/export.h"

struct client;
struct service;
struct state_buffer;

struct buffer {
	struct service *service;
	struct client *client;	 /* who asked for it; NULL: gone */
	struct list link;	 /* service.buffers */
	struct list client_link; /* client.buffers */
	struct list look_link;	 /* service.looked */
	uint64_t id;		 /* of its record */
	struct state_buffer *record;
	uint64_t size;
	struct quota_user *user;
	struct charge charge;	     /* to the user */
	struct charge client_charge; /* to the client, while it is there */
	struct heap_block block;
	struct export export;
	bool delivered;
	bool over;   /* nobody holds the file */
	bool unsure; /* a close was told that was not the end, or not yet: look again */
};

/*
 * The delivery is over, well or not, and our fd of the file is closed or given away: from here on
 * the end rule decides. @buffer may be gone on return.
 */
void buffer_delivered(struct buffer *buffer);

/* ---- for the files of this folder ---- */

/* a buffer of @size bytes that @client pays for, without memory yet. Return: 0, QUOTA_E_EXCEEDED,
 * or a negative error. */
int buffer_new(struct buffer **ret, struct client *client, uint64_t size);
struct buffer *buffer_free(struct buffer *buffer);
DEFINE_CLEANUP(struct buffer *, buffer_free);

/* its memory is there and exported: follow the file and put the buffer on record */
int buffer_publish(struct buffer *buffer, uint64_t unique, uint32_t tid);

/* the client goes, the buffer stays */
void buffer_orphan(struct buffer *buffer);

/* its mark fired */
void buffer_file_closed(struct buffer *buffer);

/* ask whether anyone holds the file, where that can be asked; @buffer may be gone on return */
void buffer_look(struct buffer *buffer);

#endif
