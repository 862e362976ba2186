// SPDX-License-Identifier: LGPL-2.1-or-later
#include "front/bufferfiles.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fd.h"
#include "core/check.h"

enum file_state {
	FILE_NEW,
	FILE_OPEN,
	FILE_CLOSED,
};

struct bufferfile {
	struct bufferfiles *files;
	struct list link; /* bufferfiles.buckets */
	uint64_t number;
	uint64_t size;
	uint64_t lookups; /* the kernel's references */
	enum file_state state;
	bool owned;
	uint32_t backing;
	int fd;
	void (*released)(void *user);
	void *user;
};

void bufferfiles_init(struct bufferfiles *files, uint64_t first)
{
	pthread_mutex_init(&files->lock, NULL);
	for (size_t i = 0; i < BUFFERFILES_BUCKETS; i++)
		list_init(&files->buckets[i]);
	files->last = first;
	files->n = 0;
}

void bufferfiles_deinit(struct bufferfiles *files)
{
	struct bufferfile *file;
	struct list *link;

	for (size_t i = 0; i < BUFFERFILES_BUCKETS; i++) {
		while ((link = list_pop(&files->buckets[i]))) {
			file = list_entry(link, struct bufferfile, link);
			assert(!file->owned);
			free(file);
		}
	}
	pthread_mutex_destroy(&files->lock);
}

uint64_t bufferfiles_count(struct bufferfiles *files)
{
	uint64_t n;

	pthread_mutex_lock(&files->lock);
	n = files->n;
	pthread_mutex_unlock(&files->lock);
	return n;
}

void bufferfiles_name_fds(struct bufferfiles *files, struct check *check)
{
	pthread_mutex_lock(&files->lock);
	for (size_t i = 0; i < BUFFERFILES_BUCKETS; i++)
		list_for_each (link, &files->buckets[i])
			check_name_fd(check, list_entry(link, struct bufferfile, link)->fd,
				      "buffer's pages");
	pthread_mutex_unlock(&files->lock);
}

static struct bufferfile *find_locked(struct bufferfiles *files, uint64_t number)
{
	list_for_each (link, &files->buckets[number % BUFFERFILES_BUCKETS]) {
		struct bufferfile *file = list_entry(link, struct bufferfile, link);

		if (file->number == number)
			return file;
	}
	return NULL;
}

/* gone when nobody has it */
static void settle_locked(struct bufferfile *file)
{
	if (file->owned || file->lookups || file->state == FILE_OPEN)
		return;
	list_remove(&file->link);
	file->files->n--;
	free(file);
}

/* ---- the owner's side ---- */

int bufferfile_new(struct bufferfile **ret, struct bufferfiles *files, uint64_t size)
{
	struct bufferfile *file;

	file = calloc(1, sizeof(*file));
	if (!file)
		return err_origin(-ENOMEM);
	file->files = files;
	file->size = size;
	file->fd = -1;
	file->owned = true;

	pthread_mutex_lock(&files->lock);
	file->number = ++files->last;
	list_append(&files->buckets[file->number % BUFFERFILES_BUCKETS], &file->link);
	files->n++;
	pthread_mutex_unlock(&files->lock);
	*ret = file;
	return 0;
}

uint64_t bufferfile_number(const struct bufferfile *file)
{
	return file->number;
}

void bufferfile_consume_fd(struct bufferfile *file, int fd)
{
	pthread_mutex_lock(&file->files->lock);
	file->fd = fd;
	pthread_mutex_unlock(&file->files->lock);
}

void bufferfile_follow(struct bufferfile *file, void (*released)(void *user), void *user)
{
	file->released = released;
	file->user = user;
}

struct bufferfile *bufferfile_free(struct bufferfile *file)
{
	struct bufferfiles *files;

	if (!file)
		return NULL;
	files = file->files;
	pthread_mutex_lock(&files->lock);
	file->fd = fd_close(file->fd);
	file->released = NULL;
	file->owned = false;
	settle_locked(file);
	pthread_mutex_unlock(&files->lock);
	return NULL;
}

/* ---- the kernel's side ---- */

bool bufferfiles_look(struct bufferfiles *files, uint64_t number, uint32_t backing,
		      uint64_t *ret_size)
{
	struct bufferfile *file;
	bool found;

	pthread_mutex_lock(&files->lock);
	file = find_locked(files, number);
	found = file && file->owned && file->state == FILE_NEW;
	if (found) {
		file->lookups++;
		file->backing = backing;
		*ret_size = file->size;
	}
	pthread_mutex_unlock(&files->lock);
	return found;
}

void bufferfiles_unlook(struct bufferfiles *files, uint64_t number, uint64_t n)
{
	struct bufferfile *file;

	pthread_mutex_lock(&files->lock);
	file = find_locked(files, number);
	if (file) {
		file->lookups -= MIN(n, file->lookups);
		settle_locked(file);
	}
	pthread_mutex_unlock(&files->lock);
}

bool bufferfiles_size(struct bufferfiles *files, uint64_t number, uint64_t *ret_size)
{
	struct bufferfile *file;

	pthread_mutex_lock(&files->lock);
	file = find_locked(files, number);
	if (file)
		*ret_size = file->size;
	pthread_mutex_unlock(&files->lock);
	return file;
}

bool bufferfiles_open(struct bufferfiles *files, uint64_t number, uint32_t *ret_backing)
{
	struct bufferfile *file;
	bool opens;

	pthread_mutex_lock(&files->lock);
	file = find_locked(files, number);
	opens = file && file->owned && file->state == FILE_NEW;
	if (opens) {
		file->state = FILE_OPEN;
		*ret_backing = file->backing;
	}
	pthread_mutex_unlock(&files->lock);
	return opens;
}

void bufferfiles_close(struct bufferfiles *files, uint64_t number)
{
	void (*released)(void *user) = NULL;
	struct bufferfile *file;
	void *user = NULL;

	pthread_mutex_lock(&files->lock);
	file = find_locked(files, number);
	if (file && file->state == FILE_OPEN) {
		file->state = FILE_CLOSED;
		released = file->released;
		user = file->user;
		settle_locked(file);
	}
	pthread_mutex_unlock(&files->lock);
	if (released)
		released(user);
}

int bufferfiles_pages(struct bufferfiles *files, uint64_t number, uint64_t off, size_t size)
{
	struct bufferfile *file;
	int fd = -1;

	pthread_mutex_lock(&files->lock);
	file = find_locked(files, number);
	if (file && off <= file->size && size <= file->size - off)
		fd = file->fd;
	pthread_mutex_unlock(&files->lock);
	return fd;
}
