/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict parsing: the whole text or -EINVAL; out of range is -ERANGE; no blanks, no signs, no
 * octal.
 */
#ifndef BASE_PARSE_H
#define BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* decimal, or hexadecimal with 0x */
int parse_u64(uint64_t *ret, const char *text);
int parse_u32(uint32_t *ret, const char *text);

/* bytes with an optional K, M, G or T (powers of 1024) */
int parse_size(uint64_t *ret, const char *text);

/* yes/no, true/false, on/off, 1/0 */
int parse_bool(bool *ret, const char *text);

/*
 * The next of the words that stand in *@text with blanks (or tabs) between them; *@text moves
 * behind it. Return: 1, 0 where there is none, or -ERANGE: it is longer than @size - 1 bytes.
 */
int parse_word(char *word, size_t size, const char **text);

#endif
