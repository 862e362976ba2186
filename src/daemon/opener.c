// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "daemon/priv.h"
#include "front/bufferfs.h"

/* of newer headers than those that we are built with */
struct backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define BACKING_OPEN  _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

struct opener_request {
	uint64_t cookie; /* never 0 */
	uint64_t number; /* of the file */
	int32_t memfd;	 /* to back it with, or -1 */
	uint32_t spare;
};

struct opener_answer {
	uint64_t cookie; /* 0: whatever was asked for has failed */
	int64_t result;
};

/* ---- the process ---- */

/* Return: an id; 0 where none is wanted; or a negative error */
static int backing_open(const struct opener_config *config, int memfd)
{
	const struct backing_map map = { .fd = memfd };
	int r;

	if (memfd < 0)
		return 0;
	r = ioctl(config->channel, BACKING_OPEN, &map);
	return r < 0 ? -errno : r;
}

/* the open file keeps what it needs of it */
static void backing_close(const struct opener_config *config, uint32_t backing)
{
	if (backing && ioctl(config->channel, BACKING_CLOSE, &backing) < 0)
		log_debug("opener", "can't give a backing back: %m");
}

/*
 * The kernel would keep the name, and with it the file, beyond the last close. This can't be the
 * worker's: it takes the root's lock, which a lookup under way holds while it waits for the worker.
 */
static void forget_name(const struct opener_config *config, const char *name)
{
	struct fuse_notify_inval_entry_out entry = {
		.parent = FUSE_ROOT_ID,
		.namelen = strlen(name),
	};
	struct fuse_out_header header = {
		.len = sizeof(header) + sizeof(entry) + entry.namelen + 1,
		.error = FUSE_NOTIFY_INVAL_ENTRY,
	};
	struct iovec iov[] = {
		{ &header, sizeof(header) },
		{ &entry, sizeof(entry) },
		{ (void *)name, entry.namelen + 1 },
	};

	if (writev(config->channel, iov, 3) < 0 && errno != ENOENT)
		log_debug("opener", "can't make the kernel forget a name: %m");
}

static int opener_act(const struct opener_config *config, const struct opener_request *request)
{
	char name[48];
	int backing, fd;

	backing = backing_open(config, request->memfd);
	if (backing < 0)
		return backing;
	snprintf(name, sizeof(name), BUFFERFS_NAME, request->number, (uint32_t)backing);
	fd = openat(config->root, name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	forget_name(config, name);
	backing_close(config, backing);
	return fd;
}

int opener_run(const struct opener_config *config)
{
	static const int keep[] = { CAP_SYS_ADMIN };
	struct opener_request request;
	struct opener_answer answer;
	int r;

	r = priv_keep_caps(keep, ARRAY_SIZE(keep));
	if (r < 0) {
		log_error("opener", "can't drop capabilities: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	while (recv(config->socket, &request, sizeof(request), 0) == sizeof(request)) {
		answer.cookie = request.cookie;
		answer.result = opener_act(config, &request);
		if (send(config->socket, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
			break;
	}
	return EXIT_SUCCESS;
}

void opener_excuse(int socket)
{
	const struct opener_answer answer = { .result = -EIO };

	send(socket, &answer, sizeof(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- the worker's side ---- */

struct opener {
	int socket;
	pthread_mutex_t lock; /* one asks at a time */
	uint64_t cookie;
};

int opener_new(struct opener **ret, int socket)
{
	struct opener *opener;

	opener = calloc(1, sizeof(*opener));
	if (!opener)
		return err_origin(-ENOMEM);
	opener->socket = socket;
	pthread_mutex_init(&opener->lock, NULL);
	*ret = opener;
	return 0;
}

struct opener *opener_free(struct opener *opener)
{
	if (!opener)
		return NULL;
	pthread_mutex_destroy(&opener->lock);
	free(opener);
	return NULL;
}

void opener_stop(struct opener *opener)
{
	shutdown(opener->socket, SHUT_RDWR);
}

/* of a request that was excused already, and then done by a successor */
static void drop_answer(const struct opener_answer *answer)
{
	if (answer->cookie && answer->result >= 0)
		fd_close(answer->result);
}

/* what came when nobody was asking is not for the next who asks */
static void drop_answers(int socket)
{
	struct opener_answer answer;

	while (recv(socket, &answer, sizeof(answer), MSG_DONTWAIT) == sizeof(answer))
		drop_answer(&answer);
}

static int ask_locked(struct opener *opener, struct opener_request *request)
{
	struct opener_answer answer;
	ssize_t n;

	drop_answers(opener->socket);
	request->cookie = ++opener->cookie;
	if (send(opener->socket, request, sizeof(*request), MSG_NOSIGNAL) < 0)
		return err_origin(-EIO);
	while (true) {
		n = recv(opener->socket, &answer, sizeof(answer), 0);
		if (n != sizeof(answer))
			return err_origin(-EIO);
		if (!answer.cookie || answer.cookie == request->cookie)
			return answer.result;
		drop_answer(&answer);
	}
}

int opener_open(struct opener *opener, uint64_t number, int memfd)
{
	struct opener_request request = { .number = number, .memfd = memfd };
	int r;

	pthread_mutex_lock(&opener->lock);
	r = ask_locked(opener, &request);
	pthread_mutex_unlock(&opener->lock);
	return r;
}
