// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * x86-64, and the i386 callers that it serves.
 *
 * Which instruction stands behind a caller is known without reading its memory, which may be
 * hostile: the 64-bit way in is `syscall` alone; the 32-bit way is `int $0x80`, and a sysenter or
 * a 32-bit syscall always returns behind the `int $0x80` of the vdso. All are two bytes long. A
 * 64-bit program may use `int $0x80` too: then the calls that it is made to run are i386's, and
 * the kernel maps memory for them below 4 GiB.
 *
 * The registers are always in the 64-bit layout: PTRACE_GETREGS goes by the tracer, not by the
 * traced.
 */
#include "deliver/arch.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>

#define INSTRUCTION_SIZE 2
#define NR_IOCTL_64	 16
#define NR_IOCTL_32	 54
#define NR_IOCTL_X32	 (0x40000000 + 514)

struct arch_abi {
	bool is_32;
	uint16_t numbers[_ARCH_CALL_N];
};

static const struct arch_abi abi_64 = {
	.is_32 = false,
	.numbers = {
		[ARCH_BIND] = 49,
		[ARCH_CLOSE] = 3,
		[ARCH_CONNECT] = 42,
		[ARCH_DUP3] = 292,
		[ARCH_FUTEX] = 202,
		[ARCH_MMAP] = 9,
		[ARCH_MUNMAP] = 11,
		[ARCH_RECVFROM] = 45,
		[ARCH_RECVMSG] = 47,
		[ARCH_SENDTO] = 44,
		[ARCH_SOCKET] = 41,
	},
};

static const struct arch_abi abi_32 = {
	.is_32 = true,
	.numbers = {
		[ARCH_BIND] = 361,
		[ARCH_CLOSE] = 6,
		[ARCH_CONNECT] = 362,
		[ARCH_DUP3] = 330,
		[ARCH_FUTEX] = 240,
		[ARCH_MMAP] = 192, /* mmap2 */
		[ARCH_MUNMAP] = 91,
		[ARCH_RECVFROM] = 371,
		[ARCH_RECVMSG] = 372,
		[ARCH_SENDTO] = 369,
		[ARCH_SOCKET] = 359,
	},
};

struct message_64 {
	uint64_t name;
	uint64_t name_size;
	uint64_t vector;
	uint64_t vector_size;
	uint64_t control;
	uint64_t control_size;
	uint64_t flags;
	uint64_t buffer;
	uint64_t buffer_size;
	uint8_t room[24];
};

struct message_32 {
	uint32_t name;
	uint32_t name_size;
	uint32_t vector;
	uint32_t vector_size;
	uint32_t control;
	uint32_t control_size;
	uint32_t flags;
	uint32_t buffer;
	uint32_t buffer_size;
	uint8_t room[16];
};

_Static_assert(sizeof(struct message_64) <= ARCH_MESSAGE_MAX, "too small");

int arch_fetch(pid_t tid, struct user_regs_struct *regs)
{
	return ptrace(PTRACE_GETREGS, tid, NULL, regs) < 0 ? -errno : 0;
}

int arch_store(pid_t tid, const struct user_regs_struct *regs)
{
	return ptrace(PTRACE_SETREGS, tid, NULL, regs) < 0 ? -errno : 0;
}

/* the kernel takes a command's low half only, and libraries pass it sign-extended */
static bool is_native(const struct user_regs_struct *r, uint64_t number,
		      const struct deliver_call *call)
{
	return r->orig_rax == number && (uint32_t)r->rsi == call->cmd && r->rdx == call->arg;
}

static bool is_compat(const struct user_regs_struct *r, const struct deliver_call *call)
{
	return r->orig_rax == NR_IOCTL_32 && (uint32_t)r->rcx == call->cmd &&
	       (uint32_t)r->rdx == call->arg;
}

int arch_identify(struct arch_thread *t, const struct deliver_call *call)
{
	t->abi = &abi_64;
	if (is_native(&t->saved, NR_IOCTL_X32, call))
		return -ENOTTY;
	if (!call->compat)
		return is_native(&t->saved, NR_IOCTL_64, call) ? 0 : -ESRCH;
	t->abi = &abi_32;
	return is_compat(&t->saved, call) ? 0 : -ESRCH;
}

void arch_prepare(struct arch_thread *t, enum arch_call call, const uint64_t args[ARCH_ARGS])
{
	struct user_regs_struct *r = &t->now;

	*r = t->saved;
	r->rip -= INSTRUCTION_SIZE;
	r->orig_rax = -1; /* it is in no call: nothing for the kernel to restart */
	r->rax = t->abi->numbers[call];
	if (t->abi->is_32) {
		r->rbx = args[0];
		r->rcx = args[1];
		r->rdx = args[2];
		r->rsi = args[3];
		r->rdi = args[4];
		r->rbp = args[5];
	} else {
		r->rdi = args[0];
		r->rsi = args[1];
		r->rdx = args[2];
		r->r10 = args[3];
		r->r8 = args[4];
		r->r9 = args[5];
	}
}

void arch_again(struct arch_thread *t)
{
	t->now = t->saved;
	t->now.rip -= INSTRUCTION_SIZE;
	t->now.orig_rax = -1;
	t->now.rax = t->abi->is_32 ? NR_IOCTL_32 : NR_IOCTL_64;
}

bool arch_is_behind(const struct arch_thread *t, const struct user_regs_struct *regs)
{
	return regs->rip == t->saved.rip && regs->rsp == t->saved.rsp && regs->cs == t->saved.cs;
}

int64_t arch_result(const struct arch_thread *t, const struct user_regs_struct *regs)
{
	uint32_t low = regs->rax;

	if (!t->abi->is_32)
		return regs->rax;
	return low >= (uint32_t)-4095 ? (int32_t)low : (int64_t)low;
}

void arch_restore(struct arch_thread *t, int result)
{
	t->now = t->saved;
	t->now.orig_rax = -1;
	t->now.rax = t->abi->is_32 ? (uint32_t)result : (uint64_t)(int64_t)result;
}

static size_t message_64(uint8_t *bytes, uint64_t at, uint64_t address, uint32_t size)
{
	struct message_64 m = {
		.vector = at + offsetof(struct message_64, buffer),
		.vector_size = 1,
		.control = at + offsetof(struct message_64, room),
		.control_size = sizeof(m.room),
		.buffer = address,
		.buffer_size = size,
	};

	memcpy(bytes, &m, sizeof(m));
	return sizeof(m);
}

static size_t message_32(uint8_t *bytes, uint64_t at, uint64_t address, uint32_t size)
{
	struct message_32 m = {
		.vector = at + offsetof(struct message_32, buffer),
		.vector_size = 1,
		.control = at + offsetof(struct message_32, room),
		.control_size = sizeof(m.room),
		.buffer = address,
		.buffer_size = size,
	};

	memcpy(bytes, &m, sizeof(m));
	return sizeof(m);
}

size_t arch_message(const struct arch_thread *t, uint8_t *bytes, uint64_t at, uint64_t address,
		    uint32_t size)
{
	return t->abi->is_32 ? message_32(bytes, at, address, size)
			     : message_64(bytes, at, address, size);
}
