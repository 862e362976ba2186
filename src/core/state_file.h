/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state's file as a whole: made, and recognized. What is in it: core/record.h.
 */
#ifndef CORE_STATE_FILE_H
#define CORE_STATE_FILE_H

#include <stdint.h>

/* a new, empty state: a sealed memfd, owned by the caller. Return: 0, or a negative error. */
int state_create(int *ret_fd);

/* is @fd (borrowed) a state as this version lays it out, and how large? Return: 0, -EPROTO, or a
 * negative error. */
int state_file_check(int fd, uint64_t *ret_size);

#endif
