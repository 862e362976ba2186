/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verb SHARE, in three calls like ALLOC (core/alloc.h): a further file of a buffer that the
 * client has a handle of. And IMPORT, the way back.
 */
#ifndef CORE_SHARE_H
#define CORE_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct client;
struct file;
struct share;

/* @unique is of the request, @tid of the thread that asks. Return: 0; -EINVAL: no such handle; or
 * another negative error. */
int share_begin(struct share **ret, struct client *client, uint32_t handle, uint64_t unique,
		uint32_t tid);

/* give it up instead of finishing it, while share_run() isn't running */
struct share *share_free(struct share *share);
DEFINE_CLEANUP(struct share *, share_free);

/* worth a thread of its own, or not to be run in the service's */
bool share_is_slow(const struct share *share);

/* touches no object of the core but @share's own; its client and the handle may go */
void share_run(struct share *share);

/**
 * share_finish() - publish the file that share_run() made
 * @share:	consumed
 * @ret:	alive at least until file_delivered(), which must be called
 * @ret_fd:	its fd, owned by the caller, to be handed to the client
 *
 * Return: 0 or a negative error.
 */
int share_finish(struct share *share, struct file **ret, int *ret_fd);

/* a handle of the buffer that the open file of this mount and inode is of. Return: 0; -EINVAL: it
 * is none of ours; or as handle_get(). */
int share_import(struct client *client, uint64_t mount, uint64_t ino, uint32_t *ret_handle);

#endif
