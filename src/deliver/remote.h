/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One thread of a caller, held by ptrace: stopped at the return of its call, made to run system
 * calls of ours there, put back as it was.
 *
 * The caller is hostile. So nothing here touches its memory (a fault on a page of its own FUSE
 * mount, or its mmap lock, would hold us for as long as it likes): registers and stops only, and
 * whatever memory must be written is written by system calls that the caller itself runs. Each
 * wait is bounded: -ETIMEDOUT says that the thread can't be brought to stop, and only the end of
 * the tracing thread lets go of it (killing it, once its registers are not its own).
 */
#ifndef DELIVER_REMOTE_H
#define DELIVER_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log_limit.h"
#include "deliver/arch.h"
#include "deliver/deliver.h"
#include "deliver/watch.h"

struct remote {
	pid_t tid;
	struct watch *watch; /* borrowed; running */
	struct log_about about;
	unsigned long options;
	struct arch_thread thread;
	uint64_t mask;		/* the thread's own signal mask */
	bool held;		/* registers and mask may not be its own now */
	bool asked;		/* PTRACE_INTERRUPT was sent in this step */
	unsigned int stops;	/* so far */
	unsigned long long ran; /* ns of CPU when it was late in this step; 0: it wasn't */
	unsigned long long ran_when_over; /* and when there was no more time; 0: there was */
};

/* whether @tid sleeps in @call as far as /proc tells, which a caller that was answered does not */
bool remote_waits_in(pid_t tid, const struct deliver_call *call);

/* @tid of user @about->uid, not seized yet */
void remote_init(struct remote *remote, pid_t tid, struct watch *watch,
		 const struct log_about *about);

/* 0, -EBUSY (traced), -EACCES, -ESRCH, -ETIMEDOUT */
int remote_seize(struct remote *remote);

/* a number out of the thread's /proc/TID/status, or -1 */
long remote_status(const struct remote *remote, const char *key);

/* ask it to stop at its return to user mode */
void remote_interrupt(struct remote *remote);

/* wait for the stop that remote_interrupt() asked for; 0, -ESRCH (gone), -ETIMEDOUT */
int remote_wait(struct remote *remote);

/* the thread has stopped: is it in @call's return, with what our reply said? Then make it ours:
 * signals blocked. 0, -ESRCH, -ENOTTY, or the negative result that its call has already. */
int remote_hold(struct remote *remote, const struct deliver_call *call);

/**
 * remote_run() - make the held thread run a system call
 * @remote:	held
 * @ret:	its result, or the call's negative errno
 * @call:	which
 * @args:	for the call
 *
 * Return: 0; -EIO where the thread ran something else; -ESRCH where it is gone; -ETIMEDOUT.
 */
int remote_run(struct remote *remote, int64_t *ret, enum arch_call call,
	       const uint64_t args[ARCH_ARGS]);

/* remote_call(remote, &ret, ARCH_CLOSE, fd): remote_run(), the arguments left out being 0 */
#define remote_call(remote, ret, call, ...) \
	remote_run((remote), (ret), (call), (const uint64_t[ARCH_ARGS]){ __VA_ARGS__ })

/**
 * remote_again() - let a held thread go into its own call once more
 * @remote:	held
 * @call:	its call
 *
 * It is let go of on the way into the kernel: no code of its own runs, no signal is handled
 * before.
 *
 * Return: 0; -EIO where it did something else, and is held as before; -ESRCH, -ETIMEDOUT.
 */
int remote_again(struct remote *remote, const struct deliver_call *call);

/**
 * remote_release() - let a stopped thread go on
 * @remote:	stopped
 * @result:	what its call returns, if the thread is held; else it is left as it is
 *
 * A thread that died meanwhile is waited for, so that its parent can have it.
 *
 * Return: 0, -ESRCH, -ETIMEDOUT.
 */
int remote_release(struct remote *remote, int result);

#endif
