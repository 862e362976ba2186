// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Marks are one-shot watches. A mark that fires leaves two events in the queue: the close, and
 * IN_IGNORED when the kernel has taken the watch away. It is the second that we act on: before it,
 * a watch set again on the same inode could be the old one, about to go.
 *
 * An instance counts a mark until that second event was read, also where the mark was cleared, so
 * its queue never holds more than two events for each that is counted. Only lack of memory in the
 * kernel can lose an event then; the queue says so (IN_Q_OVERFLOW), and the list of watches that
 * the kernel still has, in fdinfo, tells which marks are gone.
 */
#include "mem/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/parse.h"

#define BUCKETS		   1024u
#define EVENTS_PER_MARK	   3u /* one more than there can be */
#define QUEUED_EVENTS_PATH "/proc/sys/fs/inotify/max_queued_events"
#define READS_MAX	   16 /* of one instance in one watch_read() */

struct watch_instance {
	struct watch *watch;
	unsigned int index;
	int fd;
	uint32_t n_counted;
	struct list marks[BUCKETS]; /* by wd */
};

struct watch {
	int epoll;
	uint32_t marks_max; /* of one instance */
	unsigned int n_instances;
	struct watch_instance *instances[WATCH_INSTANCES_MAX];
};

static struct list *bucket(struct watch_instance *instance, int wd)
{
	return &instance->marks[(unsigned int)wd % BUCKETS];
}

static struct watch_mark *mark_find(struct watch_instance *instance, int wd)
{
	list_for_each (link, bucket(instance, wd)) {
		struct watch_mark *mark = list_entry(link, struct watch_mark, link);

		if (mark->wd == wd)
			return mark;
	}
	return NULL;
}

/* the mark is nowhere any more */
static void mark_unlink(struct watch_mark *mark)
{
	list_remove(&mark->link);
	mark->instance = NULL;
	mark->wd = -1;
}

/* ---- instances ---- */

static struct watch_instance *instance_free(struct watch_instance *instance)
{
	for (size_t i = 0; i < BUCKETS; i++)
		assert(list_is_empty(&instance->marks[i]));
	fd_close(instance->fd);
	free(instance);
	return NULL;
}
DEFINE_CLEANUP(struct watch_instance *, instance_free);

static int instance_new(struct watch *watch)
{
	_cleanup_(instance_freep) struct watch_instance *instance = NULL;
	struct epoll_event event = { .events = EPOLLIN };

	if (watch->n_instances == WATCH_INSTANCES_MAX)
		return -ENOSPC;
	instance = calloc(1, sizeof(*instance));
	if (!instance)
		return err_origin(-ENOMEM);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&instance->marks[i]);
	instance->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (instance->fd < 0)
		return err_origin(-errno);
	if (epoll_ctl(watch->epoll, EPOLL_CTL_ADD, instance->fd, &event) < 0)
		return err_origin(-errno);

	instance->watch = watch;
	instance->index = watch->n_instances;
	watch->instances[watch->n_instances++] = steal(instance);
	return 0;
}

/* one with room, a new one where none has */
static int instance_with_room(struct watch_instance **ret, struct watch *watch)
{
	int r;

	for (unsigned int i = 0; i < watch->n_instances; i++) {
		if (watch->instances[i]->n_counted < watch->marks_max) {
			*ret = watch->instances[i];
			return 0;
		}
	}
	r = instance_new(watch);
	if (r < 0)
		return r;
	*ret = watch->instances[watch->n_instances - 1];
	return 0;
}

/* ---- the set ---- */

static uint32_t marks_max(void)
{
	char text[32] = "";
	uint32_t n;

	if (file_read_text(QUEUED_EVENTS_PATH, text, sizeof(text)) < 0)
		return 1024;
	text[strcspn(text, "\n")] = '\0';
	if (parse_u32(&n, text) < 0)
		return 1024;
	return MAX(n / EVENTS_PER_MARK, 1u);
}

int watch_new(struct watch **ret)
{
	_cleanup_(watch_freep) struct watch *watch = NULL;
	int r;

	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return err_origin(-ENOMEM);
	watch->marks_max = marks_max();
	watch->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (watch->epoll < 0)
		return err_origin(-errno);
	r = instance_new(watch);
	if (r < 0)
		return r;

	*ret = steal(watch);
	return 0;
}

struct watch *watch_free(struct watch *watch)
{
	if (!watch)
		return NULL;
	for (unsigned int i = 0; i < watch->n_instances; i++)
		instance_free(watch->instances[i]);
	fd_close(watch->epoll);
	free(watch);
	return NULL;
}

int watch_fd(const struct watch *watch)
{
	return watch->epoll;
}

/**
 * watch_set() - fire a mark at the next close of a file's inode
 * @watch:	the set
 * @mark:	not set
 * @fd:		the file, borrowed
 *
 * Return: 0, or a negative error.
 */
int watch_set(struct watch *watch, struct watch_mark *mark, int fd)
{
	char path[sizeof("/proc/self/fd/") + 10];
	struct watch_instance *instance;
	int wd, r;

	assert(!mark->instance);
	r = instance_with_room(&instance, watch);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(instance->fd, path, IN_CLOSE | IN_ONESHOT | IN_MASK_CREATE);
	if (wd < 0)
		return err_origin(-errno);

	mark->instance = instance;
	mark->wd = wd;
	list_append(bucket(instance, wd), &mark->link);
	instance->n_counted++;
	return 0;
}

void watch_clear(struct watch_mark *mark)
{
	if (!mark->instance)
		return;
	inotify_rm_watch(mark->instance->fd, mark->wd); /* EINVAL: it has fired, unread yet */
	mark_unlink(mark);
}

int watch_instance_index(const struct watch_mark *mark)
{
	return mark->instance ? (int)mark->instance->index : -1;
}

int watch_instance_fd(const struct watch *watch, unsigned int index)
{
	return index < watch->n_instances ? watch->instances[index]->fd : -1;
}

/* ---- what fired ---- */

typedef void (*fired_fn)(struct watch_mark *mark, void *user);

/* moves the marks that the kernel still has a watch for to @kept */
static int marks_known_to_kernel(struct watch_instance *instance, struct list *kept)
{
	char path[sizeof("/proc/self/fdinfo/") + 10], line[256];
	struct watch_mark *mark;
	unsigned int wd;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", instance->fd);
	file = fopen(path, "re");
	if (!file)
		return err_origin(-errno);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "inotify wd:%x", &wd) != 1)
			continue;
		mark = mark_find(instance, wd);
		if (mark) {
			list_remove(&mark->link);
			list_append(kept, &mark->link);
		}
	}
	fclose(file);
	return 0;
}

/* events were lost: what the kernel knows no more has fired */
static void instance_recover(struct watch_instance *instance, fired_fn fired, void *user)
{
	struct list kept = LIST_INIT(kept), gone = LIST_INIT(gone), *link;
	struct watch_mark *mark;

	log_debug("watch", "events of closed files were lost: asking for each");
	if (marks_known_to_kernel(instance, &kept) < 0)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while ((link = list_pop(&instance->marks[i])))
			list_append(&gone, link);
	instance->n_counted = 0;
	while ((link = list_pop(&kept))) {
		mark = list_entry(link, struct watch_mark, link);
		list_append(bucket(instance, mark->wd), link);
		instance->n_counted++;
	}
	while (!list_is_empty(&gone)) {
		mark = list_entry(gone.next, struct watch_mark, link);
		mark_unlink(mark);
		fired(mark, user);
	}
}

static void instance_event(struct watch_instance *instance, const struct inotify_event *event,
			   fired_fn fired, void *user)
{
	struct watch_mark *mark;

	if (event->mask & IN_Q_OVERFLOW) {
		instance_recover(instance, fired, user);
		return;
	}
	if (!(event->mask & IN_IGNORED))
		return;
	if (instance->n_counted)
		instance->n_counted--;
	mark = mark_find(instance, event->wd);
	if (mark) {
		mark_unlink(mark);
		fired(mark, user);
	}
}

/* false: nothing was there to read */
static bool instance_read(struct watch_instance *instance, fired_fn fired, void *user)
{
	_Alignas(struct inotify_event) char bytes[4096];
	const struct inotify_event *event;
	ssize_t n;

	n = read(instance->fd, bytes, sizeof(bytes));
	if (n <= 0)
		return false;
	for (ssize_t at = 0; at < n; at += sizeof(*event) + event->len) {
		event = (const struct inotify_event *)(bytes + at);
		instance_event(instance, event, fired, user);
	}
	return true;
}

void watch_read(struct watch *watch, void (*fired)(struct watch_mark *mark, void *user), void *user)
{
	for (unsigned int i = 0; i < watch->n_instances; i++) {
		for (int reads = 0; reads < READS_MAX; reads++) {
			if (!instance_read(watch->instances[i], fired, user))
				break;
		}
	}
}
