// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callers that attack a delivery: `give_hostile DEVICE CASE [ROUNDS]`. Each does what a kernel
 * could not care less about; none has to succeed, but each has to end, and who watches has to be
 * well afterwards (tests/check_give.c). A case that begins with "late" is kept by the device until
 * its evil is done, so it hits always.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hang_file.h"

#define ALLOC 0xc0184900u
#define GO    0xc0184906u
#define PROBE 0xc0184905u
#define PUT   0xc0184907u
#define LATE  0x40000000u

#define check(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "give_hostile:%d: %s (errno %d)\n", __LINE__, #condition, \
				errno);                                                           \
			_exit(1);                                                                 \
		}                                                                                 \
	} while (0)

struct alloc {
	uint64_t len;
	uint32_t mask;
	uint32_t flags;
	uint32_t fd;
	uint32_t unused;
};

static const char *device_path;
static int device;
static unsigned int rounds = 200;
static volatile int over;
static struct alloc *victim_alloc; /* on a page of its own */
static uint8_t *code;		   /* a page of code, writable */

static void *new_page(int prot)
{
	void *page = mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(page != MAP_FAILED);
	return page;
}

/* until the device has our call in hand */
static void wait_kept(void)
{
	uint32_t data[6] = { 0 };

	while (ioctl(device, PROBE, data) < 0)
		sched_yield();
}

static void let_go(void)
{
	uint32_t data[6] = { 0 };

	while (ioctl(device, GO, data) < 0 && errno == EAGAIN)
		sched_yield();
}

static int allocate(struct alloc *alloc, uint32_t flags)
{
	*alloc = (struct alloc){ 4096, 1, flags, -1, 0 };
	return ioctl(device, ALLOC, alloc) < 0 ? -errno : (int)alloc->fd;
}

static void start(void *(*evil)(void *user))
{
	pthread_t id;

	check(!pthread_create(&id, NULL, evil, NULL));
}

/* ---- against the fds, at random ---- */

static void rounds_of(void *(*evil)(void *user))
{
	struct alloc alloc;

	start(evil);
	for (unsigned int i = 0; i < rounds; i++) {
		if (allocate(&alloc, 0) > device)
			close(alloc.fd);
	}
	over = 1;
}

/* whatever stands at the lowest numbers becomes a pipe, a socket, a file */
static void *evil_swap(void *user)
{
	int pipes[2], pair[2], files[4];

	check(pipe(pipes) == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	files[0] = fcntl(pipes[0], F_DUPFD, 500);
	files[1] = fcntl(pair[0], F_DUPFD, 500);
	files[2] = fcntl(device, F_DUPFD, 500);
	files[3] = fcntl(2, F_DUPFD, 500);
	while (!over) {
		for (int fd = device + 1; fd < device + 12; fd++)
			dup3(files[fd % 4], fd, O_CLOEXEC);
		for (int fd = device + 1; fd < device + 12; fd++)
			close(fd);
	}
	return NULL;
}

static void swap(void)
{
	rounds_of(evil_swap);
}

/* takes the message from under the nose, keeps it for a while, answers it */
static void *evil_steal(void *user)
{
	char data[256], control[64];

	while (!over) {
		for (int fd = device + 1; fd < device + 4; fd++) {
			struct iovec iov = { data, sizeof(data) };
			struct msghdr msg = { .msg_iov = &iov,
					      .msg_iovlen = 1,
					      .msg_control = control,
					      .msg_controllen = sizeof(control) };

			if (recvmsg(fd, &msg, MSG_DONTWAIT) >= 0)
				send(fd, data, 8, MSG_DONTWAIT | MSG_NOSIGNAL);
		}
	}
	return NULL;
}

static void steal(void)
{
	rounds_of(evil_steal);
}

static void *evil_limits(void *user)
{
	struct rlimit low = { device + 1, 1024 }, high = { 1024, 1024 };

	while (!over) {
		setrlimit(RLIMIT_NOFILE, &low);
		setrlimit(RLIMIT_NOFILE, &high);
	}
	return NULL;
}

static void limits(void)
{
	rounds_of(evil_limits);
}

/* where the kernel puts the next page, there is always something else already */
static void *evil_maps(void *user)
{
	uint8_t *page = new_page(PROT_READ | PROT_WRITE);

	while (!over) {
		for (int i = -4; i < 4; i++) {
			uint8_t *at = page + i * 4096;

			mmap(at, 4096, i & 1 ? PROT_NONE : PROT_READ,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
			mprotect(at, 4096, PROT_NONE);
			munmap(at, 4096);
		}
	}
	return NULL;
}

static void maps(void)
{
	rounds_of(evil_maps);
}

/* ---- kept by the device until the evil is done ---- */

static void *evil_unmap(void *user)
{
	wait_kept();
	munmap(victim_alloc, 4096);
	let_go();
	return NULL;
}

static void late_unmap(void)
{
	start(evil_unmap);
	check(allocate(victim_alloc, LATE) == -EFAULT);
}

/* the first one when evil says so, then on and on */
static void *allocate_late(void *user)
{
	struct alloc alloc;

	allocate(&alloc, LATE);
	for (;;)
		allocate(&alloc, 0);
	return NULL;
}

static char exec_case[] = "exec_ed";
static char *exec_argv[] = { exec_case, NULL, exec_case, NULL };

static void *evil_exec(void *user)
{
	let_go();
	for (unsigned int i = 0; i < rounds; i++)
		sched_yield();
	execv("/proc/self/exe", exec_argv);
	return NULL;
}

static void exec_in_thread(void)
{
	start(evil_exec);
	allocate_late(NULL);
}

static void exec_in_leader(void)
{
	start(allocate_late);
	evil_exec(NULL);
}

static void *evil_exit(void *user)
{
	let_go();
	for (unsigned int i = 0; i < rounds; i++)
		sched_yield();
	exit(0);
}

static void exit_in_thread(void)
{
	start(evil_exit);
	allocate_late(NULL);
}

static void exit_in_leader(void)
{
	start(allocate_late);
	evil_exit(NULL);
}

/* ---- against the code at the syscall instruction ---- */

#ifdef __x86_64__
/* mov $16, %eax; syscall; ret, and room behind it */
static const uint8_t code_ioctl[] = { 0xb8, 0x10, 0x00, 0x00, 0x00, 0x0f, 0x05, 0xc3 };
#define CODE_AT 5
#else
/* push %ebx; mov 8(%esp), %ebx; mov 12(%esp), %ecx; mov 16(%esp), %edx; mov $54, %eax;
 * int $0x80; pop %ebx; ret */
static const uint8_t code_ioctl[] = { 0x53, 0x8b, 0x5c, 0x24, 0x08, 0x8b, 0x4c, 0x24,
				      0x0c, 0x8b, 0x54, 0x24, 0x10, 0xb8, 0x36, 0x00,
				      0x00, 0x00, 0xcd, 0x80, 0x5b, 0xc3 };
#define CODE_AT 18
#endif
typedef long (*code_call)(int fd, unsigned long cmd, void *arg);

/* what takes the instruction's place: two bytes, and what stands at the end of the jump */
static const uint8_t *new_code, *far_code;
static size_t far_size;

#define CODE_FAR 100

static void *evil_code(void *user)
{
	wait_kept();
	memcpy(code + CODE_FAR, far_code, far_size);
	memcpy(code + CODE_AT, new_code, 2);
	let_go();
	return NULL;
}

static long call_code(void)
{
	static struct alloc alloc = { 4096, 1, LATE, -1, 0 };

	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	check(code != MAP_FAILED);
	memcpy(code, code_ioctl, sizeof(code_ioctl));
	start(evil_code);
	return ((code_call)(uintptr_t)code)(device, ALLOC, &alloc);
}

static void on_fault(int signo)
{
	_exit(1);
}

static void late_code(const char *bytes)
{
	new_code = (const uint8_t *)bytes;
	far_code = (const uint8_t *)"";
	signal(SIGILL, on_fault);
	signal(SIGTRAP, on_fault);
	signal(SIGSEGV, on_fault);
	check(call_code() == -EIO);
}

static void late_ud2(void)
{
	late_code("\x0f\x0b");
}

static void late_spin(void)
{
	late_code("\xeb\xfe");
}

static void late_int3(void)
{
	late_code("\xcc\xcc");
}

static void late_nop(void)
{
	late_code("\x90\x90");
}

static void late_hlt(void)
{
	late_code("\xf4\xf4");
}

#ifdef __x86_64__
static char exec_path[] = "/proc/self/exe";
static char *exec_envp[] = { NULL };

/* the made-up socket() is an exec: the new program must never see our registers or mask */
static void late_exec(void)
{
	static uint8_t bytes[64] = { 0x48, 0xbf };
	void *path = exec_path, *argv = exec_argv, *envp = exec_envp;

	memcpy(bytes + 2, &path, 8); /* mov $path, %rdi */
	memcpy(bytes + 10, "\x48\xbe", 2);
	memcpy(bytes + 12, &argv, 8); /* mov $argv, %rsi */
	memcpy(bytes + 20, "\x48\xba", 2);
	memcpy(bytes + 22, &envp, 8);			       /* mov $envp, %rdx */
	memcpy(bytes + 30, "\xb8\x3b\x00\x00\x00\x0f\x05", 7); /* mov $59, %eax; syscall */
	far_code = bytes;
	far_size = 37;
	new_code = (const uint8_t[]){ 0xeb, CODE_FAR - CODE_AT - 2 };
	call_code();
	check(0);
}

/* it is an exit of this thread alone */
static void late_thread_exit(void)
{
	far_code = (const uint8_t *)"\xb8\x3c\x00\x00\x00\x0f\x05"; /* mov $60, %eax; syscall */
	far_size = 7;
	new_code = (const uint8_t[]){ 0xeb, CODE_FAR - CODE_AT - 2 };
	call_code();
	check(0);
}

/* it is another ioctl on the device, which is served while this one is */
static void late_again(void)
{
	static struct alloc inner = { 4096, 1, 0, -1, 0 };
	static uint8_t bytes[64] = { 0x48, 0xba };
	void *at = &inner;

	memcpy(bytes + 2, &at, 8);			       /* mov $inner, %rdx */
	memcpy(bytes + 10, "\xbe\x00\x49\x18\xc0", 5);	       /* mov $ALLOC, %esi */
	memcpy(bytes + 15, "\xbf\x03\x00\x00\x00", 5);	       /* mov $3, %edi */
	memcpy(bytes + 20, "\xb8\x10\x00\x00\x00\x0f\x05", 7); /* mov $16, %eax; syscall */
	far_code = bytes;
	far_size = 27;
	new_code = (const uint8_t[]){ 0xeb, CODE_FAR - CODE_AT - 2 };
	call_code();
}
#endif

/* ---- memory of a file server of its own, which never answers a read ---- */

static int hang_fd;

static void *evil_hang_map(void *user)
{
	wait_kept();
	check(mmap(victim_alloc, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, hang_fd,
		   0) != MAP_FAILED);
	let_go();
	return NULL;
}

/* the struct lies on a page that never comes */
static void late_hang_struct(void)
{
	hang_fd = hang_file_open();
	check(hang_fd >= 0);
	start(evil_hang_map);
	allocate(victim_alloc, LATE);
	check(0);
}

/* an array is wanted on a page that never comes */
static void hang_put(void)
{
	uint64_t request[3] = { 8 };

	hang_fd = hang_file_open();
	check(hang_fd >= 0);
	request[1] = (uintptr_t)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, hang_fd, 0);
	check(ioctl(device, PUT, request) < 0 && errno == EFAULT);
}

/* once only, and not over itself: that would hang the evil one */
static void *evil_hang_swap(void *user)
{
	int number = hang_fd + 1, kind;
	socklen_t size = sizeof(kind);

	while (!over) {
		if (getsockopt(number, SOL_SOCKET, SO_TYPE, &kind, &size))
			continue;
		dup3(hang_fd, number, O_CLOEXEC);
		return NULL;
	}
	return NULL;
}

/* a file whose close hangs takes the socket's number: dup3() never returns */
static void hang_swap(void)
{
	hang_fd = hang_file_open();
	check(hang_fd >= 0);
	rounds_of(evil_hang_swap);
}

/* ---- what an exec must find ---- */

static void exec_ed(void)
{
	sigset_t mask;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int i = 1; i < 32; i++)
		check(!sigismember(&mask, i));
	check(open(device_path, O_RDONLY) >= 0);
}

/* ---- many at once ---- */

static void *flood_thread(void *user)
{
	struct alloc alloc;

	for (unsigned int i = 0; i < rounds; i++) {
		if (allocate(&alloc, 0) >= 0)
			close(alloc.fd);
	}
	return NULL;
}

static void flood(void)
{
	pthread_t ids[200];

	for (int i = 0; i < 200; i++)
		check(!pthread_create(&ids[i], NULL, flood_thread, NULL));
	for (int i = 0; i < 200; i++)
		pthread_join(ids[i], NULL);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "swap", swap },
	{ "steal", steal },
	{ "limits", limits },
	{ "maps", maps },
	{ "late_unmap", late_unmap },
	{ "late_ud2", late_ud2 },
	{ "late_spin", late_spin },
	{ "late_int3", late_int3 },
	{ "late_nop", late_nop },
	{ "late_hlt", late_hlt },
#ifdef __x86_64__
	{ "late_exec", late_exec },
	{ "late_thread_exit", late_thread_exit },
	{ "late_again", late_again },
#endif
	{ "exec_in_thread", exec_in_thread },
	{ "exec_in_leader", exec_in_leader },
	{ "exit_in_thread", exit_in_thread },
	{ "exit_in_leader", exit_in_leader },
	{ "late_hang_struct", late_hang_struct },
	{ "hang_swap", hang_swap },
	{ "hang_put", hang_put },
	{ "exec_ed", exec_ed },
	{ "flood", flood },
};

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	exec_argv[1] = argv[1];
	device_path = argv[1];
	device = open(argv[1], O_RDONLY | O_CLOEXEC);
	check(device >= 0);
	if (argc > 3)
		rounds = atoi(argv[3]);
	victim_alloc = new_page(PROT_READ | PROT_WRITE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(cases[i].name, argv[2]))
			continue;
		cases[i].run();
		return 0;
	}
	return 77;
}
