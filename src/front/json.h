/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of the control protocol's answers. */
#ifndef FRONT_JSON_H
#define FRONT_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

static inline void put_u64(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_uint64(value));
}

static inline void put_bool(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

static inline void put_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static inline struct json_object *answer_error(const char *error)
{
	struct json_object *answer = json_object_new_object();

	put_text(answer, "error", error);
	return answer;
}

#endif
