/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of the private file system (front/bufferfs.h). Two sides have a file: its owner, from
 * bufferfile_new() to bufferfile_free(), and the kernel, from LOOKUP to FORGET, with an open and a
 * RELEASE in between. It is on record until both are done.
 */
#ifndef FRONT_BUFFERFILES_H
#define FRONT_BUFFERFILES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"

#define BUFFERFILES_BUCKETS 1024u

struct bufferfile;
struct check;

struct bufferfiles {
	pthread_mutex_t lock; /* owners come in any thread */
	struct list buckets[BUFFERFILES_BUCKETS];
	uint64_t last; /* number of the newest file; none comes again */
	uint64_t n;
};

/* numbers begin above @first */
void bufferfiles_init(struct bufferfiles *files, uint64_t first);

/* no file is owned; those that the kernel still knows go too */
void bufferfiles_deinit(struct bufferfiles *files);

uint64_t bufferfiles_count(struct bufferfiles *files);

/* the fds of all files are theirs */
void bufferfiles_name_fds(struct bufferfiles *files, struct check *check);

/* ---- the owner's side ---- */

/* a file, not open yet: @size bytes, in whole pages. Any thread. Return: 0 or -ENOMEM. */
int bufferfile_new(struct bufferfile **ret, struct bufferfiles *files, uint64_t size);

/* the inode number, and part of the name */
uint64_t bufferfile_number(const struct bufferfile *file);

/* what pages are read from and written to, where there is no backing: a memfd of at least the
 * file's size. Any thread, before the open. */
void bufferfile_consume_fd(struct bufferfile *file, int fd);

/* @released is called once, from the loop, when the file was closed for good; without a backing
 * that is when no mapping is left either. It may free the file. */
void bufferfile_follow(struct bufferfile *file, void (*released)(void *user), void *user);

/* its pages are out of reach from here on; what the kernel still asks of it fails. The loop's
 * thread, or any where it isn't followed. */
struct bufferfile *bufferfile_free(struct bufferfile *file);
DEFINE_CLEANUP(struct bufferfile *, bufferfile_free);

/* ---- the kernel's side: the loop's thread, files by their numbers ---- */

/* a reference more, of a file that can still be opened, and its size; @backing is 0 or the id of
 * what the kernel shall map instead */
bool bufferfiles_look(struct bufferfiles *files, uint64_t number, uint32_t backing,
		      uint64_t *ret_size);

/* @n references less */
void bufferfiles_unlook(struct bufferfiles *files, uint64_t number, uint64_t n);

bool bufferfiles_size(struct bufferfiles *files, uint64_t number, uint64_t *ret_size);

/* opens it, where that is still to be done */
bool bufferfiles_open(struct bufferfiles *files, uint64_t number, uint32_t *ret_backing);

/* the open is over */
void bufferfiles_close(struct bufferfiles *files, uint64_t number);

/* what @size bytes at @off are read from or written to, borrowed until the loop's thread does
 * something else; or -1 */
int bufferfiles_pages(struct bufferfiles *files, uint64_t number, uint64_t off, size_t size);

#endif
