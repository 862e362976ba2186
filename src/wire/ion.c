// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One table of commands, matched by the whole number: neither letter nor size is looked at on its
 * own, as in the kernel. So the two generations' ALLOC are two commands, and a struct with words in
 * it is one command for each width of caller, none for the other.
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

static int decode_alloc(struct wire_call *call, const struct wire_policy *policy,
			const struct wire_caller *caller, const void *in)
{
	struct wire_ion_alloc alloc;

	memcpy(&alloc, in, sizeof(alloc));
	call->alloc.len = alloc.len;
	call->alloc.mask = alloc.heap_id_mask;
	call->alloc.flags = alloc.flags;
	return 0;
}

static int decode_query(struct wire_call *call, const struct wire_policy *policy,
			const struct wire_caller *caller, const void *in)
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

static int decode_version(struct wire_call *call, const struct wire_policy *policy,
			  const struct wire_caller *caller, const void *in)
{
	return policy->abi_version ? 0 : -ENOTTY;
}

/* who has a command */
enum width {
	WIDTH_ALL,
	WIDTH_64,
	WIDTH_32,
};

static const struct command {
	uint32_t cmd;
	enum wire_verb verb;
	bool legacy; /* of the generation with handles */
	enum width width;
	int (*decode)(struct wire_call *call, const struct wire_policy *policy,
		      const struct wire_caller *caller, const void *in);
} commands[] = {
	{ WIRE_ION_ALLOC, WIRE_ALLOC, false, WIDTH_ALL, decode_alloc },
	{ WIRE_ION_HEAP_QUERY, WIRE_HEAP_QUERY, false, WIDTH_ALL, decode_query },
	{ WIRE_ION_ABI_VERSION, WIRE_ABI_VERSION, false, WIDTH_ALL, decode_version },
	{ WIRE_LEGACY_ALLOC, WIRE_ALLOC_HANDLE, true, WIDTH_64, wire_decode_alloc_handle },
	{ WIRE_LEGACY_ALLOC_32, WIRE_ALLOC_HANDLE, true, WIDTH_32, wire_decode_alloc_handle_32 },
	{ WIRE_LEGACY_FREE, WIRE_FREE, true, WIDTH_ALL, wire_decode_free },
	{ WIRE_LEGACY_MAP, WIRE_SHARE, true, WIDTH_ALL, wire_decode_map },
	{ WIRE_LEGACY_SHARE, WIRE_SHARE, true, WIDTH_ALL, wire_decode_share },
	{ WIRE_LEGACY_IMPORT, WIRE_IMPORT, true, WIDTH_ALL, wire_decode_import },
	{ WIRE_LEGACY_SYNC, WIRE_SYNC, true, WIDTH_ALL, wire_decode_sync },
	{ WIRE_LEGACY_CUSTOM, WIRE_CUSTOM, true, WIDTH_64, wire_decode_custom },
	{ WIRE_LEGACY_CUSTOM_32, WIRE_CUSTOM, true, WIDTH_32, wire_decode_custom_32 },
};

static const struct command *command_find(const struct wire_policy *policy,
					  const struct wire_caller *caller, uint32_t cmd)
{
	enum width other = caller->compat ? WIDTH_64 : WIDTH_32;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];

		if (command->cmd == cmd && command->width != other &&
		    !(command->legacy && policy->abi == WIRE_ABI_MODERN))
			return command;
	}
	return NULL;
}

/**
 * wire_decode() - what an ioctl asks for
 * @ret:	the call; untouched on failure
 * @policy:	what the node speaks
 * @caller:	who calls
 * @cmd:	the ioctl's number
 * @in:		the bytes that came with it
 * @in_size:	how many those are
 *
 * Return: 0, -EINVAL, -EFAULT or -ENOTTY, as the kernel would say.
 */
int wire_decode(struct wire_call *ret, const struct wire_policy *policy,
		const struct wire_caller *caller, uint32_t cmd, const void *in, size_t in_size)
{
	struct wire_call call = { .cmd = cmd, .compat = caller->compat };
	const struct command *command;
	int r;

	if (_IOC_SIZE(cmd) > size_max(policy))
		return -EINVAL;
	if ((_IOC_DIR(cmd) & _IOC_WRITE) && in_size < _IOC_SIZE(cmd))
		return -EFAULT;

	command = command_find(policy, caller, cmd);
	if (!command)
		return -ENOTTY;
	call.verb = command->verb;
	r = command->decode(&call, policy, caller, in);
	if (!r)
		*ret = call;
	return r;
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
