// SPDX-License-Identifier: LGPL-2.1-or-later
#include "deaths/board.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/stop_point.h"
#include "client/tap.h"

struct stop_board *board_map(const char *path)
{
	struct stop_board *board;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		tap_bail("no board at %s: is it a service with stop points?", path);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (board == MAP_FAILED || !board->n_points)
		tap_bail("the board at %s is no good", path);
	return board;
}

size_t board_points(const struct stop_board *board)
{
	return board->n_points;
}

const char *board_name(const struct stop_board *board, size_t point)
{
	return board->points[point].name;
}

uint32_t board_passed(const struct stop_board *board, size_t point)
{
	return atomic_load((_Atomic uint32_t *)&board->points[point].passed);
}

void board_arm(struct stop_board *board, size_t point, pid_t whose)
{
	atomic_store(&board->whose, whose);
	atomic_store(&board->left, 1);
	atomic_store(&board->armed, point + 1);
}

pid_t board_wait(struct stop_board *board, int ms)
{
	const struct timespec tick = { .tv_nsec = 10000000 };

	for (; ms > 0 && atomic_load(&board->state) == STOP_FREE; ms -= 10)
		syscall(SYS_futex, &board->state, FUTEX_WAIT, STOP_FREE, &tick, NULL, 0);
	return atomic_load(&board->state) == STOP_HELD ? (pid_t)board->pid : 0;
}

void board_free(struct stop_board *board)
{
	atomic_store(&board->armed, 0);
	atomic_store(&board->state, STOP_FREE);
	syscall(SYS_futex, &board->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}
