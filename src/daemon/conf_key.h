/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kinds of section of the configuration file have in common: a table of keys, each with
 * its reader, and the lines that they stood in.
 */
#ifndef DAEMON_CONF_KEY_H
#define DAEMON_CONF_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

enum {
	CONF_KEYS_MAX = 16, /* of one kind of section */
};

/* 0, or a negative error: then *hint says what would be right */
typedef int conf_reader(void *object, const char *value, const char **hint);

struct conf_key {
	const char *name;
	conf_reader *read;
};

/* a table's index is the key's number */
struct conf_keys {
	const struct conf_key *keys;
	size_t n;
};

/* where a section stands in the file; 0: it, or the key, doesn't */
struct conf_lines {
	int section;
	int keys[CONF_KEYS_MAX];
};

/* the first error that was found */
struct conf_fault {
	int line; /* 0: none */
	char text[256];
};

/* keeps the fault where it is the first. Return: -EINVAL. */
int conf_fault_set(struct conf_fault *fault, int line, const char *format, ...) _printf_(3, 4);

/* bytes; `none` is 0 */
int conf_read_limit(uint64_t *ret, const char *value);

/* what may name an area or a heap: less than @size bytes of those that a file name may have */
#define CONF_NAME_HINT "at most 31 letters, digits and _,+@.-"
bool conf_is_name(const char *text, size_t size);

/* a size as people write it */
#define CONF_SIZE_TEXT 32
const char *conf_size_text(char text[CONF_SIZE_TEXT], uint64_t size);

#endif
