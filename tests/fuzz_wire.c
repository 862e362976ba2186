// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzz target: the codec of /dev/ion by itself, both generations, for every policy and both widths
 * of caller; that of /dev/dma_heap; and the checks of a dma-buf's ioctls.
 *
 * The input: policy, version, caller (1: of 32 bit, 2: has used handles), whether the struct could
 * be read, the command (4 bytes, or 0 to ? for one of a table), the bytes. Asserted:
 * nothing beyond the bytes is read, results are the ABI's, the checks come in the kernel's order,
 * nothing is touched on failure, and what was decoded encodes again.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/attr.h"
#include "fuzz.h"
#include "wire/dma_heap.h"
#include "wire/dmabuf.h"
#include "wire/ion.h"

static const uint64_t commands[] = {
	WIRE_ION_ALLOC,	      /* 0: ALLOC */
	WIRE_ION_HEAP_QUERY,  /* HEAP_QUERY */
	WIRE_ION_ABI_VERSION, /* ABI_VERSION */
	0xc0204900,	      /* ALLOC with handles, 64-bit */
	0xc0144900,	      /* and 32-bit */
	0xc0044901,	      /* FREE */
	0xc0084904,	      /* SHARE */
	0xc0084905,	      /* IMPORT */
	0xc0104906,	      /* CUSTOM, 64-bit */
	0xc0084906,	      /* 9: and 32-bit */
	0x40086200,	      /* : DMA_BUF_IOCTL_SYNC */
	0x40086201,	      /* ; DMA_BUF_SET_NAME, 64-bit */
	0x40046201,	      /* < and 32-bit */
	0xc0084902,	      /* = MAP */
	0xc0084907,	      /* > SYNC */
	0xc0184800,	      /* ? DMA_HEAP_IOCTL_ALLOC */
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

/* an answer goes back byte for byte as it came, but for the handle */
static void check_handle(const struct wire_call *call, const uint8_t *in)
{
	size_t size = call->compat ? 20 : 32, at = call->compat ? 16 : 24;
	uint8_t *out = malloc(WIRE_HANDLE_SIZE_MAX);
	int32_t handle;

	ck_assert_uint_eq(call->cmd, call->compat ? 0xc0144900 : 0xc0204900);
	ck_assert(call->handles);
	ck_assert_uint_eq(wire_encode_handle(out, call, 77), size);
	memcpy(&handle, out + at, sizeof(handle));
	ck_assert_int_eq(handle, 77);
	ck_assert(!memcmp(out, in, at) && !memcmp(out + at + 4, in + at + 4, size - at - 4));
	free(out);
}

static void check_alloc(const struct wire_call *call, const void *in)
{
	const struct wire_ion_alloc *alloc = in;

	ck_assert_uint_eq(call->cmd, WIRE_ION_ALLOC);
	ck_assert(!memcmp(&call->alloc.len, &alloc->len, sizeof(alloc->len)));
	ck_assert(!memcmp(&call->alloc.mask, &alloc->heap_id_mask, sizeof(uint32_t)));
	ck_assert(!memcmp(&call->alloc.flags, &alloc->flags, sizeof(uint32_t)));
	ck_assert_uint_eq(call->alloc.align, 0);
}

static void check_fd(const struct wire_call *call, const uint8_t *in)
{
	uint8_t *out = malloc(WIRE_FD_SIZE);
	int32_t handle;

	memcpy(&handle, in, sizeof(handle));
	wire_encode_fd(out, handle, call->fd);
	ck_assert(!memcmp(out, in, WIRE_FD_SIZE));
	free(out);
}

static void check_custom(const struct wire_call *call, const uint8_t *in)
{
	ck_assert_uint_eq(call->cmd, call->compat ? 0xc0084906 : 0xc0104906);
	ck_assert(!memcmp(&call->custom.cmd, in, 4));
	ck_assert(!memcmp(&call->custom.arg, in + (call->compat ? 4 : 8), call->compat ? 4 : 8));
	ck_assert(!call->compat || call->custom.arg <= UINT32_MAX);
}

static void check_decoded(const struct wire_policy *policy, const struct wire_caller *caller,
			  const struct wire_call *call, const void *in)
{
	switch (call->verb) {
	case WIRE_ALLOC:
		check_alloc(call, in);
		return;
	case WIRE_HEAP_QUERY:
		ck_assert_uint_eq(call->cmd, WIRE_ION_HEAP_QUERY);
		check_query(call, in);
		return;
	case WIRE_ABI_VERSION:
		ck_assert_uint_eq(call->cmd, WIRE_ION_ABI_VERSION);
		ck_assert_uint_ne(policy->abi_version, 0);
		return;
	case WIRE_ALLOC_HANDLE:
		check_handle(call, in);
		break;
	case WIRE_FREE:
		ck_assert_int_ne(call->handle, 0);
		ck_assert(!memcmp(&call->handle, in, 4));
		break;
	case WIRE_SHARE:
		ck_assert(!memcmp(&call->handle, in, 4));
		break;
	case WIRE_IMPORT:
	case WIRE_SYNC:
		check_fd(call, in);
		break;
	case WIRE_CUSTOM:
		check_custom(call, in);
		break;
	default:
		ck_abort_msg("verb %d", call->verb);
	}
	ck_assert_int_ne(policy->abi, WIRE_ABI_MODERN);
	ck_assert_int_eq(call->compat, caller->compat);
}

static void check_dma_heap(uint32_t cmd, const uint8_t *in, size_t in_size)
{
	struct wire_dma_heap_call call = { .len = 5, .access = 77 };
	int r = wire_dma_heap_decode(&call, cmd, in, in_size);

	if (r) {
		ck_assert(r == -EINVAL || r == -EFAULT);
		ck_assert(call.len == 5 && call.access == 77);
		return;
	}
	ck_assert_uint_eq(_IOC_NR(cmd), 0);
	ck_assert_uint_ge(_IOC_SIZE(cmd), 12); /* the fd has room */
	ck_assert(_IOC_DIR(cmd) & _IOC_READ);
	ck_assert(call.access >= 0 && call.access <= 3);
	if (_IOC_DIR(cmd) & _IOC_WRITE)
		ck_assert(!memcmp(&call.len, in, 8));
	else
		ck_assert_uint_eq(call.len, 0);
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
	unsigned int who = fuzz_pick(&bytes, 4);
	const struct wire_caller caller = { .compat = who & 1, .handles = who & 2 };
	bool null = fuzz_pick(&bytes, 2);
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
	r = wire_decode(&call, &policy, &caller, cmd, in, in_size);
	ck_assert(r == 0 || r == -EINVAL || r == -EFAULT || r == -ENOTTY);
	if (early)
		ck_assert_int_eq(r, early);
	if (r < 0) {
		ck_assert(!memcmp(&call, &before, sizeof(call)));
	} else {
		ck_assert_uint_eq(call.cmd, cmd);
		ck_assert_int_eq(call.compat, caller.compat);
		check_decoded(&policy, &caller, &call, in);
	}
	check_dmabuf(cmd, in, in_size);
	check_dma_heap(cmd, in, in_size);
	free(in);
	check_heap(&policy, &bytes);
	return 0;
}
