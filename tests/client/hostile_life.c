// SPDX-License-Identifier: LGPL-2.1-or-later
/* attacks by floods, by signals, and by exec and exit in mid-delivery */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile.h"

enum { FLOOD_THREADS = 200, EXEC_THREADS = 3, STARVED_THREADS = 12, HOGS = 3 };

static void *allocate_on(void *user)
{
	for (;;)
		hostile_round();
	return NULL;
}

/* each by a file of its own: the service can't tell them apart but by their user */
static void *flood_on(void *user)
{
	int device = (int)(intptr_t)user;

	for (;;) {
		struct ion_alloc alloc = { .len = HOSTILE_LEN, .mask = 1, .fd = UINT32_MAX };

		if (ioctl(device, ION_ALLOC, &alloc) == 0) {
			__atomic_fetch_add(&hostile.counts->given, 1, __ATOMIC_RELAXED);
			close(alloc.fd);
		} else {
			__atomic_fetch_add(&hostile.counts->refused, 1, __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

static void flood(void)
{
	int devices[FLOOD_THREADS];

	for (int i = 0; i < FLOOD_THREADS; i++) {
		devices[i] = open(hostile.node, O_RDONLY | O_CLOEXEC);
		hostile_require(devices[i] >= 0);
	}
	hostile_become(hostile.uid);
	for (int i = 0; i < FLOOD_THREADS; i++)
		hostile_thread(flood_on, (void *)(intptr_t)devices[i]);
	while (hostile_goes_on())
		hostile_pause(10000);
}

/* ---- starvation ---- */

static void hog(void)
{
	pid_t pid = fork();

	hostile_require(pid >= 0);
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (hostile_goes_on())
		; /* no longer: who starves can't even die */
	_exit(0);
}

static void *allocate_idly(void *user)
{
	const struct sched_param param = { 0 };

	hostile_require(!sched_setscheduler(0, SCHED_IDLE, &param));
	return allocate_on(NULL);
}

/* by threads that starve themselves: each delivery takes as long as one may, or longer */
static void starve(void)
{
	cpu_set_t set;

	hostile_require(!sched_getaffinity(0, sizeof(set), &set));
	for (int cpu = 0, n = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &set) && n++)
			CPU_CLR(cpu, &set);
	}
	hostile_require(!sched_setaffinity(0, sizeof(set), &set));
	hostile_become(hostile.uid);
	for (int i = 0; i < STARVED_THREADS; i++)
		hostile_thread(allocate_idly, NULL);
	for (int i = 0; i < HOGS; i++)
		hog();
	while (hostile_goes_on())
		hostile_pause(10000);
}

/* ---- signals ---- */

static void sigstop(void)
{
	long seed = hostile_now_us();
	unsigned int stopped = 0;
	int status;
	pid_t pid;

	hostile_become(hostile.uid);
	pid = fork();
	if (!pid) {
		while (hostile_goes_on())
			hostile_round();
		_exit(0);
	}
	for (unsigned int i = 0; hostile_goes_on(); i++) {
		seed = seed * 1103515245 + 12345;
		hostile_pause((seed >> 16) % 1500);
		kill(pid, SIGSTOP);
		/* most are short; some last longer than a delivery may */
		hostile_require(waitpid(pid, &status, WUNTRACED) == pid);
		if (!WIFSTOPPED(status))
			_exit(!WIFEXITED(status) || WEXITSTATUS(status) ? 3 : 0);
		stopped++;
		hostile_pause(i % 8 == 7 ? 150000 : 500);
		kill(pid, SIGCONT);
	}
	printf("# stopped and continued %u times\n", stopped);
	hostile_require(waitpid(pid, &status, 0) == pid && status == 0);
}

static void on_signal(int signo)
{
	struct ion_alloc alloc;
	int fd = hostile_alloc(&alloc);

	if (fd >= 0)
		close(fd);
}

/* handlers that allocate, by signals from a thread that sends nothing else */
static void *send_signals(void *user)
{
	for (;;) {
		kill(getpid(), SIGUSR1);
		hostile_pause(200);
	}
	return NULL;
}

static void signals(void)
{
	signal(SIGUSR1, on_signal);
	hostile_become(hostile.uid);
	hostile_thread(send_signals, NULL);
	while (hostile_goes_on())
		hostile_round();
}

/* ---- exec and exit ---- */

static void a_moment(void)
{
	unsigned int seed = hostile_now_us();

	hostile_pause(rand_r(&seed) % 3000);
}

static void exec_now(void)
{
	execl("/proc/self/exe", "hostile", NULL); /* which ends at once: no attack is named */
	_exit(3);
}

static void *exec_later(void *user)
{
	a_moment();
	exec_now();
	return NULL;
}

static void start_allocators(void)
{
	hostile_become(hostile.uid);
	for (int i = 0; i < EXEC_THREADS; i++)
		hostile_thread(allocate_on, NULL);
}

/* the leader replaces the program while others wait for their fds */
static void exec_leader(void)
{
	start_allocators();
	a_moment();
	exec_now();
}

/* another thread does, while the leader waits; it takes over the leader's tid */
static void exec_thread(void)
{
	start_allocators();
	hostile_thread(exec_later, NULL);
	allocate_on(NULL);
}

static void *exit_later(void *user)
{
	a_moment();
	_exit(0);
}

static void exit_group(void)
{
	start_allocators();
	hostile_thread(exit_later, NULL);
	allocate_on(NULL);
}

/* the leader is gone, its process lives on in the others */
static void exit_leader(void)
{
	start_allocators();
	hostile_thread(exit_later, NULL);
	hostile_round();
	syscall(SYS_exit, 0);
}

static void kill_self(void)
{
	start_allocators();
	a_moment();
	kill(getpid(), SIGKILL);
	hostile_pause(1000000);
}

/* a child shares the memory until it execs, and its parent waits in the kernel */
static void vfork_exec(void)
{
	int status;
	pid_t pid;

	hostile_become(hostile.uid);
	while (hostile_goes_on()) {
		pid = vfork();
		if (!pid) {
			struct ion_alloc alloc = { .len = HOSTILE_LEN, .mask = 1 };

			ioctl(hostile.device, ION_ALLOC, &alloc);
			execl("/proc/self/exe", "hostile", NULL);
			_exit(3);
		}
		hostile_require(waitpid(pid, &status, 0) == pid);
		__atomic_fetch_add(&hostile.counts->given, 1, __ATOMIC_RELAXED);
	}
}

const struct hostile_attack hostile_life[] = {
	{ "flood", flood, false, true },
	{ "starve", starve, false, true },
	{ "sigstop", sigstop, false, true },
	{ "signals", signals, false, true },
	{ "exec_leader", exec_leader, false, false },
	{ "exec_thread", exec_thread, false, false },
	{ "exit_group", exit_group, false, false },
	{ "exit_leader", exit_leader, false, false },
	{ "kill_self", kill_self, false, false },
	{ "vfork_exec", vfork_exec, false, true },
	{ NULL, NULL, false, false },
};
