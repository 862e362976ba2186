/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls of the generation with handles, in the layout of the program's own width. Results are
 * >= 0 or -errno; -EPROTO says that a call wrote what it must leave alone.
 */
#ifndef CLIENT_OLD_H
#define CLIENT_OLD_H

#include <stddef.h>
#include <stdint.h>

#include "abi.h"

struct old_alloc {
	size_t len;
	size_t align;
	uint32_t mask;
	uint32_t flags;
	int32_t handle;
};

struct old_fd {
	int32_t handle;
	int32_t fd;
};

struct old_custom {
	uint32_t cmd;
	unsigned long arg;
};

#ifdef __LP64__
#define OLD_ALLOC  ION_OLD_ALLOC_64
#define OLD_CUSTOM ION_OLD_CUSTOM_64
#else
#define OLD_ALLOC  ION_OLD_ALLOC_32
#define OLD_CUSTOM ION_OLD_CUSTOM_32
#endif

_Static_assert(_IOWR('I', 0, struct old_alloc) == OLD_ALLOC, "ALLOC's number");
_Static_assert(_IOWR('I', 6, struct old_custom) == OLD_CUSTOM, "CUSTOM's number");
_Static_assert(_IOWR('I', 4, struct old_fd) == ION_OLD_SHARE, "SHARE's number");

/* Return: the handle, or -errno; @want's own handle is not looked at */
int old_alloc(int ion, const struct old_alloc *want);
int old_free(int ion, int handle);
int old_share(int ion, uint32_t cmd, int handle); /* SHARE or MAP: the fd */
int old_import(int ion, int fd);		  /* the handle */
int old_sync(int ion, int fd);

#endif
