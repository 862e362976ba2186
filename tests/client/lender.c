// SPDX-License-Identifier: LGPL-2.1-or-later
#include "lender.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "door.h"
#include "options.h"
#include "probe.h"
#include "tap.h"

/* one buffer: its fd is sent; fd and mapping stay here */
static int lend(int ion, const struct options *o, size_t size, uint64_t seed, int socket)
{
	int fd = door_alloc(ion, size, o->mask);
	void *p = fd < 0 ? NULL : probe_map(fd, size, 0);

	if (!p)
		return fd < 0 ? fd : -errno;
	probe_stamp(p, size, seed);
	return probe_send_fd(socket, fd);
}

static void lender_run(const struct options *o, size_t size, unsigned int n, uint64_t seed,
		       int socket)
{
	int r, ion;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ion = door_open(o->node);
	r = ion < 0 ? ion : 0;
	for (unsigned int i = 0; r == 0 && i < n; i++)
		r = lend(ion, o, size, seed + i, socket);
	if (r < 0) {
		tap_diag("the lender: %s", strerror(-r));
		_exit(1);
	}
	for (;;)
		pause();
}

void lender_start(struct lender *lender, const struct options *o, size_t size, unsigned int n,
		  uint64_t seed, int *fds)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		tap_bail("no socketpair");
	lender->socket = pair[0];
	lender->pid = fork();
	if (lender->pid < 0)
		tap_bail("no process: %s", strerror(errno));
	if (!lender->pid) {
		close(pair[0]);
		lender_run(o, size, n, seed, pair[1]);
	}
	close(pair[1]);
	for (unsigned int i = 0; i < n; i++) {
		fds[i] = probe_receive_fd(lender->socket);
		if (fds[i] < 0)
			tap_bail("no buffer %u of %zu bytes came", i, size);
	}
}

void lender_kill(struct lender *lender)
{
	kill(lender->pid, SIGKILL);
	if (waitpid(lender->pid, NULL, 0) != lender->pid)
		tap_bail("the lender can't be waited for");
	close(lender->socket);
}
