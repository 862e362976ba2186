// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/conf_key.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

int conf_fault_set(struct conf_fault *fault, int line, const char *format, ...)
{
	va_list args;

	if (fault->line)
		return -EINVAL;
	fault->line = line;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return -EINVAL;
}

int conf_read_limit(uint64_t *ret, const char *value)
{
	if (strcmp(value, "none"))
		return parse_size(ret, value);
	*ret = 0;
	return 0;
}

bool conf_is_name(const char *text, size_t size)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_,+@.-";
	size_t n = strlen(text);

	return n && n < size && text[0] != '.' && text[0] != '-' && strspn(text, good) == n;
}

const char *conf_size_text(char text[CONF_SIZE_TEXT], uint64_t size)
{
	static const char units[] = "KMGT";
	const char *unit = "";

	for (size_t i = 0; units[i] && size && !(size & 1023); i++) {
		size >>= 10;
		unit = &units[i];
	}
	snprintf(text, CONF_SIZE_TEXT, "%llu%.1s", (unsigned long long)size, unit);
	return text;
}
