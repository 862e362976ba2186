// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/deliver/arch_x86_64.c */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "deliver/arch.h"

#define CMD 0xc0184900u
#define ARG 0x7fff12345678ull

static struct arch_thread native_thread(void)
{
	return (struct arch_thread){
		.saved = { .orig_rax = 16,
			   .rdi = 3,
			   .rsi = CMD,
			   .rdx = ARG,
			   .rip = 0x401002,
			   .rsp = 0x7fff00001000,
			   .cs = 0x33 },
	};
}

static struct arch_thread compat_thread(void)
{
	return (struct arch_thread){
		.saved = { .orig_rax = 54,
			   .rbx = 3,
			   .rcx = CMD,
			   .rdx = 0xffdd1234,
			   .rip = 0x8048002,
			   .rsp = 0xffdd1000,
			   .cs = 0x23 },
	};
}

static const struct deliver_call native_call = { .cmd = CMD, .arg = ARG };
static const struct deliver_call compat_call = { .cmd = CMD, .arg = 0xffdd1234, .compat = 1 };

START_TEST(identify)
{
	struct arch_thread t = native_thread();
	struct deliver_call call = native_call;

	ck_assert_int_eq(arch_identify(&t, &call), 0);
	t.saved.rsi = 0xffffffff00000000ull | CMD; /* through an int */
	ck_assert_int_eq(arch_identify(&t, &call), 0);
	t.saved.rdx++;
	ck_assert_int_eq(arch_identify(&t, &call), -ESRCH);
	t = native_thread();
	t.saved.rsi++;
	ck_assert_int_eq(arch_identify(&t, &call), -ESRCH);
	t = native_thread();
	t.saved.orig_rax = -1;
	ck_assert_int_eq(arch_identify(&t, &call), -ESRCH);
	t.saved.orig_rax = 54;
	ck_assert_int_eq(arch_identify(&t, &call), -ESRCH);
	t.saved.orig_rax = 16;
	call.compat = 1;
	ck_assert_int_eq(arch_identify(&t, &call), -ESRCH);
}
END_TEST

/* what it does again is its own call, out of its own registers */
START_TEST(again)
{
	struct arch_thread t = native_thread(), entered;

	ck_assert_int_eq(arch_identify(&t, &native_call), 0);
	t.saved.rax = -5;
	arch_again(&t);
	ck_assert_uint_eq(t.now.rip, 0x401000);
	ck_assert_uint_eq(t.now.rax, 16);
	ck_assert_uint_eq(t.now.orig_rax, -1ull);
	ck_assert_uint_eq(t.now.rdi, 3);
	ck_assert_uint_eq(t.now.rsi, CMD);
	ck_assert_uint_eq(t.now.rdx, ARG);
	/* as the kernel has them on the way in */
	entered.saved = t.now;
	entered.saved.orig_rax = 16;
	ck_assert_int_eq(arch_identify(&entered, &native_call), 0);

	t = compat_thread();
	ck_assert_int_eq(arch_identify(&t, &compat_call), 0);
	arch_again(&t);
	ck_assert_uint_eq(t.now.rip, 0x8048000);
	ck_assert_uint_eq(t.now.rax, 54);
	ck_assert_uint_eq(t.now.rcx, CMD);
}
END_TEST

START_TEST(identify_compat)
{
	struct arch_thread t = compat_thread();

	ck_assert_int_eq(arch_identify(&t, &compat_call), 0);
	t.saved.cs = 0x33; /* int $0x80 in 64-bit code, with rubbish above */
	t.saved.rcx |= 0xabcd00000000;
	t.saved.rdx |= 0xabcd00000000;
	ck_assert_int_eq(arch_identify(&t, &compat_call), 0);
	t.saved.orig_rax = 16;
	ck_assert_int_eq(arch_identify(&t, &compat_call), -ESRCH);
	t = compat_thread();
	t.saved.rcx++;
	ck_assert_int_eq(arch_identify(&t, &compat_call), -ESRCH);
	t = compat_thread();
	t.saved.rdx++;
	ck_assert_int_eq(arch_identify(&t, &compat_call), -ESRCH);
}
END_TEST

START_TEST(identify_x32)
{
	struct arch_thread t = native_thread();
	struct deliver_call call = native_call;

	t.saved.orig_rax = 0x40000000 + 514;
	call.compat = 1;
	ck_assert_int_eq(arch_identify(&t, &call), -ENOTTY);
	arch_restore(&t, -ENOTTY);
	ck_assert_int_eq((int64_t)t.now.rax, -ENOTTY);
	ck_assert_uint_eq(t.now.rip, t.saved.rip);
	t.saved.rdx++;
	ck_assert_int_eq(arch_identify(&t, &call), -ESRCH);
}
END_TEST

START_TEST(prepare)
{
	static const uint64_t args[ARCH_ARGS] = { 11, 12, 13, 14, 15, 16 };
	struct arch_thread t = native_thread();

	ck_assert_int_eq(arch_identify(&t, &native_call), 0);
	arch_prepare(&t, ARCH_MMAP, args);
	ck_assert_uint_eq(t.now.rip, t.saved.rip - 2);
	ck_assert_uint_eq(t.now.rsp, t.saved.rsp);
	ck_assert_uint_eq(t.now.rax, SYS_mmap);
	ck_assert_int_eq((int64_t)t.now.orig_rax, -1);
	ck_assert(t.now.rdi == 11 && t.now.rsi == 12 && t.now.rdx == 13 && t.now.r10 == 14 &&
		  t.now.r8 == 15 && t.now.r9 == 16);
	arch_prepare(&t, ARCH_RECVMSG, args);
	ck_assert_uint_eq(t.now.rax, SYS_recvmsg);
	ck_assert_uint_eq(t.now.rip, t.saved.rip - 2);

	t = compat_thread();
	ck_assert_int_eq(arch_identify(&t, &compat_call), 0);
	arch_prepare(&t, ARCH_MMAP, args);
	ck_assert_uint_eq(t.now.rax, 192);
	ck_assert(t.now.rbx == 11 && t.now.rcx == 12 && t.now.rdx == 13 && t.now.rsi == 14 &&
		  t.now.rdi == 15 && t.now.rbp == 16);
}
END_TEST

START_TEST(numbers)
{
	static const uint16_t native[] = {
		[ARCH_BIND] = SYS_bind,	      [ARCH_CLOSE] = SYS_close,
		[ARCH_CONNECT] = SYS_connect, [ARCH_DUP3] = SYS_dup3,
		[ARCH_FUTEX] = SYS_futex,     [ARCH_MMAP] = SYS_mmap,
		[ARCH_MUNMAP] = SYS_munmap,   [ARCH_RECVFROM] = SYS_recvfrom,
		[ARCH_RECVMSG] = SYS_recvmsg, [ARCH_SENDTO] = SYS_sendto,
		[ARCH_SOCKET] = SYS_socket,
	};
	static const uint64_t args[ARCH_ARGS];
	struct arch_thread t = native_thread();

	ck_assert_uint_eq(ARRAY_SIZE(native), _ARCH_CALL_N);
	ck_assert_int_eq(arch_identify(&t, &native_call), 0);
	for (int i = 0; i < _ARCH_CALL_N; i++) {
		arch_prepare(&t, i, args);
		ck_assert_uint_eq(t.now.rax, native[i]);
	}
}
END_TEST

START_TEST(results)
{
	struct arch_thread t = native_thread();
	struct user_regs_struct regs = t.saved;

	ck_assert_int_eq(arch_identify(&t, &native_call), 0);
	ck_assert(arch_is_behind(&t, &regs));
	regs.rax = -EFAULT;
	ck_assert_int_eq(arch_result(&t, &regs), -EFAULT);
	regs.rax = 0x7f0012345000;
	ck_assert_int_eq(arch_result(&t, &regs), 0x7f0012345000);
	regs.rip++;
	ck_assert(!arch_is_behind(&t, &regs));
	regs = t.saved;
	regs.rsp -= 8;
	ck_assert(!arch_is_behind(&t, &regs));
	regs = t.saved;
	regs.cs = 0x23;
	ck_assert(!arch_is_behind(&t, &regs));

	t = compat_thread();
	ck_assert_int_eq(arch_identify(&t, &compat_call), 0);
	regs.rax = (uint32_t)-EFAULT;
	ck_assert_int_eq(arch_result(&t, &regs), -EFAULT);
	regs.rax = -EFAULT;
	ck_assert_int_eq(arch_result(&t, &regs), -EFAULT);
	regs.rax = 0xf7fb0000; /* an address, not an error */
	ck_assert_int_eq(arch_result(&t, &regs), 0xf7fb0000);
	arch_restore(&t, -EMFILE);
	ck_assert_uint_eq(t.now.rax, (uint32_t)-EMFILE);
	ck_assert_uint_eq(t.now.rcx, t.saved.rcx);
}
END_TEST

/* against the kernel's own layout */
START_TEST(message)
{
	struct arch_thread t = native_thread();
	uint8_t bytes[ARCH_MESSAGE_MAX];
	struct msghdr header;
	struct iovec iov;
	size_t size;

	ck_assert_int_eq(arch_identify(&t, &native_call), 0);
	size = arch_message(&t, bytes, 0x10000, 0xabcdef, 4);
	ck_assert_uint_eq(size, sizeof(header) + sizeof(iov) + CMSG_SPACE(sizeof(int)));
	memcpy(&header, bytes, sizeof(header));
	ck_assert_ptr_null(header.msg_name);
	ck_assert_uint_eq((uintptr_t)header.msg_iov, 0x10000 + sizeof(header));
	ck_assert_uint_eq(header.msg_iovlen, 1);
	ck_assert_uint_eq((uintptr_t)header.msg_control, 0x10000 + sizeof(header) + sizeof(iov));
	ck_assert_uint_eq(header.msg_controllen, CMSG_SPACE(sizeof(int)));
	memcpy(&iov, bytes + sizeof(header), sizeof(iov));
	ck_assert_uint_eq((uintptr_t)iov.iov_base, 0xabcdef);
	ck_assert_uint_eq(iov.iov_len, 4);
}
END_TEST

START_TEST(message_compat)
{
	static const uint32_t expected[] = {
		0, 0, 0xf7fb0000 + 28, 1, 0xf7fb0000 + 36, 16, 0, 0xffdd1244, 4, 0, 0, 0, 0,
	};
	struct arch_thread t = compat_thread();
	uint8_t bytes[ARCH_MESSAGE_MAX];

	ck_assert_int_eq(arch_identify(&t, &compat_call), 0);
	ck_assert_uint_eq(arch_message(&t, bytes, 0xf7fb0000, 0xffdd1244, 4), sizeof(expected));
	ck_assert(!memcmp(bytes, expected, sizeof(expected)));
}
END_TEST

/* the instruction that arch_prepare() goes back to is there */
START_TEST(instruction)
{
	struct user_regs_struct regs;
	int status;
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	ck_assert_int_eq(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	ck_assert_int_eq(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(arch_fetch(pid, &regs), 0);
	ck_assert_int_eq(ptrace(PTRACE_PEEKTEXT, pid, regs.rip - 2, NULL) & 0xffff, 0x050f);
	ck_assert_int_eq(arch_store(pid, &regs), 0);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(arch_fetch(pid, &regs), -ESRCH);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arch_x86_64");
	TCase *tcase = tcase_create("arch_x86_64");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, identify);
	tcase_add_test(tcase, again);
	tcase_add_test(tcase, identify_compat);
	tcase_add_test(tcase, identify_x32);
	tcase_add_test(tcase, prepare);
	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, results);
	tcase_add_test(tcase, message);
	tcase_add_test(tcase, message_compat);
	tcase_add_test(tcase, instruction);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
