// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz_handles.h"

#include <check.h>
#include <errno.h>
#include <linux/fuse.h>
#include <string.h>

#include "core/buffer.h"
#include "core/core.h"
#include "core/handle.h"
#include "core/state.h"
#include "fuzz_rig.h"
#include "mem/pages.h"
#include "wire/ion.h"

/* ---- the books ---- */

static struct model_handle *find(struct model *model, uint64_t fh, int32_t number)
{
	for (size_t i = 0; i < model->n_handles; i++) {
		if (model->handles[i].fh == fh && model->handles[i].number == number)
			return &model->handles[i];
	}
	return NULL;
}

static struct model_handle *find_memory(struct model *model, uint64_t fh, uint64_t memory)
{
	for (size_t i = 0; i < model->n_handles; i++) {
		if (model->handles[i].fh == fh && model->handles[i].memory == memory)
			return &model->handles[i];
	}
	return NULL;
}

static bool is_unsure(const struct model *model, uint64_t fh)
{
	const struct model_file *file = model_file_of(model, fh);

	return !file || file->unsure;
}

static int32_t lowest_free(struct model *model, uint64_t fh)
{
	int32_t number = 1;

	while (find(model, fh, number))
		number++;
	return number;
}

static size_t count_of(const struct model *model, uint64_t fh)
{
	size_t n = 0;

	for (size_t i = 0; i < model->n_handles; i++)
		n += model->handles[i].fh == fh;
	return n;
}

static void add(struct model *model, const struct model_handle *handle)
{
	ck_assert_uint_lt(model->n_handles, MODEL_HANDLES_MAX);
	model->handles[model->n_handles++] = *handle;
}

static void drop(struct model *model, struct model_handle *handle)
{
	for (size_t i = 0; i < model->n_waiting; i++) {
		struct model_request *request = &model->waiting[i];

		if (request->fh == handle->fh && request->number == handle->number)
			request->memory = 0;
	}
	*handle = model->handles[--model->n_handles];
}

void handles_released(struct model *model, uint64_t fh)
{
	for (size_t i = model->n_handles; i-- > 0;) {
		if (model->handles[i].fh == fh)
			drop(model, &model->handles[i]);
	}
}

/* ---- what is asked for ---- */

static enum model_verb verb_of(uint32_t cmd, bool compat)
{
	switch (cmd) {
	case WIRE_ION_ALLOC:
		return MODEL_ALLOC;
	case WIRE_LEGACY_ALLOC:
		return compat ? MODEL_OTHER : MODEL_ALLOC_HANDLE;
	case WIRE_LEGACY_ALLOC_32:
		return compat ? MODEL_ALLOC_HANDLE : MODEL_OTHER;
	case WIRE_LEGACY_FREE:
		return MODEL_FREE;
	case WIRE_LEGACY_MAP:
	case WIRE_LEGACY_SHARE:
		return MODEL_SHARE;
	case WIRE_LEGACY_IMPORT:
		return MODEL_IMPORT;
	case WIRE_LEGACY_SYNC:
		return MODEL_SYNC;
	default:
		return MODEL_OTHER;
	}
}

static void sent_alloc(struct model_request *request, const void *in)
{
	struct wire_legacy_alloc_32 narrow;
	struct wire_legacy_alloc wide;

	memcpy(&narrow, in, sizeof(narrow));
	memcpy(&wide, in, sizeof(wide));
	request->len = request->cmd == WIRE_LEGACY_ALLOC ? wide.len : narrow.len;
	request->mask = request->cmd == WIRE_LEGACY_ALLOC ? wide.heap_id_mask : narrow.heap_id_mask;
}

void handles_sent(const struct model *model, struct model_request *request, const void *in)
{
	const struct model_handle *handle;
	struct wire_legacy_fd data;

	memcpy(&data, in, sizeof(data));
	request->verb = verb_of(request->cmd, request->flags & FUSE_IOCTL_COMPAT);
	if (model->modern && request->verb != MODEL_ALLOC)
		request->verb = MODEL_OTHER;
	request->number = data.handle;
	if (request->verb == MODEL_IMPORT || request->verb == MODEL_SYNC)
		request->number = data.fd;
	if (request->verb == MODEL_ALLOC_HANDLE)
		sent_alloc(request, in);
	handle = find((struct model *)model, request->fh, request->number);
	if (request->verb == MODEL_SHARE && handle)
		request->memory = handle->memory;
}

/* ---- what came of it ---- */

/* the number that the service gave, as long as nothing is in doubt */
static void check_number(struct model *model, uint64_t fh, int32_t number)
{
	if (is_unsure(model, fh))
		return;
	ck_assert_int_eq(number, lowest_free(model, fh));
}

static void made(struct model *model, const struct model_request *request, const void *data,
		 size_t size)
{
	size_t offset = request->cmd == WIRE_LEGACY_ALLOC
				? offsetof(struct wire_legacy_alloc, handle)
				: offsetof(struct wire_legacy_alloc_32, handle);
	struct model_handle handle = { .fh = request->fh, .references = 1 };
	const struct buffer *buffer;

	ck_assert_uint_eq(size, _IOC_SIZE(request->cmd));
	memcpy(&handle.number, (const char *)data + offset, sizeof(handle.number));
	check_number(model, request->fh, handle.number);
	buffer = handle_buffer(service_client(model->service, request->fh), handle.number);
	ck_assert_ptr_nonnull(buffer);
	handle.memory = buffer->id;
	handle.size = pages_round(request->len);
	ck_assert_uint_eq(buffer->size, handle.size);
	for (size_t i = 0; i < model->n_handles; i++) /* nobody else's */
		ck_assert_uint_ne(model->handles[i].memory, handle.memory);
	for (size_t i = 0; i < model->n_held; i++)
		ck_assert_uint_ne(model->held[i].memory, handle.memory);
	add(model, &handle);
}

static void freed(struct model *model, const struct model_request *request)
{
	struct model_handle *handle = find(model, request->fh, request->number);

	if (!handle) {
		ck_assert(is_unsure(model, request->fh));
		return;
	}
	if (!--handle->references)
		drop(model, handle);
}

static uint64_t size_of(const struct model *model, uint64_t memory)
{
	for (size_t i = 0; i < model->n_held; i++) {
		if (model->held[i].memory == memory)
			return model->held[i].size;
	}
	ck_abort_msg("a handle was made of what nobody holds");
}

static void imported(struct model *model, const struct model_request *request, const void *data,
		     size_t size)
{
	struct model_handle *handle;
	struct wire_legacy_fd fd;

	ck_assert_uint_eq(size, sizeof(fd));
	memcpy(&fd, data, sizeof(fd));
	ck_assert_int_eq(fd.fd, request->number);
	ck_assert_int_eq(request->looked, 0);
	ck_assert_uint_ne(request->imported, 0);
	handle = find_memory(model, request->fh, request->imported);
	if (handle && !is_unsure(model, request->fh))
		ck_assert_int_eq(fd.handle, handle->number);
	if (handle) {
		handle->references++;
		return;
	}
	check_number(model, request->fh, fd.handle);
	add(model, &(struct model_handle){ request->fh, fd.handle, 1, request->imported,
					   size_of(model, request->imported) });
}

static void check_share_refused(const struct model_request *request, int result, const void *data,
				size_t size)
{
	struct wire_legacy_fd fd;

	if (!size) { /* no such handle, or who delivers has told */
		ck_assert(!request->memory || result == -DELIVER_NOT_YET);
		return;
	}
	ck_assert_uint_eq(size, sizeof(fd));
	memcpy(&fd, data, sizeof(fd));
	ck_assert_int_eq(fd.handle, request->number);
	ck_assert_int_eq(fd.fd, result);
}

/* FREE has one reason, IMPORT and SYNC the one that was seen */
static void check_refused(struct model *model, const struct model_request *request, int error)
{
	if (error == -ENOTTY || is_unsure(model, request->fh))
		return; /* this node has no handles, or says so */
	if (request->verb == MODEL_FREE) {
		ck_assert_int_eq(error, -EINVAL);
		ck_assert_ptr_null(find(model, request->fh, request->number));
	} else if (request->looked) {
		ck_assert_int_eq(error, request->looked);
	} else if (!request->imported) {
		ck_assert_int_eq(error, -EINVAL);
	} else {
		ck_assert_int_eq(request->verb, MODEL_IMPORT);
		ck_assert_int_eq(error, -ENOMEM);
		ck_assert_uint_eq(count_of(model, request->fh), RIG_CLIENT_HANDLES);
	}
}

void handles_answered(struct model *model, const struct model_request *request, int result,
		      const void *data, size_t size)
{
	bool known = request->good && request->as_kernel && !model->faulty && !model->ending;

	if (result < 0) {
		if (request->verb == MODEL_SHARE && known)
			check_share_refused(request, result, data, size);
		else
			ck_assert(request->verb == MODEL_SHARE || size == 0);
		if (known && (request->verb == MODEL_FREE || request->verb == MODEL_IMPORT ||
			      request->verb == MODEL_SYNC))
			check_refused(model, request, result);
		return;
	}
	if (request->verb == MODEL_ALLOC_HANDLE)
		made(model, request, data, size);
	else if (request->verb == MODEL_FREE)
		freed(model, request);
	else if (request->verb == MODEL_IMPORT)
		imported(model, request, data, size);
	else if (request->verb == MODEL_SYNC)
		ck_assert(!request->looked && request->imported);
}

void handles_shared(const struct model_request *request, uint64_t memory)
{
	if (request->memory)
		ck_assert_uint_eq(request->memory, memory);
}

/* ---- against the service's own ---- */

static void learn(struct model *model, const struct model_file *file, struct client *client)
{
	struct model_handle handle = { .fh = file->fh };

	handles_released(model, file->fh);
	for (uint32_t n = 0; client && (n = idmap_next(&client->handles, n));) {
		const struct handle *h = idmap_find(&client->handles, n);

		handle.number = n;
		handle.references = h->record->references;
		handle.memory = h->buffer->id;
		handle.size = h->buffer->size;
		add(model, &handle);
	}
}

void handles_check(struct model *model)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < model->n_files; i++) {
		struct client *client = service_client(model->service, model->files[i].fh);

		if (model->files[i].unsure)
			learn(model, &model->files[i], client);
		if (client)
			ck_assert_uint_eq(client->account.used[QUOTA_HANDLES],
					  count_of(model, model->files[i].fh));
	}
	for (size_t i = 0; i < model->n_handles; i++) {
		const struct model_handle *h = &model->handles[i];
		struct client *client = service_client(model->service, h->fh);
		const struct handle *theirs = idmap_find(&client->handles, h->number);

		ck_assert_ptr_nonnull(theirs);
		ck_assert_uint_eq(theirs->record->references, h->references);
		ck_assert_uint_eq(theirs->buffer->id, h->memory);
		sum++;
	}
	ck_assert_uint_eq(state_count(model->service->state, STATE_HANDLE), sum);
}
