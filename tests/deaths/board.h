/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The test's side of base/stop_point.h. A test fails hard (tap_bail) where the board can't be used.
 */
#ifndef DEATHS_BOARD_H
#define DEATHS_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stop_board;

struct stop_board *board_map(const char *path);

size_t board_points(const struct stop_board *board);
const char *board_name(const struct stop_board *board, size_t point);
uint32_t board_passed(const struct stop_board *board, size_t point);

/* hold who next passes @point in the work for thread @whose */
void board_arm(struct stop_board *board, size_t point, pid_t whose);

/* the process that is held, or 0 where nobody has come within @ms */
pid_t board_wait(struct stop_board *board, int ms);

/* arm nothing, hold nobody */
void board_free(struct stop_board *board);

#endif
