// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Heaps are tried by their own ids, highest first, each once; what the last one said is the answer
 * where none could. Which heaps there are is asked before anything is paid for.
 */
#include "core/alloc.h"

#include <assert.h>
#include <errno.h>

#include "base/err.h"
#include "base/stop_point.h"
#include "core/buffer.h"
#include "core/client.h"
#include "core/core.h"
#include "core/file.h"
#include "core/handle.h"
#include "core/look.h"
#include "core/state.h"
#include "heap/heaps.h"

#define LOOK_SHORTAGE 256 /* buffers asked where account or heaps are empty */
#define LOOK_PASSING  2	  /* and by each allocation: garbage can't grow without a bound */

struct alloc {
	struct service *service;
	struct list link; /* client.allocs; on none: the client is gone */
	struct alloc_want want;
	uint32_t heaps_left; /* mask of own ids */
	struct buffer *buffer;
	struct file *file; /* NULL: a handle is wanted */
	int result;	   /* of the last heap */
};

/* reserve in the next heap that has room */
static int alloc_reserve(struct alloc *a)
{
	const struct heap_want want = {
		.size = a->buffer->size,
		.flags = a->want.flags,
		.align = a->want.align,
	};

	while (a->heaps_left) {
		uint32_t id = 31 - __builtin_clz(a->heaps_left);

		a->heaps_left &= ~(1u << id);
		a->result =
			heap_reserve(heaps_get(a->service->heaps, id), &a->buffer->block, &want);
		if (!a->result)
			return 0;
	}
	return a->result;
}

/* a buffer that is paid for and has its place */
static int alloc_take(struct alloc *a, struct client *client, uint64_t size)
{
	int r;

	r = buffer_new(&a->buffer, client, size);
	if (r < 0)
		return r;
	if (r == QUOTA_E_EXCEEDED)
		return -ENOMEM;
	if (!a->want.handle)
		r = file_new(&a->file, a->buffer);
	if (r < 0)
		return r;
	STOP_POINT("alloc.charged", a->want.tid);
	return alloc_reserve(a);
}

int alloc_begin(struct alloc **ret, struct client *client, const struct alloc_want *want)
{
	_cleanup_(alloc_freep) struct alloc *a = NULL;
	uint64_t size = pages_round(want->len);
	uint32_t heaps = heaps_resolve(client->service->heaps, want->mask);
	int r;

	if (!size)
		return -EINVAL;
	if (!heaps)
		return -ENODEV;
	look_some(client->service, LOOK_PASSING);

	a = calloc(1, sizeof(*a));
	if (!a)
		return err_origin(-ENOMEM);
	a->service = client->service;
	a->service->n_allocs++;
	list_append(&client->allocs, &a->link);
	a->want = *want;
	a->heaps_left = heaps;

	r = alloc_take(a, client, size);
	if (r == -ENOMEM) {
		/* what has ended by now need not stand in the way */
		a->file = file_free(a->file);
		a->buffer = buffer_unref(a->buffer);
		a->heaps_left = heaps;
		look_watch(a->service);
		look_some(a->service, LOOK_SHORTAGE);
		r = alloc_take(a, client, size);
	}
	if (r < 0)
		return r;
	STOP_POINT("alloc.reserved", want->tid);

	*ret = steal(a);
	return 0;
}

struct alloc *alloc_free(struct alloc *a)
{
	if (!a)
		return NULL;
	file_free(a->file);
	buffer_unref(a->buffer);
	list_remove(&a->link);
	a->service->n_allocs--;
	free(a);
	return NULL;
}

bool alloc_is_slow(const struct alloc *a)
{
	return a->buffer->size > ALLOC_SLOW_BYTES ||
	       (a->file && a->buffer->block.heap->exporter->ops->waits);
}

void alloc_run(struct alloc *a)
{
	a->result = heap_fill(&a->buffer->block);
	STOP_POINT("alloc.filled", a->want.tid);
	if (!a->result && a->file)
		a->result = file_make(a->file);
	STOP_POINT("alloc.exported", a->want.tid);
}

/* undo what alloc_run() did, and go on to the next heap, or to the same one where that has lost
 * some of the memory: each time it has less to lose. Return: 0, or what the last one said. That we
 * are out of fds is lack of memory to a client: EMFILE is what it hears of its own table. */
static int alloc_next_heap(struct alloc *a, int error)
{
	if (error == HEAP_E_AGAIN)
		a->heaps_left |= 1u << a->buffer->block.heap->id;
	a->result = error == -EMFILE || error == -ENFILE || error == HEAP_E_AGAIN ? -ENOMEM : error;
	if (a->file)
		export_deinit(&a->file->export);
	heap_release(&a->buffer->block);
	return alloc_reserve(a);
}

static int alloc_publish(struct alloc *a, struct client *client, uint32_t *ret_handle)
{
	int r;

	buffer_record(a->buffer, a->want.unique, a->want.tid);
	if (a->file)
		return file_publish(a->file, a->want.unique, a->want.tid);
	r = handle_get(client, a->buffer, ret_handle);
	if (r == 0)
		state_commit(a->buffer->record);
	return r;
}

int alloc_finish(struct alloc *alloc, struct alloc_done *ret)
{
	_cleanup_(alloc_freep) struct alloc *a = alloc;
	struct alloc_done done = { .fd = -1 };
	int r = a->result;

	if (list_is_empty(&a->link))
		return -ECANCELED;
	if (!r)
		r = alloc_publish(a, a->buffer->client, &done.handle);
	if (r) {
		r = alloc_next_heap(a, r);
		if (r < 0)
			return r;
		steal(a);
		return ALLOC_E_AGAIN;
	}
	if (a->file) {
		done.fd = export_steal_fd(&a->file->export);
		done.file = steal(a->file);
	}
	*ret = done;
	return 0;
}
