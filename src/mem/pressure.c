// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The kernel would also wake us (a trigger on /proc/pressure/memory), but lets a service without
 * privileges have that from 6.5 on only, and what is pooled is little: a look by a timer will do.
 */
#include "mem/pressure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

#define AVAILABLE_SHARE 16u
#define STALLED_PERCENT 10.0

/* a line of /proc/meminfo, in KiB; 0: there is none */
static uint64_t meminfo_field(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	uint64_t kib = 0;

	return at && sscanf(at + strlen(name), " %" SCNu64 " kB", &kib) == 1 ? kib : 0;
}

uint64_t pressure_spare(void)
{
	uint64_t floor, available;
	char text[1024]; /* the first lines */

	if (file_read_text("/proc/meminfo", text, sizeof(text)) < 0 ||
	    !strstr(text, "MemAvailable:"))
		return UINT64_MAX;
	floor = meminfo_field(text, "MemTotal:") / AVAILABLE_SHARE;
	available = meminfo_field(text, "MemAvailable:");
	return available > floor ? (available - floor) << 10 : 0;
}

static bool tasks_wait_for_memory(void)
{
	char text[256];
	double percent;

	return file_read_text("/proc/pressure/memory", text, sizeof(text)) == 0 &&
	       sscanf(text, "some avg10=%lf", &percent) == 1 && percent > STALLED_PERCENT;
}

bool pressure_is_high(void)
{
	return !pressure_spare() || tasks_wait_for_memory();
}
