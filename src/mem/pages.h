/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages of the kernel's shared memory: a memfd of a fixed size, all there, all zero, sealed against
 * another size. And slices, the form in which memory of any kind is handed to an exporter.
 */
#ifndef MEM_PAGES_H
#define MEM_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#define PAGES_SIZE 4096u /* what sizes of buffers are rounded up to */

/* a part of a memfd; offset and size in whole pages */
struct slice {
	int fd; /* borrowed */
	uint64_t offset, size;
};

/* @len in whole pages; 0 where @len is 0 or the rounding overflows */
static inline uint64_t pages_round(uint64_t len)
{
	return (len + PAGES_SIZE - 1) & ~(uint64_t)(PAGES_SIZE - 1);
}

/**
 * pages_new() - a sealed shmem memfd
 * @ret_fd:	the memfd, close-on-exec, owned by the caller; untouched on failure
 * @size:	in whole pages
 * @read_only:	give an fd that can only read and is the memfd's one open file, as
 *		pages_are_held() needs it; it can be opened again for writing through /proc
 *
 * Any thread. Return: 0, -ENOMEM where there is not that much, or a negative error.
 */
int pages_new(int *ret_fd, uint64_t size, bool read_only);

/*
 * Close the memfd, its pages gone also where somebody who once had it has kept hold of the empty
 * file (O_PATH): for those that were given away. Return: -1.
 */
int pages_drop(int fd, uint64_t size);

/* zero @size bytes at @offset, of a memfd that is open for writing: the kernel's copy, as a mapping
 * costs more than the clearing. Any thread. Return: 0 or a negative error. */
int pages_clear(int fd, uint64_t offset, uint64_t size);

/* give the pages back, the file stays; @fd is open for writing. Any thread. */
void pages_empty(int fd, uint64_t size);

/* a further open file of the memfd behind @fd, close-on-exec; @flags O_RDONLY or O_RDWR.
 * Return: the fd, or a negative error */
int pages_reopen(int fd, int flags);

/* is @slice all of its memfd, so that who has the memfd has no more than the slice? */
bool pages_are_whole(const struct slice *slice);

/* has anyone the memfd open or mapped, beside @fd, which is of pages_new(read_only) or
 * pages_reopen()? Also where that can't be told. A udmabuf of it does not show, nor
 * does the file that memfd_create() made, which counts as none. */
bool pages_are_held(int fd);

#endif
