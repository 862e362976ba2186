// SPDX-License-Identifier: LGPL-2.1-or-later
/* What callers and the kernel do in tests/fuzz_service: each act sends a request or two. */
#include "fuzz_service.h"

#include <check.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { BODY_MAX = 1024, NODE_ION = 2 };

static const uint64_t lengths[] = {
	4096,	    0, 1, 4095, 70000, (256 << 10) + 1, 2 << 20, UINT64_MAX, UINT64_MAX - 4095,
	1ull << 63,
};
static const uint64_t masks[] = {
	1,	    0,	     1 << 4,   1 | 1 << 4, 1 << 25, 1 << 27 | 1 << 4,
	UINT32_MAX, 1 << 30, 1u << 31, 1 << 5,	   1 << 2,  1 << 2 | 1,
};
static const uint64_t addresses[] = { 0x7ffc00001000, 0, 1, UINT64_MAX, 1ull << 63 };
static const uint64_t counts[] = { 1, 0, 2, 32, 33, UINT32_MAX };
static const uint64_t uids[] = { 1000, 0, 1001, UINT32_MAX };
static const uint64_t commands[] = {
	WIRE_ION_ALLOC, WIRE_ION_HEAP_QUERY, WIRE_ION_ABI_VERSION, 0xc0044901, /* FREE */
	0xc0204900, /* ALLOC of older kernels */
	0xc0144900, /* for 32-bit callers */
	0xc0084904, /* SHARE */
	0xc0104906, /* CUSTOM */
	0x40086200, /* DMA_BUF_IOCTL_SYNC */
	0xc0304900, /* too large */
};
static const uint64_t aligns[] = { 0, 4096, 4097, 3, 1 << 20, UINT64_MAX };
static const uint64_t handles[] = { 1, 2, 3, 4, 0, 8, 9, UINT32_MAX, INT32_MAX };
static const uint64_t opcodes[] = {
	FUSE_IOCTL, FUSE_OPEN,	FUSE_RELEASE, FUSE_FORGET,  FUSE_INTERRUPT,
	FUSE_INIT,  FUSE_FLUSH, FUSE_POLL,    FUSE_DESTROY, CUSE_INIT,
};
static const uint64_t nodes[] = { NODE_ION, 1, 0, 3, UINT64_MAX };

/* ---- sending ---- */

void fuzz_send(uint32_t opcode, uint64_t node, const void *body, size_t size)
{
	struct door *door = &fuzz.doors[fuzz.current];
	struct fuse_in_header *header = (struct fuse_in_header *)door->slot;

	if (door->dead || !model_may_send(&fuzz.model, fuzz.current, opcode))
		return;
	*header = (struct fuse_in_header){
		.opcode = opcode,
		.unique = fake_send(&door->kernel, opcode, node, body, size),
		.pid = door->kernel.pid,
		.uid = door->kernel.uid,
	};
	memcpy(header + 1, body, size);
	model_sent(&fuzz.model, fuzz.current, header);
	fuzz_turn();
}

/* an ioctl with its sizes as the kernel makes them; @flags: FUSE_IOCTL_COMPAT or 0 */
static void send_ioctl_by(struct fuzz_bytes *bytes, uint64_t fh, uint32_t cmd, const void *in,
			  uint32_t flags)
{
	uint8_t body[sizeof(struct fuse_ioctl_in) + BODY_MAX] = { 0 };
	uint32_t size = MIN((uint32_t)_IOC_SIZE(cmd), (uint32_t)BODY_MAX);
	struct fuse_ioctl_in header = {
		.fh = fh,
		.cmd = cmd,
		.flags = flags,
		.arg = fuzz_number(bytes, addresses, ARRAY_SIZE(addresses)),
		.in_size = _IOC_DIR(cmd) & _IOC_WRITE ? _IOC_SIZE(cmd) : 0,
		.out_size = _IOC_DIR(cmd) & _IOC_READ ? _IOC_SIZE(cmd) : 0,
	};

	memcpy(body, &header, sizeof(header));
	if (header.in_size)
		memcpy(body + sizeof(header), in, size);
	fuzz_send(FUSE_IOCTL, NODE_ION, body, sizeof(header) + (header.in_size ? size : 0));
}

static void send_ioctl(struct fuzz_bytes *bytes, uint64_t fh, uint32_t cmd, const void *in)
{
	send_ioctl_by(bytes, fh, cmd, in, fuzz_pick(bytes, 2) ? FUSE_IOCTL_COMPAT : 0);
}

/* an open file's, or a number of the input's */
static uint64_t pick_fh(struct fuzz_bytes *bytes)
{
	uint64_t fhs[MODEL_FILES_MAX];

	for (size_t i = 0; i < fuzz.model.n_files; i++)
		fhs[i] = fuzz.model.files[i].fh;
	return fuzz_number(bytes, fhs, fuzz.model.n_files);
}

/* ---- acts of callers ---- */

static void act_open(struct fuzz_bytes *bytes)
{
	const struct fuse_open_in in = { .flags = fuzz_pick(bytes, 4) };

	fuzz_send(FUSE_OPEN, fuzz_number(bytes, nodes, ARRAY_SIZE(nodes)), &in, sizeof(in));
}

static void act_release(struct fuzz_bytes *bytes)
{
	const struct fuse_release_in in = { .fh = pick_fh(bytes) };

	fuzz_send(FUSE_RELEASE, NODE_ION, &in, sizeof(in));
}

static void act_alloc(struct fuzz_bytes *bytes)
{
	uint64_t fh = pick_fh(bytes);
	const struct wire_ion_alloc in = {
		.len = fuzz_number(bytes, lengths, ARRAY_SIZE(lengths)),
		.heap_id_mask = fuzz_number(bytes, masks, ARRAY_SIZE(masks)),
		.flags = fuzz_number(bytes, counts, ARRAY_SIZE(counts)),
	};

	send_ioctl(bytes, fh, WIRE_ION_ALLOC, &in);
}

static void act_query(struct fuzz_bytes *bytes)
{
	uint64_t fh = pick_fh(bytes);
	const struct wire_ion_query in = {
		.cnt = fuzz_number(bytes, counts, ARRAY_SIZE(counts)),
		.heaps = fuzz_number(bytes, addresses, ARRAY_SIZE(addresses)),
		.reserved2 = fuzz_pick(bytes, 8) / 7,
	};

	send_ioctl(bytes, fh, WIRE_ION_HEAP_QUERY, &in);
}

static void act_ioctl(struct fuzz_bytes *bytes)
{
	uint64_t fh = pick_fh(bytes);
	uint32_t cmd = fuzz_number(bytes, commands, ARRAY_SIZE(commands));
	uint8_t in[BODY_MAX] = { 0 };

	fuzz_copy(bytes, in, MIN((uint32_t)_IOC_SIZE(cmd), 32u));
	send_ioctl(bytes, fh, cmd, in);
}

/* the ALLOC that gives a handle, as a program of one width or the other lays it out */
static void act_alloc_handle(struct fuzz_bytes *bytes)
{
	uint64_t fh = pick_fh(bytes);
	bool narrow = fuzz_pick(bytes, 2);
	const struct wire_legacy_alloc wide = {
		.len = fuzz_number(bytes, lengths, ARRAY_SIZE(lengths)),
		.align = fuzz_number(bytes, aligns, ARRAY_SIZE(aligns)),
		.heap_id_mask = fuzz_number(bytes, masks, ARRAY_SIZE(masks)),
		.flags = fuzz_number(bytes, counts, ARRAY_SIZE(counts)),
		.handle = -1,
	};
	const struct wire_legacy_alloc_32 small = {
		.len = wide.len,
		.align = wide.align,
		.heap_id_mask = wide.heap_id_mask,
		.flags = wide.flags,
		.handle = -1,
	};

	if (narrow)
		send_ioctl_by(bytes, fh, WIRE_LEGACY_ALLOC_32, &small, FUSE_IOCTL_COMPAT);
	else
		send_ioctl_by(bytes, fh, WIRE_LEGACY_ALLOC, &wide, 0);
}

/* a call about a handle, or about an fd: one number is what matters to each. Its letter is [ */
static void act_handle(struct fuzz_bytes *bytes)
{
	static const uint32_t cmds[] = {
		WIRE_LEGACY_FREE,   WIRE_LEGACY_SHARE, WIRE_LEGACY_MAP,
		WIRE_LEGACY_IMPORT, WIRE_LEGACY_SYNC,
	};
	uint64_t fh = pick_fh(bytes);
	uint32_t cmd = cmds[fuzz_pick(bytes, ARRAY_SIZE(cmds))];
	int32_t number = fuzz_number(bytes, handles, ARRAY_SIZE(handles));

	send_ioctl(bytes, fh, cmd, &(struct wire_legacy_fd){ number, number });
}

static void act_version(struct fuzz_bytes *bytes)
{
	send_ioctl(bytes, pick_fh(bytes), WIRE_ION_ABI_VERSION, NULL);
}

/* any opcode, any body: what no kernel sends */
static void act_frame(struct fuzz_bytes *bytes)
{
	uint32_t opcode = fuzz_number(bytes, opcodes, ARRAY_SIZE(opcodes));
	uint64_t node = fuzz_number(bytes, nodes, ARRAY_SIZE(nodes));
	uint8_t body[256];
	size_t size = fuzz_byte(bytes);

	fuzz_copy(bytes, body, size);
	fuzz_send(opcode, node, body, size);
}

static void act_tree(struct fuzz_bytes *bytes)
{
	static const char *const names[] = { "ion", "", ".", "iom" };
	const struct fuse_getattr_in getattr = { 0 };
	const char *name = names[fuzz_pick(bytes, ARRAY_SIZE(names))];
	uint64_t node = fuzz_number(bytes, nodes, ARRAY_SIZE(nodes));
	const struct fuse_read_in read = {
		.size = fuzz_number(bytes, lengths, ARRAY_SIZE(lengths)),
		.offset = fuzz_number(bytes, counts, ARRAY_SIZE(counts)),
	};
	static const uint32_t reads[] = { FUSE_READDIR, FUSE_READ, FUSE_READDIRPLUS };

	fuzz_send(FUSE_LOOKUP, node, name, strlen(name) + 1);
	fuzz_send(FUSE_GETATTR, node, &getattr, sizeof(getattr));
	fuzz_send(reads[fuzz_pick(bytes, ARRAY_SIZE(reads))], node, &read, sizeof(read));
}

static void act_write(struct fuzz_bytes *bytes)
{
	uint8_t body[sizeof(struct fuse_write_in) + 16] = { 0 };
	struct fuse_write_in in = { .fh = pick_fh(bytes), .size = 16 };

	memcpy(body, &in, sizeof(in));
	fuzz_send(FUSE_WRITE, NODE_ION, body, sizeof(body));
}

static void act_forget(struct fuzz_bytes *bytes)
{
	const struct fuse_forget_in one = { .nlookup = fuzz_byte(bytes) };
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one items[2];
	} many = { .in.count = 2, .items = { { NODE_ION, 1 }, { 1, 1 } } };

	if (fuzz_pick(bytes, 2))
		fuzz_send(FUSE_BATCH_FORGET, 0, &many, sizeof(many));
	else
		fuzz_send(FUSE_FORGET, NODE_ION, &one, sizeof(one));
}

static void act_interrupt(struct fuzz_bytes *bytes)
{
	struct fuse_interrupt_in in = { .unique = fuzz_byte(bytes) };

	if (fuzz.model.n_waiting)
		in.unique = fuzz.model.waiting[in.unique % fuzz.model.n_waiting].unique;
	fuzz_send(FUSE_INTERRUPT, 0, &in, sizeof(in));
}

/* ---- acts of the kernel ---- */

static void act_door(struct fuzz_bytes *bytes)
{
	fuzz.current = fuzz_pick(bytes, RIG_CHANNELS);
}

static void act_who(struct fuzz_bytes *bytes)
{
	struct fake_kernel *kernel = &fuzz.doors[fuzz.current].kernel;

	kernel->uid = fuzz_number(bytes, uids, ARRAY_SIZE(uids));
	kernel->pid = fuzz_number(bytes, counts, ARRAY_SIZE(counts));
}

static void act_batch(struct fuzz_bytes *bytes)
{
	if (!fuzz.batch)
		fuzz.batch = fuzz_pick(bytes, MODEL_BATCH_MAX);
}

/* a frame whose length is not what it says, or less than a header */
static void act_torn(struct fuzz_bytes *bytes)
{
	struct door *door = &fuzz.doors[fuzz.current];
	struct fuse_in_header header = { .opcode = FUSE_IOCTL };
	size_t size = 1 + fuzz_pick(bytes, sizeof(header));

	header.len = fuzz_number(bytes, lengths, ARRAY_SIZE(lengths));
	if (door->dead || (size == sizeof(header) && header.len == size))
		return;
	ck_assert_int_eq(send(door->kernel.fd, &header, size, 0), size);
	memcpy(door->slot, &header, size);
	fuzz_turn();
}

static void act_handshake(struct fuzz_bytes *bytes)
{
	struct door *door = &fuzz.doors[fuzz.current];
	const struct cuse_init_in cuse = { .major = 7, .minor = 39 };
	const struct fuse_init_in fuse = { .major = 7, .minor = 39, .max_readahead = 1 << 17 };

	if (door->kernel.kind == FAKE_CUSE)
		fuzz_send(CUSE_INIT, 0, &cuse, sizeof(cuse));
	else
		fuzz_send(FUSE_INIT, 0, &fuse, sizeof(fuse));
}

static void act_hang_up(struct fuzz_bytes *bytes)
{
	struct door *door = &fuzz.doors[fuzz.current];

	if (door->dead)
		return;
	fuzz.batch = 0;
	fuzz_turn();
	shutdown(door->kernel.fd, SHUT_RDWR);
	door->dead = true;
	model_hung_up(&fuzz.model, fuzz.current);
	fuzz_turn();
}

/* ---- all of them ---- */

act *const fuzz_acts[32] = {
	['a' % 32] = act_alloc,	    ['b' % 32] = act_batch,	   ['d' % 32] = act_door,
	['f' % 32] = act_frame,	    ['g' % 32] = act_tree,	   ['h' % 32] = act_query,
	['i' % 32] = act_ioctl,	    ['k' % 32] = act_hang_up,	   ['n' % 32] = act_version,
	['o' % 32] = act_open,	    ['q' % 32] = act_forget,	   ['r' % 32] = act_release,
	['s' % 32] = act_interrupt, ['t' % 32] = act_torn,	   ['u' % 32] = act_who,
	['w' % 32] = act_write,	    ['y' % 32] = act_alloc_handle, ['z' % 32] = act_handshake,
	['[' % 32] = act_handle,
};
