/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must outlive a worker: a memfd of fixed-size records without pointers, and the buffers that
 * the channels are read into. A record counts from one final store on (state_commit()); what isn't
 * committed was never there. Free places are found by looking, nothing else is kept about them.
 *
 * The file is sparse: capacities are generous, only what was used once takes memory.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "core/record.h"
#include "core/state_file.h" /* state_create() */

struct state;

/* map @fd (borrowed, may be closed). Return: 0, -EPROTO where it is none or not of this version, or
 * a negative error. */
int state_attach(struct state **ret, int fd);
struct state *state_free(struct state *state); /* unmaps; the records stay in the file */
DEFINE_CLEANUP(struct state *, state_free);

struct state_header *state_header(struct state *state);
struct state_channel *state_channel(struct state *state, uint32_t channel);

/* where @channel is read into: STATE_SLOT_SIZE bytes, page aligned */
void *state_slot(struct state *state, uint32_t channel);

/* have a slot's pages there before the kernel writes to them, and keep them: a fault that fails in
 * the read would end the request. Return: 0, also where they can't be locked; or a negative error.
 */
int state_slot_prefault(struct state *state, uint32_t channel);

/* the lowest free place of a kind, for @owner's record: zeroed, not valid yet. Return: 0, -ENOMEM
 * where it is full, or a negative error. */
int state_take(struct state *state, enum state_kind kind, void *owner, void **ret_record,
	       uint64_t *ret_id);

/* who took the place of @id in this process, or NULL: where nobody did, or it was dropped since */
void *state_owner(const struct state *state, enum state_kind kind, uint64_t id);

/* from here on the record counts; all of its content is written */
void state_commit(void *record);

/* the record, committed or not, is gone; @id 0 is let be. Return: 0. */
uint64_t state_drop(struct state *state, enum state_kind kind, uint64_t id);

/* the valid record of @id, or NULL */
void *state_find(struct state *state, enum state_kind kind, uint64_t id);

/* the next valid record after place *@place (0 at first) and its id, or NULL */
void *state_next(struct state *state, enum state_kind kind, uint32_t *place, uint64_t *ret_id);

uint32_t state_count(const struct state *state, enum state_kind kind); /* taken places */

/* keep a request beyond its slot: @head is cut at STATE_HEAD_MAX. Return: as state_take(). */
struct state_request_info {
	uint64_t unique, client;
	uint32_t channel, tid;
	const void *head;
	size_t head_size;
};
int state_request_put(struct state *state, uint64_t *ret_id, const struct state_request_info *info);
uint64_t state_request_drop(struct state *state, uint64_t id);

#endif
