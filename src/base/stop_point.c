// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Only for builds with stop points: the board is the one state at file scope that a test build has.
 */
#include "base/stop_point.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

_Static_assert(sizeof(struct stop_point) == STOP_NAME_SIZE, "the section is an array");

/* the linker's: none where a program has no point */
extern const struct stop_point __start_stop_points[] __attribute__((weak));
extern const struct stop_point __stop_stop_points[] __attribute__((weak));

static struct stop_board *board;

bool stop_points_open(void)
{
	size_t n = __stop_stop_points - __start_stop_points;
	const char *path = getenv(STOP_POINTS_ENV);
	_cleanup_(fd_closep) int fd = -1;
	void *map;

	if (!path)
		return true;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*board)) < 0 || n > STOP_POINTS_MAX)
		return false;
	map = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return false;
	board = map;
	for (size_t i = 0; i < n; i++)
		memcpy(board->points[i].name, __start_stop_points[i].name, STOP_NAME_SIZE);
	board->n_points = n;
	return true;
}

bool stop_points_on(void)
{
	return board;
}

/* until the test frees us, or has forgotten us */
static void hold(void)
{
	const struct timespec second = { .tv_sec = 1 };
	time_t end = time(NULL) + STOP_LIMIT_S;

	board->pid = getpid();
	atomic_store(&board->state, STOP_HELD);
	syscall(SYS_futex, &board->state, FUTEX_WAKE, 1, NULL, NULL, 0);
	while (atomic_load(&board->state) == STOP_HELD && time(NULL) < end)
		syscall(SYS_futex, &board->state, FUTEX_WAIT, STOP_HELD, &second, NULL, 0);
}

void stop_point_pass(const struct stop_point *point, uint32_t tid)
{
	uint32_t index = point - __start_stop_points, whose;

	if (!board)
		return;
	atomic_fetch_add(&board->points[index].passed, 1);
	if (atomic_load(&board->armed) != index + 1)
		return;
	whose = atomic_load(&board->whose);
	if ((whose && whose != tid) || atomic_fetch_sub(&board->left, 1) != 1)
		return;
	atomic_store(&board->armed, 0);
	hold();
}
