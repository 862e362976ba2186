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

/* opens a file, by its number: daemon/opener.h, or a test. The kernel maps @memfd instead of it,
 * where that isn't -1. Return: an fd; -EIO: nobody could be asked; or another negative error. */
typedef int (*export_file_open)(void *user, uint64_t number, int memfd);

/**
 * exporter_file_new() - make the exporter
 * @ret:	it
 * @fs:		borrowed; shaken hands with the kernel, where passthrough is to be used
 * @open:	called in any thread that makes an export, so never in the loop's
 * @user:	for @open
 *
 * Return: 0 or -ENOMEM.
 */
int exporter_file_new(struct exporter **ret, struct bufferfs *fs, export_file_open open,
		      void *user);

/* its files are mapped by FUSE passthrough, not through the page cache; any thread */
bool exporter_file_backs(struct exporter *exporter);

#endif
