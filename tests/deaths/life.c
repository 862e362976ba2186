// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deaths/life.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/abi.h"
#include "client/probe.h"
#include "client/tap.h"

#define LARGE	 (1u << 20)
#define LIFE_BUS 3

struct life *life_new(const char *node)
{
	struct life *life = mmap(NULL, sizeof(*life), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (life == MAP_FAILED)
		tap_bail("no memory");
	life->node = node;
	return life;
}

void life_pause(int ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&pause, NULL);
}

/* ---- in the client ---- */

/* 0; EINVAL: it is not what was asked for; ECONNABORTED: it was served by a worker that is dead */
static int look_at(int fd, uint64_t size)
{
	int64_t n = probe_size(fd);
	bool good = false;
	char *p;

	if (n == -ENOTCONN || n == -ECONNABORTED)
		return ECONNABORTED;
	p = probe_map(fd, size, 0);
	if (!p)
		return errno == ENOTCONN || errno == ECONNABORTED ? ECONNABORTED : EINVAL;
	if (n == (int64_t)size && probe_zero(p, size)) {
		probe_stamp(p, size, 1);
		good = true;
	}
	munmap(p, size);
	return good ? 0 : EINVAL;
}

/* one buffer, looked at closely; 0 or an errno */
static int allocate(struct life *life, int ion, uint64_t size)
{
	struct ion_alloc alloc = { .len = size, .mask = 1u << ION_ID_SYSTEM, .fd = UINT32_MAX };
	int r = probe_ioctl(ion, ION_ALLOC, &alloc);

	if (r < 0) {
		/* nothing may have come where nothing was said */
		if (alloc.fd != UINT32_MAX && fcntl(alloc.fd, F_GETFD) >= 0)
			life->wrong = true;
		return -r;
	}
	if (r > 0 || fcntl(alloc.fd, F_GETFD) != FD_CLOEXEC) {
		life->wrong = true;
		return 0;
	}
	r = look_at(alloc.fd, size);
	life->wrong |= r == EINVAL;
	close(alloc.fd);
	return r;
}

static int query(struct life *life, int ion)
{
	struct ion_heap heaps[4] = { 0 };
	struct ion_query q = { .cnt = 4, .heaps = (uintptr_t)heaps };
	int r = probe_ioctl(ion, ION_HEAP_QUERY, &q);

	if (r < 0)
		return -r;
	life->wrong |= q.cnt < 1 || !heaps[0].name[0];
	return 0;
}

struct old_fd {
	int32_t handle, fd;
};

/* the errno of a SHARE has to stand in the struct, too */
static int share(struct life *life, int ion, struct old_fd *data)
{
	int r;

	data->fd = -1;
	r = probe_ioctl(ion, ION_OLD_SHARE, data);
	life->wrong |= r < 0 ? data->fd >= 0 && fcntl(data->fd, F_GETFD) >= 0 : data->fd < 0;
	return -r;
}

/* what a client of the older ABI does with a handle; 0 or an errno */
static int use_handle(struct life *life, int ion, struct old_fd *data)
{
	struct rlimit was, none;
	int r;

	getrlimit(RLIMIT_NOFILE, &was);
	none = was;
	none.rlim_cur = probe_lowest_fd();
	setrlimit(RLIMIT_NOFILE, &none);
	r = share(life, ion, data);
	setrlimit(RLIMIT_NOFILE, &was);
	if (r != EMFILE)
		return r;
	r = share(life, ion, data);
	if (r)
		return r;
	r = -probe_ioctl(ion, ION_OLD_SYNC, data);
	if (!r)
		r = -probe_ioctl(ion, ION_OLD_IMPORT, data);
	close(data->fd);
	return r;
}

static int share_handle(struct life *life, int ion)
{
	struct {
		size_t len, align;
		uint32_t mask, flags;
		int32_t handle;
	} alloc = { .len = PAGE, .mask = 1u << ION_ID_SYSTEM };
	struct old_fd data;
	int r = probe_ioctl(ion, ION_OLD_ALLOC_64, &alloc);

	if (r < 0)
		return -r;
	data.handle = alloc.handle;
	r = use_handle(life, ion, &data);
	if (!r)
		r = -probe_ioctl(ion, ION_OLD_FREE, &data);
	return r;
}

static int act(struct life *life)
{
	int ion = open(life->node, O_RDONLY | O_CLOEXEC);
	struct rlimit limit;
	int r;

	if (ion < 0)
		return errno;
	if (life->role == ROLE_TIGHT) {
		getrlimit(RLIMIT_NOFILE, &limit);
		limit.rlim_cur = probe_lowest_fd() + 1;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (life->role == ROLE_QUERY)
		r = query(life, ion);
	else if (life->role == ROLE_SHARE)
		r = share_handle(life, ion);
	else
		r = allocate(life, ion, life->role == ROLE_LARGE ? LARGE : PAGE);
	close(ion);
	return r;
}

static void wait_go(struct life *life)
{
	while (!life->go)
		syscall(SYS_futex, &life->go, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void *busy(void *user)
{
	struct life *life = user;

	for (;;) {
		int ion = open(life->node, O_RDONLY | O_CLOEXEC);
		int r = ion < 0 ? errno : 0;

		for (int i = 0; i < 20 && !r; i++)
			r = allocate(life, ion, i % 10 == 9 ? LARGE / 2 : PAGE);
		if (ion >= 0)
			close(ion);
		if (r) {
			life->error = r;
			life->failed++;
			life_pause(20);
		} else {
			life->done++;
		}
	}
	return NULL;
}

/* ---- around it ---- */

/* a page of a buffer whose worker has died (exporter `file`, by way of the page cache) */
static void on_bus(int signo)
{
	(void)signo;
	_exit(LIFE_BUS);
}

static pid_t life_fork(struct life *life)
{
	pid_t parent = getpid(), pid;

	life->go = 0;
	life->error = 0;
	life->done = life->failed = 0;
	life->wrong = false;
	pid = fork();
	if (pid < 0)
		tap_bail("fork: %s", strerror(errno));
	if (!pid) {
		signal(SIGBUS, on_bus);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(2);
	}
	life->pid = pid ? pid : getpid();
	return pid;
}

void life_begin(struct life *life, enum role role)
{
	life->role = role;
	if (life_fork(life))
		return;
	wait_go(life);
	life->error = act(life);
	_exit(life->error || life->wrong);
}

void life_go(struct life *life)
{
	life->go = 1;
	syscall(SYS_futex, &life->go, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void life_begin_busy(struct life *life)
{
	pthread_t thread;
	struct stat st;

	if (stat(life->node, &st) == 0)
		life->gid = st.st_gid;
	if (life_fork(life))
		return;
	if (setgroups(0, NULL) || setresgid(life->gid, life->gid, life->gid) ||
	    setresuid(1000, 1000, 1000))
		_exit(2);
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* the change of user has taken it back */
	pthread_create(&thread, NULL, busy, life);
	busy(life);
}

int life_wait(struct life *life, bool stopped, int ms)
{
	int status;

	for (; ms > 0; ms -= 2) {
		if (waitpid(life->pid, &status, WNOHANG | (stopped ? WUNTRACED : 0)) == life->pid)
			return status;
		life_pause(2);
	}
	return -1;
}

void life_kill(struct life *life)
{
	kill(life->pid, SIGKILL);
}

const char *life_said(const struct life *life, int status)
{
	if (status < 0)
		return "it hangs";
	if (life->wrong)
		return "a success that was none";
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL ? "killed" : strsignal(WTERMSIG(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) == LIFE_BUS)
		return "served, and its pages went with the worker";
	if (WIFEXITED(status))
		return life->error ? strerrorname_np(life->error) : "served";
	return "stopped";
}

/* ---- who is stuck ---- */

/* the state letter of /proc/PID/task/TID/stat, behind the name in its brackets */
static char thread_state(const char *pid, const char *tid)
{
	char path[600], text[512] = { 0 }, *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/task/%s/stat", pid, tid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	end = strrchr(text, ')');
	return end && end[1] ? end[2] : 0;
}

static int stuck_threads(const char *pid)
{
	struct dirent *entry;
	char path[300];
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.' && thread_state(pid, entry->d_name) == 'D';
	if (dir)
		closedir(dir);
	return n;
}

bool life_nobody_stuck(int ms)
{
	struct dirent *entry;
	int n;

	for (;; ms -= 20) {
		DIR *dir = opendir("/proc");

		n = 0;
		while (dir && (entry = readdir(dir)))
			if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
				n += stuck_threads(entry->d_name);
		if (dir)
			closedir(dir);
		if (!n || ms <= 0)
			return !n;
		life_pause(20);
	}
}
