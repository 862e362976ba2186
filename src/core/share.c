// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/share.h"

#include <errno.h>

#include "base/err.h"
#include "core/alloc.h"
#include "core/buffer.h"
#include "core/core.h"
#include "core/file.h"
#include "core/handle.h"

struct share {
	struct service *service;
	struct file *file;
	uint64_t unique;
	uint32_t tid;
	int result;
};

int share_begin(struct share **ret, struct client *client, uint32_t handle, uint64_t unique,
		uint32_t tid)
{
	_cleanup_(share_freep) struct share *s = NULL;
	struct buffer *buffer = handle_buffer(client, handle);
	int r;

	if (!buffer)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return err_origin(-ENOMEM);
	s->service = client->service;
	s->service->n_shares++;
	s->unique = unique;
	s->tid = tid;
	r = file_new(&s->file, buffer);
	if (r < 0)
		return r;

	*ret = steal(s);
	return 0;
}

struct share *share_free(struct share *s)
{
	if (!s)
		return NULL;
	file_free(s->file);
	s->service->n_shares--;
	free(s);
	return NULL;
}

bool share_is_slow(const struct share *s)
{
	const struct buffer *b = s->file->buffer;

	return b->size > ALLOC_SLOW_BYTES || b->block.heap->exporter->ops->waits;
}

void share_run(struct share *s)
{
	s->result = file_make(s->file);
}

int share_finish(struct share *share, struct file **ret, int *ret_fd)
{
	_cleanup_(share_freep) struct share *s = share;
	int r = s->result;

	if (r == 0)
		r = file_publish(s->file, s->unique, s->tid);
	if (r < 0)
		return r == -EMFILE || r == -ENFILE ? -ENOMEM : r; /* these are ours, not his */
	*ret_fd = export_steal_fd(&s->file->export);
	*ret = steal(s->file);
	return 0;
}

int share_import(struct client *client, uint64_t mount, uint64_t ino, uint32_t *ret_handle)
{
	struct file *file = file_find(client->service, mount, ino);

	return file ? handle_get(client, file->buffer, ret_handle) : -EINVAL;
}
