// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callers for tests/check_give.c: `give_victim DEVICE CASE [ROUNDS]` allocates as CASE says and
 * looks whether the kernel could have done it: nothing but rax, the fd field and one fd may differ.
 * Exit status 0: it did so.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "canary.h"

#define ALLOC	   0xc0184900u
#define PUT	   0xc0184907u
/* a flag of the rig: the fd field is said to be where nothing is */
#define NOWHERE	   0x80000000u

#define STACK_SIZE 16384

#define check(condition)                                                                         \
	do {                                                                                     \
		if (!(condition)) {                                                              \
			fprintf(stderr, "give_victim:%d: %s (errno %d)\n", __LINE__, #condition, \
				errno);                                                          \
			_exit(1);                                                                \
		}                                                                                \
	} while (0)

struct alloc {
	uint64_t len;
	uint32_t mask;
	uint32_t flags;
	uint32_t fd;
	uint32_t unused;
} __attribute__((packed, aligned(4)));

static int device;
static unsigned int rounds = 20;
static uint8_t stack[STACK_SIZE] __attribute__((aligned(4096)));
static struct alloc the_alloc; /* below 4 GiB in a static program */

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/thread-self/fd");
	unsigned int n = 0;

	check(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int lowest_fd(void)
{
	int fd = dup(device);

	check(fd >= 0);
	close(fd);
	return fd;
}

static void check_fd(int fd, int expected, uint64_t size)
{
	struct stat st;

	check(fd == expected);
	check(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	check(fstat(fd, &st) == 0);
	check((uint64_t)st.st_size == size);
}

/* ---- every register, the stack, the mask ---- */

static void stack_fill(uint8_t *bytes)
{
	for (size_t i = 0; i < STACK_SIZE; i++)
		bytes[i] = i * 7 + (i >> 8);
}

/* registers are compared where they are arguments or should be as they were */
static void canary_round(void (*call)(void), unsigned long nr, unsigned long sp)
{
	static uint8_t before[STACK_SIZE];
	unsigned int fds = count_fds();
	int lowest = lowest_fd();
	uint64_t mask = 0, mask_after = 0;

	the_alloc = (struct alloc){ 4096, 1, 3, 0xdddddddd, 0x77777777 };
	stack_fill(stack);
	memcpy(before, stack, sizeof(stack));
	for (int i = 0; i < CANARY_REGS; i++)
		canary_in[i] = 0x1111111111111111ull * (i + 1);
	canary_in[CANARY_RESULT] = nr;
	canary_in[CANARY_FIRST] = device;
	canary_in[CANARY_SECOND] = ALLOC;
	canary_in[CANARY_THIRD] = (unsigned long)&the_alloc;
	canary_in[CANARY_STACK] = sp;
#ifdef __x86_64__
	if (call == canary_int80) { /* rbx, rcx, rdx; rcx stands in rdi's place */
		canary_in[REG_RBX_] = device;
		canary_in[REG_RDI_] = ALLOC;
	}
#endif
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, sizeof(mask));
	call();
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask_after, sizeof(mask_after));

	check(canary_out[CANARY_RESULT] == 0);
	for (int i = 0; i < CANARY_REGS; i++)
		check(i == CANARY_RESULT || canary_out[i] == canary_in[i]);
	check(!memcmp(before, stack, sizeof(stack)));
	check(mask == mask_after);
	check(the_alloc.len == 4096 && the_alloc.mask == 1 && the_alloc.flags == 3 &&
	      the_alloc.unused == 0x77777777);
	check_fd(the_alloc.fd, lowest, 4096);
	check(count_fds() == fds + 1);
	close(the_alloc.fd);
}

static void plain(void)
{
	for (unsigned int i = 0; i < rounds; i++)
		canary_round(canary_call, CANARY_NR_IOCTL, (unsigned long)stack + STACK_SIZE / 2);
}

#ifdef __x86_64__
static void int80(void)
{
	for (unsigned int i = 0; i < rounds; i++)
		canary_round(canary_int80, 54, (unsigned long)stack + STACK_SIZE / 2);
}
#endif

/* nothing below the stack pointer */
static void stack_bottom(void)
{
	uint8_t *low =
		mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(low != MAP_FAILED && mprotect(low, 4096, PROT_NONE) == 0);
	canary_round(canary_call, CANARY_NR_IOCTL, (unsigned long)low + 4096);
	check(mprotect(low, 3 * 4096, PROT_NONE) == 0);
	canary_round(canary_call, CANARY_NR_IOCTL, (unsigned long)low + 8192);
	canary_round(canary_call, CANARY_NR_IOCTL, 0);
}

/* ---- by libc's ioctl() ---- */

static int allocate(struct alloc *alloc)
{
	*alloc = (struct alloc){ 8192, 1, 0, -1, 0 };
	return ioctl(device, ALLOC, alloc) < 0 ? -errno : (int)alloc->fd;
}

static void allocate_well(void)
{
	struct alloc alloc;
	int lowest = lowest_fd();
	unsigned int fds = count_fds();

	check_fd(allocate(&alloc), lowest, 8192);
	check(count_fds() == fds + 1);
	close(alloc.fd);
}

static void libc(void)
{
	for (unsigned int i = 0; i < rounds; i++)
		allocate_well();
}

static void *thread_plain(void *user)
{
	plain();
	libc();
	return NULL;
}

static void thread(void)
{
	pthread_t id;

	check(!pthread_create(&id, NULL, thread_plain, NULL));
	pthread_join(id, NULL);
}

static void on_alarm(int signo)
{
}

static void *thread_many(void *user)
{
	struct alloc alloc;
	struct stat st;
	int fd;

	for (unsigned int i = 0; i < rounds; i++) {
		alloc = (struct alloc){ 4096 * (i % 100 + 1), 1, 0, -1, 0 };
		check(ioctl(device, ALLOC, &alloc) == 0);
		fd = alloc.fd;
		check(fstat(fd, &st) == 0);
		check((uint64_t)st.st_size == alloc.len);
		close(fd);
	}
	return NULL;
}

/* at once, with an alarm every 700 us: no EINTR, no fd of another's */
static void threads(void)
{
	struct itimerval timer = { { 0, 700 }, { 0, 700 } };
	struct sigaction action = { .sa_handler = on_alarm };
	unsigned int fds = count_fds();
	pthread_t ids[8];

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (int i = 0; i < 8; i++)
		check(!pthread_create(&ids[i], NULL, thread_many, NULL));
	for (int i = 0; i < 8; i++)
		pthread_join(ids[i], NULL);
	timer = (struct itimerval){ 0 };
	setitimer(ITIMER_REAL, &timer, NULL);
	check(count_fds() == fds);
}

/* ---- signals ---- */

static void blocked(void)
{
	sigset_t all, pending;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	raise(SIGUSR1);
	plain();
	sigpending(&pending);
	check(sigismember(&pending, SIGUSR1) == 1);
}

static void on_trap(int signo)
{
	_exit(1);
}

static void sigtrap(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN }, after;
	sigset_t set;

	for (int i = 0; i < 4; i++) {
		action.sa_handler = i % 2 ? SIG_IGN : on_trap;
		sigaction(SIGTRAP, &action, NULL);
		sigemptyset(&set);
		sigaddset(&set, SIGTRAP);
		sigprocmask(i < 2 ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
		libc();
		sigaction(SIGTRAP, NULL, &after);
		check(after.sa_handler == action.sa_handler);
	}
}

/* ---- who is asking ---- */

static void dumpable(void)
{
	check(prctl(PR_SET_DUMPABLE, 0) == 0);
	for (unsigned int i = 0; i < rounds; i++) {
		struct alloc alloc;

		check(allocate(&alloc) >= 0);
		close(alloc.fd);
	}
}

static void uid(void)
{
	check(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 &&
	      setresuid(65534, 65534, 65534) == 0);
	dumpable();
}

static void namespaces(void)
{
	int status;
	pid_t pid;

	check(setgroups(0, NULL) == 0 && setresgid(65534, 65534, 65534) == 0 &&
	      setresuid(65534, 65534, 65534) == 0);
	check(unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) ==
	      0);
	pid = fork();
	if (!pid) {
		check(getpid() == 1);
		dumpable();
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0);
}

static void filter(uint32_t action)
{
	/* what a delivery runs and this program does not, by its number */
	static const uint32_t denied[] = {
		SYS_socket, SYS_connect, SYS_bind, SYS_recvmsg, SYS_recvfrom, SYS_dup3, SYS_futex,
	};
	struct sock_filter code[32] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { .len = 1, .filter = code };

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		code[program.len++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied[i], 0, 1);
		code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
	}
	code[program.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void seccomp_errno(void)
{
	filter(SECCOMP_RET_ERRNO | EPERM);
	libc();
	check(syscall(SYS_socket, 1, 2, 0) < 0 && errno == EPERM);
}

static void seccomp_kill(void)
{
	filter(SECCOMP_RET_KILL_PROCESS);
	libc();
}

static void traced(void)
{
	int status, go[2];
	char byte;
	pid_t pid;

	check(pipe(go) == 0);
	pid = fork();
	if (!pid) {
		struct alloc alloc;

		close(go[1]);
		check(read(go[0], &byte, 1) == 0);
		check(allocate(&alloc) == -EBUSY);
		check(alloc.fd == UINT32_MAX && alloc.len == 8192);
		_exit(0);
	}
	check(ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0);
	close(go[1]);
	check(waitpid(pid, &status, 0) == pid && status == 0);
}

/* ---- fds ---- */

static void limit(unsigned int soft, unsigned int hard)
{
	struct rlimit limit = { soft, hard };

	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void fill(unsigned int spare)
{
	int fd, last = -1;

	while ((fd = dup(device)) >= 0)
		last = fd;
	for (unsigned int i = 0; i < spare; i++)
		close(last - i);
}

static void full(void)
{
	struct alloc alloc;

	limit(64, 128);
	fill(0);
	check(allocate(&alloc) == -EMFILE);
	check(alloc.len == 8192 && alloc.mask == 1 && alloc.fd == UINT32_MAX);
	close(50);
	close(51);
	check(allocate(&alloc) == 50);
}

static void one_left(void)
{
	struct rlimit after;
	struct alloc alloc;

	limit(64, 128);
	fill(1);
	check(allocate(&alloc) == 63);
	check(getrlimit(RLIMIT_NOFILE, &after) == 0 && after.rlim_cur == 64 &&
	      after.rlim_max == 128);
	close(20);
	check(allocate(&alloc) == 20);
	check(dup(device) < 0 && errno == EMFILE);
}

/* nothing to raise: the number is the last one, or there is none */
static void one_left_hard(void)
{
	struct rlimit after;
	struct alloc alloc;
	int fd;

	limit(64, 64);
	fill(1);
	fd = allocate(&alloc);
	check(fd == 63 || fd == -EMFILE);
	check(getrlimit(RLIMIT_NOFILE, &after) == 0 && after.rlim_cur == 64 &&
	      after.rlim_max == 64);
	if (fd < 0)
		check(dup(device) == 63);
}

/* the limit lies below what is open */
static void lowered(void)
{
	struct alloc alloc;

	fill(2);
	limit(10, 64);
	check(allocate(&alloc) == -EMFILE);
}

static void sparse(void)
{
	struct alloc alloc;

	limit(1024, 1024);
	fill(4);
	close(30);
	check(allocate(&alloc) == 30);
}

static void *own_table_thread(void *user)
{
	check(unshare(CLONE_FILES) == 0);
	close(0);
	libc();
	return NULL;
}

static void own_table(void)
{
	unsigned int fds = count_fds();
	pthread_t id;

	check(!pthread_create(&id, NULL, own_table_thread, NULL));
	pthread_join(id, NULL);
	check(count_fds() == fds);
	libc();
}

static void vfork_child(void)
{
	int status;
	pid_t pid = vfork();

	if (!pid) {
		struct alloc alloc;

		_exit(allocate(&alloc) >= 0 ? 0 : 1);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0);
	libc();
}

/* ---- where the struct is ---- */

static void readonly(void)
{
	unsigned int fds = count_fds();
	struct alloc *alloc =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*alloc = (struct alloc){ 4096, 1, 0, 5, 0 };
	check(mprotect(alloc, 4096, PROT_READ) == 0);
	check(ioctl(device, ALLOC, alloc) < 0 && errno == EFAULT);
	check(alloc->fd == 5 && count_fds() == fds);
}

static void nowhere(void)
{
	struct alloc alloc = { 4096, 1, NOWHERE, 5, 0 };
	unsigned int fds = count_fds();

	check(ioctl(device, ALLOC, &alloc) < 0 && errno == EFAULT);
	check(alloc.fd == 5 && count_fds() == fds);
}

/* an array and the struct, and nothing else */
static void put(void)
{
	uint8_t bytes[1664 + 1] = { 0 };
	struct {
		uint64_t size, address, rest;
	} request = { 1664, (unsigned long)bytes, 7 };
	unsigned int fds = count_fds();

	check(ioctl(device, PUT, &request) == 0);
	for (int i = 0; i < 1664; i++)
		check(bytes[i] == 0x5a);
	check(bytes[1664] == 0 && request.size == 0 && request.rest == 7);
	request.size = 8;
	request.address = 4096;
	check(ioctl(device, PUT, &request) < 0 && errno == EFAULT);
	check(request.size == 8 && count_fds() == fds);
}

/* until killed */
static void loop(void)
{
	struct alloc alloc;

	for (;;) {
		check(allocate(&alloc) >= 0);
		close(alloc.fd);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "plain", plain },
	{ "libc", libc },
#ifdef __x86_64__
	{ "int80", int80 },
#endif
	{ "stack_bottom", stack_bottom },
	{ "thread", thread },
	{ "threads", threads },
	{ "blocked", blocked },
	{ "sigtrap", sigtrap },
	{ "dumpable", dumpable },
	{ "uid", uid },
	{ "namespaces", namespaces },
	{ "seccomp_errno", seccomp_errno },
	{ "seccomp_kill", seccomp_kill },
	{ "traced", traced },
	{ "full", full },
	{ "one_left", one_left },
	{ "one_left_hard", one_left_hard },
	{ "lowered", lowered },
	{ "sparse", sparse },
	{ "own_table", own_table },
	{ "vfork", vfork_child },
	{ "readonly", readonly },
	{ "nowhere", nowhere },
	{ "put", put },
	{ "loop", loop },
};

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	device = open(argv[1], O_RDONLY | O_CLOEXEC);
	check(device >= 0);
	if (argc > 3)
		rounds = atoi(argv[3]);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (strcmp(cases[i].name, argv[2]))
			continue;
		cases[i].run();
		return 0;
	}
	return 77;
}
