/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A table for people: as wide as what stands in it, numbers to the right, titles bold on a
 * terminal.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct table;

/* @titles, @n of them, live as long as the table; one that begins with '>' has numbers below. Ends
 * the program where there is no memory, as table_cell() does. */
struct table *table_new(const char *const *titles, size_t n);
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free);

/* the next cell, row by row; what could not be printed is shown as '?' */
void table_cell(struct table *table, const char *format, ...) _printf_(2, 3);
void table_size(struct table *table, uint64_t bytes); /* as people write it; 0 is "-" */

/* on stdout; without a row, nothing */
void table_print(const struct table *table);

#endif
