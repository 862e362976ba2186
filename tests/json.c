// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * json WORD...: prints what a JSON text on standard input has there. A word names an object's
 * member, or that object of an array whose "name" it is. Fails where there is no such thing, or the
 * text is not one JSON value.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct json_object *read_all(void)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;
	static char text[4 << 20];
	size_t n = fread(text, 1, sizeof(text), stdin);

	while (n && text[n - 1] == '\n')
		n--;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, n);
	if (json_tokener_get_parse_end(tokener) != n) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

static struct json_object *member(struct json_object *object, const char *word)
{
	struct json_object *one, *name;

	if (json_object_is_type(object, json_type_object))
		return json_object_object_get(object, word);
	if (!json_object_is_type(object, json_type_array))
		return NULL;
	for (size_t i = 0; i < json_object_array_length(object); i++) {
		one = json_object_array_get_idx(object, i);
		name = json_object_object_get(one, "name");
		if (name && !strcmp(json_object_get_string(name), word))
			return one;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct json_object *whole = read_all(), *object = whole;

	for (int i = 1; object && i < argc; i++)
		object = member(object, argv[i]);
	if (object)
		puts(json_object_get_string(object));
	json_object_put(whole);
	return object ? EXIT_SUCCESS : EXIT_FAILURE;
}
