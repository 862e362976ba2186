// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deliver/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/stop_point.h"

#define ALL_SIGNALS UINT64_MAX
#define STATUS_MAX  4096
#define SPIN_NS	    200000000ull
#define ASKED_MAX   4 /* stops in one step that we had to ask for */

/* TRACEEXEC: a thread that came out of an exec must never get registers from us: the program may
 * be a setuid one, and the registers are the caller's choice */
#define OPTIONS	    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC)

/* what a stop is, out of waitpid()'s status */
enum stop {
	STOP_TRAP,    /* asked for, a group stop, its end */
	STOP_SYSCALL, /* on the way in or out */
	STOP_EXEC,
	STOP_SIGNAL, /* about to be delivered */
};

static enum stop stop_of_status(int status)
{
	switch (status >> 16) {
	case PTRACE_EVENT_EXEC:
		return STOP_EXEC;
	case 0:
		return WSTOPSIG(status) == (SIGTRAP | 0x80) ? STOP_SYSCALL : STOP_SIGNAL;
	default:
		return STOP_TRAP;
	}
}

/* what stands behind @key in its /proc/TID/status, in @text, or NULL */
static const char *status_value(const struct remote *remote, const char *key, char text[STATUS_MAX])
{
	char path[64], name[32], *line;

	snprintf(path, sizeof(path), "/proc/%d/status", remote->tid);
	snprintf(name, sizeof(name), "\n%s:\t", key);
	if (file_read_text(path, text, STATUS_MAX) < 0)
		return NULL;
	line = strstr(text, name);
	return line ? line + strlen(name) : NULL;
}

long remote_status(const struct remote *remote, const char *key)
{
	char text[STATUS_MAX];
	const char *value = status_value(remote, key, text);

	return value ? strtol(value, NULL, 10) : -1;
}

/* a letter, as proc_pid_status(5) has them, or '?' */
static char thread_state(const struct remote *remote)
{
	char text[STATUS_MAX];
	const char *state = status_value(remote, "State", text);

	return state ? *state : '?';
}

/* how long it has run so far, in ns; 0: not known */
static unsigned long long run_time(const struct remote *remote)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", remote->tid);
	return file_read_text(path, text, sizeof(text)) < 0 ? 0 : strtoull(text, NULL, 10);
}

/*
 * Has it had more of a CPU than all that we make it run can need? Then it spins, on a page of a
 * userfaultfd that never comes, say: once a signal is pending, the kernel tries that fault again
 * and again.
 */
static bool spins(struct remote *remote)
{
	unsigned long long ran = run_time(remote);

	if (!remote->ran_when_over)
		remote->ran_when_over = ran;
	return ran - remote->ran_when_over > SPIN_NS;
}

/*
 * Is there no more time for this caller? One that could run and doesn't get a CPU (a quota, a busy
 * machine) is waited for, if somebody else takes over what there is to do beside. One that sleeps
 * where nothing of ours makes it sleep is not.
 */
static bool is_over(struct remote *remote)
{
	struct watch *watch = remote->watch;

	if (!watch_is_over(watch))
		return false;
	if (thread_state(remote) == 'R' && !spins(remote))
		return !watch_may_go_on(watch);
	return !watch_is_patient(watch);
}

static void begin_step(struct remote *remote)
{
	watch_step(remote->watch);
	remote->ran = 0;
}

bool remote_waits_in(pid_t tid, const struct deliver_call *call)
{
	unsigned long long fd, cmd, arg;
	char path[64], text[256];
	int number;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	if (file_read_text(path, text, sizeof(text)) < 0 ||
	    sscanf(text, "%d 0x%llx 0x%llx 0x%llx", &number, &fd, &cmd, &arg) != 4)
		return false;
	return (uint32_t)cmd == call->cmd && (call->compat ? (uint32_t)arg : arg) == call->arg;
}

static int seize(void *user)
{
	struct remote *remote = user;

	return ptrace(PTRACE_SEIZE, remote->tid, NULL, remote->options) < 0 ? -errno : 0;
}

/* SEIZE was refused: because of the option, or altogether? */
static int seize_again(struct remote *remote)
{
	long tracer = remote_status(remote, "TracerPid");
	int r;

	if (tracer > 0) {
		log_about(&remote->about, LOG_LEVEL_INFO, "deliver",
			  "thread %d: process %ld traces it already", remote->tid, tracer);
		return -EBUSY;
	}
	if (remote_status(remote, "Seccomp") != 0) {
		log_about(&remote->about, LOG_LEVEL_WARNING, "deliver",
			  "thread %d: its seccomp filter can't be suspended (CAP_SYS_ADMIN? a "
			  "filter of our own?)",
			  remote->tid);
		return -EACCES;
	}
	remote->options = OPTIONS;
	r = watch_bounded(remote->watch, seize, remote);
	if (r != -EPERM)
		return r;
	log_about(&remote->about, LOG_LEVEL_WARNING, "deliver",
		  "thread %d: tracing it is forbidden (Yama, an LSM, capabilities?)", remote->tid);
	return -EACCES;
}

void remote_init(struct remote *remote, pid_t tid, struct watch *watch,
		 const struct log_about *about)
{
	*remote = (struct remote){
		.tid = tid,
		.watch = watch,
		.about = *about,
		.options = OPTIONS | PTRACE_O_SUSPEND_SECCOMP,
	};
}

int remote_seize(struct remote *remote)
{
	int r;

	/* holds the caller's cred_guard_mutex, which an exec of its own may hold for long */
	r = watch_bounded(remote->watch, seize, remote);
	return r == -EPERM ? seize_again(remote) : r;
}

void remote_interrupt(struct remote *remote)
{
	ptrace(PTRACE_INTERRUPT, remote->tid, NULL, NULL);
	remote->asked = true;
}

/*
 * It has died, but a process's first thread can be waited for only when all the others have ended,
 * and they may be waiting for the end of this delivery: they get it with the end of our thread.
 */
static bool is_zombie(const struct remote *remote)
{
	char path[64], text[512], *end;

	snprintf(path, sizeof(path), "/proc/%d/stat", remote->tid);
	if (file_read_text(path, text, sizeof(text)) < 0)
		return false;
	end = strrchr(text, ')');
	return end && end[1] && end[2] == 'Z';
}

/*
 * Has it got no CPU since this was asked last? Then it isn't late but waits as we do: stopping it
 * would only make it wait again. The first answer of a step is yes, so that there is a second.
 */
static bool is_starved(struct remote *remote)
{
	unsigned long long ran = run_time(remote), before = remote->ran;

	remote->ran = ran;
	return ran && thread_state(remote) == 'R' && (!before || ran == before);
}

/* the next stop of the thread, of any kind; past a step's time it is asked to stop */
static int wait_any(struct remote *remote, int *ret_status)
{
	int status;

	for (;;) {
		if (waitpid(remote->tid, &status, __WALL | __WNOTHREAD) == remote->tid) {
			if (!WIFSTOPPED(status))
				return -ESRCH;
			remote->stops++;
			*ret_status = status;
			return 0;
		}
		if (errno != EINTR)
			return -ESRCH;
		if (is_over(remote) || is_zombie(remote))
			return -ETIMEDOUT;
		if (watch_step_is_over(remote->watch) && !remote->asked && !is_starved(remote))
			remote_interrupt(remote);
	}
}

/* wait until a thread that is dying is dead; one that isn't, after all, and has registers that are
 * not its own must not go on */
static int wait_dead(struct remote *remote)
{
	int status, r;

	remote->asked = true;
	for (;;) {
		r = wait_any(remote, &status);
		if (r)
			return r;
		if (remote->held || watch_is_over(remote->watch))
			return -ETIMEDOUT;
		ptrace(PTRACE_CONT, remote->tid, NULL, 0L);
	}
}

static int resume(struct remote *remote, enum __ptrace_request how, int signo)
{
	return ptrace(how, remote->tid, NULL, (long)signo) < 0 ? wait_dead(remote) : 0;
}

int remote_wait(struct remote *remote)
{
	int status, r;

	begin_step(remote);
	for (;;) {
		r = wait_any(remote, &status);
		if (r)
			return r;
		switch (stop_of_status(status)) {
		case STOP_TRAP:
			return 0;
		case STOP_SIGNAL:
			r = resume(remote, PTRACE_CONT, WSTOPSIG(status));
			break;
		default:
			r = resume(remote, PTRACE_CONT, 0);
		}
		if (r)
			return r;
		if (is_over(remote))
			return -ETIMEDOUT;
	}
}

static int options_set(struct remote *remote, unsigned long more)
{
	return ptrace(PTRACE_SETOPTIONS, remote->tid, NULL, remote->options | more) < 0 ? -ESRCH
											: 0;
}

static int mask_set(struct remote *remote, uint64_t mask)
{
	return ptrace(PTRACE_SETSIGMASK, remote->tid, sizeof(mask), &mask) < 0 ? -ESRCH : 0;
}

int remote_hold(struct remote *remote, const struct deliver_call *call)
{
	int64_t result;
	int identity, r;

	r = arch_fetch(remote->tid, &remote->thread.saved);
	if (r)
		return r;
	identity = arch_identify(&remote->thread, call);
	if (identity == -ENOTTY)
		log_about(&remote->about, LOG_LEVEL_INFO, "deliver",
			  "thread %d: an x32 caller, which isn't served", remote->tid);
	if (identity == -ESRCH)
		return identity;
	result = arch_result(&remote->thread, &remote->thread.saved);
	if (result != -DELIVER_NOT_YET)
		return result < 0 && result > -4096 ? result : -ESRCH;

	if (ptrace(PTRACE_GETSIGMASK, remote->tid, sizeof(remote->mask), &remote->mask) < 0)
		return -ESRCH;
	/* from here on it is better dead than running on with what is not its own */
	r = options_set(remote, PTRACE_O_EXITKILL);
	if (r)
		return r;
	remote->held = true;
	STOP_POINT("remote.bound", remote->tid);
	return identity ? identity : mask_set(remote, ALL_SIGNALS);
}

/* run the thread to its next syscall stop */
static int run_to_syscall(struct remote *remote)
{
	int status, r, signo = 0, asked = 0;

	for (;;) {
		r = resume(remote, PTRACE_SYSCALL, signo);
		if (!r)
			r = wait_any(remote, &status);
		if (r)
			return r;
		switch (stop_of_status(status)) {
		case STOP_SYSCALL:
			return 0;
		case STOP_TRAP:
			/*
			 * By our asking: it has run code of its own all this time, or it has not
			 * run at all. That one only needs to be let.
			 */
			if (remote->asked && ++asked == ASKED_MAX)
				return -EIO;
			remote->asked = false;
			begin_step(remote);
			signo = 0;
			break;
		case STOP_EXEC:
			remote->thread.abi = NULL;
			return -EIO;
		case STOP_SIGNAL:
			/*
			 * SIGSTOP can't be blocked: it takes effect for the whole process, but
			 * this thread goes on until it is let go. All others are blocked: this is
			 * a fault of its own code, which it has changed under us.
			 */
			if (WSTOPSIG(status) != SIGSTOP)
				return -EIO;
			signo = SIGSTOP;
		}
		if (is_over(remote))
			return -EIO;
	}
}

int remote_run(struct remote *remote, int64_t *ret, enum arch_call call,
	       const uint64_t args[ARCH_ARGS])
{
	struct user_regs_struct regs;
	int r;

	if (!remote->thread.abi)
		return -EIO;
	begin_step(remote);
	remote->asked = false;

	arch_prepare(&remote->thread, call, args);
	r = arch_store(remote->tid, &remote->thread.now);
	if (r)
		return wait_dead(remote);
	r = run_to_syscall(remote);
	if (!r)
		r = run_to_syscall(remote);
	if (r)
		return r;
	r = arch_fetch(remote->tid, &regs);
	if (r)
		return wait_dead(remote);
	/* what it ran is its own affair, but where it is now must be where it was */
	if (!arch_is_behind(&remote->thread, &regs))
		return -EIO;
	*ret = arch_result(&remote->thread, &regs);
	return 0;
}

/* its own signal mask, and nobody kills it if we end */
static int unbind(struct remote *remote)
{
	int r = mask_set(remote, remote->mask);

	STOP_POINT("remote.unblocked", remote->tid);
	if (!r)
		r = options_set(remote, 0);
	STOP_POINT("remote.unbound", remote->tid);
	return r;
}

int remote_again(struct remote *remote, const struct deliver_call *call)
{
	struct arch_thread entered;
	int r;

	if (!remote->thread.abi)
		return -EIO;
	begin_step(remote);
	remote->asked = false;

	arch_again(&remote->thread);
	r = arch_store(remote->tid, &remote->thread.now);
	if (r)
		return wait_dead(remote);
	r = run_to_syscall(remote);
	if (r)
		return r;
	r = arch_fetch(remote->tid, &entered.saved);
	if (r)
		return wait_dead(remote);
	/* all that could be otherwise is its code, which it has changed under us */
	if (arch_identify(&entered, call))
		return -EIO;
	r = unbind(remote);
	if (!r && ptrace(PTRACE_DETACH, remote->tid, NULL, 0L) == 0)
		return 0;
	return wait_dead(remote);
}

static int put_back(struct remote *remote, int result)
{
	int r = 0;

	if (remote->thread.abi) {
		arch_restore(&remote->thread, result);
		r = arch_store(remote->tid, &remote->thread.now);
	}
	STOP_POINT("remote.restored", remote->tid);
	return r ? r : unbind(remote);
}

int remote_release(struct remote *remote, int result)
{
	int r = 0;

	begin_step(remote);
	if (remote->held)
		r = put_back(remote, result);
	if (!r && ptrace(PTRACE_DETACH, remote->tid, NULL, 0L) == 0)
		return 0;
	return wait_dead(remote);
}
