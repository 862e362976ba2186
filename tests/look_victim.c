// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callers whose files and memory are looked at: `look_victim DEVICE CASE [ROUNDS]`, for
 * tests/check_give.c. Exit status 0: what was seen is what there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hang_file.h"

#define WHOSE 0xc0184904u

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

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "whose", whose_some },	  { "whose_none", whose_none },
	{ "whose_thread", whose_thread }, { "whose_child", whose_child },
	{ "whose_moves", whose_moves },	  { "whose_hangs", whose_hangs },
	{ "whose_epoll", whose_epoll },	  { "whose_flood", whose_flood },
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
