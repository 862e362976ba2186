// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * With a backing the file is as good as the memfd itself: who has it open or mapped has the memfd,
 * and pages_are_held() tells. Without one our memfd is nobody else's, and the file system tells.
 */
#include "daemon/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "front/bufferfs.h"
#include "mem/export.h"
#include "mem/pages.h"

struct exporter_file {
	struct exporter exporter;
	struct bufferfs *fs;
	const struct export_file_ops *ops;
	void *user;
	atomic_bool no_backing; /* refused once, so it isn't asked for again */
};

static struct exporter_file *exporter_of(struct exporter *exporter)
{
	return container_of(exporter, struct exporter_file, exporter);
}

/* Return: an id; 0: the pages go through the page cache; or -EIO: nobody is there to ask */
static int file_backing(struct exporter_file *f, int memfd)
{
	int r;

	if (!exporter_file_backs(&f->exporter))
		return 0;
	r = f->ops->back(f->user, memfd);
	if (r >= 0 || r == -EIO)
		return r;
	log_info("export", "no FUSE passthrough: %s", strerror(-r));
	atomic_store(&f->no_backing, true);
	return 0;
}

static int file_add_pages(struct bufferfs_file *file, int backing, int memfd)
{
	int fd;

	if (backing) {
		bufferfs_file_back(file, backing);
		return 0;
	}
	fd = pages_reopen(memfd, O_RDWR);
	if (fd < 0)
		return fd;
	bufferfs_file_consume_fd(file, fd);
	return 0;
}

static int file_make(struct exporter *exporter, struct export *export, const struct slice *slices,
		     size_t n)
{
	_cleanup_(bufferfs_file_freep) struct bufferfs_file *file = NULL;
	struct exporter_file *f = exporter_of(exporter);
	int backing, r;

	if (n != 1 || slices[0].offset)
		return err_origin(-EOPNOTSUPP); /* a backing is a whole file */
	r = bufferfs_file_new(&file, f->fs, slices[0].size);
	if (r < 0)
		return r;
	backing = file_backing(f, slices[0].fd);
	if (backing < 0)
		return backing;
	r = file_add_pages(file, backing, slices[0].fd);
	if (r < 0)
		return r;
	r = f->ops->open(f->user, bufferfs_file_number(file), backing);
	if (r < 0)
		return err_origin(r);

	export->fd = r;
	export->ino = bufferfs_file_number(file);
	export->tells = !backing;
	export->file = steal(file);
	return 0;
}

static void file_released(void *user)
{
	struct export *export = user;

	export->ended(export);
}

static void file_follow(struct export *export)
{
	bufferfs_file_follow(export->file, file_released, export);
}

static bool file_is_over(const struct export *export)
{
	return !pages_are_held(export->look_fd);
}

static void file_drop(struct export *export)
{
	export->file = bufferfs_file_free(export->file);
}

static struct exporter *file_free(struct exporter *exporter)
{
	free(exporter_of(exporter));
	return NULL;
}

static const struct exporter_ops file_ops = {
	.kind = EXPORTER_FILE,
	.name = "file",
	.hands_out_memfd = true,
	.waits = true,
	.make = file_make,
	.follow = file_follow,
	.is_over = file_is_over,
	.drop = file_drop,
	.free = file_free,
};

bool exporter_file_backs(struct exporter *exporter)
{
	struct exporter_file *f = exporter_of(exporter);

	return !atomic_load(&f->no_backing) && bufferfs_has_passthrough(f->fs);
}

int exporter_file_new(struct exporter **ret, struct bufferfs *fs, const struct export_file_ops *ops,
		      void *user)
{
	struct exporter_file *f;

	f = calloc(1, sizeof(*f));
	if (!f)
		return err_origin(-ENOMEM);
	f->exporter.ops = &file_ops;
	f->fs = fs;
	f->ops = ops;
	f->user = user;
	*ret = &f->exporter;
	return 0;
}
