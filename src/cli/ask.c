// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/fd.h"
#include "cli/cusion.h"

#define ANSWER_MAX (64 << 10)

static const char *control_path(void)
{
	const char *path = getenv("CUSION_CONTROL");

	return path ? path : CUSION_RUNDIR "/control";
}

static int control_connect(int *ret_fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = 5 };
	_cleanup_(fd_closep) int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*ret_fd = fd_steal(&fd);
	return 0;
}

/* @keys: further members of the request, each after a comma */
static int control_ask_with(struct json_object **ret, const char *verb, const char *keys)
{
	_cleanup_(fd_closep) int fd = -1;
	_cleanup_(freep) char *text = malloc(ANSWER_MAX + 1);
	char request[128];
	ssize_t n;
	int r;

	if (!text)
		return -ENOMEM;
	r = control_connect(&fd, control_path());
	if (r < 0)
		return r;
	n = snprintf(request, sizeof(request), "{\"verb\":\"%s\"%s}", verb, keys);
	if (send(fd, request, n, MSG_NOSIGNAL) < 0 || (n = recv(fd, text, ANSWER_MAX, 0)) <= 0)
		return -ETIMEDOUT;
	text[n] = '\0';
	*ret = json_tokener_parse(text);
	return *ret ? 0 : -EBADMSG;
}

int control_ask(struct json_object **ret, const char *verb)
{
	return control_ask_with(ret, verb, "");
}

static int cusion_ask_with(struct json_object **ret, const char *verb, const char *keys)
{
	struct json_object *answer, *error;
	int r;

	r = control_ask_with(&answer, verb, keys);
	if (r == -ETIMEDOUT || r == -EBADMSG) {
		fprintf(stderr, "cusion: the service %s\n",
			r == -ETIMEDOUT ? "does not answer" : "answers what is no JSON");
		return EXIT_FAILURE;
	}
	if (r < 0) {
		fprintf(stderr, "cusion: no service answers on %s: %s\n", control_path(),
			strerror(-r));
		fprintf(stderr, "cusion: start it by 'systemctl start cusiond', or cusiond(8); "
				"'cusion doctor' says what it lacks\n");
		return EXIT_NO_SERVICE;
	}
	if (json_object_object_get_ex(answer, "error", &error)) {
		fprintf(stderr, "cusion: %s: %s\n", verb, json_object_get_string(error));
		json_object_put(answer);
		return EXIT_FAILURE;
	}
	*ret = answer;
	return 0;
}

int cusion_ask(struct json_object **ret, const char *verb)
{
	return cusion_ask_with(ret, verb, "");
}

/* a further page: its entries go behind those of the ones before, whose "after" it has or not */
static void list_join(struct json_object *list, struct json_object *page, const char *key)
{
	struct json_object *entries = answer_member(list, key), *entry, *after;

	for (size_t i = 0; (entry = answer_entry(page, key, i)); i++)
		json_object_array_add(entries, json_object_get(entry));
	json_object_object_add(
		list, "others",
		json_object_new_uint64(answer_u64(list, "others") + answer_u64(page, "others")));
	after = answer_member(page, "after");
	if (after)
		json_object_object_add(list, "after", json_object_get(after));
	else
		json_object_object_del(list, "after");
}

int cusion_ask_list(struct json_object **ret, const char *verb, const char *key)
{
	struct json_object *list, *page;
	char keys[96];
	int r;

	r = cusion_ask_with(&list, verb, key);
	if (r)
		return r;
	while (answer_member(list, "after")) {
		snprintf(keys, sizeof(keys), "%s,\"after\":\"%.16s\"", key,
			 answer_text(list, "after"));
		r = cusion_ask_with(&page, verb, keys);
		if (r) {
			json_object_put(list);
			return r;
		}
		list_join(list, page, verb);
		json_object_put(page);
	}
	*ret = list;
	return 0;
}

struct json_object *answer_member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, key, &value);
	return value;
}

struct json_object *answer_entry(struct json_object *object, const char *key, size_t i)
{
	struct json_object *entries = answer_member(object, key);

	return entries && json_object_is_type(entries, json_type_array)
		       ? json_object_array_get_idx(entries, i)
		       : NULL;
}

uint64_t answer_u64(struct json_object *object, const char *key)
{
	return json_object_get_uint64(answer_member(object, key));
}

const char *answer_text(struct json_object *object, const char *key)
{
	return json_object_get_string(answer_member(object, key)) ?: "";
}

void answer_print(struct json_object *answer)
{
	puts(json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PRETTY |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
}

void answer_print_others(struct json_object *answer)
{
	uint64_t n = answer_u64(answer, "others");

	if (n)
		printf("%" PRIu64 " of others not shown\n", n);
}
