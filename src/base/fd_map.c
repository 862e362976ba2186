// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * By asking for each number that the table has room for: a folder's entries (/proc/self/fd) take
 * system calls that a filter may not let through.
 */
#include "base/fd_map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"

int fd_map_read(struct fd_map *ret)
{
	const char *line;
	char text[4096];
	size_t n;
	int r;

	r = file_read_text("/proc/self/status", text, sizeof(text));
	if (r < 0)
		return err_origin(r);
	line = strstr(text, "\nFDSize:");
	if (!line || sscanf(line, "\nFDSize: %zu", &n) != 1)
		return err_origin(-EPROTO);
	ret->open = calloc(n, sizeof(*ret->open));
	if (!ret->open)
		return err_origin(-ENOMEM);
	ret->n = n;
	for (size_t fd = 0; fd < n; fd++)
		ret->open[fd] = fcntl(fd, F_GETFD) >= 0;
	return 0;
}

void fd_map_deinit(struct fd_map *map)
{
	free(map->open);
	*map = (struct fd_map){ 0 };
}
