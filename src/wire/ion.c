// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One table of commands, matched by the whole number: neither letter nor size is looked at on its
 * own, as in the kernel. The handle calls of older kernels have no row: they are ENOTTY, from which
 * libion tells that a node speaks the modern ABI.
 */
#include "wire/ion.h"

#include <errno.h>
#include <string.h>

#include "base/attr.h"

#define HEAP_TYPE_SYSTEM	 0
#define HEAP_TYPE_MODULAR_DMA	 2 /* numbers of version 2 of the ABI */
#define HEAP_TYPE_MODULAR_CUSTOM 16

/* the largest struct of any command: a larger number is refused before its bytes are read */
static size_t size_max(const struct wire_policy *policy)
{
	return policy->abi == WIRE_ABI_MODERN ? 24 : 32;
}

static int decode_alloc(struct wire_call *call, const struct wire_policy *policy, const void *in)
{
	struct wire_ion_alloc alloc;

	memcpy(&alloc, in, sizeof(alloc));
	call->alloc.len = alloc.len;
	call->alloc.mask = alloc.heap_id_mask;
	call->alloc.flags = alloc.flags;
	return 0;
}

static int decode_query(struct wire_call *call, const struct wire_policy *policy, const void *in)
{
	struct wire_ion_query query;

	memcpy(&query, in, sizeof(query));
	if (query.reserved0 || query.reserved1 || query.reserved2)
		return -EINVAL;
	if (query.heaps && !query.cnt)
		return -EINVAL;
	call->query.cnt = query.cnt;
	call->query.heaps = query.heaps;
	return 0;
}

static int decode_version(struct wire_call *call, const struct wire_policy *policy, const void *in)
{
	return policy->abi_version ? 0 : -ENOTTY;
}

static const struct {
	uint32_t cmd;
	enum wire_verb verb;
	int (*decode)(struct wire_call *call, const struct wire_policy *policy, const void *in);
} commands[] = {
	{ WIRE_ION_ALLOC, WIRE_ALLOC, decode_alloc },
	{ WIRE_ION_HEAP_QUERY, WIRE_HEAP_QUERY, decode_query },
	{ WIRE_ION_ABI_VERSION, WIRE_ABI_VERSION, decode_version },
};

/**
 * wire_decode() - what an ioctl asks for
 * @ret:	the call; untouched on failure
 * @policy:	what the node speaks
 * @cmd:	the ioctl's number
 * @compat:	it came from a 32-bit caller
 * @in:		the bytes that came with it
 * @in_size:	how many those are
 *
 * Return: 0, -EINVAL, -EFAULT or -ENOTTY, as the kernel would say.
 */
int wire_decode(struct wire_call *ret, const struct wire_policy *policy, uint32_t cmd, bool compat,
		const void *in, size_t in_size)
{
	struct wire_call call = { .cmd = cmd, .compat = compat };
	int r;

	if (_IOC_SIZE(cmd) > size_max(policy))
		return -EINVAL;
	if ((_IOC_DIR(cmd) & _IOC_WRITE) && in_size < _IOC_SIZE(cmd))
		return -EFAULT;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].cmd != cmd)
			continue;
		call.verb = commands[i].verb;
		r = commands[i].decode(&call, policy, in);
		if (!r)
			*ret = call;
		return r;
	}
	return -ENOTTY;
}

/**
 * wire_encode_query() - the struct of a HEAP_QUERY as it goes back
 * @out:	WIRE_QUERY_SIZE bytes
 * @call:	the query
 * @cnt:	entries written, or how many heaps there are
 */
void wire_encode_query(void *out, const struct wire_call *call, uint32_t cnt)
{
	struct wire_ion_query query = { .cnt = cnt, .heaps = call->query.heaps };

	memcpy(out, &query, sizeof(query));
}

/* version 2 knows three types only */
static uint32_t type_on_wire(const struct wire_policy *policy, uint32_t type)
{
	if (policy->abi_version < 2 || type == HEAP_TYPE_SYSTEM)
		return type;
	return type == WIRE_HEAP_TYPE_DMA ? HEAP_TYPE_MODULAR_DMA : HEAP_TYPE_MODULAR_CUSTOM;
}

/**
 * wire_encode_heap() - one entry of a HEAP_QUERY's array
 * @out:	WIRE_HEAP_SIZE bytes
 * @policy:	what the node speaks
 * @heap:	the heap; its name is cut where it is too long
 */
void wire_encode_heap(void *out, const struct wire_policy *policy, const struct wire_heap *heap)
{
	struct wire_ion_heap entry = {
		.type = type_on_wire(policy, heap->type),
		.heap_id = heap->id,
	};

	memcpy(entry.name, heap->name, strnlen(heap->name, sizeof(entry.name) - 1));
	memcpy(out, &entry, sizeof(entry));
}

/**
 * wire_encode_version() - the answer to ABI_VERSION
 * @out:	WIRE_VERSION_SIZE bytes
 * @policy:	what the node speaks
 */
void wire_encode_version(void *out, const struct wire_policy *policy)
{
	memcpy(out, &policy->abi_version, sizeof(policy->abi_version));
}
