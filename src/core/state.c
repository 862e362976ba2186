// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a table's free places are is derived from the records when a state is attached: a crash
 * can't make the two disagree.
 *
 * Order of stores of a record: table.used, content, valid. And of its end: valid, serial. A worker
 * that dies in between leaves a place that is free.
 */
#include "core/state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "base/idmap.h"
#include "base/log.h"

#define HEAD_SIZE	   sizeof(struct state_record)
#define ID(record, place)  ((uint64_t)(record)->serial << 32 | (place))
#define ID_PLACE(id)	   ((uint32_t)(id))
#define ID_SERIAL(id)	   ((uint32_t)((id) >> 32))
#define STATE_RECORD_VALID 1u

struct state {
	struct state_header *header; /* the mapping */
	uint64_t size;
	struct idmap places[_STATE_KIND_N]; /* place -> owner, or the state where there is none */
};

/* ---- attaching ---- */

static struct state_record *record_at(const struct state *state, enum state_kind kind,
				      uint32_t place)
{
	const struct state_table *t = &state->header->tables[kind];

	return (void *)((char *)state->header + t->offset + (uint64_t)(place - 1) * t->size);
}

static bool record_is_valid(const struct state_record *record)
{
	return atomic_load_explicit((_Atomic uint32_t *)&record->valid, memory_order_acquire) ==
	       STATE_RECORD_VALID;
}

/* which places of a table are taken: all that ever were, less those that are free again */
static int places_derive(struct state *state, enum state_kind kind)
{
	uint32_t used = state->header->tables[kind].used, place;
	int r;

	for (uint32_t i = 0; i < used; i++) {
		r = idmap_add(&state->places[kind], state, &place);
		if (r < 0)
			return r;
	}
	for (place = used; place; place--) {
		if (!record_is_valid(record_at(state, kind, place)))
			idmap_remove(&state->places[kind], place);
	}
	return 0;
}

/* the index goes, the records stay */
static void places_forget(struct idmap *places)
{
	for (uint32_t place = 0; (place = idmap_next(places, place));)
		idmap_remove(places, place);
	idmap_deinit(places);
}

int state_attach(struct state **ret, int fd)
{
	_cleanup_(state_freep) struct state *state = NULL;
	void *map;
	int r;

	state = calloc(1, sizeof(*state));
	if (!state)
		return err_origin(-ENOMEM);
	r = state_file_check(fd, &state->size);
	if (r < 0)
		return r;
	map = mmap(NULL, state->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (map == MAP_FAILED)
		return err_origin(-errno);
	state->header = map;
	for (size_t kind = 0; kind < _STATE_KIND_N; kind++) {
		r = places_derive(state, kind);
		if (r < 0)
			return r;
	}

	*ret = steal(state);
	return 0;
}

struct state *state_free(struct state *state)
{
	if (!state)
		return NULL;
	for (size_t kind = 0; kind < _STATE_KIND_N; kind++)
		places_forget(&state->places[kind]);
	if (state->header)
		munmap(state->header, state->size);
	free(state);
	return NULL;
}

struct state_header *state_header(struct state *state)
{
	return state->header;
}

/* ---- slots ---- */

struct state_channel *state_channel(struct state *state, uint32_t channel)
{
	assert(channel < STATE_CHANNELS);
	return &state->header->channels[channel];
}

void *state_slot(struct state *state, uint32_t channel)
{
	assert(channel < STATE_CHANNELS);
	return (char *)state->header + state->header->slots_offset +
	       (uint64_t)channel * STATE_SLOT_SIZE;
}

int state_slot_prefault(struct state *state, uint32_t channel)
{
	void *slot = state_slot(state, channel);

	if (madvise(slot, STATE_SLOT_SIZE, MADV_POPULATE_WRITE) < 0)
		return err_origin(-errno);
	if (mlock(slot, STATE_SLOT_SIZE) < 0)
		log_debug("state", "the read buffer of channel %u isn't locked: %m", channel);
	return 0;
}

/* ---- records ---- */

int state_take(struct state *state, enum state_kind kind, void *owner, void **ret_record,
	       uint64_t *ret_id)
{
	struct state_table *table = &state->header->tables[kind];
	struct state_record *record;
	uint32_t place;
	int r;

	r = idmap_add(&state->places[kind], owner, &place);
	if (r < 0)
		return r;
	if (place > table->capacity) {
		idmap_remove(&state->places[kind], place);
		return err_origin(-ENOMEM);
	}
	if (place > table->used)
		atomic_store_explicit(&table->used, place, memory_order_release);
	record = record_at(state, kind, place);
	memset((char *)record + HEAD_SIZE, 0, table->size - HEAD_SIZE);
	*ret_record = record;
	*ret_id = ID(record, place);
	return 0;
}

void *state_owner(const struct state *state, enum state_kind kind, uint64_t id)
{
	void *owner = idmap_find(&state->places[kind], ID_PLACE(id));

	if (!owner || owner == state ||
	    record_at(state, kind, ID_PLACE(id))->serial != ID_SERIAL(id))
		return NULL;
	return owner;
}

void state_commit(void *record)
{
	atomic_store_explicit(&((struct state_record *)record)->valid, STATE_RECORD_VALID,
			      memory_order_release);
}

uint64_t state_drop(struct state *state, enum state_kind kind, uint64_t id)
{
	struct state_record *record;

	if (!id)
		return 0;
	record = record_at(state, kind, ID_PLACE(id));
	assert(record->serial == ID_SERIAL(id));
	atomic_store_explicit(&record->valid, 0, memory_order_release);
	record->serial++;
	idmap_remove(&state->places[kind], ID_PLACE(id));
	return 0;
}

void *state_find(struct state *state, enum state_kind kind, uint64_t id)
{
	struct state_record *record;

	if (!idmap_find(&state->places[kind], ID_PLACE(id)))
		return NULL;
	record = record_at(state, kind, ID_PLACE(id));
	return record_is_valid(record) && record->serial == ID_SERIAL(id) ? record : NULL;
}

void *state_next(struct state *state, enum state_kind kind, uint32_t *place, uint64_t *ret_id)
{
	struct state_record *record;

	while (*place < state->header->tables[kind].used) {
		record = record_at(state, kind, ++*place);
		if (record_is_valid(record)) {
			*ret_id = ID(record, *place);
			return record;
		}
	}
	return NULL;
}

uint32_t state_count(const struct state *state, enum state_kind kind)
{
	return idmap_count(&state->places[kind]);
}

/**
 * state_request_put() - keep a request beyond the slot it was read into
 * @state:	the state
 * @ret_id:	of the record, for state_request_drop()
 * @info:	the request
 *
 * Return: 0, -ENOMEM where there are too many, or a negative error.
 */
int state_request_put(struct state *state, uint64_t *ret_id, const struct state_request_info *info)
{
	struct state_request *request;
	void *record;
	int r;

	r = state_take(state, STATE_REQUEST, state, &record, ret_id);
	if (r < 0)
		return r;
	request = record;
	request->unique = info->unique;
	request->client = info->client;
	request->channel = info->channel;
	request->tid = info->tid;
	request->head_size = MIN(info->head_size, sizeof(request->head));
	memcpy(request->head, info->head, request->head_size);
	state_commit(request);
	return 0;
}

uint64_t state_request_drop(struct state *state, uint64_t id)
{
	return state_drop(state, STATE_REQUEST, id);
}
