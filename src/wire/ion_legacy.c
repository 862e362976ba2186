// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wire/ion_legacy.h"

#include <errno.h>
#include <string.h>

int wire_decode_alloc_handle(struct wire_call *call, const struct wire_policy *policy,
			     const struct wire_caller *caller, const void *in)
{
	struct wire_legacy_alloc alloc;

	memcpy(&alloc, in, sizeof(alloc));
	call->handles = true;
	call->alloc.len = alloc.len;
	call->alloc.align = alloc.align;
	call->alloc.mask = alloc.heap_id_mask;
	call->alloc.flags = alloc.flags;
	call->alloc.rest = alloc.rest;
	return 0;
}

int wire_decode_alloc_handle_32(struct wire_call *call, const struct wire_policy *policy,
				const struct wire_caller *caller, const void *in)
{
	struct wire_legacy_alloc_32 alloc;

	memcpy(&alloc, in, sizeof(alloc));
	call->handles = true;
	call->alloc.len = alloc.len;
	call->alloc.align = alloc.align;
	call->alloc.mask = alloc.heap_id_mask;
	call->alloc.flags = alloc.flags;
	return 0;
}

/*
 * No buffer has the handle 0, but libraries free it to see which generation a node is of: ENOTTY
 * means that it knows no handles. Whoever has a handle already is not asking that.
 */
int wire_decode_free(struct wire_call *call, const struct wire_policy *policy,
		     const struct wire_caller *caller, const void *in)
{
	struct wire_legacy_handle free;

	memcpy(&free, in, sizeof(free));
	if (!free.handle)
		return policy->abi == WIRE_ABI_AUTO && !caller->handles ? -ENOTTY : -EINVAL;
	call->handle = free.handle;
	return 0;
}

int wire_decode_share(struct wire_call *call, const struct wire_policy *policy,
		      const struct wire_caller *caller, const void *in)
{
	struct wire_legacy_fd share;

	memcpy(&share, in, sizeof(share));
	call->handle = share.handle;
	return 0;
}

int wire_decode_map(struct wire_call *call, const struct wire_policy *policy,
		    const struct wire_caller *caller, const void *in)
{
	call->handles = true;
	return wire_decode_share(call, policy, caller, in);
}

int wire_decode_sync(struct wire_call *call, const struct wire_policy *policy,
		     const struct wire_caller *caller, const void *in)
{
	struct wire_legacy_fd sync;

	memcpy(&sync, in, sizeof(sync));
	call->fd = sync.fd;
	return 0;
}

int wire_decode_import(struct wire_call *call, const struct wire_policy *policy,
		       const struct wire_caller *caller, const void *in)
{
	call->handles = true;
	return wire_decode_sync(call, policy, caller, in);
}

int wire_decode_custom(struct wire_call *call, const struct wire_policy *policy,
		       const struct wire_caller *caller, const void *in)
{
	struct wire_legacy_custom custom;

	memcpy(&custom, in, sizeof(custom));
	call->custom.cmd = custom.cmd;
	call->custom.arg = custom.arg;
	return 0;
}

int wire_decode_custom_32(struct wire_call *call, const struct wire_policy *policy,
			  const struct wire_caller *caller, const void *in)
{
	struct wire_legacy_custom_32 custom;

	memcpy(&custom, in, sizeof(custom));
	call->custom.cmd = custom.cmd;
	call->custom.arg = custom.arg;
	return 0;
}

static size_t encode_handle_32(void *out, const struct wire_call *call, int32_t handle)
{
	struct wire_legacy_alloc_32 alloc = {
		.len = call->alloc.len,
		.align = call->alloc.align,
		.heap_id_mask = call->alloc.mask,
		.flags = call->alloc.flags,
		.handle = handle,
	};

	memcpy(out, &alloc, sizeof(alloc));
	return sizeof(alloc);
}

size_t wire_encode_handle(void *out, const struct wire_call *call, int32_t handle)
{
	struct wire_legacy_alloc alloc = {
		.len = call->alloc.len,
		.align = call->alloc.align,
		.heap_id_mask = call->alloc.mask,
		.flags = call->alloc.flags,
		.handle = handle,
		.rest = call->alloc.rest,
	};

	if (call->compat)
		return encode_handle_32(out, call, handle);
	memcpy(out, &alloc, sizeof(alloc));
	return sizeof(alloc);
}

void wire_encode_fd(void *out, int32_t handle, int32_t fd)
{
	struct wire_legacy_fd data = { .handle = handle, .fd = fd };

	memcpy(out, &data, sizeof(data));
}
