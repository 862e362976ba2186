// SPDX-License-Identifier: LGPL-2.1-or-later
/* attacks on the files of the delivery: the number that its fresh socket gets is no secret */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostile.h"
#include "probe.h"

enum { AROUND = 8 };

/* allocate; what stands at the numbers around goes before the next round */
static void keep_allocating(void)
{
	while (hostile_goes_on()) {
		hostile_round();
		close_range(hostile.slot, hostile.slot + AROUND, 0);
	}
}

/* ---- another file under the socket's number ---- */

static void *swap(void *user)
{
	int mine = *(int *)user;

	for (unsigned int i = 0;; i++) {
		dup2(mine, hostile.slot + (i % 4 == 3));
		if (i % 16 == 0)
			hostile_pause(50);
	}
	return NULL;
}

static void swap_for(int file)
{
	static int mine;

	/* out of the way of the numbers that are aimed at */
	mine = fcntl(file, F_DUPFD_CLOEXEC, hostile.slot + 32);
	hostile_require(mine >= 0);
	close(file);
	hostile_become(hostile.uid);
	hostile_thread(swap, &mine);
	keep_allocating();
}

static void swap_pipe(void)
{
	int ends[2];

	hostile_require(pipe(ends) == 0);
	swap_for(ends[0]);
}

static void swap_fuse(void)
{
	swap_for(dup(hostile.fuse_file));
}

/* with a message and a file of the attacker's own waiting in it */
static void swap_socket(void)
{
	int ends[2];

	hostile_require(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
	fcntl(ends[1], F_DUPFD, hostile.slot + 40);
	for (int i = 0; i < 8; i++)
		probe_send_fd(ends[1], 1);
	swap_for(ends[0]);
}

/* a device of ION's is a file, too */
static void swap_device(void)
{
	swap_for(open(hostile.node, O_RDONLY | O_CLOEXEC));
}

static void *take_away(void *user)
{
	for (unsigned int i = 0;; i++) {
		close(hostile.slot + i % 2);
		if (i % 16 == 0)
			hostile_pause(50);
	}
	return NULL;
}

static void close_socket(void)
{
	hostile_become(hostile.uid);
	hostile_thread(take_away, NULL);
	keep_allocating();
}

/* ---- the message ---- */

static void *steal(void *user)
{
	int fd;

	for (;;) {
		fd = probe_receive_fd(hostile.slot);
		if (fd < 0)
			continue;
		hostile_look_at(fd);
		close(fd);
	}
	return NULL;
}

static void steal_message(void)
{
	hostile_become(hostile.uid);
	hostile_thread(steal, NULL);
	keep_allocating();
}

static void *shut_down(void *user)
{
	for (unsigned int i = 0;; i++) {
		shutdown(hostile.slot, SHUT_RDWR);
		if (i % 16 == 0)
			hostile_pause(50);
	}
	return NULL;
}

static void shut_socket(void)
{
	hostile_become(hostile.uid);
	hostile_thread(shut_down, NULL);
	keep_allocating();
}

/* ---- limits ---- */

static void *raise_and_lower(void *user)
{
	struct rlimit limit;

	hostile_require(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	for (unsigned int i = 0;; i++) {
		limit.rlim_cur = hostile.slot + i % 4;
		setrlimit(RLIMIT_NOFILE, &limit);
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		if (i % 16 == 0)
			hostile_pause(20);
	}
	return NULL;
}

static void limits(void)
{
	hostile_become(hostile.uid);
	hostile_thread(raise_and_lower, NULL);
	keep_allocating();
}

const struct hostile_attack hostile_files[] = {
	{ "swap_pipe", swap_pipe, false, false },
	{ "swap_fuse", swap_fuse, true, false },
	{ "swap_socket", swap_socket, false, false },
	{ "swap_device", swap_device, false, false },
	{ "close_socket", close_socket, false, false },
	{ "shut_socket", shut_socket, false, false },
	{ "steal_message", steal_message, false, false },
	{ "limits", limits, false, false },
	{ NULL, NULL, false, false },
};
