// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/conf_check.h"

#include <stdio.h>
#include <string.h>

/* ---- who has an id or a name: the line that says so, 0 for what is built in ---- */

static uint32_t ids_of(const struct conf_heap *heap)
{
	return 1u << heap->settings.id | heap->settings.alias_ids;
}

static const char *id_key(const struct conf_heap *heap, uint32_t id)
{
	return heap->settings.id == id ? "id" : "alias-ids";
}

static int id_line(const struct conf_heap *heap, uint32_t id)
{
	return heap->lines.keys[heap->settings.id == id ? HEAP_KEY_ID : HEAP_KEY_ALIAS_IDS];
}

static bool has_alias_name(const struct conf_heap *heap, const char *name)
{
	for (size_t i = 0; i < heap->settings.n_alias_names; i++) {
		if (!strcmp(heap->settings.alias_names[i], name))
			return true;
	}
	return false;
}

static bool has_name(const struct conf_heap *heap, const char *name)
{
	return !strcmp(heap->settings.name, name) || has_alias_name(heap, name);
}

static const char *name_key(const struct conf_heap *heap, const char *name)
{
	return strcmp(heap->settings.name, name) ? "alias-names" : "name";
}

static int name_line(const struct conf_heap *heap, const char *name)
{
	return strcmp(heap->settings.name, name) ? heap->lines.keys[HEAP_KEY_ALIAS_NAMES]
						 : heap->lines.section;
}

/* ---- built-in aliases give way ---- */

static bool is_claimed(const struct conf_parts *parts, const struct conf_heap *but,
		       const char *name)
{
	for (size_t i = 0; i < parts->n_heaps; i++) {
		const struct conf_heap *heap = &parts->heaps[i];

		if (heap == but || heap->removed)
			continue;
		if (!strcmp(heap->settings.name, name))
			return true;
		if (heap->lines.keys[HEAP_KEY_ALIAS_NAMES] && has_alias_name(heap, name))
			return true;
	}
	return false;
}

static void yield_names(const struct conf_parts *parts, struct conf_heap *heap)
{
	struct heap_settings *settings = &heap->settings;
	size_t n = 0;

	for (size_t i = 0; i < settings->n_alias_names; i++) {
		if (is_claimed(parts, heap, settings->alias_names[i]))
			continue;
		if (n < i)
			strcpy(settings->alias_names[n], settings->alias_names[i]);
		n++;
	}
	settings->n_alias_names = n;
}

static void yield_ids(const struct conf_parts *parts, struct conf_heap *heap)
{
	for (size_t i = 0; i < parts->n_heaps; i++) {
		const struct conf_heap *other = &parts->heaps[i];

		if (other->removed)
			continue;
		heap->settings.alias_ids &= ~(1u << other->settings.id);
		if (other->lines.keys[HEAP_KEY_ALIAS_IDS])
			heap->settings.alias_ids &= ~other->settings.alias_ids;
	}
}

/* ---- nobody else has it ---- */

/* the one that comes later in the file is the one to mend */
static int say_taken(struct conf_fault *fault, const struct conf_heap *late, int late_line,
		     const char *key, const char *what, const struct conf_heap *early,
		     int early_line)
{
	char where[32] = "built in";

	if (early_line)
		snprintf(where, sizeof(where), "in line %d", early_line);
	return conf_fault_set(fault, late_line, "[heap %s] %s: %s is taken (by [heap %s], %s)",
			      late->settings.name, key, what, early->settings.name, where);
}

static int check_two_ids(const struct conf_heap *a, const struct conf_heap *b,
			 struct conf_fault *fault)
{
	uint32_t both = ids_of(a) & ids_of(b), id;
	int line_a, line_b;
	char what[16];

	if (!both)
		return 0;
	id = __builtin_ctz(both);
	line_a = id_line(a, id);
	line_b = id_line(b, id);
	snprintf(what, sizeof(what), "%u", id);
	if (line_a > line_b)
		return say_taken(fault, a, line_a, id_key(a, id), what, b, line_b);
	return say_taken(fault, b, line_b, id_key(b, id), what, a, line_a);
}

static int check_two_names(const struct conf_heap *a, const struct conf_heap *b,
			   struct conf_fault *fault)
{
	for (size_t i = 0; i < a->settings.n_alias_names; i++) {
		const char *name = a->settings.alias_names[i];
		int line_a = name_line(a, name), line_b = name_line(b, name);

		if (!has_name(b, name))
			continue;
		if (line_a > line_b)
			return say_taken(fault, a, line_a, name_key(a, name), name, b, line_b);
		return say_taken(fault, b, line_b, name_key(b, name), name, a, line_a);
	}
	return 0;
}

static int check_own(const struct conf_heap *heap, struct conf_fault *fault)
{
	const struct heap_settings *settings = &heap->settings;

	if (settings->alias_ids & 1u << settings->id)
		return conf_fault_set(
			fault,
			MAX(heap->lines.keys[HEAP_KEY_ID], heap->lines.keys[HEAP_KEY_ALIAS_IDS]),
			"[heap %s] alias-ids: %u is the heap's own id (leave it out)",
			settings->name, settings->id);
	for (size_t i = 0; i < settings->n_alias_names; i++) {
		const char *name = settings->alias_names[i];
		bool twice = !strcmp(name, settings->name);

		for (size_t k = 0; k < i; k++)
			twice = twice || !strcmp(name, settings->alias_names[k]);
		if (twice)
			return conf_fault_set(
				fault, heap->lines.keys[HEAP_KEY_ALIAS_NAMES],
				"[heap %s] alias-names: the heap has the name %s already "
				"(leave it out)",
				settings->name, name);
	}
	return 0;
}

static int check_pairs(const struct conf_parts *parts, size_t i, struct conf_fault *fault)
{
	const struct conf_heap *heap = &parts->heaps[i];
	int r;

	r = check_own(heap, fault);
	for (size_t k = 0; k < parts->n_heaps && r == 0; k++) {
		const struct conf_heap *other = &parts->heaps[k];

		if (k == i || other->removed)
			continue;
		r = check_two_ids(heap, other, fault);
		if (r == 0)
			r = check_two_names(heap, other, fault);
	}
	return r;
}

int conf_check_ids(struct conf_parts *parts, struct conf_fault *fault)
{
	int r = 0;

	for (size_t i = 0; i < parts->n_heaps; i++) {
		struct conf_heap *heap = &parts->heaps[i];

		if (!heap->lines.keys[HEAP_KEY_ALIAS_IDS])
			yield_ids(parts, heap);
		if (!heap->lines.keys[HEAP_KEY_ALIAS_NAMES])
			yield_names(parts, heap);
	}
	for (size_t i = 0; i < parts->n_heaps && r == 0; i++) {
		if (!parts->heaps[i].removed)
			r = check_pairs(parts, i, fault);
	}
	return r;
}
