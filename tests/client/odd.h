/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the odd callers have in common. Each runs as a process of its own, allocates in its odd
 * circumstances, and returns what the last ALLOC said: >= 0 or -errno.
 */
#ifndef CLIENT_ODD_H
#define CLIENT_ODD_H

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "abi.h"

#define ODD_ROUNDS 10
#define ODD_LEN	   8192u

extern int odd_device; /* /dev/ion, open */

#define odd_check(condition)                                                                    \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			dprintf(1, "%s:%d: not so: %s (%m)\n", __FILE__, __LINE__, #condition); \
			_exit(3);                                                               \
		}                                                                               \
	} while (0)

int odd_once(void);   /* one ALLOC, and no other system call */
int odd_rounds(void); /* several, each looked at from all sides */

/* callers that have hardly a stack, or come in by another way (odd_entry.c) */
int odd_tiny_stack(void);
int odd_goroutine(void);
int odd_int80(void);
int odd_x32(void);

/* callers short of fds (odd_fds.c) */
int odd_fds_full(void);
int odd_fds_one_left(void);
int odd_fds_lowered(void);
int odd_fds_own_table(void);

#endif
