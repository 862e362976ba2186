/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's side of a FUSE or CUSE channel without any device: a SEQPACKET socketpair whose one
 * end a door serves, while the test sends requests into the other and takes the answers out.
 */
#ifndef TESTS_FAKE_KERNEL_H
#define TESTS_FAKE_KERNEL_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop/loop.h"

enum fake_kind { FAKE_CUSE, FAKE_FUSE };

struct fake_kernel {
	enum fake_kind kind;
	int fd;		   /* ours: the kernel's end */
	int channel;	   /* for the door to consume */
	uint64_t unique;   /* of the last request */
	uint64_t node;	   /* that is opened and called: ION's inode, until the test changes it */
	uint32_t pid, uid; /* of the caller, for the next request */
	struct loop *loop; /* turned while waiting for an answer */
};

/* an answer as the kernel would see it */
struct fake_answer {
	uint64_t unique;
	int error;
	size_t size; /* of body */
	uint8_t body[4096];
};

void fake_kernel_open(struct fake_kernel *kernel, enum fake_kind kind, struct loop *loop);
void fake_kernel_close(struct fake_kernel *kernel);

/* sends a request. Return: its unique. */
uint64_t fake_send(struct fake_kernel *kernel, uint32_t opcode, uint64_t node, const void *body,
		   size_t size);

/* takes the next answer if there is one; the loop stands still */
bool fake_try(struct fake_kernel *kernel, struct fake_answer *answer);

/* takes the next answer; turns the loop until it comes. Fails the test after two seconds. */
void fake_receive(struct fake_kernel *kernel, struct fake_answer *answer);

/* whether the door has sent anything, after the loop has nothing more to do */
bool fake_is_quiet(struct fake_kernel *kernel);

/* the same in one: the answer to this request, whose unique is checked */
void fake_ask(struct fake_kernel *kernel, struct fake_answer *answer, uint32_t opcode,
	      uint64_t node, const void *body, size_t size);

/* FUSE_INIT or CUSE_INIT and its answer */
void fake_init(struct fake_kernel *kernel, struct fake_answer *answer);

/* opens the node (FUSE: inode 2). Return: the fh, or -errno of the open. */
int fake_open(struct fake_kernel *kernel, uint64_t *ret_fh);
void fake_release(struct fake_kernel *kernel, uint64_t fh);

/* sends an ioctl with its sizes as the kernel derives them from the number. Return: unique. */
uint64_t fake_send_ioctl(struct fake_kernel *kernel, uint64_t fh, uint32_t cmd, uint64_t arg,
			 const void *in);

/* ... and takes its answer. Return: what the caller of ioctl(2) would get, -errno or the result;
 * *out (may be NULL) is filled with the bytes copied out. */
int fake_ioctl_answer(struct fake_kernel *kernel, uint64_t unique, void *out, size_t out_size);
int fake_ioctl(struct fake_kernel *kernel, uint64_t fh, uint32_t cmd, uint64_t arg, void *inout);

#endif
