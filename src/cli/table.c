// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cusion.h"

struct table {
	const char *const *titles;
	size_t n_columns;
	char **cells;
	size_t n_cells, capacity;
};

static void *need(void *memory)
{
	if (memory)
		return memory;
	fputs("cusion: out of memory\n", stderr);
	exit(EXIT_FAILURE);
}

struct table *table_new(const char *const *titles, size_t n)
{
	struct table *table = need(calloc(1, sizeof(*table)));

	table->titles = titles;
	table->n_columns = n;
	return table;
}

struct table *table_free(struct table *table)
{
	if (!table)
		return NULL;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
	return NULL;
}

/* a process may call itself what it likes, and a terminal obeys what it is shown */
static void tame(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f)
			*text = '?';
}

void table_cell(struct table *table, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	if (table->n_cells == table->capacity) {
		table->capacity = table->capacity * 2 ?: 64;
		table->cells =
			need(reallocarray(table->cells, table->capacity, sizeof(table->cells[0])));
	}
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	tame(need(text));
	table->cells[table->n_cells++] = text;
}

void table_size(struct table *table, uint64_t bytes)
{
	char text[32];

	table_cell(table, "%s", bytes ? human(text, sizeof(text), bytes) : "-");
}

static bool is_number(const struct table *table, size_t column)
{
	return table->titles[column][0] == '>';
}

static const char *title(const struct table *table, size_t column)
{
	return table->titles[column] + is_number(table, column);
}

static int width(const struct table *table, size_t column)
{
	size_t most = strlen(title(table, column));

	for (size_t i = column; i < table->n_cells; i += table->n_columns)
		most = MAX(most, strlen(table->cells[i]));
	return most;
}

static void print_cell(const struct table *table, size_t column, int columns, const char *text)
{
	const char *gap = column ? "  " : "";

	if (is_number(table, column))
		printf("%s%*s", gap, columns, text);
	else if (column == table->n_columns - 1)
		printf("%s%s", gap, text); /* no blanks at the end */
	else
		printf("%s%-*s", gap, columns, text);
}

void table_print(const struct table *table)
{
	bool bold = cusion_has_colours();
	_cleanup_(freep) int *widths = need(calloc(table->n_columns, sizeof(*widths)));

	if (!table->n_cells)
		return;
	for (size_t i = 0; i < table->n_columns; i++)
		widths[i] = width(table, i);
	fputs(bold ? "\033[1m" : "", stdout);
	for (size_t i = 0; i < table->n_columns; i++)
		print_cell(table, i, widths[i], title(table, i));
	puts(bold ? "\033[0m" : "");
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t column = i % table->n_columns;

		print_cell(table, column, widths[column], table->cells[i]);
		if (column == table->n_columns - 1)
			putchar('\n');
	}
}
