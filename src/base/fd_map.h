/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which numbers of this process's fd table are open: a picture of one moment.
 */
#ifndef BASE_FD_MAP_H
#define BASE_FD_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct fd_map {
	bool *open;
	size_t n; /* numbers from here on are closed */
};

/* take the picture; needs /proc. Return: 0 or a negative error. */
int fd_map_read(struct fd_map *ret);
void fd_map_deinit(struct fd_map *map);

static inline bool fd_map_has(const struct fd_map *map, int fd)
{
	return fd >= 0 && (size_t)fd < map->n && map->open[fd];
}

/* take @fd off the picture; one that is not on it is let be */
static inline void fd_map_remove(struct fd_map *map, int fd)
{
	if (fd_map_has(map, fd))
		map->open[fd] = false;
}

#endif
