// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callers whose files and memory are looked at: `look_victim DEVICE CASE [ROUNDS]`, for
 * tests/check_give.c. Exit status 0: what was seen is what there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hang_file.h"

#define ALLOC	  0xc0184900u
#define PEEK	  0xc1104903u
#define WHOSE	  0xc0184904u
/* flags of the rig's ALLOC */
#define NOWHERE	  0x80000000u
#define OVER_EXEC 0x20000000u
#define TELL	  0x10000000u

#define check(condition)                                                                         \
	do {                                                                                     \
		if (!(condition)) {                                                              \
			fprintf(stderr, "look_victim:%d: %s (errno %d)\n", __LINE__, #condition, \
				errno);                                                          \
			hang_file_end();                                                         \
			_exit(1);                                                                \
		}                                                                                \
	} while (0)

static int device;
static unsigned int rounds = 20;
static volatile int over;

static void start(void *(*run)(void *user))
{
	pthread_t id;

	check(!pthread_create(&id, NULL, run, NULL));
}

/* ---- which file is a number? ---- */

struct seen {
	uint64_t ino, mount;
	int error;
};

static struct seen whose(int number)
{
	uint64_t data[3] = { (uint32_t)number };

	if (ioctl(device, WHOSE, data) < 0)
		return (struct seen){ .error = errno };
	return (struct seen){ .ino = data[0], .mount = data[1] };
}

/* what the kernel itself says of our own */
static struct seen truth(int number)
{
	unsigned long long ino = 0, mount = 0;
	struct seen seen = { .error = EBADF };
	char line[128];
	FILE *info;

	snprintf(line, sizeof(line), "/proc/thread-self/fdinfo/%d", number);
	info = fopen(line, "re");
	if (!info)
		return seen;
	while (fgets(line, sizeof(line), info)) {
		sscanf(line, "mnt_id: %llu", &mount);
		sscanf(line, "ino: %llu", &ino);
	}
	fclose(info);
	return (struct seen){ .ino = ino, .mount = mount };
}

static int is_same(struct seen a, struct seen b)
{
	return a.ino == b.ino && a.mount == b.mount && a.error == b.error;
}

static void check_whose(int number)
{
	struct seen seen = whose(number);

	check(!seen.error && seen.ino && is_same(seen, truth(number)));
}

static void whose_some(void)
{
	int fds[] = {
		memfd_create("one", 0),		  memfd_create("two", 0), epoll_create1(0), device,
		open("/proc/self/exe", O_RDONLY), open("/", O_PATH)
	};
	int pipes[2];

	check(pipe(pipes) == 0);
	check_whose(pipes[0]);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		check_whose(fds[i]);
	check(!is_same(whose(fds[0]), whose(fds[1])));
	check(is_same(whose(fds[0]), whose(dup(fds[0]))));
	check(is_same(whose(pipes[0]), whose(pipes[1])));
	check(dup2(fds[0], 700) == 700 && is_same(whose(fds[0]), whose(700)));
}

static void whose_none(void)
{
	int fd = memfd_create("gone", 0);

	check(whose(fd).error == 0);
	close(fd);
	check(whose(fd).error == EBADF);
	check(whose(-1).error == EBADF);
	check(whose(INT32_MIN).error == EBADF);
	check(whose(INT32_MAX).error == EBADF);
	check(whose(5000).error == EBADF);
}

/* its table is its own: what it has is not what the others have */
static void *own_table(void *user)
{
	int *fds = user;

	check(unshare(CLONE_FILES) == 0);
	close(fds[0]);
	check(dup2(fds[2], fds[1]) == fds[1]);
	check(whose(fds[0]).error == EBADF);
	check(is_same(whose(fds[1]), whose(fds[2])));
	return NULL;
}

static void whose_thread(void)
{
	int fds[3] = { memfd_create("a", 0), memfd_create("b", 0), memfd_create("c", 0) };
	pthread_t id;

	check(!pthread_create(&id, NULL, own_table, fds));
	pthread_join(id, NULL);
	check_whose(fds[0]);
	check(!is_same(whose(fds[1]), whose(fds[2])));
}

/* the same open device in another process: the caller's table counts, not the opener's */
static void whose_child(void)
{
	int fd = memfd_create("parent's", 0), status;

	if (!fork()) {
		close(fd);
		check(whose(fd).error == EBADF);
		check(memfd_create("child's", 0) == fd);
		check_whose(fd);
		_exit(0);
	}
	check(wait(&status) > 0 && status == 0);
	check_whose(fd);
}

/* ---- others change the table meanwhile ---- */

static int moving, kinds[2];

static void *mover(void *user)
{
	while (!over) {
		dup2(kinds[0], moving);
		dup2(kinds[1], moving);
		close(moving);
	}
	return NULL;
}

/* one of those that it was, or none: never a mixture */
static void whose_moves(void)
{
	struct seen seen, truths[2];

	kinds[0] = memfd_create("kind", 0);
	kinds[1] = epoll_create1(0);
	moving = 600;
	for (int i = 0; i < 2; i++)
		truths[i] = truth(kinds[i]);
	start(mover);
	for (unsigned int i = 0; i < rounds; i++) {
		seen = whose(moving);
		check(seen.error == EBADF || is_same(seen, truths[0]) || is_same(seen, truths[1]));
	}
	over = 1;
}

/* ---- files that hang whoever does anything with them ---- */

static int hang_fd, epoll_fd;

static void whose_hangs(void)
{
	struct seen seen;

	hang_fd = hang_file_open();
	check(hang_fd >= 0);
	for (unsigned int i = 0; i < rounds; i++) {
		seen = whose(hang_fd);
		check(!seen.error && seen.ino == 1);
	}
	hang_file_end();
}

static void *adder(void *user)
{
	struct epoll_event event = { .events = EPOLLIN };

	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, hang_fd, &event);
	return NULL;
}

/* its mutex is held while the file server is asked, and whoever reads its fdinfo waits for that */
static void whose_epoll(void)
{
	struct epoll_event event;
	struct seen seen;

	hang_fd = hang_file_open();
	epoll_fd = epoll_create1(0);
	check(hang_fd >= 0 && epoll_fd >= 0);
	start(adder);
	while (epoll_wait(epoll_fd, &event, 1, 0) > 0)
		sched_yield();
	usleep(100000);
	for (unsigned int i = 0; i < rounds; i++) {
		seen = whose(epoll_fd);
		check(!seen.error && seen.ino);
	}
	hang_file_end();
}

static void *flooder(void *user)
{
	for (unsigned int i = 0; i < rounds; i++)
		check_whose(device);
	return NULL;
}

static void whose_flood(void)
{
	pthread_t ids[50];

	for (int i = 0; i < 50; i++)
		check(!pthread_create(&ids[i], NULL, flooder, NULL));
	for (int i = 0; i < 50; i++)
		pthread_join(ids[i], NULL);
}

/* ---- bytes of memory ---- */

struct peek {
	uint64_t address;
	uint32_t most, least;
	uint8_t bytes[256];
};

static int peek_into(struct peek *peek, const void *address, uint32_t most, uint32_t least)
{
	*peek = (struct peek){ (uintptr_t)address, most, least, { 0 } };
	return ioctl(device, PEEK, peek) < 0 ? -errno : 0;
}

/* how many there are, if they are those at @address; or -errno */
static int peek(const void *address, uint32_t most, uint32_t least)
{
	struct peek peek = { (uintptr_t)address, most, least, { 0 } };
	int r = ioctl(device, PEEK, &peek);

	if (r < 0)
		return -errno;
	check(peek.address == (uintptr_t)address && peek.most == most && peek.least == least);
	check(!memcmp(peek.bytes, address, r));
	for (size_t i = r; i < sizeof(peek.bytes); i++)
		check(!peek.bytes[i]);
	return r;
}

static uint8_t some[1024];

static void fill_some(void)
{
	for (size_t i = 0; i < sizeof(some); i++)
		some[i] = 1 + i * 7 % 255;
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void peek_some(void)
{
	static const uint32_t sizes[] = { 1, 2, 7, 8, 31, 32, 33, 120, 255, 256 };
	int fds = count_fds();

	fill_some();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		check(peek(some + i, sizes[i], 1) == (int)sizes[i]);
		check(peek(some + 700 - i, sizes[i], sizes[i]) == (int)sizes[i]);
	}
	check(count_fds() == fds);
	for (unsigned int i = 0; i < rounds; i++)
		check(peek(some + i % 512, 32, 32) == 32);
	check(count_fds() == fds);
}

/* a name that ends where its memory ends, and what is no memory */
static void peek_edge(void)
{
	uint8_t *pages =
		mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(pages != MAP_FAILED && munmap(pages + 4096, 4096) == 0);
	memset(pages + 4000, 0x33, 96);
	check(peek(pages + 4091, 32, 1) == 5);
	check(peek(pages + 4091, 32, 5) == 5);
	check(peek(pages + 4091, 32, 6) == -EFAULT);
	check(peek(pages + 4064, 32, 1) == 32);
	check(peek(pages + 4096, 32, 1) == -EFAULT);
	check(peek(pages + 8191, 2, 1) == -EFAULT);
	check(peek(NULL, 1, 1) == -EFAULT);
	check(peek((void *)-1, 1, 1) == -EFAULT);
	check(mprotect(pages + 8192, 4096, PROT_NONE) == 0);
	check(peek(pages + 8192, 8, 1) == -EFAULT);
	check(mprotect(pages, 4096, PROT_READ) == 0);
	check(peek(pages + 4000, 96, 96) == 96);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int signo)
{
	alarms++;
}

/* no call ends early, and none is seen twice: it is one call */
static void peek_signals(void)
{
	struct itimerval timer = { { 0, 700 }, { 0, 700 } };
	struct sigaction action = { .sa_handler = on_alarm };

	fill_some();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (unsigned int i = 0; i < rounds || alarms < 10; i++) {
		some[5] = 1 + i % 255;
		check(peek(some, 40, 40) == 40);
	}
}

static void *peek_thread(void *user)
{
	uint8_t mine[64];

	for (unsigned int i = 0; i < rounds; i++) {
		memset(mine, 1 + (i + (uintptr_t)user) % 255, sizeof(mine));
		check(peek(mine, sizeof(mine), 1) == sizeof(mine));
	}
	return NULL;
}

static void peek_threads(void)
{
	pthread_t ids[8];

	for (uintptr_t i = 0; i < 8; i++)
		check(!pthread_create(&ids[i], NULL, peek_thread, (void *)(i * 31)));
	for (int i = 0; i < 8; i++)
		pthread_join(ids[i], NULL);
}

/* its filter kills it for what it is made to run, and still is there for what it runs itself */
static void peek_confined(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };
	int status;
	pid_t pid;

	fill_some();
	pid = fork();
	if (!pid) {
		check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
		check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
		if (peek(some, 32, 32) != 32)
			_exit(1);
		syscall(SYS_socket, 1, 2, 0);
		_exit(2);
	}
	check(waitpid(pid, &status, 0) == pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void peek_far(void)
{
	check(unshare(CLONE_NEWNET) == 0);
	peek_some();
}

/* no number is left for a socket */
static void peek_full(void)
{
	struct rlimit limit = { 64, 64 };
	int last = -1, fd;

	fill_some();
	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	while ((fd = dup(device)) >= 0)
		last = fd;
	check(peek(some, 32, 1) == -EMFILE);
	close(last);
	check(peek(some, 32, 1) == 32);
	check(dup(device) == last);
}

static void *swapper(void *user)
{
	while (!over) {
		for (int fd = device + 1; fd < device + 4; fd++)
			dup2(2, fd);
		for (int fd = device + 1; fd < device + 4; fd++)
			close(fd);
	}
	return NULL;
}

/* refused, or right */
static void peek_swap(void)
{
	struct peek peek;

	fill_some();
	start(swapper);
	for (unsigned int i = 0; i < rounds; i++) {
		if (peek_into(&peek, some, 64, 64) == 0)
			check(!memcmp(peek.bytes, some, 64));
	}
	over = 1;
}

/* ---- memory that never comes: who has it is killed, or refused ---- */

static void peek_missing(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct peek peek;
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	check(uffd >= 0 && ioctl(uffd, UFFDIO_API, &api) == 0);
	range.range.start = (uintptr_t)page;
	range.range.len = 4096;
	check(ioctl(uffd, UFFDIO_REGISTER, &range) == 0);
	peek_into(&peek, page, 32, 1);
	check(0);
}

static void peek_hangs(void)
{
	struct peek peek;
	void *page;

	hang_fd = hang_file_open();
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, hang_fd, 0);
	check(hang_fd >= 0 && page != MAP_FAILED);
	check(peek_into(&peek, page, 32, 1) == -EFAULT);
}

/* ---- how an fd is given ---- */

struct alloc {
	uint64_t len;
	uint32_t mask, flags, fd, unused;
} __attribute__((packed, aligned(4)));

static void over_exec(void)
{
	struct alloc alloc = { 4096, 1, OVER_EXEC, -1, 0 };

	check(ioctl(device, ALLOC, &alloc) == 0 && fcntl(alloc.fd, F_GETFD) == 0);
	alloc.flags = 0;
	check(ioctl(device, ALLOC, &alloc) == 0 && fcntl(alloc.fd, F_GETFD) == FD_CLOEXEC);
}

/* the errno in the number's place too, and nothing else */
static void told(void)
{
	struct rlimit limit = { 64, 64 };
	struct alloc alloc = { 4096, 1, TELL, 5, 77 };

	check(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	while (dup(device) >= 0)
		;
	check(ioctl(device, ALLOC, &alloc) < 0 && errno == EMFILE);
	check((int32_t)alloc.fd == -EMFILE && alloc.len == 4096 && alloc.unused == 77);
	alloc.flags = 0;
	alloc.fd = 5;
	check(ioctl(device, ALLOC, &alloc) < 0 && errno == EMFILE && alloc.fd == 5);
	alloc.flags = TELL | NOWHERE;
	close(50);
	close(51);
	check(ioctl(device, ALLOC, &alloc) < 0 && errno == EFAULT && alloc.fd == 5);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "peek", peek_some },
	{ "peek_edge", peek_edge },
	{ "peek_signals", peek_signals },
	{ "peek_threads", peek_threads },
	{ "peek_confined", peek_confined },
	{ "peek_far", peek_far },
	{ "peek_full", peek_full },
	{ "peek_swap", peek_swap },
	{ "peek_missing", peek_missing },
	{ "peek_hangs", peek_hangs },
	{ "over_exec", over_exec },
	{ "told", told },
	{ "whose", whose_some },
	{ "whose_none", whose_none },
	{ "whose_thread", whose_thread },
	{ "whose_child", whose_child },
	{ "whose_moves", whose_moves },
	{ "whose_hangs", whose_hangs },
	{ "whose_epoll", whose_epoll },
	{ "whose_flood", whose_flood },
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
