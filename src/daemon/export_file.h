/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The exporter `file`: files of the private file system (front/bufferfs.h), which do what a dma-buf
 * does but for import by drivers. It joins what may not know of each other: the interface of
 * exporters, the FUSE side, and who opens the files.
 */
#ifndef DAEMON_EXPORT_FILE_H
#define DAEMON_EXPORT_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct bufferfs;
struct exporter;

/* who opens: daemon/opener.h, or a test */
struct export_file_ops {
	/* a backing of a memfd: an id above 0; -EIO: nobody could be asked; or another error */
	int (*back)(void *user, int memfd);
	/* a file, by its number; @backing is 0 or used up. An fd, or a negative error. */
	int (*open)(void *user, uint64_t number, int backing);
};

/**
 * exporter_file_new() - make the exporter
 * @ret:	it
 * @fs:		borrowed; shaken hands with the kernel, where passthrough is to be used
 * @ops:	borrowed; called in any thread that makes an export, so never in the loop's
 * @user:	for @ops
 *
 * Return: 0 or -ENOMEM.
 */
int exporter_file_new(struct exporter **ret, struct bufferfs *fs, const struct export_file_ops *ops,
		      void *user);

/* its files are mapped by FUSE passthrough, not through the page cache; any thread */
bool exporter_file_backs(struct exporter *exporter);

#endif
