// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attacks on the memory of the caller: the code at its system call, its stack, its struct, and
 * pointers to where nothing is, or where a touch lasts for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile.h"

enum { PATCH_AT = 13, HANG_MS = 1500 };

/* mov %rdx,%rdx; ...: rax = 16; xchg %rsp,%rcx's copy in rbx; syscall; xchg back; ret */
static const uint8_t code_bytes[] = {
	0x53,				    /* push %rbx */
	0x48, 0x89, 0xcb,		    /* mov %rcx,%rbx */
	0x48, 0x87, 0xe3,		    /* xchg %rsp,%rbx */
	0xb8, 0x10, 0x00, 0x00, 0x00, 0x90, /* mov $16,%eax; nop */
	0x0f, 0x05,			    /* syscall, at PATCH_AT */
	0x48, 0x87, 0xe3,		    /* xchg %rsp,%rbx */
	0x5b,				    /* pop %rbx */
	0xc3,				    /* ret */
};

static struct hostile_code code;
static uint8_t *stack_page, *struct_page;
static sigjmp_buf again;

static void on_fault(int signo)
{
	siglongjmp(again, 1);
}

static void *pages(size_t n, int prot)
{
	void *p = mmap(NULL, n * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	hostile_require(p != MAP_FAILED);
	return p;
}

static void prepare(void)
{
	static char alternate[64 << 10];
	const stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	const struct sigaction action = { .sa_handler = on_fault, .sa_flags = SA_ONSTACK };
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP };

	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigaction(faults[i], &action, NULL);
	code.page = pages(1, PROT_READ | PROT_WRITE | PROT_EXEC);
	memcpy(code.page, code_bytes, sizeof(code_bytes));
	code.call = (void *)code.page;
	stack_page = pages(2, PROT_READ | PROT_WRITE);
	struct_page = pages(1, PROT_READ | PROT_WRITE);
	hostile_become(hostile.uid);
}

static void one_call(void)
{
	struct ion_alloc *alloc = (void *)struct_page;
	long r;

	*alloc = (struct ion_alloc){ .len = HOSTILE_LEN, .mask = 1, .fd = UINT32_MAX };
	r = code.call(hostile.device, ION_ALLOC, alloc, stack_page + PAGE);
	__atomic_fetch_add(r ? &hostile.counts->refused : &hostile.counts->given, 1,
			   __ATOMIC_RELAXED);
	if (r == 0)
		hostile_look_at(alloc->fd);
}

static void keep_calling(void)
{
	/* faults come here, too: what they left is put right */
	sigsetjmp(again, 1);
	while (hostile_goes_on()) {
		close_range(hostile.slot, hostile.slot + 8, 0);
		one_call();
	}
}

/* ---- the code ---- */

static void *patch(void *user)
{
	static const uint8_t patches[][2] = {
		{ 0x0f, 0x0b }, /* ud2 */
		{ 0xcc, 0x90 }, /* int3 */
		{ 0xeb, 0xfe }, /* jmp to itself */
		{ 0xcd, 0x80 }, /* int $0x80 */
		{ 0x90, 0x90 }, /* nothing */
		{ 0x0f, 0xff }, /* ud0 */
	};

	for (unsigned int i = 0;; i++) {
		memcpy(code.page + PATCH_AT, patches[i % 6], 2);
		hostile_pause(i % 3 * 30);
		memcpy(code.page + PATCH_AT, code_bytes + PATCH_AT, 2);
		hostile_pause(100);
	}
	return NULL;
}

static void code_rewritten(void)
{
	prepare();
	hostile_thread(patch, NULL);
	keep_calling();
}

/* it stays in a loop of its own for longer than a step may take */
static void *patch_and_leave(void *user)
{
	for (;;) {
		hostile_pause(500);
		memcpy(code.page + PATCH_AT, "\xeb\xfe", 2);
		hostile_pause(HANG_MS * 1000 / 5);
		memcpy(code.page + PATCH_AT, code_bytes + PATCH_AT, 2);
	}
	return NULL;
}

static void code_loops(void)
{
	prepare();
	hostile_thread(patch_and_leave, NULL);
	keep_calling();
}

static void *hide(void *user)
{
	uint8_t *page = user;

	for (unsigned int i = 0;; i++) {
		mprotect(page, PAGE, PROT_NONE);
		hostile_pause(i % 3 * 30);
		mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
		hostile_pause(100);
	}
	return NULL;
}

static void *unmap(void *user)
{
	uint8_t *page = user, copy[PAGE];

	memcpy(copy, page, PAGE);
	for (unsigned int i = 0;; i++) {
		munmap(page, PAGE);
		hostile_pause(i % 3 * 30);
		if (mmap(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
			_exit(3);
		memcpy(page, copy, PAGE);
		hostile_pause(100);
	}
	return NULL;
}

static void code_unmapped(void)
{
	prepare();
	hostile_thread(unmap, code.page);
	keep_calling();
}

static void code_hidden(void)
{
	prepare();
	hostile_thread(hide, code.page);
	keep_calling();
}

/* ---- stack and struct ---- */

static void stack_unmapped(void)
{
	prepare();
	hostile_thread(unmap, stack_page);
	keep_calling();
}

static void struct_hidden(void)
{
	prepare();
	hostile_thread(hide, struct_page);
	keep_calling();
}

static void struct_unmapped(void)
{
	prepare();
	hostile_thread(unmap, struct_page);
	keep_calling();
}

/* everything that a delivery puts there goes at once */
static void *unmap_new(void *user)
{
	uint8_t *at;

	for (;;) {
		/* the kernel maps downwards: the next page is right below the last one */
		at = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap(at, PAGE);
		munmap(at, PAGE);
	}
	return NULL;
}

static void scratch_unmapped(void)
{
	prepare();
	hostile_thread(unmap_new, NULL);
	keep_calling();
}

/* ---- pointers ---- */

static int query(uint64_t heaps)
{
	struct ion_query q = { .cnt = 4, .heaps = heaps };
	int r = ioctl(hostile.device, ION_HEAP_QUERY, &q) ? -errno : 0;

	__atomic_fetch_add(r ? &hostile.counts->refused : &hostile.counts->given, 1,
			   __ATOMIC_RELAXED);
	return r;
}

static void forged(void)
{
	uint8_t *end = pages(2, PROT_READ | PROT_WRITE), *fixed = pages(1, PROT_READ);
	const uint64_t nowhere[] = {
		1,
		PAGE,
		(uintptr_t)end + PAGE - 8,
		(uintptr_t)fixed,
		0x7ffffffff000,
		0x800000000000,
		0xffff800000000000,
		0xffffffff81000000,
		0xffffffffff600000,
		UINT64_MAX - 8,
		UINT64_MAX,
	};

	hostile_require(munmap(end + PAGE, PAGE) == 0);
	hostile_become(hostile.uid);
	while (hostile_goes_on()) {
		for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++)
			hostile_require(query(nowhere[i]) == -EFAULT);
		hostile_round();
	}
}

static void *query_there(void *user)
{
	query((uintptr_t)user);
	return NULL;
}

/* four threads with a file of ION's each, so that none waits for the other's turn */
static void query_all(uint8_t *at)
{
	hostile_become(hostile.uid);
	for (int i = 0; i < 4; i++)
		hostile_thread(query_there, at + i * PAGE);
	while (hostile_goes_on())
		hostile_pause(10000);
}

static int userfault(uint8_t *at, size_t n)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)at, n * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	hostile_require(fd >= 0 && ioctl(fd, UFFDIO_API, &api) == 0);
	hostile_require(ioctl(fd, UFFDIO_REGISTER, &range) == 0);
	return fd;
}

/* nobody answers this fault */
static void query_userfault(void)
{
	uint8_t *at = pages(4, PROT_READ | PROT_WRITE);

	userfault(at, 4);
	query_all(at);
}

static uint8_t *map_fuse(int flags)
{
	uint8_t *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags, hostile.fuse_file, 0);

	hostile_require(p != MAP_FAILED);
	return p;
}

static void query_fuse(void)
{
	query_all(map_fuse(MAP_PRIVATE));
}

/* the struct's page is there when the kernel copies it in, and hangs when the fd comes */
static void *drop_struct(void *user)
{
	int fd = *(int *)user;
	static uint8_t page[PAGE] __attribute__((aligned(PAGE)));
	const struct ion_alloc alloc = { .len = HOSTILE_LEN, .mask = 1, .fd = UINT32_MAX };

	memcpy(page, &alloc, sizeof(alloc));
	for (unsigned int i = 0;; i++) {
		struct uffdio_copy copy = { .dst = (uintptr_t)struct_page,
					    .src = (uintptr_t)page,
					    .len = PAGE };

		ioctl(fd, UFFDIO_COPY, &copy);
		hostile_pause(i % 5 * 40);
		madvise(struct_page, PAGE, MADV_DONTNEED);
		hostile_pause(i % 8 ? 20000 : HANG_MS * 1000);
	}
	return NULL;
}

static void struct_userfault(void)
{
	static int fd;

	struct_page = pages(1, PROT_READ | PROT_WRITE);
	fd = userfault(struct_page, 1);
	hostile_become(hostile.uid);
	hostile_thread(drop_struct, &fd);
	while (hostile_goes_on()) {
		int r = ioctl(hostile.device, ION_ALLOC, struct_page);

		__atomic_fetch_add(r ? &hostile.counts->refused : &hostile.counts->given, 1,
				   __ATOMIC_RELAXED);
		close_range(hostile.slot, hostile.slot + 8, 0);
	}
}

const struct hostile_attack hostile_memory[] = {
	{ "code_rewritten", code_rewritten, false, false },
	{ "code_loops", code_loops, false, false },
	{ "code_unmapped", code_unmapped, false, false },
	{ "code_hidden", code_hidden, false, false },
	{ "stack_unmapped", stack_unmapped, false, false },
	{ "struct_hidden", struct_hidden, false, false },
	{ "struct_unmapped", struct_unmapped, false, false },
	{ "scratch_unmapped", scratch_unmapped, false, false },
	{ "forged_pointers", forged, false, true },
	{ "query_userfault", query_userfault, false, false },
	{ "query_fuse", query_fuse, true, false },
	{ "struct_userfault", struct_userfault, false, false },
	{ NULL, NULL, false, false },
};
