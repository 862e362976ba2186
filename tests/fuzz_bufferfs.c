// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzz target: the file system of buffers' files, over the fake kernel: owners make, follow and
 * free files while the kernel looks up, opens, uses, releases and forgets them, in any order.
 *
 * The input is a script: a digit for the handshake, then acts, a letter each with their arguments
 * (fuzz.h); the table at the end has them. Asserted: one answer each (fuzz_model.c); a file is
 * opened once at most; its owner hears of the release once, after he follows it and not after he
 * freed it; nothing is on record at the end, and no fd is left.
 */
#include <check.h>
#include <errno.h>
#include <linux/dma-buf.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "core/state.h"
#include "fault.h"
#include "front/bufferfs.h"
#include "fuzz.h"
#include "fuzz_model.h"

enum { FILES_MAX = 16, PAGE = 4096, SLOT_ZEROED = 8192 };

struct file {
	struct bufferfile *file; /* NULL: freed */
	uint64_t number;
	uint32_t backing; /* for the name that it is looked up by */
	bool given;	  /* what is behind it is said */
	bool followed, released, frees_itself;
};

static struct fuzz {
	struct loop *loop; /* these stay */
	struct state *state;

	struct bufferfs *fs;
	struct fake_kernel kernel;
	struct model model;
	struct file files[FILES_MAX];
	size_t n_files;
	bool dead, gone;
	_Alignas(struct fuse_in_header) uint8_t slot[SLOT_ZEROED];
} fuzz;

static const uint64_t opcodes[] = {
	FUSE_LOOKUP, FUSE_OPEN,	 FUSE_RELEASE, FUSE_FLUSH,   FUSE_READDIR,
	FUSE_INIT,   FUSE_FSYNC, FUSE_LSEEK,   FUSE_SETATTR, FUSE_FALLOCATE,
};
static const uint64_t nodes[] = { 2, 3, 4, 1, 0, 5, 6, 7, 8, UINT64_MAX };
static const uint64_t places[] = { 0, 1, 4095, 4096, 4097, UINT64_MAX, 1ull << 63 };
static const uint64_t commands[] = {
	DMA_BUF_IOCTL_SYNC, 0x40086201, 0x40046201, 0xc0184900, 0x6208, 0,
};

/* ---- the rig ---- */

static void fs_serves(void *user)
{
}

static void fs_gone(void *user)
{
	fuzz.gone = true;
}

static void rig_make(void)
{
	int fd;

	signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LEVEL_ERROR);
	ck_assert_int_eq(loop_new(&fuzz.loop, LOOP_POLL), 0);
	ck_assert_int_eq(state_create(&fd), 0);
	ck_assert_int_eq(state_attach(&fuzz.state, fd), 0);
	fd_close(fd);
}

static void turn(void)
{
	struct fake_answer answer;

	while (loop_step(fuzz.loop, 0) > 0)
		;
	while (!fuzz.dead && fake_try(&fuzz.kernel, &answer))
		model_answered(&fuzz.model, 0, &answer);
	ck_assert_uint_eq(fuzz.model.n_waiting, 0); /* nothing here takes longer than a turn */
	ck_assert(fuzz.gone || !fuzz.dead);
}

static void send_frame(uint32_t opcode, uint64_t node, const void *body, size_t size)
{
	struct fuse_in_header *header = (struct fuse_in_header *)fuzz.slot;

	if (fuzz.dead || !model_may_send(&fuzz.model, 0, opcode))
		return;
	*header = (struct fuse_in_header){
		.opcode = opcode,
		.unique = fake_send(&fuzz.kernel, opcode, node, body, size),
	};
	memcpy(header + 1, body, size);
	model_sent(&fuzz.model, 0, header);
	turn();
}

static uint64_t pick_node(struct fuzz_bytes *bytes)
{
	return fuzz_number(bytes, nodes, sizeof(nodes) / sizeof(nodes[0]));
}

static uint64_t pick_place(struct fuzz_bytes *bytes)
{
	return fuzz_number(bytes, places, sizeof(places) / sizeof(places[0]));
}

/* ---- acts of owners ---- */

static struct file *pick_file(struct fuzz_bytes *bytes)
{
	struct file *file;

	if (!fuzz.n_files)
		return NULL;
	file = &fuzz.files[fuzz_pick(bytes, fuzz.n_files)];
	return file->file ? file : NULL;
}

static void file_released(void *user)
{
	struct file *file = user;

	ck_assert(file->file && file->followed && !file->released);
	file->released = true;
	if (file->frees_itself)
		file->file = bufferfile_free(file->file);
}

static void act_new(struct fuzz_bytes *bytes)
{
	struct file *file = &fuzz.files[fuzz.n_files];

	if (fuzz.n_files == FILES_MAX)
		return;
	*file = (struct file){ 0 };
	if (bufferfile_new(&file->file, bufferfs_files(fuzz.fs), PAGE) < 0)
		return;
	file->number = bufferfile_number(file->file);
	fuzz.n_files++;
}

static void act_back(struct fuzz_bytes *bytes)
{
	struct file *file = pick_file(bytes);
	int fd;

	if (!file || file->given)
		return;
	file->given = true;
	if (fuzz_pick(bytes, 2)) {
		file->backing = 7;
		return;
	}
	fd = memfd_create("fuzz_bufferfs", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, PAGE), 0);
	bufferfile_consume_fd(file->file, fd);
}

static void act_follow(struct fuzz_bytes *bytes)
{
	struct file *file = pick_file(bytes);

	if (!file || file->followed)
		return;
	file->followed = true;
	file->frees_itself = fuzz_pick(bytes, 2);
	bufferfile_follow(file->file, file_released, file);
}

static void act_free(struct fuzz_bytes *bytes)
{
	struct file *file = pick_file(bytes);

	if (file)
		file->file = bufferfile_free(file->file);
}

/* ---- acts of the kernel ---- */

static void act_handshake(struct fuzz_bytes *bytes)
{
	unsigned int offers = fuzz_pick(bytes, 4);
	const struct fuse_init_in in = {
		.major = 7,
		.minor = 39,
		.max_readahead = 1 << 17,
		.flags = offers & 1 ? 1u << 30 : 0,
		.flags2 = offers & 2 ? 1u << 5 : 0,
	};
	bool shaken = fuzz.model.shaken[0];

	send_frame(FUSE_INIT, 0, &in, sizeof(in));
	if (!shaken && fuzz.model.shaken[0])
		ck_assert_int_eq(bufferfs_has_passthrough(fuzz.fs), offers == 3);
}

/* what a lookup of that number says of its backing */
static uint32_t backing_of(uint64_t number)
{
	for (size_t i = 0; i < fuzz.n_files; i++)
		if (fuzz.files[i].number == number)
			return fuzz.files[i].backing;
	return 0;
}

static void act_lookup(struct fuzz_bytes *bytes)
{
	char name[64];
	unsigned int way = fuzz_pick(bytes, 4);
	uint64_t number;

	if (way < 3) {
		number = pick_node(bytes);
		snprintf(name, sizeof(name), way ? "dmabuf:0%" PRIu64 ":%" PRIu32 : BUFFERFS_NAME,
			 number, backing_of(number));
	} else {
		fuzz_copy(bytes, name, sizeof(name) / 2);
	}
	name[sizeof(name) - 1] = '\0';
	send_frame(FUSE_LOOKUP, way == 2 ? 2 : FUSE_ROOT_ID, name, strlen(name) + 1);
}

static void act_forget(struct fuzz_bytes *bytes)
{
	const struct fuse_forget_in in = { .nlookup = fuzz_pick(bytes, 4) };

	send_frame(FUSE_FORGET, pick_node(bytes), &in, sizeof(in));
}

static void act_open(struct fuzz_bytes *bytes)
{
	const struct fuse_open_in in = { .flags = 2 };

	send_frame(FUSE_OPEN, pick_node(bytes), &in, sizeof(in));
}

static void act_release(struct fuzz_bytes *bytes)
{
	const struct fuse_release_in in = { .fh = pick_node(bytes) };

	send_frame(FUSE_RELEASE, in.fh, &in, sizeof(in));
}

static void act_getattr(struct fuzz_bytes *bytes)
{
	const struct fuse_getattr_in in = { 0 };

	send_frame(FUSE_GETATTR, pick_node(bytes), &in, sizeof(in));
}

static void act_read(struct fuzz_bytes *bytes)
{
	struct fuse_read_in in = { .offset = pick_place(bytes), .size = pick_place(bytes) };

	send_frame(FUSE_READ, pick_node(bytes), &in, sizeof(in));
}

static void act_write(struct fuzz_bytes *bytes)
{
	uint8_t body[sizeof(struct fuse_write_in) + PAGE] = { 0 };
	struct fuse_write_in in = {
		.offset = pick_place(bytes),
		.size = pick_place(bytes) % (PAGE + 1),
		.write_flags = fuzz_pick(bytes, 2) ? 0 : FUSE_WRITE_CACHE,
	};

	memcpy(body, &in, sizeof(in));
	send_frame(FUSE_WRITE, pick_node(bytes), body, sizeof(in) + in.size);
}

static void act_ioctl(struct fuzz_bytes *bytes)
{
	uint8_t body[sizeof(struct fuse_ioctl_in) + 64] = { 0 };
	uint32_t cmd = fuzz_number(bytes, commands, sizeof(commands) / sizeof(commands[0]));
	struct fuse_ioctl_in in = {
		.cmd = cmd,
		.in_size = _IOC_DIR(cmd) & _IOC_WRITE ? _IOC_SIZE(cmd) : 0,
		.out_size = _IOC_DIR(cmd) & _IOC_READ ? _IOC_SIZE(cmd) : 0,
	};

	if (in.in_size > 64)
		return;
	fuzz_copy(bytes, body + sizeof(in), in.in_size);
	memcpy(body, &in, sizeof(in));
	send_frame(FUSE_IOCTL, pick_node(bytes), body, sizeof(in) + in.in_size);
}

static void act_frame(struct fuzz_bytes *bytes)
{
	uint32_t opcode = fuzz_number(bytes, opcodes, sizeof(opcodes) / sizeof(opcodes[0]));
	uint64_t node = pick_node(bytes);
	uint8_t body[256];
	size_t size = fuzz_byte(bytes);

	/* sizes in these are the kernel's word for what there is */
	if (opcode == FUSE_READ || opcode == FUSE_WRITE || opcode == FUSE_BATCH_FORGET)
		return;
	fuzz_copy(bytes, body, size);
	send_frame(opcode, node, body, size);
}

static void act_hang_up(struct fuzz_bytes *bytes)
{
	if (fuzz.dead)
		return;
	shutdown(fuzz.kernel.fd, SHUT_RDWR);
	fuzz.dead = true;
	model_hung_up(&fuzz.model, 0);
	turn();
}

/* ---- the script ---- */

typedef void act(struct fuzz_bytes *bytes);

static act *const acts[32] = {
	['n' % 32] = act_new,	  ['b' % 32] = act_back,      ['w' % 32] = act_follow,
	['x' % 32] = act_free,	  ['h' % 32] = act_handshake, ['l' % 32] = act_lookup,
	['q' % 32] = act_forget,  ['o' % 32] = act_open,      ['r' % 32] = act_release,
	['a' % 32] = act_getattr, ['s' % 32] = act_read,      ['t' % 32] = act_write,
	['i' % 32] = act_ioctl,	  ['f' % 32] = act_frame,     ['k' % 32] = act_hang_up,
};

/* the kernel gives all up, the owners too: then nothing is on record */
static void end_files(void)
{
	const struct fuse_forget_in forget = { .nlookup = UINT64_MAX };

	for (size_t i = 0; i < fuzz.n_files; i++) {
		const struct fuse_release_in release = { .fh = fuzz.files[i].number };

		send_frame(FUSE_RELEASE, release.fh, &release, sizeof(release));
		send_frame(FUSE_FORGET, release.fh, &forget, sizeof(forget));
	}
	if (fuzz.dead)
		bufferfs_stop(fuzz.fs);
	for (size_t i = 0; i < fuzz.n_files; i++)
		fuzz.files[i].file = bufferfile_free(fuzz.files[i].file);
	if (fuzz.model.shaken[0] && !fuzz.dead)
		ck_assert_uint_eq(bufferfiles_count(bufferfs_files(fuzz.fs)), 0);
}

static void rig_up(void)
{
	const struct bufferfs_config config = { .index = 0, .serves = fs_serves, .gone = fs_gone };
	struct loop *loop = fuzz.loop;
	struct state *state = fuzz.state;

	memset(&fuzz, 0, sizeof(fuzz));
	fuzz.loop = loop;
	fuzz.state = state;
	memset(state_slot(state, 0), 0, SLOT_ZEROED);
	fake_kernel_open(&fuzz.kernel, FAKE_FUSE, loop);
	ck_assert_int_eq(
		bufferfs_new_consume_fd(&fuzz.fs, loop, state, &config, fuzz.kernel.channel), 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_bytes bytes = { data, data + size };
	unsigned int fds;
	uint8_t what;

	if (!fuzz.loop)
		rig_make();
	fds = open_fds();
	rig_up();
	if (fuzz_pick(&bytes, 2) == 0)
		act_handshake(&bytes);
	while (fuzz_left(&bytes)) {
		what = fuzz_byte(&bytes);
		if (what != '\n' && acts[what % 32])
			acts[what % 32](&bytes);
	}
	end_files();
	fuzz.fs = bufferfs_free(fuzz.fs);
	fake_kernel_close(&fuzz.kernel);
	ck_assert_uint_eq(open_fds(), fds);
	return 0;
}
