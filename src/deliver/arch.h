/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What differs from one architecture to the next: registers, system call numbers, and how a caller
 * lays out what the kernel reads from its memory. One arch_<cpu>.c implements it.
 */
#ifndef DELIVER_ARCH_H
#define DELIVER_ARCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "deliver/deliver.h"

/* the system calls that a caller is made to run */
enum arch_call {
	ARCH_BIND,
	ARCH_CLOSE,
	ARCH_CONNECT,
	ARCH_DUP3,
	ARCH_FUTEX,
	ARCH_MMAP,
	ARCH_MUNMAP,
	ARCH_RECVFROM,
	ARCH_RECVMSG,
	ARCH_SENDTO,
	ARCH_SOCKET,
	_ARCH_CALL_N,
};

#define ARCH_ARGS	 6
/* room for what arch_message() builds: header, vector, control */
#define ARCH_MESSAGE_MAX 128

/* the personality in which a caller made its call */
struct arch_abi;

struct arch_thread {
	struct user_regs_struct saved; /* as it stopped, behind its own call */
	struct user_regs_struct now;   /* as it is to go on */
	const struct arch_abi *abi;
};

/* fetch the registers of a stopped thread into @regs, or set them; 0 or a negative error */
int arch_fetch(pid_t tid, struct user_regs_struct *regs);
int arch_store(pid_t tid, const struct user_regs_struct *regs);

/**
 * arch_identify() - is a thread behind the call that we were told of?
 * @t:		saved is set; gets its abi
 * @call:	what the FUSE header said
 *
 * Return: 0, -ESRCH where it isn't, -ENOTTY where it is in a personality that isn't served (x32):
 * all that may be done then is arch_restore().
 */
int arch_identify(struct arch_thread *t, const struct deliver_call *call);

/* set @t->now so that the thread runs @call at the instruction it made its own call by */
void arch_prepare(struct arch_thread *t, enum arch_call call, const uint64_t args[ARCH_ARGS]);

/* set @t->now so that the thread makes its own call once more */
void arch_again(struct arch_thread *t);

/* has a thread with @regs come out of a call set by arch_prepare()? */
bool arch_is_behind(const struct arch_thread *t, const struct user_regs_struct *regs);

/* a call's result: a value or a negative errno; addresses come unsigned */
int64_t arch_result(const struct arch_thread *t, const struct user_regs_struct *regs);

/* set @t->now to the thread's own registers, its call's result being @result */
void arch_restore(struct arch_thread *t, int result);

/**
 * arch_message() - a struct msghdr as the caller's personality has it
 * @t:		whose
 * @bytes:	at least ARCH_MESSAGE_MAX, gets it
 * @at:		address in the caller where @bytes will stand
 * @address:	address of the one buffer that the message's data goes to
 * @size:	of that buffer
 *
 * Room for one fd's control message stands behind the header.
 *
 * Return: bytes used.
 */
size_t arch_message(const struct arch_thread *t, uint8_t *bytes, uint64_t at, uint64_t address,
		    uint32_t size);

#endif
