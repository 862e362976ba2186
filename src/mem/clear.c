// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mem/clear.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>

#include "base/err.h"
#include "base/stream.h"

/* what this thread clears at the moment: a signal's handler is told by nothing else */
struct clearing {
	uintptr_t memory;
	size_t size;
	sigjmp_buf out;
};

static _Thread_local struct clearing *volatile clearing;

static void on_sigbus(int signal, siginfo_t *info, void *context)
{
	struct clearing *c = clearing;

	if (info->si_code == BUS_MCEERR_AO)
		return; /* a page went bad that nobody touches: it is early enough when one does */
	if (c && (uintptr_t)info->si_addr - c->memory < c->size)
		siglongjmp(c->out, 1);
	/* not ours: touched again, it ends the process */
	sigaction(SIGBUS, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
}

int clear_catch_sigbus(void)
{
	const struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};

	return sigaction(SIGBUS, &action, NULL) < 0 ? err_origin(-errno) : 0;
}

int clear_memory(void *memory, size_t size)
{
	struct clearing c = { .memory = (uintptr_t)memory, .size = size };
	sigset_t sigbus, before;
	int r = 0;

	/* a SIGBUS that is blocked would end the process, whatever its handler */
	sigemptyset(&sigbus);
	sigaddset(&sigbus, SIGBUS);
	pthread_sigmask(SIG_UNBLOCK, &sigbus, &before);
	if (!sigsetjmp(c.out, 0)) {
		clearing = &c;
		stream_zero(memory, size);
		clearing = NULL;
	} else {
		clearing = NULL;
		r = -EIO;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}
