/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An ioctl made with a known value in every register and a known stack, and both looked at after.
 */
#ifndef TESTS_CANARY_H
#define TESTS_CANARY_H

#include <stdint.h>

#ifdef __x86_64__

/* in the order of canary_in and canary_out; rax first, rsp last */
enum {
	REG_RAX_,
	REG_RDI_,
	REG_RSI_,
	REG_RDX_,
	REG_R10_,
	REG_R8_,
	REG_R9_,
	REG_RBX_,
	REG_RBP_,
	REG_R12_,
	REG_R13_,
	REG_R14_,
	REG_R15_,
	REG_RSP_,
	CANARY_REGS,
};

#define CANARY_RESULT	REG_RAX_
#define CANARY_FIRST	REG_RDI_
#define CANARY_SECOND	REG_RSI_
#define CANARY_THIRD	REG_RDX_
#define CANARY_STACK	REG_RSP_
#define CANARY_NR_IOCTL 16

/* the same by `int $0x80`: rbx, rcx, rdx are the arguments; rcx stands in rdi's place */
void canary_int80(void);

#define CANARY_BODY(name, first, instruction)                                        \
	__asm__(".text\n.globl " name "\n.type " name ", @function\n" name ":\n"     \
		"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n" \
		"mov %rsp, canary_rsp(%rip)\n"                                       \
		"mov canary_in+0(%rip), %rax\n"                                      \
		"mov canary_in+8(%rip), " first "\n"                                 \
		"mov canary_in+16(%rip), %rsi\n"                                     \
		"mov canary_in+24(%rip), %rdx\n"                                     \
		"mov canary_in+32(%rip), %r10\n"                                     \
		"mov canary_in+40(%rip), %r8\n"                                      \
		"mov canary_in+48(%rip), %r9\n"                                      \
		"mov canary_in+56(%rip), %rbx\n"                                     \
		"mov canary_in+64(%rip), %rbp\n"                                     \
		"mov canary_in+72(%rip), %r12\n"                                     \
		"mov canary_in+80(%rip), %r13\n"                                     \
		"mov canary_in+88(%rip), %r14\n"                                     \
		"mov canary_in+96(%rip), %r15\n"                                     \
		"mov canary_in+104(%rip), %rsp\n" instruction "\n"                   \
		"mov %rax, canary_out+0(%rip)\n"                                     \
		"mov " first ", canary_out+8(%rip)\n"                                \
		"mov %rsi, canary_out+16(%rip)\n"                                    \
		"mov %rdx, canary_out+24(%rip)\n"                                    \
		"mov %r10, canary_out+32(%rip)\n"                                    \
		"mov %r8, canary_out+40(%rip)\n"                                     \
		"mov %r9, canary_out+48(%rip)\n"                                     \
		"mov %rbx, canary_out+56(%rip)\n"                                    \
		"mov %rbp, canary_out+64(%rip)\n"                                    \
		"mov %r12, canary_out+72(%rip)\n"                                    \
		"mov %r13, canary_out+80(%rip)\n"                                    \
		"mov %r14, canary_out+88(%rip)\n"                                    \
		"mov %r15, canary_out+96(%rip)\n"                                    \
		"mov %rsp, canary_out+104(%rip)\n"                                   \
		"mov canary_rsp(%rip), %rsp\n"                                       \
		"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"       \
		"ret\n.size " name ", .-" name "\n")

CANARY_BODY("canary_call", "%rdi", "syscall");
CANARY_BODY("canary_int80", "%rcx", "int $0x80");

#else

enum {
	REG_EAX_,
	REG_EBX_,
	REG_ECX_,
	REG_EDX_,
	REG_ESI_,
	REG_EDI_,
	REG_EBP_,
	REG_ESP_,
	CANARY_REGS,
};

#define CANARY_RESULT	REG_EAX_
#define CANARY_FIRST	REG_EBX_
#define CANARY_SECOND	REG_ECX_
#define CANARY_THIRD	REG_EDX_
#define CANARY_STACK	REG_ESP_
#define CANARY_NR_IOCTL 54

__asm__(".text\n.globl canary_call\n.type canary_call, @function\ncanary_call:\n"
	"push %ebx; push %ebp; push %esi; push %edi\n"
	"mov %esp, canary_rsp\n"
	"mov canary_in+0, %eax\n"
	"mov canary_in+4, %ebx\n"
	"mov canary_in+8, %ecx\n"
	"mov canary_in+12, %edx\n"
	"mov canary_in+16, %esi\n"
	"mov canary_in+20, %edi\n"
	"mov canary_in+24, %ebp\n"
	"mov canary_in+28, %esp\n"
	"int $0x80\n"
	"mov %eax, canary_out+0\n"
	"mov %ebx, canary_out+4\n"
	"mov %ecx, canary_out+8\n"
	"mov %edx, canary_out+12\n"
	"mov %esi, canary_out+16\n"
	"mov %edi, canary_out+20\n"
	"mov %ebp, canary_out+24\n"
	"mov %esp, canary_out+28\n"
	"mov canary_rsp, %esp\n"
	"pop %edi; pop %esi; pop %ebp; pop %ebx\n"
	"ret\n.size canary_call, .-canary_call\n");

#endif

void canary_call(void);

/* one caller at a time */
extern unsigned long canary_in[CANARY_REGS], canary_out[CANARY_REGS], canary_rsp;
unsigned long canary_in[CANARY_REGS], canary_out[CANARY_REGS], canary_rsp;

#endif
