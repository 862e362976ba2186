// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzz target: the codec of /dev/ion by itself, for every policy and both widths of caller; and the
 * checks of a dma-buf's ioctls.
 *
 * The input: policy, width, how many of the struct's bytes came, the command (4 bytes, or a digit
 * for one of a table), the bytes. Asserted: nothing beyond the bytes is read, results are the
 * ABI's, the checks come in the kernel's order, nothing is touched on failure, and what was decoded
 * encodes again.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/attr.h"
#include "fuzz.h"
#include "wire/dmabuf.h"
#include "wire/ion.h"

static const uint64_t commands[] = {
	WIRE_ION_ALLOC,	      WIRE_ION_HEAP_QUERY,
	WIRE_ION_ABI_VERSION, 0xc0204900, /* ALLOC of older kernels, 64-bit */
	0xc0144900,			  /* and 32-bit */
	0xc0044901,			  /* FREE */
	0xc0084904,			  /* SHARE */
	0xc0084905,			  /* IMPORT */
	0xc0104906,			  /* CUSTOM, 64-bit */
	0xc0084906,			  /* and 32-bit */
};

/* what every decoder must say before it looks at a single byte */
static int early_result(const struct wire_policy *policy, uint32_t cmd, size_t size)
{
	if (_IOC_SIZE(cmd) > (policy->abi == WIRE_ABI_MODERN ? 24 : 32))
		return -EINVAL;
	if ((_IOC_DIR(cmd) & _IOC_WRITE) && size < _IOC_SIZE(cmd))
		return -EFAULT;
	return 0;
}

static void check_query(const struct wire_call *call, const void *in)
{
	uint8_t *out = malloc(WIRE_QUERY_SIZE);

	ck_assert(!call->query.heaps || call->query.cnt);
	wire_encode_query(out, call, call->query.cnt);
	ck_assert(!memcmp(out, in, WIRE_QUERY_SIZE)); /* its reserved fields were zero */
	free(out);
}

static void check_decoded(const struct wire_policy *policy, const struct wire_call *call,
			  const void *in)
{
	const struct wire_ion_alloc *alloc = in;

	switch (call->verb) {
	case WIRE_ALLOC:
		ck_assert_uint_eq(call->cmd, WIRE_ION_ALLOC);
		ck_assert(!memcmp(&call->alloc.len, &alloc->len, sizeof(alloc->len)));
		ck_assert(!memcmp(&call->alloc.mask, &alloc->heap_id_mask, sizeof(uint32_t)));
		ck_assert(!memcmp(&call->alloc.flags, &alloc->flags, sizeof(uint32_t)));
		break;
	case WIRE_HEAP_QUERY:
		ck_assert_uint_eq(call->cmd, WIRE_ION_HEAP_QUERY);
		check_query(call, in);
		break;
	case WIRE_ABI_VERSION:
		ck_assert_uint_eq(call->cmd, WIRE_ION_ABI_VERSION);
		ck_assert_uint_ne(policy->abi_version, 0);
		break;
	default:
		ck_abort_msg("verb %d", call->verb);
	}
}

static void check_heap(const struct wire_policy *policy, struct fuzz_bytes *bytes)
{
	size_t size = fuzz_left(bytes), length;
	struct wire_ion_heap *out = malloc(sizeof(*out));
	struct wire_heap heap = { .type = fuzz_pick(bytes, 6), .id = fuzz_pick(bytes, 32) };
	char *name = calloc(1, size + 1);

	memcpy(name, bytes->at, fuzz_left(bytes));
	heap.name = name;
	wire_encode_heap(out, policy, &heap);
	length = strnlen(out->name, sizeof(out->name));
	ck_assert_uint_eq(length, MIN(strlen(name), sizeof(out->name) - 1));
	ck_assert(!memcmp(out->name, name, length));
	for (size_t i = length; i < sizeof(out->name); i++)
		ck_assert_int_eq(out->name[i], 0); /* nothing of ours goes out with a name */
	ck_assert_uint_eq(out->heap_id, heap.id);
	ck_assert(!out->reserved[0] && !out->reserved[1] && !out->reserved[2]);
	free(name);
	free(out);
}

static void check_dmabuf(uint32_t cmd, const uint8_t *in, size_t in_size)
{
	int r = wire_dmabuf_check(cmd, in, in_size);
	uint64_t flags;

	if (cmd == 0x40086200 && in_size >= sizeof(flags)) {
		memcpy(&flags, in, sizeof(flags));
		ck_assert_int_eq(r, flags & ~7ull || !(flags & 3) ? -EINVAL : 0);
	} else if (r == 0) {
		ck_assert(cmd == 0x40086201 || cmd == 0x40046201);
		ck_assert(in_size && memchr(in, 0, in_size));
	} else {
		ck_assert(r == WIRE_DMABUF_E_NAME || r == -EINVAL || r == -ENOTTY);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = { data, data + size };
	const struct wire_policy policy = {
		.abi = fuzz_pick(&bytes, 3),
		.abi_version = fuzz_pick(&bytes, 2) ? 2 : 0,
	};
	bool compat = fuzz_pick(&bytes, 2), null = fuzz_pick(&bytes, 2);
	uint32_t cmd = fuzz_number(&bytes, commands, ARRAY_SIZE(commands));
	size_t in_size = null ? 0 : fuzz_left(&bytes);
	struct wire_call call, before;
	uint8_t *in = NULL;
	int r, early;

	if (in_size) { /* as a heap block, so that reading on is seen; the codec wants no alignment
			*/
		in = malloc(in_size);
		memcpy(in, bytes.at, in_size);
	}
	memset(&call, 0xa5, sizeof(call));
	before = call;
	early = early_result(&policy, cmd, in_size);
	r = wire_decode(&call, &policy, cmd, compat, in, in_size);
	ck_assert(r == 0 || r == -EINVAL || r == -EFAULT || r == -ENOTTY);
	if (early)
		ck_assert_int_eq(r, early);
	if (r < 0) {
		ck_assert(!memcmp(&call, &before, sizeof(call)));
	} else {
		ck_assert_uint_eq(call.cmd, cmd);
		ck_assert_int_eq(call.compat, compat);
		check_decoded(&policy, &call, in);
	}
	check_dmabuf(cmd, in, in_size);
	free(in);
	check_heap(&policy, &bytes);
	return 0;
}
