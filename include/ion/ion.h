/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libion: what Android's library of this name offers, with the same conventions. See libion(3).
 *
 * All but ion_open() return 0 or more, or a negative errno. fd is what ion_open() returned.
 */
#ifndef __SYS_CORE_ION_H
#define __SYS_CORE_ION_H

#include <linux/ion.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ion_handle;

/* Return: an fd, or -1 with errno set. */
int ion_open(void);
int ion_close(int fd);

/* A buffer's dma-buf fd in *handle_fd, over either interface of the device. */
int ion_alloc_fd(int fd, size_t len, size_t align, unsigned int heap_mask, unsigned int flags,
		 int *handle_fd);

/* Handles: -EINVAL where the device has none, but for ion_free(), which always asks it. */
int ion_alloc(int fd, size_t len, size_t align, unsigned int heap_mask, unsigned int flags,
	      ion_user_handle_t *handle);
int ion_free(int fd, ion_user_handle_t handle);
int ion_map(int fd, ion_user_handle_t handle, size_t length, int prot, int flags, off_t offset,
	    unsigned char **ptr, int *map_fd);
int ion_share(int fd, ion_user_handle_t handle, int *share_fd);
int ion_import(int fd, int share_fd, ion_user_handle_t *handle);
int ion_sync_fd(int fd, int handle_fd);

/* Heaps. buffers has room for cnt struct ion_heap_data. */
int ion_query_heap_cnt(int fd, int *cnt);
int ion_query_get_heaps(int fd, int cnt, void *buffers);

/* Return: 1 or 0. The device is asked in the first call, for the process's whole life. */
int ion_is_legacy(int fd);
int ion_is_using_modular_heaps(int fd);

#ifdef __cplusplus
}
#endif

#endif
