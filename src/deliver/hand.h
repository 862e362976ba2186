/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hand of a held caller: system calls that it is made to run, and what is in it meanwhile: a
 * socket, and a page of zeros for what the kernel must read from its memory. Words of that page are
 * written by futex(FUTEX_WAKE_OP), so that no byte of the caller's is written but by itself.
 */
#ifndef DELIVER_HAND_H
#define DELIVER_HAND_H

#include <stdint.h>

#include "deliver/remote.h"

#define HAND_PAGE_SIZE 4096

struct hand {
	struct remote remote;
	int64_t socket; /* its number, or -1 */
	uint64_t page;	/* or 0 */
};

/**
 * hand_run() - have it run a call that should succeed
 * @hand:	its remote is held
 * @ret:	the call's result
 * @call:	which
 * @args:	for the call
 *
 * Return: 0; what the call's failure means to the caller of the ioctl; or as remote_run().
 */
int hand_run(struct hand *hand, int64_t *ret, enum arch_call call, const uint64_t args[ARCH_ARGS]);

/* hand_call(hand, &ret, ARCH_CLOSE, fd): hand_run(), the arguments left out being 0 */
#define hand_call(hand, ret, call, ...) \
	hand_run((hand), (ret), (call), (const uint64_t[ARCH_ARGS]){ __VA_ARGS__ })

/* what a call's own failure means to the caller of the ioctl */
int hand_errno(int64_t result);

/* hand->page; 0 or as hand_run() */
int hand_make_page(struct hand *hand);
int hand_drop_page(struct hand *hand);

/* *@at = @word, of -2048 to 2047; *@at ^= 1 << @bit; @at is a multiple of four */
int hand_set_word(struct hand *hand, uint64_t at, int32_t word);
int hand_flip_bit(struct hand *hand, uint64_t at, unsigned int bit);

#endif
