// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cusion.h"

const char *human(char *text, size_t size, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double n = bytes;
	size_t unit = 0;

	for (; n >= 1024 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
		n /= 1024;
	snprintf(text, size, n == (uint64_t)n ? "%.0f %s" : "%.1f %s", n, units[unit]);
	return text;
}

bool cusion_has_colours(void)
{
	const char *no = getenv("NO_COLOR");

	return (!no || !no[0]) && isatty(STDOUT_FILENO);
}
