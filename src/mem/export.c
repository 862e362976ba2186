// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mem/export.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "mem/pages.h"

struct exporter *exporter_free(struct exporter *exporter)
{
	return exporter ? exporter->ops->free(exporter) : NULL;
}

void export_init(struct export *export)
{
	*export = (struct export)EXPORT_INIT;
}

void export_deinit(struct export *export)
{
	watch_clear(&export->mark);
	if (export->file)
		export->exporter->ops->drop(export);
	fd_close(export->fd);
	if (export->owns_look_fd)
		fd_close(export->look_fd);
	export_init(export);
}

/**
 * export_make() - make a file of memory
 * @export:	initialized; on success it has the file in export.fd
 * @exporter:	how
 * @slices:	the memory, in the order it shall have in the file
 * @n:		of them
 *
 * Return: 0, -ENOMEM, or a negative error.
 */
int export_make(struct export *export, struct exporter *exporter, const struct slice *slices,
		size_t n)
{
	struct stat st;
	int r;

	r = exporter->ops->make(exporter, export, slices, n);
	if (r < 0)
		return r;
	export->exporter = exporter;
	if (!export->ino) {
		if (fstat(export->fd, &st) < 0) {
			r = err_origin(-errno);
			export_deinit(export);
			return r;
		}
		export->ino = st.st_ino;
	}
	return 0;
}

/* whose close is watched for: the memory's where it is what is held, else the file's own */
static int export_watched_fd(const struct export *export, const struct slice *slice)
{
	return export->exporter->ops->hands_out_memfd ? slice->fd : export->fd;
}

/* all files of an exporter are of one mount; 0 where it can't be told */
static uint64_t fd_mount(int fd)
{
	char path[64], text[512];
	unsigned long long mount;
	const char *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (file_read_text(path, text, sizeof(text)) < 0)
		return 0;
	line = strstr(text, "mnt_id:");
	return line && sscanf(line, "mnt_id: %llu", &mount) == 1 ? mount : 0;
}

int export_follow(struct export *export, struct watch *watch, const struct slice *slice)
{
	struct exporter *exporter = export->exporter;
	bool watched;

	if (!exporter->mount)
		exporter->mount = fd_mount(export->fd);
	if (export->tells) {
		export->end = EXPORT_END_TOLD;
		exporter->ops->follow(export);
		return 0;
	}
	watched = exporter->notifies &&
		  watch_set(watch, &export->mark, export_watched_fd(export, slice)) == 0;
	if (exporter->ops->hands_out_memfd) {
		export->look_fd = slice->fd;
		export->end = watched ? EXPORT_END_LOOK : EXPORT_END_HOLD;
	} else if (watched) {
		export->end = EXPORT_END_CLOSE;
	} else {
		export->look_fd = fcntl(export->fd, F_DUPFD_CLOEXEC, 0);
		if (export->look_fd < 0)
			return err_origin(-errno);
		export->owns_look_fd = true;
		export->end = EXPORT_END_HOLD;
	}
	return 0;
}

void export_follow_again(struct export *export, struct watch *watch)
{
	assert(export->end == EXPORT_END_LOOK);
	if (watch_set(watch, &export->mark, export->look_fd) < 0)
		export->end = EXPORT_END_HOLD;
}

int export_steal_fd(struct export *export)
{
	return fd_steal(&export->fd);
}

bool export_is_over(const struct export *export)
{
	assert(export_can_look(export));
	return export->exporter->ops->is_over(export);
}

/* ---- the probe ---- */

static void probe_fired(struct watch_mark *mark, void *user)
{
	*(bool *)user = true;
}

/* does the close of an open file that can do nothing (O_PATH) look like the end? */
static bool probe_ends_early(struct watch *watch, int fd)
{
	bool fired = false;

	fd_close(pages_reopen(fd, O_PATH));
	watch_read(watch, probe_fired, &fired);
	return fired;
}

/* is the end of @export told by a watch, and nothing but the end? */
static bool probe_notifies(struct export *export, const struct slice *slice)
{
	_cleanup_(watch_freep) struct watch *watch = NULL;
	bool fired = false;

	if (watch_new(&watch) < 0 ||
	    watch_set(watch, &export->mark, export_watched_fd(export, slice)) < 0)
		return false;
	if (!export->exporter->ops->hands_out_memfd && probe_ends_early(watch, export->fd))
		return false;
	fd_close(export_steal_fd(export));
	watch_read(watch, probe_fired, &fired);
	watch_clear(&export->mark);
	return fired;
}

/* the same by looking: it must tell a file that is held from one that isn't */
static int probe_look(struct export *export, const struct slice *slice)
{
	_cleanup_(fd_closep) int fd = -1;
	bool before;
	int r;

	r = export_follow(export, NULL, slice);
	if (r < 0)
		return r;
	fd = export_steal_fd(export);
	before = export_is_over(export);
	fd = fd_close(fd);
	return !before && export_is_over(export) ? 0 : err_origin(-EOPNOTSUPP);
}

static void export_deinitp(struct export *export)
{
	export_deinit(export);
}

/* a page is there behind @map, and can't outlive the mapping in a pipe */
static bool probe_pipe_refuses(void *map)
{
	const struct iovec page = { .iov_base = map, .iov_len = PAGES_SIZE };
	bool refuses;
	int pipe[2];

	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	refuses = write(pipe[1], map, 1) == 1 &&
		  vmsplice(pipe[1], &page, 1, SPLICE_F_NONBLOCK) < 0 && errno == EFAULT;
	fd_close(pipe[0]);
	fd_close(pipe[1]);
	return refuses;
}

static bool probe_lets_go(const struct export *export)
{
	bool refuses;
	void *map;

	if (export->exporter->ops->hands_out_memfd)
		return false;
	map = mmap(NULL, PAGES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, export->fd, 0);
	if (map == MAP_FAILED)
		return false;
	refuses = probe_pipe_refuses(map);
	munmap(map, PAGES_SIZE);
	return refuses;
}

int exporter_probe(struct exporter *exporter)
{
	_cleanup_(export_deinitp) struct export told = EXPORT_INIT, looked = EXPORT_INIT;
	struct slice slice = { .fd = -1, .size = PAGES_SIZE };
	_cleanup_(fd_closep) int memfd = -1;
	bool notifies, lets_go;
	int r;

	exporter->notifies = exporter->lets_go = false;
	r = pages_new(&memfd, slice.size, exporter->ops->hands_out_memfd);
	if (r < 0)
		return r;
	slice.fd = memfd;
	r = export_make(&told, exporter, &slice, 1);
	if (r < 0)
		return r;
	if (told.tells)
		return 0;
	lets_go = probe_lets_go(&told);
	notifies = probe_notifies(&told, &slice);
	export_deinit(&told);

	if (!notifies || exporter->ops->hands_out_memfd) {
		r = export_make(&looked, exporter, &slice, 1);
		if (r < 0)
			return r;
		r = probe_look(&looked, &slice);
		if (r < 0)
			return r;
	}
	exporter->notifies = notifies;
	exporter->lets_go = lets_go;
	log_debug("export", "%s: the end of a file is %s, its memory %s", exporter->ops->name,
		  notifies ? "told" : "looked for", lets_go ? "let go of" : "not to be used again");
	return 0;
}
