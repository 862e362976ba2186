// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A buffer's own record has room for one file, as most have but one; further files have records of
 * their own, which name the first. There a file counts from the store of its `end` on.
 */
#include "core/file.h"

#include <assert.h>
#include <errno.h>

#include "base/err.h"
#include "base/stop_point.h"
#include "core/buffer.h"
#include "core/core.h"
#include "core/state.h"

_Static_assert(WATCH_INSTANCES_MAX == STATE_WATCHES_MAX, "each instance has a place on record");

static struct list *files_of_ino(struct service *service, uint64_t ino)
{
	return &service->files[ino % ARRAY_SIZE(service->files)];
}

/* ---- records ---- */

static int file_take_record(struct file *f)
{
	struct buffer *b = f->buffer;
	void *record;
	int r;

	if (!b->recorded) {
		b->recorded = f;
		f->record = b->record;
		f->id = b->id;
		return 0;
	}
	r = state_take(b->service->state, STATE_BUFFER, b, &record, &f->id);
	if (r == 0)
		f->record = record;
	return r;
}

static void record_end(struct state_buffer *record, enum export_end end)
{
	atomic_store_explicit(&record->end, end, memory_order_release);
}

static void file_drop_record(struct file *f)
{
	struct buffer *b = f->buffer;

	if (b->recorded != f) {
		state_drop(b->service->state, STATE_BUFFER, f->id);
		return;
	}
	record_end(b->record, EXPORT_END_NONE);
	b->record->ino = 0;
	b->record->look_fd = b->record->watch = -1;
	b->record->delivered = 0;
	b->recorded = NULL;
}

/* how the end will be seen, as it stands on record */
static void file_record_end(struct file *f)
{
	struct service *service = f->buffer->service;
	struct state_buffer *record = f->record;

	record->look_fd = f->export.look_fd;
	record->watch = watch_instance_index(&f->export.mark);
	record->watch_wd = f->export.mark.wd;
	if (record->watch >= 0)
		state_header(service->state)->watch_fds[record->watch] =
			watch_instance_fd(service->watch, record->watch);
	record_end(record, f->export.end);
}

static void file_record(struct file *f, uint64_t unique, uint32_t tid)
{
	struct state_buffer *record = f->record;

	if (f->buffer->recorded != f) {
		record->size = f->buffer->size;
		record->memory_of = f->buffer->id;
		record->unique = unique;
		record->uid = f->buffer->user->uid;
		record->tid = tid;
		record->memfd = -1;
	}
	record->ino = f->export.ino;
	record->exporter = f->export.exporter->ops->kind;
	file_record_end(f);
}

/* ---- life ---- */

int file_new(struct file **ret, struct buffer *buffer)
{
	struct file *f;
	int r;

	f = calloc(1, sizeof(*f));
	if (!f)
		return err_origin(-ENOMEM);
	f->buffer = buffer_ref(buffer);
	list_init(&f->link);
	list_init(&f->look_link);
	export_init(&f->export);
	r = file_take_record(f);
	if (r < 0) {
		buffer_unref(buffer);
		free(f);
		return r;
	}
	*ret = f;
	return 0;
}

static void file_look_no_more(struct file *f)
{
	if (list_is_empty(&f->look_link))
		return;
	list_remove(&f->look_link);
	f->buffer->service->n_looked--;
}

struct file *file_free(struct file *f)
{
	if (!f)
		return NULL;
	file_drop_record(f);
	file_look_no_more(f);
	list_remove(&f->link);
	export_deinit(&f->export);
	buffer_unref(f->buffer);
	free(f);
	return NULL;
}

int file_make(struct file *f)
{
	const struct heap_block *block = &f->buffer->block;

	return export_make(&f->export, block->heap->exporter, block->slices, block->n_slices);
}

static void file_ended(struct export *export);

int file_publish(struct file *f, uint64_t unique, uint32_t tid)
{
	struct buffer *b = f->buffer;
	int r;

	f->export.ended = file_ended;
	r = export_follow(&f->export, b->service->watch, b->block.slices);
	if (r < 0)
		return r;
	STOP_POINT("buffer.followed", tid);
	list_append(files_of_ino(b->service, f->export.ino), &f->link);
	file_record(f, unique, tid);
	STOP_POINT("buffer.recorded", tid);
	state_commit(f->record);
	STOP_POINT("buffer.published", tid);
	return 0;
}

/* ---- its end ---- */

/* act on what is known now; @f may be gone on return */
static void file_settle(struct file *f)
{
	struct service *service = f->buffer->service;

	if (!f->delivered)
		return;
	if (f->over) {
		file_free(f);
	} else if ((f->export.end == EXPORT_END_HOLD || f->unsure) &&
		   list_is_empty(&f->look_link)) {
		list_append(&service->looked, &f->look_link);
		service->n_looked++;
	}
}

static void file_ended(struct export *export)
{
	struct file *f = container_of(export, struct file, export);

	f->over = true;
	file_settle(f);
}

void file_delivered(struct file *f)
{
	assert(!f->delivered && f->export.fd < 0);
	f->delivered = true;
	f->record->delivered = 1;
	file_settle(f);
}

void file_look(struct file *f)
{
	if (export_can_look(&f->export) && export_is_over(&f->export))
		f->over = true;
	file_settle(f);
}

void file_closed(struct file *f)
{
	if (f->export.end == EXPORT_END_CLOSE || export_is_over(&f->export)) {
		f->over = true;
	} else {
		/* set first, then looked again: a close between the two isn't missed */
		export_follow_again(&f->export, f->buffer->service->watch);
		file_record_end(f);
		f->over = export_is_over(&f->export);
		/* the kernel tells of a close a moment before the file is let go of */
		f->unsure = true;
	}
	file_settle(f);
}

struct file *file_find(struct service *service, uint64_t mount, uint64_t ino)
{
	list_for_each (i, files_of_ino(service, ino)) {
		struct file *f = list_entry(i, struct file, link);

		if (f->export.ino == ino && f->export.exporter->mount == mount)
			return f;
	}
	return NULL;
}
