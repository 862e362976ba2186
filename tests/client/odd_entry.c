// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callers with hardly a stack, and those that enter the kernel by another way than `syscall` with
 * a 64-bit number.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

#include "odd.h"
#include "probe.h"

#define NR_IOCTL     16
#define NR_IOCTL_32  54
#define NR_IOCTL_X32 (0x40000000 + 514)

static struct ion_alloc alloc;

static void alloc_init(struct ion_alloc *a)
{
	*a = (struct ion_alloc){ .len = ODD_LEN, .mask = 1u << ION_ID_SYSTEM, .fd = UINT32_MAX };
}

/* `syscall` with the stack pointer at @stack, as a runtime with stacks of its own makes it */
static long on_stack(void *stack, long number, long a, long b, const void *c)
{
	register void *sp __asm__("r12") = stack;

	__asm__ volatile("xchg %%rsp, %1\n\t"
			 "syscall\n\t"
			 "xchg %%rsp, %1"
			 : "+a"(number), "+r"(sp)
			 : "D"(a), "S"(b), "d"(c)
			 : "rcx", "r11", "memory");
	return number;
}

static int result_of(long r, int fd)
{
	if (r < 0)
		return r;
	odd_check(probe_size(fd) == ODD_LEN);
	odd_check(close(fd) == 0);
	return fd;
}

/* ---- makecontext ---- */

static ucontext_t home, away;
static long away_result;

static void away_main(void)
{
	uint64_t here[8];

	memset(here, 0xa5, sizeof(here));
	away_result = on_stack(here, NR_IOCTL, odd_device, ION_ALLOC, &alloc);
	for (size_t i = 0; i < 8; i++)
		odd_check(here[i] == 0xa5a5a5a5a5a5a5a5);
}

/* 1 KiB above a page that nobody may touch: far less than a signal frame */
int odd_tiny_stack(void)
{
	char *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r = 0;

	odd_check(pages != MAP_FAILED && mprotect(pages, PAGE, PROT_NONE) == 0);
	for (int i = 0; i < ODD_ROUNDS && r >= 0; i++) {
		memset(pages + PAGE + 1024, 0x77, PAGE - 1024);
		alloc_init(&alloc);
		getcontext(&away);
		away.uc_stack.ss_sp = pages + PAGE;
		away.uc_stack.ss_size = 1024;
		away.uc_link = &home;
		makecontext(&away, away_main, 0);
		swapcontext(&home, &away);
		for (int n = 1024; n < (int)PAGE; n++)
			odd_check(pages[PAGE + n] == 0x77);
		r = result_of(away_result, alloc.fd);
	}
	return r;
}

/* ---- a goroutine, as Go's runtime has them: see the note at odd_goroutine() ---- */

enum { GO_STACK = 2048, GO_N = 16, GO_LEFT = 64 };

static void on_preempt(int signo)
{
}

static void preempt_start(bool on)
{
	struct sigaction action = { .sa_handler = on_preempt, .sa_flags = SA_ONSTACK | SA_RESTART };
	static char stack[32768];
	const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct itimerval timer = { { 0, on ? 900 : 0 }, { 0, on ? 900 : 0 } };

	sigaltstack(&alternate, NULL);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * No Go program, its compiler being some 400 MB: what its runtime does, done in C. Stacks of 2 KiB
 * side by side without a guard, a raw system call with 64 bytes left of the caller's own and
 * nothing kept below the stack pointer, preemption by a signal that comes on a stack of its own.
 * Whoever writes below the red zone of the caller damages a neighbour.
 */
int odd_goroutine(void)
{
	static unsigned char stacks[GO_N][GO_STACK] __attribute__((aligned(16)));
	int r = 0;

	preempt_start(true);
	for (int i = 1; i < GO_N && r >= 0; i++) {
		memset(stacks, 0x33, sizeof(stacks));
		alloc_init(&alloc);
		r = on_stack(stacks[i] + GO_LEFT, NR_IOCTL, odd_device, ION_ALLOC, &alloc);
		for (size_t n = 0; n < sizeof(stacks); n++)
			odd_check(((unsigned char *)stacks)[n] == 0x33);
		r = result_of(r, alloc.fd);
	}
	preempt_start(false);
	return r;
}

/* ---- other ways in ---- */

int odd_int80(void)
{
	struct ion_alloc *low = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int r = 0;

	odd_check(low != MAP_FAILED);
	for (int i = 0; i < ODD_ROUNDS && r >= 0; i++) {
		long result = NR_IOCTL_32;

		alloc_init(low);
		__asm__ volatile("int $0x80"
				 : "+a"(result)
				 : "b"(odd_device), "c"(ION_ALLOC), "d"(low)
				 : "r8", "r9", "r10", "r11", "memory");
		r = result_of((int)result, low->fd);
	}
	return r;
}

/* ENOSYS where the kernel has no x32 */
int odd_x32(void)
{
	char stack[256];
	long r;

	alloc_init(&alloc);
	r = on_stack(stack + sizeof(stack) / 2, NR_IOCTL_X32, odd_device, ION_ALLOC, &alloc);
	odd_check(alloc.fd == UINT32_MAX || r == 0);
	return result_of(r, alloc.fd);
}
