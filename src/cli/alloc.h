/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cusion alloc: its parts. The device is used as any client uses it; the control socket is asked
 * only for what makes an error clearer.
 */
#ifndef CLI_ALLOC_H
#define CLI_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

enum {
	ALLOC_HEAPS = 32,
	ALLOC_NAME_SIZE = 32,
	EXIT_NOT_RUN = 126, /* the command can't be run */
	EXIT_NOT_FOUND = 127,
};

struct alloc_options {
	const char *device;
	const char *heap; /* name or id; NULL: the system heap */
	uint64_t size;
	uint32_t flags, count;
	bool hold, json;
	char **command; /* NULL: none */
};

struct alloc_heap {
	char name[ALLOC_NAME_SIZE];
	uint32_t id, type;
};

struct alloc_device {
	int fd;
	struct alloc_heap heaps[ALLOC_HEAPS]; /* as the device lists them */
	size_t n_heaps;
	struct alloc_heap heap; /* that was chosen */
};

struct alloc_buffer {
	int fd;
	uint64_t size, ns; /* of the file; how long the call took */
};

/* ---- the device ---- */

/* open it and list its heaps: 0 or a negative error; -ENOTTY: it has no such list */
int alloc_open(struct alloc_device *device, const char *path);
int alloc_list(struct alloc_device *device);

/* the heap of that name or id, NULL: of the kind system. Return: 0, or -ENODEV. */
int alloc_pick(struct alloc_device *device, const char *heap);

/* Return: 0 or a negative error */
int alloc_one(struct alloc_device *device, const struct alloc_options *options,
	      struct alloc_buffer *ret);

/* ---- what went wrong, and what can be done: on stderr. Return: the exit status. ---- */

int alloc_say_open(const struct alloc_options *options, int error);
int alloc_say_pick(const struct alloc_device *device, const struct alloc_options *options);
int alloc_say_failed(const struct alloc_device *device, const struct alloc_options *options,
		     int error);

/* ---- while they are held ---- */

void alloc_hold(void); /* until a signal ends it */

/* runs the command with the buffers' fds and CUSION_FD. Return: its status, 128 and the signal that
 * killed it, or EXIT_NOT_RUN, EXIT_NOT_FOUND. */
int alloc_run_command(char **command, const struct alloc_buffer *buffers, size_t n);

#endif
