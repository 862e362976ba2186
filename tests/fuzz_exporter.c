// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fuzz_exporter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fd.h"
#include "mem/pages.h"

enum { FDS_MAX = 128 }; /* more than there ever are */

struct told_file {
	struct list link; /* fuzz_exporter.files */
	struct export *export;
};

/* how many fds we have of a file; not by fstat(), which is made to fail */
static unsigned int count_open(uint64_t ino)
{
	unsigned int n = 0;
	struct stat st;

	for (int fd = 0; fd < FDS_MAX; fd++)
		n += fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 && st.st_ino == ino;
	return n;
}

static int fuzz_make(struct exporter *exporter, struct export *export, const struct slice *slices,
		     size_t n)
{
	struct fuzz_exporter *fuzz = container_of(exporter, struct fuzz_exporter, exporter);
	_cleanup_(freep) struct told_file *file = NULL;
	_cleanup_(fd_closep) int fd = -1;
	int r;

	if (fuzz->tells) {
		file = calloc(1, sizeof(*file));
		if (!file)
			return -ENOMEM;
		list_init(&file->link);
		file->export = export;
	}
	r = pages_new(&fd, PAGES_SIZE, false);
	if (r == 0)
		r = pages_reopen(fd, O_RDWR);
	if (r < 0)
		return r;
	export->fd = r;
	export->file = steal(file);
	export->tells = fuzz->tells;
	return 0;
}

static void fuzz_follow(struct export *export)
{
	struct fuzz_exporter *fuzz = container_of(export->exporter, struct fuzz_exporter, exporter);

	list_append(&fuzz->files, &((struct told_file *)export->file)->link);
}

/* a dma-buf says how many hold it; here our own fds are counted */
static bool fuzz_is_over(const struct export *export)
{
	return count_open(export->ino) == 1;
}

static void fuzz_drop(struct export *export)
{
	struct told_file *file = export->file;

	list_remove(&file->link);
	free(file);
}

static struct exporter *fuzz_free(struct exporter *exporter)
{
	return NULL;
}

#define FUZZ_OPS                                                                            \
	.kind = EXPORTER_UDMABUF, .name = "fuzz", .make = fuzz_make, .follow = fuzz_follow, \
	.is_over = fuzz_is_over, .drop = fuzz_drop, .free = fuzz_free

static const struct exporter_ops ops = { FUZZ_OPS }, waiting_ops = { FUZZ_OPS, .waits = true };

void fuzz_exporter_init(struct fuzz_exporter *fuzz)
{
	*fuzz = (struct fuzz_exporter){ .exporter = { &ops, .notifies = true, .lets_go = true } };
	list_init(&fuzz->files);
}

void fuzz_exporter_set(struct fuzz_exporter *fuzz, bool tells, bool waits)
{
	fuzz->tells = tells;
	fuzz->exporter.ops = waits ? &waiting_ops : &ops;
}

bool fuzz_exporter_tell(struct fuzz_exporter *fuzz)
{
	list_for_each (link, &fuzz->files) {
		struct told_file *file = list_entry(link, struct told_file, link);

		if (count_open(file->export->ino))
			continue;
		list_remove(&file->link); /* told once; the record goes with the export */
		file->export->ended(file->export);
		fuzz_exporter_tell(fuzz);
		return true;
	}
	return false;
}
