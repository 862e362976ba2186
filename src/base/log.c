// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning", [LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",   [LOG_LEVEL_DEBUG] = "debug",
};

static enum log_level log_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	log_level = level;
}

bool log_wants(enum log_level level)
{
	return level <= log_level;
}

int log_level_parse(enum log_level *ret, const char *name)
{
	for (size_t i = LOG_LEVEL_ERROR; i < ARRAY_SIZE(level_names); i++) {
		if (!strcmp(level_names[i], name)) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

/* one write(2) per line: lines of several processes on one pipe don't mix */
void log_line(enum log_level level, const char *topic, const char *format, ...)
{
	char line[1024];
	va_list args;
	int n, m;

	if (getenv("JOURNAL_STREAM"))
		n = snprintf(line, sizeof(line), "<%d>%s: ", level, topic);
	else
		n = snprintf(line, sizeof(line), "%s: %s: %s: ", program_invocation_short_name,
			     level_names[level], topic);

	va_start(args, format);
	m = vsnprintf(line + n, sizeof(line) - n - 1, format, args);
	va_end(args);
	n = MIN((size_t)n + MAX(m, 0), sizeof(line) - 2);
	line[n++] = '\n';

	if (write(STDERR_FILENO, line, n) < 0)
		return; /* nobody left to tell */
}
