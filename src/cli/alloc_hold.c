// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/alloc.h"

void alloc_hold(void)
{
	sigset_t set;
	int signo;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fflush(stdout);
	fputs("cusion: held until Ctrl-C\n", stderr);
	sigwait(&set, &signo);
}

/* their numbers with blanks between; NULL: no memory */
static char *fd_list(const struct alloc_buffer *buffers, size_t n)
{
	char *text = calloc(n, 12), *at = text;

	for (size_t i = 0; text && i < n; i++)
		at += sprintf(at, "%s%d", i ? " " : "", buffers[i].fd);
	return text;
}

static void run_child(char **command, const struct alloc_buffer *buffers, size_t n)
{
	char *list = fd_list(buffers, n);
	int error = ENOMEM;

	for (size_t i = 0; i < n; i++)
		fcntl(buffers[i].fd, F_SETFD, 0);
	if (list && setenv("CUSION_FD", list, 1) == 0) {
		execvp(command[0], command);
		error = errno;
	}
	fprintf(stderr, "cusion: %s: %s\n", command[0], strerror(error));
	_exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN);
}

int alloc_run_command(char **command, const struct alloc_buffer *buffers, size_t n)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		run_child(command, buffers, n);
	/* Ctrl-C is the command's to answer: the buffers are held as long as it lives */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child < 0) {
		fprintf(stderr, "cusion: can't start a process: %s\n", strerror(errno));
		return EXIT_NOT_RUN;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
