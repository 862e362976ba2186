// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Header, four tables of records, the slots; each starts on a page.
 */
#include "core/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "core/record.h"

#define PAGE	    4096u
#define STATE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static const struct {
	uint32_t size, capacity;
} tables[_STATE_KIND_N] = {
	[STATE_CLIENT] = { sizeof(struct state_client), 1 << 16 },
	[STATE_HANDLE] = { sizeof(struct state_handle), 1 << 18 },
	[STATE_BUFFER] = { sizeof(struct state_buffer), 1 << 18 },
	[STATE_REQUEST] = { sizeof(struct state_request), 1 << 14 },
};

/* what the header of an empty state of this version says */
static void header_fill(struct state_header *h)
{
	uint64_t at = align_up(sizeof(*h), PAGE);

	*h = (struct state_header){
		.magic = STATE_MAGIC,
		.version = STATE_VERSION,
		.header_size = sizeof(*h),
		.slot_size = STATE_SLOT_SIZE,
		.n_channels = STATE_CHANNELS,
		.ring_fd = -1,
		.watch_fd = -1,
	};
	for (size_t kind = 0; kind < _STATE_KIND_N; kind++) {
		h->tables[kind].offset = at;
		h->tables[kind].size = tables[kind].size;
		h->tables[kind].capacity = tables[kind].capacity;
		at = align_up(at + (uint64_t)tables[kind].size * tables[kind].capacity, PAGE);
	}
	h->slots_offset = at;
	h->size = at + (uint64_t)STATE_CHANNELS * STATE_SLOT_SIZE;
	for (size_t i = 0; i < STATE_WATCHES_MAX; i++)
		h->watch_fds[i] = -1;
	for (size_t i = 0; i < STATE_CHANNELS; i++)
		h->channels[i].fd = -1;
}

/* does @h describe the file as this version would lay it out? */
static bool header_is_ours(const struct state_header *h, const struct state_header *model)
{
	bool same = h->magic == model->magic && h->version == model->version &&
		    h->header_size == model->header_size && h->size == model->size &&
		    h->slots_offset == model->slots_offset && h->slot_size == model->slot_size &&
		    h->n_channels == model->n_channels;

	for (size_t kind = 0; same && kind < _STATE_KIND_N; kind++) {
		const struct state_table *t = &h->tables[kind], *m = &model->tables[kind];

		same = t->offset == m->offset && t->size == m->size && t->capacity == m->capacity &&
		       t->used <= t->capacity;
	}
	return same;
}

int state_create(int *ret_fd)
{
	_cleanup_(freep) struct state_header *header = NULL;
	_cleanup_(fd_closep) int fd = -1;
	ssize_t n;

	header = calloc(1, sizeof(*header));
	if (!header)
		return err_origin(-ENOMEM);
	header_fill(header);
	fd = memfd_create("cusion-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_origin(-errno);
	if (ftruncate(fd, header->size) < 0 || fcntl(fd, F_ADD_SEALS, STATE_SEALS) < 0)
		return err_origin(-errno);
	n = pwrite(fd, header, sizeof(*header), 0);
	if (n != (ssize_t)sizeof(*header))
		return err_origin(n < 0 ? -errno : -EIO);

	*ret_fd = fd_steal(&fd);
	return 0;
}

int state_file_check(int fd, uint64_t *ret_size)
{
	_cleanup_(freep) struct state_header *headers = NULL;
	struct stat st;
	ssize_t n;

	headers = calloc(2, sizeof(*headers));
	if (!headers)
		return err_origin(-ENOMEM);
	header_fill(&headers[0]);
	n = pread(fd, &headers[1], sizeof(*headers), 0);
	if (n < 0 || fstat(fd, &st) < 0)
		return err_origin(-errno);
	if (n != (ssize_t)sizeof(*headers) || !header_is_ours(&headers[1], &headers[0]) ||
	    (uint64_t)st.st_size != headers[0].size)
		return err_origin(-EPROTO);
	*ret_size = headers[0].size;
	return 0;
}
