// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/hand.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>

static const char *const call_names[_ARCH_CALL_N] = {
	[ARCH_BIND] = "bind",	      [ARCH_CLOSE] = "close",	  [ARCH_CONNECT] = "connect",
	[ARCH_DUP3] = "dup3",	      [ARCH_FUTEX] = "futex",	  [ARCH_MMAP] = "mmap",
	[ARCH_MUNMAP] = "munmap",     [ARCH_RECVMSG] = "recvmsg", [ARCH_SOCKET] = "socket",
	[ARCH_RECVFROM] = "recvfrom", [ARCH_SENDTO] = "sendto",
};

int hand_errno(int64_t result)
{
	switch (result) {
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
	case -EFAULT:
		return result;
	case -EAGAIN: /* RLIMIT_MEMLOCK */
	case -ENOBUFS:
		return -ENOMEM;
	case -EACCES:
	case -EPERM:
		return -EACCES;
	default:
		return -EIO;
	}
}

int hand_run(struct hand *hand, int64_t *ret, enum arch_call call, const uint64_t args[ARCH_ARGS])
{
	struct remote *remote = &hand->remote;
	int r = remote_run(remote, ret, call, args);

	if (r == -EIO)
		log_about(&remote->about, LOG_LEVEL_INFO, "deliver",
			  "thread %d: it ran something else than our %s()", remote->tid,
			  call_names[call]);
	if (r || *ret >= 0)
		return r;
	if (*ret == -EFAULT)
		log_debug("deliver", "thread %d: its %s(): a bad address", remote->tid,
			  call_names[call]);
	else
		log_about(&remote->about, LOG_LEVEL_INFO, "deliver", "thread %d: its %s(): %s",
			  remote->tid, call_names[call], strerror(-*ret));
	return hand_errno(*ret);
}

int hand_make_page(struct hand *hand)
{
	int64_t page;
	int r;

	r = hand_call(hand, &page, ARCH_MMAP, 0, HAND_PAGE_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!r)
		hand->page = page;
	return r;
}

int hand_drop_page(struct hand *hand)
{
	int64_t ret;
	int r;

	r = hand_call(hand, &ret, ARCH_MUNMAP, hand->page, HAND_PAGE_SIZE);
	if (!r)
		hand->page = 0;
	return r;
}

/* it wakes at @at, where nobody waits: all that is wanted is the operation on the second word */
static int wake_op(struct hand *hand, uint64_t at, uint32_t op)
{
	int64_t woken;

	return hand_call(hand, &woken, ARCH_FUTEX, at, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, 1, at,
			 op);
}

int hand_set_word(struct hand *hand, uint64_t at, int32_t word)
{
	return wake_op(hand, at, FUTEX_OP(FUTEX_OP_SET, word, FUTEX_OP_CMP_EQ, 0));
}

int hand_flip_bit(struct hand *hand, uint64_t at, unsigned int bit)
{
	const uint32_t flip = FUTEX_OP_XOR | FUTEX_OP_OPARG_SHIFT; /* its top bit is the word's */

	return wake_op(hand, at, FUTEX_OP(flip, bit, FUTEX_OP_CMP_EQ, 0));
}
