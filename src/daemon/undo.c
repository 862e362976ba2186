// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The number of huge pages is shared with everybody who wants some, so ours is a difference: it is
 * added to what is there, and taken off what is there then, but never so that less is left than was
 * there before us: who has written a number meanwhile has not counted ours.
 *
 * nr_hugepages counts surplus pages (those above the number that is to stay, which go when their
 * user does), but writing it sets the number that is to stay. What is in use when that is lowered
 * becomes surplus: pages that a client still holds are not waited for (seen on 6.12).
 */
#include "daemon/undo.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"

static const char *const kinds[] = { [UNDO_PAGES] = "pages", [UNDO_LIMIT] = "limit" };

/* ---- numbers ---- */

static uint64_t above(uint64_t n, uint64_t floor)
{
	return n > floor ? n - floor : 0;
}

static int read_number(const struct undo *undo, const char *path, const char *file, uint64_t *ret)
{
	char full[256], text[32];
	int r;

	snprintf(full, sizeof(full), "%s/%s%s", undo->sysfs, path, file);
	r = file_read_text(full, text, sizeof(text));
	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(ret, text);
}

static int write_number(const struct undo *undo, const struct undo_entry *entry, uint64_t n)
{
	char full[256], text[32];

	snprintf(full, sizeof(full), "%s/%s%s", undo->sysfs, entry->path,
		 entry->kind == UNDO_PAGES ? "/nr_hugepages" : "");
	snprintf(text, sizeof(text), "%" PRIu64 "\n", n);
	return file_write_text(full, text);
}

int undo_read(const struct undo *undo, enum undo_kind kind, const char *path, uint64_t *ret)
{
	uint64_t all, surplus;
	int r;

	if (kind == UNDO_LIMIT)
		return read_number(undo, path, "", ret);
	r = read_number(undo, path, "/nr_hugepages", &all);
	if (r == 0)
		r = read_number(undo, path, "/surplus_hugepages", &surplus);
	if (r < 0)
		return r;
	*ret = above(all, surplus);
	return 0;
}

/* ---- the note ---- */

static int note_print(const struct undo *undo, FILE *file)
{
	for (size_t i = 0; i < undo->n; i++) {
		const struct undo_entry *entry = &undo->entries[i];

		fprintf(file, "%s %s %" PRIu64 " %" PRIu64 "\n", kinds[entry->kind], entry->path,
			entry->before, entry->added);
	}
	return fflush(file) == 0 ? 0 : -errno;
}

/* whole or not at all, whenever we are killed */
static int note_write(const struct undo *undo)
{
	char dir[256], path[256];
	FILE *file;
	int r;

	snprintf(dir, sizeof(dir), "%s", undo->note);
	if (mkdir(dirname(dir), 0755) < 0 && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s.new", undo->note);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	r = note_print(undo, file);
	fclose(file);
	if (r == 0 && rename(path, undo->note) < 0)
		r = -errno;
	return r;
}

static int note_read_entry(struct undo_entry *entry, const char *line)
{
	char kind[8];

	if (sscanf(line, "%7s %119s %" SCNu64 " %" SCNu64, kind, entry->path, &entry->before,
		   &entry->added) != 4)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(kinds[i], kind)) {
			entry->kind = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int note_read(struct undo *undo)
{
	char line[256];
	FILE *file;
	int r = 0;

	file = fopen(undo->note, "re");
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && undo->n < UNDO_MAX && fgets(line, sizeof(line), file)) {
		r = note_read_entry(&undo->entries[undo->n], line);
		undo->n += r == 0;
	}
	fclose(file);
	return r;
}

/* ---- up and down ---- */

void undo_init(struct undo *undo, const char *sysfs, const char *note)
{
	*undo = (struct undo){ .sysfs = sysfs, .note = note };
}

int undo_raise(struct undo *undo, enum undo_kind kind, const char *path, uint64_t more,
	       uint64_t *ret)
{
	struct undo_entry *entry = &undo->entries[undo->n];
	uint64_t now = 0;
	int r;

	if (undo->n == UNDO_MAX || strlen(path) >= sizeof(entry->path))
		return err_origin(-ENOSPC);
	*entry = (struct undo_entry){ .kind = kind, .added = more };
	strcpy(entry->path, path);
	r = undo_read(undo, kind, path, &entry->before);
	if (r < 0)
		return r;
	undo->n++;
	r = note_write(undo);
	if (r == 0)
		r = write_number(undo, entry, entry->before + more);
	if (r == 0)
		r = undo_read(undo, kind, path, &now);
	if (r < 0) {
		undo_last(undo);
		return r;
	}

	entry->added = MIN(above(now, entry->before), more);
	*ret = entry->added;
	return note_write(undo);
}

/* what is left where it was put back */
static uint64_t entry_target(const struct undo_entry *entry, uint64_t now)
{
	uint64_t more = above(now, entry->before);

	if (entry->kind == UNDO_LIMIT)
		return more == entry->added ? entry->before : now;
	return now - MIN(more, entry->added);
}

static void entry_put_back(const struct undo *undo, const struct undo_entry *entry)
{
	uint64_t now, target;
	int r;

	r = undo_read(undo, entry->kind, entry->path, &now);
	if (r == 0) {
		target = entry_target(entry, now);
		if (target != now)
			r = write_number(undo, entry, target);
	}
	if (r < 0)
		log_warning("keeper", "can't put %s/%s back: %s", undo->sysfs, entry->path,
			    strerror(-r));
}

void undo_last(struct undo *undo)
{
	if (!undo->n)
		return;
	entry_put_back(undo, &undo->entries[undo->n - 1]);
	undo->n--;
	if (undo->n)
		note_write(undo);
	else
		unlink(undo->note);
}

void undo_all(struct undo *undo)
{
	while (undo->n)
		undo_last(undo);
}

int undo_recover(struct undo *undo)
{
	int r, n;

	r = note_read(undo);
	n = undo->n;
	undo_all(undo);
	unlink(undo->note); /* also where it held nothing */
	return r < 0 ? r : n;
}
