// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzz target: the dispatcher behind both FUSE doors, over the fake kernel.
 *
 * The input is a script: a digit each for policy, how ends of buffers are told, which doors have
 * their handshake, how the service ends; then acts, a letter each with their arguments (fuzz.h).
 * Blanks do nothing. The tables at the end of this file and before each act say what the digits
 * mean; tests/corpus/service has examples.
 *
 * Asserted: each request that wants an answer has exactly one, others none, and the answers are
 * what the kernel takes (fuzz_model.c); an ioctl is unanswered only while its job or its delivery
 * is under way; records, charges and totals are those of what is open and held, and nothing at the
 * end, no fd either.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/buffer.h"
#include "core/state.h"
#include "fault.h"
#include "front/cuse.h"
#include "front/fusefile.h"
#include "fuzz.h"
#include "fuzz_model.h"
#include "fuzz_rig.h"

enum { BODY_MAX = 1024, NODE_ION = 2 };

struct door {
	struct fake_kernel kernel;
	struct cuse_door *cuse;
	struct fusefile_door *fusefile;
	bool dead, gone;
	/* what the channel's slot holds: libfuse may look behind the end of a short frame */
	_Alignas(struct fuse_in_header) uint8_t slot[RIG_FRAME_MAX];
};

static struct fuzz {
	struct fuzz_rig *rig;
	struct model model;
	struct door doors[RIG_CHANNELS];
	unsigned int current; /* door */
	unsigned int batch;   /* frames still to send before the loop turns */
	bool killed;	      /* the kernel has forgotten the next request that is answered */
} fuzz;

static const uint64_t lengths[] = {
	4096,	    0, 1, 4095, 70000, (256 << 10) + 1, 2 << 20, UINT64_MAX, UINT64_MAX - 4095,
	1ull << 63,
};
static const uint64_t masks[] = {
	1, 0, 1 << 4, 1 | 1 << 4, 1 << 25, 1 << 27 | 1 << 4, UINT32_MAX, 1 << 30, 1u << 31, 1 << 5,
};
static const uint64_t addresses[] = { 0x7ffc00001000, 0, 1, UINT64_MAX, 1ull << 63 };
static const uint64_t counts[] = { 1, 0, 2, 32, 33, UINT32_MAX };
static const uint64_t errnos[] = { EIO, EBUSY, EACCES, ESRCH, EMFILE, EFAULT, ENOMEM, ENOTTY, 511 };
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
static const uint64_t opcodes[] = {
	FUSE_IOCTL, FUSE_OPEN,	FUSE_RELEASE, FUSE_FORGET,  FUSE_INTERRUPT,
	FUSE_INIT,  FUSE_FLUSH, FUSE_POLL,    FUSE_DESTROY, CUSE_INIT,
};
static const uint64_t nodes[] = { NODE_ION, 1, 0, 3, UINT64_MAX };

/* ---- doors ---- */

static void door_serves(void *user)
{
}

static void door_gone(void *user)
{
	((struct door *)user)->gone = true;
}

static void door_open(struct door *door, uint32_t index)
{
	struct fuzz_rig *rig = fuzz.rig;
	const struct cuse_config cuse = { "ion", index, door_serves, door_gone, door };
	const struct fusefile_config fusefile = {
		.index = index,
		.mode = 0660,
		.serves = door_serves,
		.gone = door_gone,
		.user = door,
	};
	int r;

	fake_kernel_open(&door->kernel, index ? FAKE_FUSE : FAKE_CUSE, rig->loop);
	if (door->kernel.kind == FAKE_CUSE)
		r = cuse_door_new_consume_fd(&door->cuse, rig->loop, rig->state, &rig->dispatch,
					     &cuse, door->kernel.channel);
	else
		r = fusefile_door_new_consume_fd(&door->fusefile, rig->loop, rig->state,
						 &rig->dispatch, &fusefile, door->kernel.channel);
	ck_assert_int_eq(r, 0);
}

static void door_close(struct door *door)
{
	door->cuse = cuse_door_free(door->cuse);
	door->fusefile = fusefile_door_free(door->fusefile);
	fake_kernel_close(&door->kernel);
}

/* ---- a caller that is killed: the kernel knows its request no more ---- */

static bool is_forgotten(int fd, const void *bytes)
{
	struct fuse_out_header header;

	for (uint32_t i = 0; i < RIG_CHANNELS; i++) {
		if (!fuzz.killed || fuzz.doors[i].kernel.channel != fd || fuzz.doors[i].dead)
			continue;
		memcpy(&header, bytes, sizeof(header));
		model_forgotten(&fuzz.model, i, header.unique);
		fuzz.killed = false;
		errno = ENOENT;
		return true;
	}
	return false;
}

ssize_t __real_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count);
ssize_t __wrap_writev(int fd, const struct iovec *iov, int count)
{
	return is_forgotten(fd, iov[0].iov_base) ? -1 : __real_writev(fd, iov, count);
}

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
	return is_forgotten(fd, bytes) ? -1 : __real_write(fd, bytes, size);
}

/* ---- the books ---- */

static void take_answers(void)
{
	struct fake_answer answer;

	for (uint32_t i = 0; i < RIG_CHANNELS; i++) {
		while (!fuzz.doors[i].dead && fake_try(&fuzz.doors[i].kernel, &answer))
			model_answered(&fuzz.model, i, &answer);
	}
}

static size_t count_deliveries(bool all)
{
	size_t n = 0;

	list_for_each (link, &fuzz.rig->deliver.jobs)
		n += all || list_entry(link, struct deliver_job, link)->verb == DELIVER_GIVE_FD;
	return n;
}

/* what waits for an answer is being worked on */
static void check_waiting(void)
{
	size_t under_way = fake_jobs_count(&fuzz.rig->jobs) + count_deliveries(true);

	for (size_t i = 0; i < fuzz.model.n_waiting; i++)
		ck_assert_uint_eq(fuzz.model.waiting[i].opcode, FUSE_IOCTL);
	ck_assert_uint_le(fuzz.model.n_waiting, under_way); /* others have hung up */
	if (!fuzz.doors[0].dead && !fuzz.doors[1].dead)
		ck_assert_uint_eq(fuzz.model.n_waiting, under_way);
	ck_assert_uint_eq(state_count(fuzz.rig->state, STATE_REQUEST), under_way);
}

static void turn(void)
{
	if (fuzz.batch) {
		fuzz.batch--;
		return;
	}
	fuzz_rig_turn(fuzz.rig);
	take_answers();
	check_waiting();
	for (uint32_t i = 0; i < RIG_CHANNELS; i++)
		ck_assert(!fuzz.doors[i].dead || fuzz.doors[i].gone);
}

/* a buffer is there as long as it is made, delivered or held, and no longer */
static void check_totals(void)
{
	uint64_t bytes = 0, in_hand = fake_jobs_count(&fuzz.rig->jobs) + count_deliveries(false);
	struct service_totals totals;

	fuzz_rig_totals(fuzz.rig, &totals);
	ck_assert_uint_eq(totals.buffers, fuzz.model.n_held + in_hand);
	if (fake_jobs_count(&fuzz.rig->jobs))
		return;
	for (size_t i = 0; i < fuzz.model.n_held; i++)
		bytes += fuzz.model.held[i].size;
	list_for_each (link, &fuzz.rig->deliver.jobs) {
		struct deliver_job *job = list_entry(link, struct deliver_job, link);

		if (job->verb == DELIVER_GIVE_FD)
			bytes += container_of(job, struct call, delivery)->buffer->size;
	}
	ck_assert_uint_eq(totals.bytes, bytes);
}

/* ---- sending ---- */

static void send_frame(uint32_t opcode, uint64_t node, const void *body, size_t size)
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
	turn();
}

/* an ioctl with its sizes as the kernel makes them */
static void send_ioctl(struct fuzz_bytes *bytes, uint64_t fh, uint32_t cmd, const void *in)
{
	uint8_t body[sizeof(struct fuse_ioctl_in) + BODY_MAX] = { 0 };
	uint32_t size = MIN((uint32_t)_IOC_SIZE(cmd), (uint32_t)BODY_MAX);
	struct fuse_ioctl_in header = {
		.fh = fh,
		.cmd = cmd,
		.flags = fuzz_pick(bytes, 2) ? FUSE_IOCTL_COMPAT : 0,
		.arg = fuzz_number(bytes, addresses, ARRAY_SIZE(addresses)),
		.in_size = _IOC_DIR(cmd) & _IOC_WRITE ? _IOC_SIZE(cmd) : 0,
		.out_size = _IOC_DIR(cmd) & _IOC_READ ? _IOC_SIZE(cmd) : 0,
	};

	memcpy(body, &header, sizeof(header));
	if (header.in_size)
		memcpy(body + sizeof(header), in, size);
	send_frame(FUSE_IOCTL, NODE_ION, body, sizeof(header) + (header.in_size ? size : 0));
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

	send_frame(FUSE_OPEN, fuzz_number(bytes, nodes, ARRAY_SIZE(nodes)), &in, sizeof(in));
}

static void act_release(struct fuzz_bytes *bytes)
{
	const struct fuse_release_in in = { .fh = pick_fh(bytes) };

	send_frame(FUSE_RELEASE, NODE_ION, &in, sizeof(in));
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
	send_frame(opcode, node, body, size);
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

	send_frame(FUSE_LOOKUP, node, name, strlen(name) + 1);
	send_frame(FUSE_GETATTR, node, &getattr, sizeof(getattr));
	send_frame(reads[fuzz_pick(bytes, ARRAY_SIZE(reads))], node, &read, sizeof(read));
}

static void act_write(struct fuzz_bytes *bytes)
{
	uint8_t body[sizeof(struct fuse_write_in) + 16] = { 0 };
	struct fuse_write_in in = { .fh = pick_fh(bytes), .size = 16 };

	memcpy(body, &in, sizeof(in));
	send_frame(FUSE_WRITE, NODE_ION, body, sizeof(body));
}

static void act_forget(struct fuzz_bytes *bytes)
{
	const struct fuse_forget_in one = { .nlookup = fuzz_byte(bytes) };
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one items[2];
	} many = { .in.count = 2, .items = { { NODE_ION, 1 }, { 1, 1 } } };

	if (fuzz_pick(bytes, 2))
		send_frame(FUSE_BATCH_FORGET, 0, &many, sizeof(many));
	else
		send_frame(FUSE_FORGET, NODE_ION, &one, sizeof(one));
}

static void act_interrupt(struct fuzz_bytes *bytes)
{
	struct fuse_interrupt_in in = { .unique = fuzz_byte(bytes) };

	if (fuzz.model.n_waiting)
		in.unique = fuzz.model.waiting[in.unique % fuzz.model.n_waiting].unique;
	send_frame(FUSE_INTERRUPT, 0, &in, sizeof(in));
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
	turn();
}

static void act_handshake(struct fuzz_bytes *bytes)
{
	struct door *door = &fuzz.doors[fuzz.current];
	const struct cuse_init_in cuse = { .major = 7, .minor = 39 };
	const struct fuse_init_in fuse = { .major = 7, .minor = 39, .max_readahead = 1 << 17 };

	if (door->kernel.kind == FAKE_CUSE)
		send_frame(CUSE_INIT, 0, &cuse, sizeof(cuse));
	else
		send_frame(FUSE_INIT, 0, &fuse, sizeof(fuse));
}

static void act_hang_up(struct fuzz_bytes *bytes)
{
	struct door *door = &fuzz.doors[fuzz.current];

	if (door->dead)
		return;
	fuzz.batch = 0;
	turn();
	shutdown(door->kernel.fd, SHUT_RDWR);
	door->dead = true;
	model_hung_up(&fuzz.model, fuzz.current);
	turn();
}

static void act_kill(struct fuzz_bytes *bytes)
{
	fuzz.killed = true;
}

/* ---- acts of who delivers, and of helper threads ---- */

static struct deliver_job *pick_delivery(struct fuzz_bytes *bytes)
{
	size_t n = count_deliveries(true), nth = fuzz_byte(bytes) - '0';
	struct list *link = fuzz.rig->deliver.jobs.next;

	if (!n)
		return NULL;
	for (nth %= n; nth; nth--)
		link = link->next;
	return list_entry(link, struct deliver_job, link);
}

static void end_poke(struct deliver_job *job, int error)
{
	fake_deliver_end_job(job, error, false, NULL);
}

static void end_give(struct deliver_job *job, int error, bool replied, bool keeps)
{
	struct model_request *request = model_of_delivery(&fuzz.model, job);
	const struct buffer *buffer = container_of(job, struct call, delivery)->buffer;
	uint64_t size = buffer->size;
	int fd = -1;

	if (request)
		ck_assert_uint_eq(size, pages_round(request->len));
	if (buffer->block.heap->id == 0)
		ck_assert_uint_eq(lseek(job->fd, 0, SEEK_END), size);
	if (keeps) /* before done(): the books are right at any time */
		model_hold(&fuzz.model, job->fd, size);
	if (replied && request)
		model_replied(&fuzz.model, job);
	fake_deliver_end_job(job, error ? error : 3, replied, keeps ? &fd : NULL);
}

static void act_deliver(struct fuzz_bytes *bytes)
{
	static const struct {
		bool ok, replied, keeps;
	} ways[] = {
		{ true, true, true }, /* as it should be */
		{ false, false, false }, { false, true, false },
		{ false, false, true }, /* its fd can't be taken back */
		{ false, true, true },
	};
	struct deliver_job *job = pick_delivery(bytes);
	size_t way = fuzz_pick(bytes, ARRAY_SIZE(ways));
	int error = ways[way].ok ? 0 : -(int)fuzz_number(bytes, errnos, ARRAY_SIZE(errnos)) % 512;

	if (!job)
		return;
	if (!ways[way].ok)
		error = error < 0 ? error : -EIO;
	if (job->verb == DELIVER_POKE) {
		model_of_delivery(&fuzz.model, job);
		end_poke(job, error);
	} else {
		end_give(job, error, ways[way].replied, ways[way].keeps);
	}
	turn();
}

static void act_run(struct fuzz_bytes *bytes)
{
	fake_jobs_run(&fuzz.rig->jobs, fuzz_pick(bytes, 256));
	if (fuzz_pick(bytes, 2))
		fake_jobs_done(&fuzz.rig->jobs, 0);
	turn();
}

static void act_done(struct fuzz_bytes *bytes)
{
	fake_jobs_done(&fuzz.rig->jobs, fuzz_pick(bytes, 256));
	turn();
}

static void act_odd(struct fuzz_bytes *bytes)
{
	static const int results[] = { 0, -ENOMEM, -EINVAL, -EIO };

	fuzz.rig->odd_reserve = results[fuzz_pick(bytes, ARRAY_SIZE(results))];
	fuzz.rig->odd_fill = results[fuzz_pick(bytes, ARRAY_SIZE(results))];
}

/* ---- acts of who holds buffers, and of time ---- */

static void act_close(struct fuzz_bytes *bytes)
{
	size_t i = fuzz_byte(bytes) - '0';

	if (fuzz.model.n_held)
		model_drop(&fuzz.model, i % fuzz.model.n_held);
	if (fuzz_pick(bytes, 2))
		turn();
}

static void act_look(struct fuzz_bytes *bytes)
{
	check_totals();
}

/* ---- the script ---- */

typedef void act(struct fuzz_bytes *bytes);

/* letters by their place in the alphabet; `v` is below */
static act *const acts[32] = {
	['a' % 32] = act_alloc,	    ['b' % 32] = act_batch,   ['c' % 32] = act_close,
	['d' % 32] = act_door,	    ['e' % 32] = act_deliver, ['f' % 32] = act_frame,
	['g' % 32] = act_tree,	    ['h' % 32] = act_query,   ['i' % 32] = act_ioctl,
	['j' % 32] = act_run,	    ['k' % 32] = act_hang_up, ['l' % 32] = act_look,
	['m' % 32] = act_odd,	    ['n' % 32] = act_version, ['o' % 32] = act_open,
	['p' % 32] = act_done,	    ['q' % 32] = act_forget,  ['r' % 32] = act_release,
	['s' % 32] = act_interrupt, ['t' % 32] = act_torn,    ['u' % 32] = act_who,
	['w' % 32] = act_write,	    ['x' % 32] = act_kill,    ['z' % 32] = act_handshake,
};

static void run_act(struct fuzz_bytes *bytes)
{
	uint8_t what = fuzz_byte(bytes);
	unsigned int nth = 0;

	if (what == '\n')
		return;
	if (what % 32 == 'v' % 32) { /* one of the calls that the next act causes will fail */
		nth = 1 + fuzz_pick(bytes, 64);
		what = fuzz_byte(bytes);
		fuzz.model.faulty = true;
	}
	fault_arm(nth);
	if (acts[what % 32])
		acts[what % 32](bytes);
	fault_disarm();
}

/* what is under way ends, one way or the other */
static void end_work(unsigned int how)
{
	fuzz.batch = 0;
	turn();
	while (!how && fake_jobs_count(&fuzz.rig->jobs)) {
		fake_jobs_run(&fuzz.rig->jobs, 0);
		fake_jobs_done(&fuzz.rig->jobs, 0);
	}
	fake_jobs_end(&fuzz.rig->jobs);
	while (!list_is_empty(&fuzz.rig->deliver.jobs))
		fake_deliver_end(&fuzz.rig->deliver, -EIO, false, NULL);
	turn();
	ck_assert_uint_eq(fuzz.model.n_waiting, 0);
	check_totals();
}

/* clients go by their doors where these stand */
static void end_clients(void)
{
	uint32_t place = 0;
	uint64_t fh;

	for (size_t i = fuzz.model.n_files; i-- > 0;) {
		const struct fuse_release_in in = { .fh = fuzz.model.files[i].fh };

		fuzz.current = fuzz.model.files[i].channel;
		if (fuzz.model.shaken[fuzz.current])
			send_frame(FUSE_RELEASE, NODE_ION, &in, sizeof(in));
	}
	while (state_next(fuzz.rig->state, STATE_CLIENT, &place, &fh))
		dispatch_release(&fuzz.rig->dispatch, fh);
	while (fuzz.model.n_held)
		model_drop(&fuzz.model, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = { data, data + size };
	const unsigned int abi = fuzz_pick(&bytes, 6), told = fuzz_pick(&bytes, 2);
	const unsigned int shaken = fuzz_pick(&bytes, 4), how = fuzz_pick(&bytes, 2);
	const struct wire_policy policy = { .abi = abi / 2, .abi_version = abi % 2 * 2 };

	memset(&fuzz, 0, sizeof(fuzz));
	fuzz.rig = fuzz_rig_up(&policy, !told);
	for (uint32_t i = 0; i < RIG_CHANNELS; i++)
		door_open(&fuzz.doors[i], i);
	for (uint32_t i = 0; i < RIG_CHANNELS; i++) {
		fuzz.current = i;
		if (!(shaken & 1u << i))
			act_handshake(&bytes);
	}
	fuzz.current = 0;
	while (fuzz_left(&bytes))
		run_act(&bytes);

	fuzz.killed = false;
	end_work(how);
	end_clients();
	for (size_t i = 0; i < RIG_CHANNELS; i++)
		door_close(&fuzz.doors[i]);
	fuzz_rig_down(fuzz.rig);
	return 0;
}
