// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/conf_check.h"
#include "daemon/conf_device.h"

struct conf_parse {
	const char *path;
	FILE *file;
	int line; /* of the text that inih has last read: its handler isn't told */
	struct conf_parts parts;
	struct conf_lines cusiond, device;
	struct conf_fault fault;

	/* the section that the line is in */
	char section[64]; /* what stands in the brackets; "": none yet */
	const struct conf_keys *keys;
	void *object;
	struct conf_lines *lines;
};

/* ---- sections ---- */

static struct conf_area *find_area(struct conf_parse *parse, const char *name)
{
	struct conf_parts *parts = &parse->parts;
	struct conf_area *area;

	for (size_t i = 0; i < parts->n_areas; i++) {
		if (!strcmp(parts->areas[i].settings.name, name))
			return &parts->areas[i];
	}
	if (parts->n_areas == AREAS_MAX)
		return NULL;
	area = &parts->areas[parts->n_areas++];
	conf_area_init(area, name);
	return area;
}

static struct conf_heap *find_heap(struct conf_parse *parse, const char *name)
{
	struct conf_parts *parts = &parse->parts;
	struct conf_heap *heap;

	for (size_t i = 0; i < parts->n_heaps; i++) {
		if (!strcmp(parts->heaps[i].settings.name, name))
			return &parts->heaps[i];
	}
	if (parts->n_heaps == CONF_HEAPS_MAX)
		return NULL;
	heap = &parts->heaps[parts->n_heaps++];
	conf_heap_init(heap, name);
	return heap;
}

/* what the keys from here on are about: NULL where there is room for no more of the kind */
static void conf_enter(struct conf_parse *parse, const struct conf_keys *keys, void *object,
		       struct conf_lines *lines)
{
	parse->keys = keys;
	parse->object = object;
	parse->lines = lines;
	if (!object)
		conf_fault_set(&parse->fault, parse->line, "[%s]: too many sections of this kind",
			       parse->section);
	else if (lines->section)
		conf_fault_set(&parse->fault, parse->line,
			       "[%s]: repeated section (it stands in line %d already)",
			       parse->section, lines->section);
	else
		lines->section = parse->line;
}

static void conf_enter_area(struct conf_parse *parse, const char *name)
{
	struct conf_area *area;

	if (!conf_is_name(name, AREA_NAME_SIZE)) {
		conf_fault_set(&parse->fault, parse->line, "[%s]: bad name (" CONF_NAME_HINT ")",
			       parse->section);
		return;
	}
	area = find_area(parse, name);
	conf_enter(parse, &conf_area_keys, area, area ? &area->lines : NULL);
}

static void conf_enter_heap(struct conf_parse *parse, const char *name)
{
	struct conf_heap *heap;

	if (!conf_is_name(name, HEAP_NAME_SIZE)) {
		conf_fault_set(&parse->fault, parse->line, "[%s]: bad name (" CONF_NAME_HINT ")",
			       parse->section);
		return;
	}
	heap = find_heap(parse, name);
	conf_enter(parse, &conf_heap_keys, heap, heap ? &heap->lines : NULL);
}

/* @text starts with a bracket; where there is none to end it, inih says so */
static void conf_section(struct conf_parse *parse, const char *text)
{
	struct settings *settings = &parse->parts.settings;
	const char *end = strchr(text, ']');
	char *name = parse->section;
	size_t n;

	if (!end || parse->fault.line)
		return;
	n = MIN((size_t)(end - text - 1), sizeof(parse->section) - 1);
	memcpy(name, text + 1, n);
	name[n] = '\0';
	parse->keys = NULL;
	if (!strcmp(name, "cusiond"))
		conf_enter(parse, &conf_cusiond_keys, settings, &parse->cusiond);
	else if (!strcmp(name, "device ion"))
		conf_enter(parse, &conf_device_keys, settings, &parse->device);
	else if (!strcmp(name, "device dma_heap"))
		conf_enter(parse, &conf_dma_heap_keys, settings, &parse->parts.dma_heap);
	else if (!strncmp(name, "area ", 5))
		conf_enter_area(parse, name + 5);
	else if (!strncmp(name, "heap ", 5))
		conf_enter_heap(parse, name + 5);
	else
		conf_fault_set(&parse->fault, parse->line,
			       "[%s]: unknown section (cusiond.conf(5) lists them)", name);
}

/* ---- keys ---- */

static const struct conf_key *conf_find(const struct conf_keys *keys, const char *name)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (!strcmp(keys->keys[i].name, name))
			return &keys->keys[i];
	}
	return NULL;
}

static int conf_set(struct conf_parse *parse, const char *name, const char *value)
{
	const struct conf_key *key;
	const char *hint = "";
	int *line;

	if (!parse->keys)
		return conf_fault_set(&parse->fault, parse->line,
				      "%s: before the first section (like [cusiond])", name);
	key = conf_find(parse->keys, name);
	if (!key)
		return conf_fault_set(&parse->fault, parse->line,
				      "[%s] %s: unknown key (cusiond.conf(5) lists them)",
				      parse->section, name);
	line = &parse->lines->keys[key - parse->keys->keys];
	if (*line)
		return conf_fault_set(&parse->fault, parse->line,
				      "[%s] %s: repeated key (it stands in line %d already)",
				      parse->section, name, *line);
	*line = parse->line;
	if (!value || key->read(parse->object, value, &hint) < 0)
		return conf_fault_set(&parse->fault, parse->line, "[%s] %s: bad value (%s)",
				      parse->section, name, hint);
	return 0;
}

/* Return: as inih wants it: 0 for a fault, or 1 */
static int conf_pair(void *user, const char *section, const char *name, const char *value)
{
	struct conf_parse *parse = user;

	return !parse->fault.line && conf_set(parse, name, value) == 0;
}

/* ---- lines ---- */

/* reads one whole line; @text has what fits of it. Return: its length, or -1 at the end. */
static ssize_t conf_read_line(struct conf_parse *parse, char *text, size_t size)
{
	size_t n = 0;
	int c;

	while ((c = getc(parse->file)) != EOF && c != '\n') {
		if (n < size - 1)
			text[n] = c;
		if (!c) /* inih would see the end there */
			conf_fault_set(&parse->fault, parse->line, "a NUL byte in the line");
		n++;
	}
	text[MIN(n, size - 1)] = '\0';
	return c == EOF && !n ? -1 : (ssize_t)n;
}

/*
 * fgets() that counts the lines and never cuts one; a comment may be of any length. It also tells
 * where a section starts, as inih's handler hears of keys only.
 */
static char *conf_line(char *text, int size, void *stream)
{
	static const char byte_order_mark[] = "\xEF\xBB\xBF";
	struct conf_parse *parse = stream;
	const char *start = text;
	size_t blanks;
	ssize_t n;

	parse->line++;
	n = conf_read_line(parse, text, size);
	if (n < 0)
		return NULL;
	if (parse->line == 1 && !strncmp(text, byte_order_mark, 3))
		start += 3;
	blanks = strspn(start, " \t\r\v\f");
	if (n >= size && start[blanks] != ';' && start[blanks] != '#') {
		conf_fault_set(&parse->fault, parse->line, "the line is too long");
		text[0] = '\0';
	} else if (blanks && start[blanks] == '[') {
		conf_fault_set(&parse->fault, parse->line, "blanks before a section");
	} else if (start[0] == '[') {
		conf_section(parse, start);
	}
	return text;
}

/* inih gives stream and user apart; both are the parse */
static int conf_parse(struct conf_parse *parse)
{
	int r;

	parse->file = fopen(parse->path, "re");
	if (!parse->file) {
		r = -errno;
		fprintf(stderr, "cusiond: %s: can't be read: %s\n", parse->path, strerror(-r));
		return r;
	}
	r = ini_parse_stream(conf_line, parse, conf_pair, parse);
	fclose(parse->file);

	/* both read on after an error: the first line is the one to mend */
	if (r && (!parse->fault.line || (r > 0 && r < parse->fault.line))) {
		parse->fault.line = 0;
		conf_fault_set(&parse->fault, MAX(r, 1), "neither [section] nor key = value");
	}
	if (!parse->fault.line)
		conf_check(&parse->parts, &parse->fault);
	if (!parse->fault.line)
		return 0;
	fprintf(stderr, "cusiond: %s:%d: %s\n", parse->path, parse->fault.line, parse->fault.text);
	return -EINVAL;
}

int conf_read(struct settings *settings, const char *path)
{
	_cleanup_(freep) struct conf_parse *parse = NULL;
	int r;

	parse = calloc(1, sizeof(*parse));
	if (!parse)
		return -ENOMEM;
	parse->path = path;
	conf_parts_init(&parse->parts, settings);
	r = conf_parse(parse);
	if (r == 0)
		*settings = parse->parts.settings;
	return r;
}
