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
	export_file_open open;
	void *user;
	atomic_bool no_backing; /* it was tried, and does not work here */
};

static struct exporter_file *exporter_of(struct exporter *exporter)
{
	return container_of(exporter, struct exporter_file, exporter);
}

/* the file of @slice, with its memfd as a backing or with the page cache in between */
static int file_make_as(struct exporter_file *f, struct export *export, const struct slice *slice,
			bool backed)
{
	_cleanup_(bufferfile_freep) struct bufferfile *file = NULL;
	int r;

	r = bufferfile_new(&file, bufferfs_files(f->fs), slice->size);
	if (r < 0)
		return r;
	if (!backed) {
		r = pages_reopen(slice->fd, O_RDWR);
		if (r < 0)
			return r;
		bufferfile_consume_fd(file, r);
	}
	r = f->open(f->user, bufferfile_number(file), backed ? slice->fd : -1);
	if (r < 0)
		return err_origin(r);

	export->fd = r;
	export->ino = bufferfile_number(file);
	export->tells = !backed;
	export->file = steal(file);
	return 0;
}

/* who was asked may have died of it, or with it: its successor is asked once more */
static int file_make_twice(struct exporter_file *f, struct export *export,
			   const struct slice *slice, bool backed)
{
	int r;

	r = file_make_as(f, export, slice, backed);
	return r == -EIO ? file_make_as(f, export, slice, backed) : r;
}

static int file_make(struct exporter *exporter, struct export *export, const struct slice *slices,
		     size_t n)
{
	struct exporter_file *f = exporter_of(exporter);
	int r, again;

	if (n != 1 || !pages_are_whole(slices))
		return err_origin(-EOPNOTSUPP); /* a backing is a whole file */
	if (!exporter_file_backs(exporter))
		return file_make_twice(f, export, slices, false);

	r = file_make_twice(f, export, slices, true);
	if (r >= 0 || r == -EIO || r == -ENOMEM || r == -EMFILE)
		return r;
	again = file_make_twice(f, export, slices, false);
	if (again == 0) {
		log_info("export", "no FUSE passthrough: %s", strerror(-r));
		atomic_store(&f->no_backing, true);
	}
	return again;
}

static void file_released(void *user)
{
	struct export *export = user;

	export->ended(export);
}

static void file_follow(struct export *export)
{
	bufferfile_follow(export->file, file_released, export);
}

static bool file_is_over(const struct export *export)
{
	return !pages_are_held(export->look_fd);
}

static void file_drop(struct export *export)
{
	export->file = bufferfile_free(export->file);
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

int exporter_file_new(struct exporter **ret, struct bufferfs *fs, export_file_open open, void *user)
{
	struct exporter_file *f;

	f = calloc(1, sizeof(*f));
	if (!f)
		return err_origin(-ENOMEM);
	f->exporter.ops = &file_ops;
	f->fs = fs;
	f->open = open;
	f->user = user;
	*ret = &f->exporter;
	return 0;
}
