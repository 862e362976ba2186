// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callers that are unusual, but mean no harm:
 *
 *	odd [-d NODE] [-u UID] NAME [PROGRAM]
 *
 * The node is opened, then the user changed, then the caller of that name allocates. The last line
 * of output is "allocated" or the errno's name; the status is 0, or 3 where anything around the
 * allocation was not as it should be.
 */
#include "odd.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

int odd_device;
static uid_t uid;
static const char *program; /* for the setuid caller: itself, with the bit set */

int odd_once(void)
{
	struct ion_alloc alloc = { .len = ODD_LEN, .mask = 1u << ION_ID_SYSTEM, .fd = UINT32_MAX };
	int r = ioctl(odd_device, ION_ALLOC, &alloc) ? -errno : (int)alloc.fd;

	odd_check(alloc.len == ODD_LEN && alloc.mask == 1u << ION_ID_SYSTEM && !alloc.flags);
	odd_check(r >= 0 || alloc.fd == UINT32_MAX);
	return r;
}

static void look_at(int fd)
{
	char *p = probe_map(fd, ODD_LEN, 0);

	odd_check(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	odd_check(probe_size(fd) == ODD_LEN);
	odd_check(p && probe_zero(p, ODD_LEN));
	memset(p, 0x5a, ODD_LEN);
	munmap(p, ODD_LEN);
}

int odd_rounds(void)
{
	int lowest = probe_lowest_fd(), fds = probe_fd_count(), fd = 0;

	for (int i = 0; i < ODD_ROUNDS; i++) {
		fd = odd_once();
		if (fd < 0)
			return fd;
		odd_check(fd == lowest);
		look_at(fd);
		odd_check(probe_fd_count() == fds + 1);
		odd_check(close(fd) == 0);
	}
	return fd;
}

/* ---- seccomp ---- */

static void filter(const uint32_t *numbers, size_t n, uint32_t theirs, uint32_t others)
{
	struct sock_filter code[32] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog fprog = { .len = 1, .filter = code };

	for (size_t i = 0; i < n; i++) {
		code[fprog.len++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, numbers[i], 0, 1);
		code[fprog.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, theirs);
	}
	code[fprog.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, others);
	odd_check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	odd_check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog) == 0);
}

/* what a delivery may run and this program does not */
static const uint32_t others_calls[] = {
	SYS_socket, SYS_socketpair, SYS_recvmsg, SYS_recvfrom, SYS_dup3,
	SYS_dup2,   SYS_connect,    SYS_bind,	 SYS_futex,
};

static int seccomp_errno(void)
{
	filter(others_calls, sizeof(others_calls) / sizeof(others_calls[0]),
	       SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ALLOW);
	odd_check(syscall(SYS_socket, 1, 2, 0) < 0 && errno == EPERM);
	odd_check(odd_rounds() >= 0);
	odd_check(syscall(SYS_socket, 1, 2, 0) < 0 && errno == EPERM);
	return odd_once();
}

static int seccomp_kill(void)
{
	filter(others_calls, sizeof(others_calls) / sizeof(others_calls[0]),
	       SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW);
	return odd_rounds();
}

/* nothing is allowed but what it takes to allocate and to tell of it */
static int seccomp_all(void)
{
	static const uint32_t mine[] = { SYS_ioctl, SYS_write, SYS_exit_group };

	filter(mine, sizeof(mine) / sizeof(mine[0]), SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
	for (int i = 0; i < ODD_ROUNDS; i++)
		if (odd_once() < 0)
			break;
	return odd_once();
}

/* ---- signals ---- */

static void on_signal(int signo)
{
	_exit(3);
}

static int blocked(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t all, was, mask, pending;
	int r;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigprocmask(SIG_SETMASK, NULL, &was);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGRTMIN, &action, NULL);
	kill(getpid(), SIGTERM);
	raise(SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, (union sigval){ 0 });
	r = odd_rounds();
	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigpending(&pending);
	for (int i = 1; i <= SIGRTMAX; i++)
		odd_check(sigismember(&mask, i) == sigismember(&was, i));
	odd_check(sigismember(&pending, SIGUSR1) && sigismember(&pending, SIGTERM) &&
		  sigismember(&pending, SIGRTMIN));
	return r;
}

static int sigtrap(void (*handler)(int), bool block)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_NODEFER }, after;
	sigset_t set;
	int r;

	sigaction(SIGTRAP, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
	r = odd_rounds();
	sigaction(SIGTRAP, NULL, &after);
	odd_check(after.sa_handler == handler && after.sa_flags & SA_NODEFER);
	return r;
}

static int sigtrap_ignored(void)
{
	int r = sigtrap(SIG_IGN, true);

	return r < 0 ? r : sigtrap(SIG_IGN, false);
}

static int sigtrap_handled(void)
{
	int r = sigtrap(on_signal, true);

	return r < 0 ? r : sigtrap(on_signal, false);
}

/* ---- who is asking ---- */

static int non_dumpable(void)
{
	odd_check(prctl(PR_SET_DUMPABLE, 0) == 0);
	return odd_once();
}

/* a child's result is its status */
static int in_child(int (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int r = run();

		_exit(r < 0 ? -r : 0);
	}
	odd_check(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return -WEXITSTATUS(status);
}

static int as_first_process(void)
{
	odd_check(getpid() == 1);
	return odd_once();
}

static int pid_namespace(void)
{
	odd_check(unshare(CLONE_NEWPID) == 0);
	return in_child(as_first_process);
}

static int mount_namespace(void)
{
	odd_check(unshare(CLONE_NEWNS) == 0);
	return odd_rounds();
}

static int net_namespace(void)
{
	odd_check(unshare(CLONE_NEWNET) == 0);
	return odd_rounds();
}

/* an ordinary user's own container */
static int all_namespaces(void)
{
	odd_check(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
			  CLONE_NEWUTS) == 0);
	return in_child(as_first_process);
}

/* started by an ordinary user, it runs as root */
static int setuid_inside(void)
{
	odd_check(getuid() && !geteuid());
	return odd_once();
}

static int setuid_program(void)
{
	char fd[16];

	fcntl(odd_device, F_SETFD, 0);
	snprintf(fd, sizeof(fd), "%d", odd_device);
	execl(program ?: "", "odd", "-f", fd, "setuid_inside", NULL);
	odd_check(!"exec");
	return -EIO;
}

static int traced(void)
{
	int status, go[2];
	char byte;
	pid_t pid;

	odd_check(pipe(go) == 0);
	pid = fork();
	if (!pid) {
		close(go[1]);
		odd_check(read(go[0], &byte, 1) == 0);
		_exit(-odd_once());
	}
	odd_check(ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0);
	close(go[1]);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status))
		ptrace(PTRACE_CONT, pid, NULL, NULL);
	odd_check(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

/* ---- the table ---- */

static const struct {
	const char *name;
	int (*run)(void);
	bool as_root; /* the caller needs root's rights for its set-up */
} callers[] = {
	{ "once", odd_once, false },
	{ "plain", odd_rounds, false },
	{ "seccomp_errno", seccomp_errno, false },
	{ "seccomp_kill", seccomp_kill, false },
	{ "seccomp_all", seccomp_all, false },
	{ "non_dumpable", non_dumpable, false },
	{ "setuid", setuid_program, false },
	{ "setuid_inside", setuid_inside, true },
	{ "blocked", blocked, false },
	{ "tiny_stack", odd_tiny_stack, false },
	{ "goroutine", odd_goroutine, false },
	{ "pid_namespace", pid_namespace, true },
	{ "mount_namespace", mount_namespace, true },
	{ "net_namespace", net_namespace, true },
	{ "all_namespaces", all_namespaces, false },
	{ "traced", traced, false },
	{ "x32", odd_x32, false },
	{ "int80", odd_int80, false },
	{ "sigtrap_ignored", sigtrap_ignored, false },
	{ "sigtrap_handled", sigtrap_handled, false },
	{ "own_table", odd_fds_own_table, false },
	{ "fds_full", odd_fds_full, false },
	{ "fds_one_left", odd_fds_one_left, false },
	{ "fds_lowered", odd_fds_lowered, false },
};

static void become(uid_t id)
{
	odd_check(setgroups(0, NULL) == 0 && setresgid(id, id, id) == 0 &&
		  setresuid(id, id, id) == 0);
	prctl(PR_SET_DUMPABLE, 1); /* as a program that had that user from its start */
}

static int tell(int r)
{
	const char *name = r < 0 ? strerrorname_np(-r) : "allocated";

	odd_check(write(1, name, strlen(name)) > 0 && write(1, "\n", 1) == 1);
	return 0;
}

static int run(const char *name)
{
	for (size_t i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
		if (strcmp(callers[i].name, name))
			continue;
		if (uid && !callers[i].as_root)
			become(uid);
		return tell(callers[i].run());
	}
	return 2;
}

int main(int argc, char **argv)
{
	const char *node = "/dev/ion";
	int letter;

	odd_device = -1;
	while ((letter = getopt(argc, argv, "d:f:u:")) >= 0) {
		switch (letter) {
		case 'd':
			node = optarg;
			break;
		case 'f':
			odd_device = atoi(optarg);
			break;
		case 'u':
			uid = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (optind == argc)
		return 2;
	program = argv[optind + 1];
	if (odd_device < 0)
		odd_device = open(node, O_RDONLY | O_CLOEXEC);
	odd_check(odd_device >= 0);
	alarm(60);
	return run(argv[optind]);
}
