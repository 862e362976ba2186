// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/spawn.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

int spawn_bind_to_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return err_origin(-errno);
	return getppid() == parent ? 0 : -ESRCH;
}

/* fork() with one more flag: the child goes on on its copy of this stack */
static pid_t spawn_clone(uint64_t flags)
{
	struct clone_args args = { .flags = flags, .exit_signal = SIGCHLD };

	return syscall(SYS_clone3, &args, sizeof(args));
}

int spawn(pid_t *ret, enum spawn_table table, const char *name, int (*run)(void *user), void *user)
{
	pid_t parent = getpid(), pid;

	pid = table == SPAWN_SHARED_TABLE ? spawn_clone(CLONE_FILES) : fork();
	if (pid < 0)
		return err_origin(-errno);
	if (pid == 0) {
		if (spawn_bind_to_parent(parent) < 0)
			_exit(1);
		prctl(PR_SET_NAME, name);
		_exit(run(user));
	}
	*ret = pid;
	return 0;
}
