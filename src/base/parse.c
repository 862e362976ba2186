// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* the number at the start of @text, and where it ends */
static int parse_number(uint64_t *ret, const char *text, const char **rest)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	char *end;

	if (hex ? !isxdigit((unsigned char)text[2]) : !isdigit((unsigned char)text[0]))
		return -EINVAL;

	errno = 0;
	*ret = strtoull(text, &end, hex ? 16 : 10);
	if (errno)
		return -errno;
	*rest = end;
	return 0;
}

int parse_u64(uint64_t *ret, const char *text)
{
	const char *rest;
	uint64_t n;
	int r;

	r = parse_number(&n, text, &rest);
	if (r < 0)
		return r;
	if (*rest)
		return -EINVAL;
	*ret = n;
	return 0;
}

int parse_u32(uint32_t *ret, const char *text)
{
	uint64_t n;
	int r;

	r = parse_u64(&n, text);
	if (r < 0)
		return r;
	if (n > UINT32_MAX)
		return -ERANGE;
	*ret = n;
	return 0;
}

int parse_size(uint64_t *ret, const char *text)
{
	static const char units[] = "KMGT";
	unsigned int shift = 0;
	const char *rest, *unit;
	uint64_t n;
	int r;

	r = parse_number(&n, text, &rest);
	if (r < 0)
		return r;
	if (*rest) {
		unit = strchr(units, *rest);
		if (!unit || rest[1])
			return -EINVAL;
		shift = 10 * (unit - units + 1);
	}
	if (n > UINT64_MAX >> shift)
		return -ERANGE;
	*ret = n << shift;
	return 0;
}

int parse_bool(bool *ret, const char *text)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!strcmp(text, yes[i]) || !strcmp(text, no[i])) {
			*ret = !strcmp(text, yes[i]);
			return 0;
		}
	}
	return -EINVAL;
}

int parse_word(char *word, size_t size, const char **text)
{
	static const char blanks[] = " \t";
	const char *start = *text + strspn(*text, blanks);
	size_t n = strcspn(start, blanks);

	if (n >= size)
		return -ERANGE;
	memcpy(word, start, n);
	word[n] = '\0';
	*text = start + n;
	return n > 0;
}
