// SPDX-License-Identifier: LGPL-2.1-or-later
#include "held.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "tap.h"

enum { TRIES = 200, TRY_MS = 50 };

int64_t held_bytes(const char *command)
{
	FILE *f = command ? popen(command, "re") : NULL;
	int64_t bytes = -1;

	if (!f)
		tap_bail("-c has to be a command");
	if (fscanf(f, "%" SCNd64, &bytes) != 1 || pclose(f) || bytes < 0)
		tap_bail("%s prints no number of bytes", command);
	return bytes;
}

bool held_becomes(const char *command, int64_t bytes)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000l };
	int64_t seen = -1;

	for (int i = 0; i < TRIES; i++) {
		seen = held_bytes(command);
		if (seen == bytes)
			return true;
		nanosleep(&pause, NULL);
	}
	tap_diag("the service holds %" PRId64 " bytes, and not %" PRId64, seen, bytes);
	return false;
}
