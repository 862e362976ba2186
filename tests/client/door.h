/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a program gets at ION: by ioctls of its own (door_raw.c) or by libion (door_libion.c). A
 * program is linked with one of the two. Every result is >= 0 or -errno.
 */
#ifndef CLIENT_DOOR_H
#define CLIENT_DOOR_H

#include <stdint.h>

int door_open(const char *node);
int door_alloc(int ion, uint64_t len, uint32_t mask);
int door_close(int ion);

#endif
