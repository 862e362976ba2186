/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A buffer: memory of a heap, and who pays for it. It lives as long as anything names it: a handle
 * of a client (core/handle.h), a file that somebody outside holds (core/file.h), or who makes it.
 */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"
#include "core/quota.h"
#include "heap/heap.h"

struct client;
struct file;
struct service;
struct state_buffer;

struct buffer {
	struct service *service;
	struct client *client;	 /* who asked for it; NULL: gone */
	struct list link;	 /* service.buffers */
	struct list client_link; /* client.buffers */
	struct list handles;	 /* handle.buffer_link */
	unsigned int references;
	uint64_t id; /* of its record */
	struct state_buffer *record;
	struct file *recorded; /* the file that stands in its record, too; or NULL */
	uint64_t size;
	struct quota_user *user;
	struct charge charge;	     /* to the user */
	struct charge client_charge; /* to the client, while it is there */
	struct heap_block block;
};

/* ---- for the files of this folder ---- */

/* a buffer of @size bytes that @client pays for, without memory yet, with a reference. Return: 0,
 * QUOTA_E_EXCEEDED, or a negative error. */
int buffer_new(struct buffer **ret, struct client *client, uint64_t size);
struct buffer *buffer_ref(struct buffer *buffer);
struct buffer *buffer_unref(struct buffer *buffer); /* Return: NULL */
DEFINE_CLEANUP(struct buffer *, buffer_unref);

/* its memory is there: put it on record, uncommitted. @unique is of the request, @tid of the thread
 * that asked. */
void buffer_record(struct buffer *buffer, uint64_t unique, uint32_t tid);

/* the client goes, the buffer stays */
void buffer_orphan(struct buffer *buffer);

#endif
