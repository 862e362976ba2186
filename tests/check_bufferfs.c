// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/front/bufferfs.c, driven by a fake kernel over both backends of the loop. The real kernel is
 * in tests/check_file_export.c.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/fd.h"
#include "fake_kernel.h"
#include "fault.h"
#include "front/bufferfs.h"

#define INIT_EXT	 (1u << 30)
#define INIT_PASSTHROUGH (1u << 5) /* flags2 */
#define AUTO_INVAL_DATA	 (1u << 12)
#define PAGE		 4096u
#define SIZE		 (3 * PAGE)

static struct rig {
	struct loop *loop;
	struct state *state;
	int state_fd;
	struct fake_kernel kernel;
	struct bufferfs *fs;
	unsigned int fds;
	int served, gone, released;
} rig;

static void rig_serves(void *user)
{
	rig.served++;
}

static void rig_gone(void *user)
{
	rig.gone++;
}

static void rig_released(void *user)
{
	ck_assert_ptr_eq(user, &rig);
	rig.released++;
}

static int new_fs(void)
{
	const struct bufferfs_config config = {
		.index = 3,
		.serves = rig_serves,
		.gone = rig_gone,
	};

	fake_kernel_open(&rig.kernel, FAKE_FUSE, rig.loop);
	return bufferfs_new_consume_fd(&rig.fs, rig.loop, rig.state, &config, rig.kernel.channel);
}

static void rig_up(int backend)
{
	rig = (struct rig){ .fds = open_fds() };
	ck_assert_int_eq(loop_new(&rig.loop, backend ? LOOP_POLL : LOOP_URING), 0);
	ck_assert_int_eq(state_create(&rig.state_fd), 0);
	ck_assert_int_eq(state_attach(&rig.state, rig.state_fd), 0);
	ck_assert_int_eq(new_fs(), 0);
}

static void rig_down(void)
{
	rig.fs = bufferfs_free(rig.fs);
	fake_kernel_close(&rig.kernel);
	state_free(rig.state);
	close(rig.state_fd);
	loop_free(rig.loop);
	ck_assert_uint_eq(open_fds(), rig.fds);
}

/* a handshake by a kernel that offers these. Return: its answer. */
static struct fuse_init_out shake(uint32_t flags, uint32_t flags2)
{
	const struct fuse_init_in in = {
		.major = 7,
		.minor = 40,
		.max_readahead = 1 << 17,
		.flags = flags,
		.flags2 = flags2,
	};
	struct fake_answer answer;
	struct fuse_init_out out;

	fake_ask(&rig.kernel, &answer, FUSE_INIT, 0, &in, sizeof(in));
	ck_assert_int_eq(answer.error, 0);
	ck_assert_uint_eq(answer.size, sizeof(out));
	memcpy(&out, answer.body, sizeof(out));
	return out;
}

static void shake_plain(void)
{
	shake(INIT_EXT | AUTO_INVAL_DATA, 0);
}

/* Return: -errno; the node, where it is not NULL, must be what came */
static int look_up(uint64_t parent, const char *name, uint64_t *ret_node)
{
	struct fuse_entry_out out;
	struct fake_answer answer;

	fake_ask(&rig.kernel, &answer, FUSE_LOOKUP, parent, name, strlen(name) + 1);
	if (answer.error)
		return answer.error;
	ck_assert_uint_eq(answer.size, sizeof(out));
	memcpy(&out, answer.body, sizeof(out));
	ck_assert_uint_eq(out.entry_valid, 0); /* the name is of no further use */
	ck_assert_uint_ge(out.attr_valid, 3600);
	ck_assert_uint_eq(out.attr.ino, out.nodeid);
	ck_assert_uint_eq(out.attr.size, SIZE);
	ck_assert(S_ISREG(out.attr.mode));
	*ret_node = out.nodeid;
	return 0;
}

static int ask(uint32_t opcode, uint64_t node, const void *body, size_t size)
{
	struct fake_answer answer;

	fake_ask(&rig.kernel, &answer, opcode, node, body, size);
	return answer.error;
}

static int open_node(uint64_t node, struct fuse_open_out *out)
{
	const struct fuse_open_in in = { .flags = O_RDWR };
	struct fake_answer answer;

	fake_ask(&rig.kernel, &answer, FUSE_OPEN, node, &in, sizeof(in));
	if (!answer.error && out)
		memcpy(out, answer.body, sizeof(*out));
	return answer.error;
}

static int release_node(uint64_t node)
{
	const struct fuse_release_in in = { .fh = node };

	return ask(FUSE_RELEASE, node, &in, sizeof(in));
}

static void forget_node(uint64_t node, uint64_t n)
{
	const struct fuse_forget_in in = { .nlookup = n };

	fake_send(&rig.kernel, FUSE_FORGET, node, &in, sizeof(in));
	ck_assert(fake_is_quiet(&rig.kernel)); /* it has no answer */
}

static bool is_known(uint64_t node)
{
	const struct fuse_getattr_in in = { 0 };

	return ask(FUSE_GETATTR, node, &in, sizeof(in)) == 0;
}

/* looked up, not open yet */
static struct bufferfile *new_backed_file(uint64_t *ret_node, uint32_t backing)
{
	struct bufferfile *file;
	char name[48];

	ck_assert_int_eq(bufferfile_new(&file, bufferfs_files(rig.fs), SIZE), 0);
	snprintf(name, sizeof(name), BUFFERFS_NAME, bufferfile_number(file), backing);
	ck_assert_int_eq(look_up(FUSE_ROOT_ID, name, ret_node), 0);
	ck_assert_uint_eq(*ret_node, bufferfile_number(file));
	return file;
}

static struct bufferfile *new_file(uint64_t *ret_node)
{
	return new_backed_file(ret_node, 0);
}

static void end_file(struct bufferfile *file, uint64_t node)
{
	bufferfile_free(file);
	ck_assert_int_eq(release_node(node), 0);
	forget_node(node, 1);
	ck_assert(!is_known(node));
}

static int read_node(uint64_t node, uint64_t off, uint32_t size, void *bytes)
{
	const struct fuse_read_in in = { .fh = node, .offset = off, .size = size };
	struct fake_answer answer;

	fake_ask(&rig.kernel, &answer, FUSE_READ, node, &in, sizeof(in));
	memcpy(bytes, answer.body, answer.size);
	return answer.error ?: (int)answer.size;
}

static int write_node(uint64_t node, uint64_t off, uint32_t flags, const char *text)
{
	uint8_t body[sizeof(struct fuse_write_in) + 64];
	const struct fuse_write_in in = {
		.fh = node,
		.offset = off,
		.size = strlen(text),
		.write_flags = flags,
	};

	memcpy(body, &in, sizeof(in));
	memcpy(body + sizeof(in), text, in.size);
	return ask(FUSE_WRITE, node, body, sizeof(in) + in.size);
}

/* ---- cases ---- */

START_TEST(handshake)
{
	struct fuse_init_out out;

	rig_up(_i);
	ck_assert(!bufferfs_has_passthrough(rig.fs));
	out = shake(INIT_EXT | AUTO_INVAL_DATA, INIT_PASSTHROUGH);
	ck_assert_int_eq(rig.served, 1);
	ck_assert(bufferfs_has_passthrough(rig.fs));
	ck_assert_uint_eq(out.flags & (INIT_EXT | AUTO_INVAL_DATA), INIT_EXT);
	ck_assert_uint_eq(out.flags2 & INIT_PASSTHROUGH, INIT_PASSTHROUGH);
	ck_assert_uint_eq(out.unused[0], 1); /* max_stack_depth */
	rig_down();
}
END_TEST

START_TEST(handshake_without)
{
	const struct {
		uint32_t flags, flags2;
	} offers[] = {
		{ INIT_EXT, 0 }, { 0, 0 }, { 0, INIT_PASSTHROUGH }, /* flags2 doesn't count */
	};

	for (size_t i = 0; i < ARRAY_SIZE(offers); i++) {
		struct fuse_init_out out;

		rig_up(_i);
		out = shake(offers[i].flags, offers[i].flags2);
		ck_assert_uint_eq(out.flags2 & INIT_PASSTHROUGH, 0);
		ck_assert_uint_eq(out.unused[0], 0);
		ck_assert(!bufferfs_has_passthrough(rig.fs));
		rig_down();
	}
}
END_TEST

START_TEST(names)
{
	const char *const wrong[] = {
		"",
		"dmabuf:",
		"dmabuf:2",
		"dmabuf:2:",
		"dmabuf:0:0",
		"dmabuf:1:0",
		"dmabuf:3:0",
		"dmabuf:2:0 ",
		"dmabuf:02:0",
		"dmabuf:+2:0",
		"2",
		"dmabuf:2x:0",
		"dmabuf:2:00",
		"dmabuf:2:-1",
		"Dmabuf:2:0",
		"dmabuf: 2:0",
		"dmabuf:2:4294967296",
		"dmabuf:18446744073709551618:0",
	};
	struct bufferfile *file;
	uint64_t node;

	rig_up(_i);
	shake_plain();
	ck_assert_int_eq(look_up(FUSE_ROOT_ID, "dmabuf:2:0", &node), -ENOENT);
	file = new_file(&node);
	ck_assert_uint_eq(node, 2);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_int_eq(look_up(FUSE_ROOT_ID, wrong[i], &node), -ENOENT);
	ck_assert_int_eq(look_up(2, "dmabuf:2:0", &node), -ENOENT);
	/* no more once it is open, nor once its owner has given it up */
	ck_assert_int_eq(open_node(2, NULL), 0);
	ck_assert_int_eq(look_up(FUSE_ROOT_ID, "dmabuf:2:0", &node), -ENOENT);
	end_file(file, 2);
	file = new_file(&node);
	ck_assert_uint_eq(node, 3); /* no number comes again */
	bufferfile_free(file);
	ck_assert_int_eq(look_up(FUSE_ROOT_ID, "dmabuf:3:0", &node), -ENOENT);
	rig_down();
}
END_TEST

START_TEST(one_open)
{
	struct bufferfile *file;
	struct fuse_open_out out;
	uint64_t node;

	rig_up(_i);
	shake_plain();
	file = new_file(&node);
	ck_assert_int_eq(open_node(FUSE_ROOT_ID, NULL), -ENXIO);
	ck_assert_int_eq(open_node(99, NULL), -ENXIO);
	ck_assert_int_eq(open_node(node, &out), 0);
	ck_assert_uint_eq(out.open_flags, FOPEN_NOFLUSH);
	ck_assert_int_eq(open_node(node, NULL), -ENXIO);
	bufferfile_free(file);
	ck_assert_int_eq(open_node(node, NULL), -ENXIO);
	ck_assert_int_eq(release_node(node), 0);
	ck_assert_int_eq(open_node(node, NULL), -ENXIO);
	rig_down();
}
END_TEST

START_TEST(open_with_backing)
{
	struct bufferfile *file, *plain;
	struct fuse_open_out out;
	uint64_t node, other;
	char byte[PAGE];

	rig_up(_i);
	shake(INIT_EXT, INIT_PASSTHROUGH);
	file = new_backed_file(&node, 17);
	plain = new_file(&other);
	ck_assert_int_eq(open_node(node, &out), 0);
	ck_assert_uint_eq(out.open_flags, FOPEN_NOFLUSH | FOPEN_DIRECT_IO | 1u << 7);
	ck_assert_uint_eq(out.padding, 17);
	ck_assert_int_eq(open_node(other, &out), 0);
	ck_assert_uint_eq(out.open_flags, FOPEN_NOFLUSH);
	ck_assert_uint_eq(out.padding, 0);
	/* what comes here are read(2) and write(2) */
	ck_assert_int_eq(read_node(node, 0, PAGE, byte), -EINVAL);
	ck_assert_int_eq(write_node(node, 0, FUSE_WRITE_LOCKOWNER, "x"), -EINVAL);
	end_file(plain, other);
	end_file(file, node);
	rig_down();
}
END_TEST

START_TEST(pages)
{
	int memfd = memfd_create("pages", MFD_CLOEXEC);
	char bytes[PAGE] = "", text[8] = "";
	struct bufferfile *file;
	uint64_t node;

	rig_up(_i);
	shake_plain();
	ck_assert_int_eq(ftruncate(memfd, SIZE), 0);
	ck_assert_int_eq(pwrite(memfd, "hello", 5, PAGE), 5);
	file = new_file(&node);
	bufferfile_consume_fd(file, dup(memfd));
	ck_assert_int_eq(open_node(node, NULL), 0);
	ck_assert_int_eq(read_node(node, PAGE, 2048, bytes), 2048);
	ck_assert_str_eq(bytes, "hello");
	ck_assert_int_eq(read_node(node, SIZE - 1, 1, bytes), 1);
	ck_assert_int_eq(read_node(node, SIZE - 1, 2, bytes), -EINVAL);
	ck_assert_int_eq(read_node(node, SIZE + 1, 1, bytes), -EINVAL);
	ck_assert_int_eq(read_node(node, UINT64_MAX, 1, bytes), -EINVAL);

	/* the page cache's writeback, and write(2) */
	ck_assert_int_eq(write_node(node, SIZE - 3, FUSE_WRITE_CACHE, "end"), 0);
	ck_assert_int_eq(pread(memfd, text, 3, SIZE - 3), 3);
	ck_assert_str_eq(text, "end");
	ck_assert_int_eq(write_node(node, SIZE - 3, 0, "not"), -EINVAL);
	ck_assert_int_eq(write_node(node, SIZE - 2, FUSE_WRITE_CACHE, "far"), -EINVAL);
	ck_assert_int_eq(pread(memfd, text, 3, SIZE - 3), 3);
	ck_assert_str_eq(text, "end");
	ck_assert_int_eq(lseek(memfd, 0, SEEK_END), SIZE);

	/* given up, with the kernel still at it */
	bufferfile_free(file);
	ck_assert_int_eq(read_node(node, 0, 1, bytes), -EINVAL);
	ck_assert_int_eq(write_node(node, 0, FUSE_WRITE_CACHE, "late"), -EINVAL);
	ck_assert_int_eq(release_node(node), 0);
	rig_down();
	close(memfd);
}
END_TEST

START_TEST(pages_cut_short)
{
	struct bufferfile *file;
	char bytes[PAGE];
	uint64_t node;
	int memfd;

	rig_up(_i);
	shake_plain();
	memfd = memfd_create("short", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(memfd, PAGE), 0);
	file = new_file(&node);
	bufferfile_consume_fd(file, memfd);
	ck_assert_int_eq(open_node(node, NULL), 0);
	/* not taken for the end of the file */
	ck_assert_int_eq(read_node(node, PAGE - 1, 2, bytes), -EIO);
	end_file(file, node);
	rig_down();
}
END_TEST

START_TEST(refusals)
{
	const struct fuse_setattr_in size = { .valid = FATTR_SIZE }, mode = { .valid = FATTR_MODE };
	const struct fuse_fallocate_in hole = { .length = PAGE, .mode = 3 };
	const struct fuse_lseek_in data = { .whence = SEEK_DATA };
	const struct fuse_fsync_in sync = { 0 };
	const struct fuse_getxattr_in list = { 0 };
	struct bufferfile *file;
	uint64_t node;

	rig_up(_i);
	shake_plain();
	file = new_file(&node);
	ck_assert_int_eq(open_node(node, NULL), 0);
	ck_assert_int_eq(ask(FUSE_SETATTR, node, &size, sizeof(size)), -EINVAL);
	ck_assert_int_eq(ask(FUSE_SETATTR, node, &mode, sizeof(mode)), -EINVAL);
	ck_assert_int_eq(ask(FUSE_FSYNC, node, &sync, sizeof(sync)), -EINVAL);
	ck_assert_int_eq(ask(FUSE_FALLOCATE, node, &hole, sizeof(hole)), -ENODEV);
	ck_assert_int_eq(ask(FUSE_LSEEK, node, &data, sizeof(data)), -EINVAL);
	ck_assert_int_eq(ask(FUSE_LISTXATTR, node, &list, sizeof(list)), -ENOSYS);
	ck_assert_int_eq(ask(FUSE_UNLINK, FUSE_ROOT_ID, "dmabuf:2:0", 11), -ENOSYS);
	ck_assert_int_eq(ask(FUSE_RENAME2, FUSE_ROOT_ID, "0123456789abcdefa\0b", 20), -ENOSYS);
	end_file(file, node);
	rig_down();
}
END_TEST

START_TEST(ioctls)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW };
	uint64_t node, name = 0x6968, long_name = 0x6968696869686968;
	struct bufferfile *file;

	rig_up(_i);
	shake_plain();
	file = new_file(&node);
	ck_assert_int_eq(open_node(node, NULL), 0);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, node, DMA_BUF_IOCTL_SYNC, 0x1000, &sync), 0);
	sync.flags = 0;
	ck_assert_int_eq(fake_ioctl(&rig.kernel, node, DMA_BUF_IOCTL_SYNC, 0x1000, &sync), -EINVAL);
	sync.flags = 11;
	ck_assert_int_eq(fake_ioctl(&rig.kernel, node, DMA_BUF_IOCTL_SYNC, 0x1000, &sync), -EINVAL);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, node, 0x40086201, 0x1000, &name), 0);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, node, 0x40046201, 0x1000, &name), 0);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, node, 0x40086201, 0x1000, &long_name), 0);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, node, 0xc0086202, 0x1000, &name), -ENOTTY);
	ck_assert_int_eq(fake_ioctl(&rig.kernel, node, 0x6263, 0, NULL), -ENOTTY);
	end_file(file, node);
	rig_down();
}
END_TEST

START_TEST(released_once)
{
	struct bufferfile *file;
	uint64_t node;

	rig_up(_i);
	shake_plain();
	file = new_file(&node);
	ck_assert_int_eq(open_node(node, NULL), 0);
	bufferfile_follow(file, rig_released, &rig);
	ck_assert_int_eq(release_node(99), 0);
	ck_assert_int_eq(rig.released, 0);
	ck_assert_int_eq(release_node(node), 0);
	ck_assert_int_eq(rig.released, 1);
	ck_assert_int_eq(release_node(node), 0);
	ck_assert_int_eq(rig.released, 1);
	bufferfile_free(file);
	ck_assert(is_known(node));
	forget_node(node, 1);
	ck_assert(!is_known(node));
	rig_down();
}
END_TEST

static void free_file(void *user)
{
	bufferfile_free(user);
	rig.released++;
}

START_TEST(freed_when_released)
{
	struct bufferfile *file;
	uint64_t node;

	rig_up(_i);
	shake_plain();
	file = new_file(&node);
	ck_assert_int_eq(open_node(node, NULL), 0);
	bufferfile_follow(file, free_file, file);
	ck_assert_int_eq(release_node(node), 0);
	ck_assert_int_eq(rig.released, 1);
	forget_node(node, 1);
	ck_assert(!is_known(node));

	/* the kernel may tell it in the other order, too */
	file = new_file(&node);
	ck_assert_int_eq(open_node(node, NULL), 0);
	bufferfile_follow(file, free_file, file);
	forget_node(node, 1);
	ck_assert_int_eq(release_node(node), 0);
	ck_assert_int_eq(rig.released, 2);
	ck_assert(!is_known(node));
	rig_down();
}
END_TEST

START_TEST(never_opened)
{
	struct bufferfile *file;
	uint64_t node, again;

	rig_up(_i);
	shake_plain();
	file = new_file(&node);
	ck_assert_int_eq(look_up(FUSE_ROOT_ID, "dmabuf:2:0", &again), 0);
	ck_assert_uint_eq(node, again);
	bufferfile_free(file);
	forget_node(node, 1);
	ck_assert(is_known(node)); /* looked up twice */
	forget_node(node, 7);	   /* more than there are */
	ck_assert(!is_known(node));
	forget_node(node, 1);

	ck_assert_int_eq(bufferfile_new(&file, bufferfs_files(rig.fs), SIZE), 0);
	ck_assert(is_known(bufferfile_number(file)));
	node = bufferfile_number(file);
	bufferfile_free(file);
	ck_assert(!is_known(node));
	rig_down();
}
END_TEST

START_TEST(stopped)
{
	struct bufferfile *file;
	uint64_t node;

	rig_up(_i);
	shake_plain();
	file = new_file(&node);
	ck_assert_int_eq(open_node(node, NULL), 0);
	bufferfile_follow(file, rig_released, &rig);
	bufferfs_stop(rig.fs);
	bufferfs_stop(rig.fs);
	bufferfile_free(file); /* the kernel will never be done with it */
	ck_assert_int_eq(rig.released, 0);
	rig_down();
}
END_TEST

START_TEST(gone)
{
	rig_up(_i);
	shake_plain();
	shutdown(rig.kernel.fd, SHUT_RDWR);
	while (!rig.gone)
		ck_assert_int_gt(loop_step(rig.loop, 2000), 0);
	rig_down();
}
END_TEST

START_TEST(faults)
{
	bool failed = true;

	rig_up(_i);
	rig.fs = bufferfs_free(rig.fs);
	fake_kernel_close(&rig.kernel);
	for (unsigned int nth = 1; failed; nth++) {
		struct bufferfile *file = NULL;
		unsigned int fds = open_fds();
		int r;

		fault_arm(nth);
		r = new_fs();
		if (r == 0)
			r = bufferfile_new(&file, bufferfs_files(rig.fs), SIZE);
		failed = fault_disarm();
		ck_assert(r == 0 || failed);
		ck_assert(r == 0 || !file);
		bufferfile_free(file);
		rig.fs = bufferfs_free(rig.fs);
		fake_kernel_close(&rig.kernel);
		ck_assert_uint_eq(open_fds(), fds);
	}
	fake_kernel_open(&rig.kernel, FAKE_FUSE, rig.loop);
	close(rig.kernel.channel);
	rig_down();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bufferfs");
	TCase *tcase = tcase_create("bufferfs");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, handshake, 0, 2);
	tcase_add_loop_test(tcase, handshake_without, 0, 2);
	tcase_add_loop_test(tcase, names, 0, 2);
	tcase_add_loop_test(tcase, one_open, 0, 2);
	tcase_add_loop_test(tcase, open_with_backing, 0, 2);
	tcase_add_loop_test(tcase, pages, 0, 2);
	tcase_add_loop_test(tcase, pages_cut_short, 0, 2);
	tcase_add_loop_test(tcase, refusals, 0, 2);
	tcase_add_loop_test(tcase, ioctls, 0, 2);
	tcase_add_loop_test(tcase, released_once, 0, 2);
	tcase_add_loop_test(tcase, freed_when_released, 0, 2);
	tcase_add_loop_test(tcase, never_opened, 0, 2);
	tcase_add_loop_test(tcase, stopped, 0, 2);
	tcase_add_loop_test(tcase, gone, 0, 2);
	tcase_add_loop_test(tcase, faults, 0, 2);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
