// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_kernel.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	NODE_ION = 2,
	FRAME_MAX = 64 << 10,
	PATIENCE_MS = 2000,
};

void fake_kernel_open(struct fake_kernel *kernel, enum fake_kind kind, struct loop *loop)
{
	int pair[2];

	ck_assert_int_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	*kernel = (struct fake_kernel){
		.kind = kind,
		.fd = pair[0],
		.channel = pair[1],
		.pid = 4711,
		.uid = 1000,
		.node = NODE_ION,
		.loop = loop,
	};
}

void fake_kernel_close(struct fake_kernel *kernel)
{
	close(kernel->fd);
	kernel->fd = -1;
}

uint64_t fake_send(struct fake_kernel *kernel, uint32_t opcode, uint64_t node, const void *body,
		   size_t size)
{
	uint8_t frame[FRAME_MAX];
	struct fuse_in_header header = {
		.len = sizeof(header) + size,
		.opcode = opcode,
		.unique = kernel->unique += 2,
		.nodeid = node,
		.uid = kernel->uid,
		.gid = kernel->uid,
		.pid = kernel->pid,
	};

	ck_assert(header.len <= sizeof(frame));
	memcpy(frame, &header, sizeof(header));
	if (size)
		memcpy(frame + sizeof(header), body, size);
	ck_assert_int_eq(send(kernel->fd, frame, header.len, 0), header.len);
	return header.unique;
}

bool fake_try(struct fake_kernel *kernel, struct fake_answer *answer)
{
	uint8_t frame[FRAME_MAX];
	struct fuse_out_header header;
	ssize_t n;

	n = recv(kernel->fd, frame, sizeof(frame), MSG_DONTWAIT);
	if (n < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		return false;
	}
	ck_assert_int_ge(n, sizeof(header));
	memcpy(&header, frame, sizeof(header));
	ck_assert_uint_eq(header.len, n);
	ck_assert_int_le(header.error, 0);
	ck_assert_int_gt(header.error, -512); /* beyond that the kernel refuses the write */
	answer->unique = header.unique;
	answer->error = header.error;
	answer->size = n - sizeof(header);
	ck_assert_uint_le(answer->size, sizeof(answer->body));
	memcpy(answer->body, frame + sizeof(header), answer->size);
	return true;
}

void fake_receive(struct fake_kernel *kernel, struct fake_answer *answer)
{
	while (!fake_try(kernel, answer))
		ck_assert_int_gt(loop_step(kernel->loop, PATIENCE_MS), 0);
}

bool fake_is_quiet(struct fake_kernel *kernel)
{
	struct fake_answer answer;

	while (loop_step(kernel->loop, 0) > 0)
		;
	return !fake_try(kernel, &answer);
}

void fake_ask(struct fake_kernel *kernel, struct fake_answer *answer, uint32_t opcode,
	      uint64_t node, const void *body, size_t size)
{
	uint64_t unique = fake_send(kernel, opcode, node, body, size);

	fake_receive(kernel, answer);
	ck_assert_uint_eq(answer->unique, unique);
}

void fake_init(struct fake_kernel *kernel, struct fake_answer *answer)
{
	const struct cuse_init_in cuse = { .major = 7, .minor = 39 };
	const struct fuse_init_in fuse = { .major = 7, .minor = 39, .max_readahead = 1 << 17 };

	if (kernel->kind == FAKE_CUSE)
		fake_ask(kernel, answer, CUSE_INIT, 0, &cuse, sizeof(cuse));
	else
		fake_ask(kernel, answer, FUSE_INIT, 0, &fuse, sizeof(fuse));
}

int fake_open(struct fake_kernel *kernel, uint64_t *ret_fh)
{
	const struct fuse_open_in in = { .flags = 0 };
	struct fuse_open_out out;
	struct fake_answer answer;

	fake_ask(kernel, &answer, FUSE_OPEN, kernel->node, &in, sizeof(in));
	if (answer.error)
		return answer.error;
	ck_assert_uint_eq(answer.size, sizeof(out));
	memcpy(&out, answer.body, sizeof(out));
	*ret_fh = out.fh;
	return 0;
}

void fake_release(struct fake_kernel *kernel, uint64_t fh)
{
	const struct fuse_release_in in = { .fh = fh };
	struct fake_answer answer;
	uint32_t pid = kernel->pid, uid = kernel->uid;

	/* a release has no credentials */
	kernel->pid = kernel->uid = 0;
	fake_ask(kernel, &answer, FUSE_RELEASE, kernel->node, &in, sizeof(in));
	kernel->pid = pid;
	kernel->uid = uid;
	ck_assert_int_eq(answer.error, 0);
}

uint64_t fake_send_ioctl(struct fake_kernel *kernel, uint64_t fh, uint32_t cmd, uint64_t arg,
			 const void *in)
{
	uint8_t body[sizeof(struct fuse_ioctl_in) + (1 << 14)];
	struct fuse_ioctl_in header = {
		.fh = fh,
		.cmd = cmd,
		.arg = arg,
		.in_size = _IOC_DIR(cmd) & _IOC_WRITE ? _IOC_SIZE(cmd) : 0,
		.out_size = _IOC_DIR(cmd) & _IOC_READ ? _IOC_SIZE(cmd) : 0,
	};

	memcpy(body, &header, sizeof(header));
	if (header.in_size)
		memcpy(body + sizeof(header), in, header.in_size);
	return fake_send(kernel, FUSE_IOCTL, kernel->node, body, sizeof(header) + header.in_size);
}

int fake_ioctl_answer(struct fake_kernel *kernel, uint64_t unique, void *out, size_t out_size)
{
	struct fuse_ioctl_out header;
	struct fake_answer answer;

	fake_receive(kernel, &answer);
	ck_assert_uint_eq(answer.unique, unique);
	if (answer.error)
		return answer.error;
	ck_assert_uint_ge(answer.size, sizeof(header));
	memcpy(&header, answer.body, sizeof(header));
	ck_assert_uint_eq(header.flags, 0); /* a restricted ioctl can't ask for a retry */
	/* more than was asked for is EIO in the kernel */
	ck_assert_uint_le(answer.size - sizeof(header), out_size);
	if (out)
		memcpy(out, answer.body + sizeof(header), answer.size - sizeof(header));
	return header.result;
}

int fake_ioctl(struct fake_kernel *kernel, uint64_t fh, uint32_t cmd, uint64_t arg, void *inout)
{
	uint64_t unique = fake_send_ioctl(kernel, fh, cmd, arg, inout);

	return fake_ioctl_answer(kernel, unique, inout,
				 _IOC_DIR(cmd) & _IOC_READ ? _IOC_SIZE(cmd) : 0);
}
