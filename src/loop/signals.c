// SPDX-License-Identifier: LGPL-2.1-or-later
#include "loop/signals.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"

/* one signal a turn: the callback may remove the source, and what is left tells again */
static void signals_ready(struct loop_poll *poll, short revents)
{
	struct loop_signals *source = container_of(poll, struct loop_signals, poll);
	struct signalfd_siginfo info;

	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		source->cb(source, info.ssi_signo, &info);
}

void loop_signals_init(struct loop_signals *source,
		       void (*cb)(struct loop_signals *, int, const struct signalfd_siginfo *),
		       void *user)
{
	*source = (struct loop_signals){ .fd = -1, .cb = cb, .user = user };
	loop_poll_init(&source->poll, signals_ready, NULL);
}

int loop_signals_add(struct loop *loop, struct loop_signals *source, const sigset_t *set)
{
	_cleanup_(fd_closep) int fd = -1;
	int r;

	r = pthread_sigmask(SIG_BLOCK, set, NULL);
	if (r)
		return err_origin(-r);
	fd = signalfd(-1, set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return err_origin(-errno);
	r = loop_poll_add(loop, &source->poll, fd, POLLIN);
	if (r < 0)
		return r;
	source->fd = fd_steal(&fd);
	return 0;
}

void loop_signals_remove(struct loop_signals *source)
{
	loop_poll_remove(&source->poll);
	source->fd = fd_close(source->fd);
}
