// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/net.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fd.h"

#define PATH_MAX_NET 64

static void path_of(char path[PATH_MAX_NET], pid_t tid)
{
	snprintf(path, PATH_MAX_NET, "/proc/%d/ns/net", tid);
}

int net_open(struct net *net)
{
	struct stat st;
	int r;

	net->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (net->fd < 0)
		return err_origin(-errno);
	if (fstat(net->fd, &st) < 0) {
		r = err_origin(-errno);
		net_close(net);
		return r;
	}
	net->id = st.st_ino;
	return 0;
}

void net_close(struct net *net)
{
	net->fd = fd_close(net->fd);
}

int net_is_far(const struct net *net, pid_t tid, bool *ret_far)
{
	char path[PATH_MAX_NET];
	struct stat st;

	path_of(path, tid);
	if (stat(path, &st) < 0)
		return -ESRCH;
	*ret_far = st.st_ino != net->id;
	return 0;
}

int net_run(const struct net *net, pid_t tid, int (*run)(void *user), void *user)
{
	_cleanup_(fd_closep) int far = -1;
	char path[PATH_MAX_NET];
	int r;

	path_of(path, tid);
	far = open(path, O_RDONLY | O_CLOEXEC);
	if (far < 0)
		return -ESRCH;
	if (setns(far, CLONE_NEWNET) < 0)
		return -EACCES;
	r = run(user);
	if (setns(net->fd, CLONE_NEWNET) < 0)
		return err_origin(-errno);
	return r;
}
