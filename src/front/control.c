// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A peer may be anybody: it is read only when it has room for the answer, at most CONTROL_PEERS_MAX
 * are served, and the oldest makes way for a further one.
 */
#include "front/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/log.h"
#include "front/check.h"
#include "front/json.h"

enum { CONTROL_PEERS_MAX = 32 };

struct control {
	struct control_config config;
	struct loop_poll listen;
	struct list peers; /* oldest first */
	size_t n_peers;
};

struct peer {
	struct control *control;
	struct list link; /* control.peers */
	struct loop_poll poll;
	struct ucred cred;
	gid_t *groups; /* the supplementary ones */
	size_t n_groups;
	int fd;
};

static struct peer *peer_free(struct peer *peer)
{
	loop_poll_remove(&peer->poll);
	list_remove(&peer->link);
	peer->control->n_peers--;
	fd_close(peer->fd);
	free(peer->groups);
	free(peer);
	return NULL;
}

/* ---- the verbs ---- */

typedef struct json_object *control_verb(struct control *control, const struct peer *peer,
					 struct json_object *request);

static struct json_object *status_heaps(const struct service_totals *totals)
{
	struct json_object *heaps = json_object_new_array();

	for (size_t i = 0; i < totals->n_heaps; i++) {
		struct json_object *heap = json_object_new_object();

		put_text(heap, "name", totals->heaps[i].info.name);
		put_u64(heap, "id", totals->heaps[i].info.id);
		put_u64(heap, "type", totals->heaps[i].info.type);
		put_u64(heap, "buffers", totals->heaps[i].buffers);
		put_u64(heap, "bytes", totals->heaps[i].bytes);
		json_object_array_add(heaps, heap);
	}
	return heaps;
}

static struct json_object *verb_status(struct control *control, const struct peer *peer,
				       struct json_object *request)
{
	const struct dispatch_counters *counters = &control->config.dispatch->counters;
	struct json_object *answer = json_object_new_object();
	struct json_object *nodes = json_object_new_array();
	struct service_totals totals;

	service_look(control->config.dispatch->config.service);
	service_totals(control->config.dispatch->config.service, &totals);
	for (size_t i = 0; i < control->config.n_nodes; i++)
		json_object_array_add(nodes, json_object_new_string(control->config.nodes[i]));

	put_text(answer, "version", PACKAGE_VERSION);
	json_object_object_add(answer, "nodes", nodes);
	put_text(answer, "exporter", control->config.exporter);
	put_u64(answer, "clients", totals.clients);
	put_u64(answer, "buffers", totals.buffers);
	put_u64(answer, "bytes", totals.bytes);
	put_u64(answer, "ioctls", counters->ioctls);
	put_u64(answer, "allocations", counters->allocations);
	put_u64(answer, "refused", counters->refused);
	put_u64(answer, "delivery-fails", counters->delivery_fails);
	json_object_object_add(answer, "heaps", status_heaps(&totals));
	return answer;
}

static void control_name_fds(struct check *check, void *user)
{
	struct control *control = user;

	list_for_each (i, &control->peers)
		check_name_fd(check, list_entry(i, struct peer, link)->fd, "control socket");
	control->config.name_fds(check, control->config.user);
}

static struct json_object *verb_check(struct control *control, const struct peer *peer,
				      struct json_object *request)
{
	return check_answer(control->config.dispatch, control_name_fds, control);
}

static struct listing control_listing(struct control *control, const struct peer *peer,
				      struct json_object *request)
{
	const struct control_config *config = &control->config;
	const struct who who = {
		.uid = peer->cred.uid,
		.gid = peer->cred.gid,
		.groups = peer->groups,
		.n_groups = peer->n_groups,
	};

	return (struct listing){
		.service = config->dispatch->config.service,
		.who = who,
		.all = who.uid == 0 || (config->group && who_is_in(&who, config->group)),
		.nodes = config->nodes,
		.n_nodes = config->n_nodes,
		.missing = config->missing,
		.n_missing = config->n_missing,
		.request = request,
	};
}

static struct json_object *verb_heaps(struct control *control, const struct peer *peer,
				      struct json_object *request)
{
	const struct listing listing = control_listing(control, peer, request);

	return listing_heaps(&listing);
}

static struct json_object *verb_buffers(struct control *control, const struct peer *peer,
					struct json_object *request)
{
	const struct listing listing = control_listing(control, peer, request);

	return listing_buffers(&listing);
}

static struct json_object *verb_clients(struct control *control, const struct peer *peer,
					struct json_object *request)
{
	const struct listing listing = control_listing(control, peer, request);

	return listing_clients(&listing);
}

static const struct verb {
	const char *name;
	control_verb *verb;
	const char *keys[2]; /* that it has beside "verb" */
} verbs[] = {
	{ "buffers", verb_buffers, { "after", "physical" } },
	{ "check", verb_check, { 0 } },
	{ "clients", verb_clients, { "after" } },
	{ "heaps", verb_heaps, { 0 } },
	{ "status", verb_status, { 0 } },
};

/* ---- the messages ---- */

static bool verb_knows(const struct verb *verb, const char *key)
{
	bool known = !strcmp(key, "verb");

	for (size_t i = 0; i < ARRAY_SIZE(verb->keys); i++)
		known |= verb->keys[i] && !strcmp(key, verb->keys[i]);
	return known;
}

static const struct verb *verb_find(struct json_object *name)
{
	const char *text = json_object_get_string(name);

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, text) &&
		    strlen(text) == (size_t)json_object_get_string_len(name))
			return &verbs[i];
	return NULL;
}

/* the answer to a request; every key of it must be known */
static struct json_object *control_answer(struct control *control, const struct peer *peer,
					  struct json_object *request)
{
	const struct verb *known;
	struct json_object *verb;

	if (!json_object_is_type(request, json_type_object) ||
	    !json_object_object_get_ex(request, "verb", &verb) ||
	    !json_object_is_type(verb, json_type_string))
		return answer_error("not an object with a \"verb\"");
	known = verb_find(verb);
	if (!known)
		return answer_error("an unknown verb");
	json_object_object_foreach(request, key, value)
	{
		if (!verb_knows(known, key))
			return answer_error("a key that this verb doesn't have");
	}
	return known->verb(control, peer, request);
}

/* @text has a NUL behind its @size bytes: json-c takes that for the end */
static struct json_object *request_parse(const char *text, size_t size)
{
	struct json_tokener *tokener;
	struct json_object *request;

	/* where a NUL stands in it, json-c would end there and be content */
	if (memchr(text, '\0', size))
		return NULL;
	tokener = json_tokener_new_ex(8);
	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	request = json_tokener_parse_ex(tokener, text, size + 1);
	json_tokener_free(tokener);
	return request;
}

static void peer_event(struct loop_poll *poll, short revents)
{
	struct peer *peer = poll->user;
	char text[4096];
	struct json_object *request, *answer;
	const char *out;
	size_t size;
	ssize_t n;

	n = recv(peer->fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || n >= (ssize_t)sizeof(text)) {
		peer_free(peer);
		return;
	}
	text[n] = '\0';
	request = request_parse(text, n);
	answer = control_answer(peer->control, peer, request);
	out = json_object_to_json_string_length(answer, JSON_C_TO_STRING_PLAIN, &size);
	/* a peer that doesn't read has its answers dropped with it */
	if (!out || size > CONTROL_MESSAGE_MAX ||
	    send(peer->fd, out, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		peer_free(peer);
	json_object_put(request);
	json_object_put(answer);
}

/* who it is: what it was when it connected, whatever it becomes */
static int peer_read_who(struct peer *peer, int fd)
{
	socklen_t size = sizeof(struct ucred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer->cred, &size) < 0)
		return err_origin(-errno);
	size = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0)
		return 0; /* it is in none */
	if (errno != ERANGE)
		return err_origin(-errno);
	peer->groups = malloc(size); /* what is missing is told */
	if (!peer->groups)
		return err_origin(-ENOMEM);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &size) < 0)
		return err_origin(-errno);
	peer->n_groups = size / sizeof(peer->groups[0]);
	return 0;
}

static int peer_new_consume_fd(struct control *control, int fd)
{
	_cleanup_(fd_closep) int owned = fd;
	struct peer *peer;
	int r;

	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return err_origin(-ENOMEM);
	peer->control = control;
	loop_poll_init(&peer->poll, peer_event, peer);
	r = peer_read_who(peer, fd);
	if (r == 0)
		r = loop_poll_add(control->config.loop, &peer->poll, fd, POLLIN);
	if (r < 0) {
		free(peer->groups);
		free(peer);
		return err_origin(r);
	}
	peer->fd = fd_steal(&owned);
	list_append(&control->peers, &peer->link);
	control->n_peers++;
	return 0;
}

static void control_accept(struct loop_poll *poll, short revents)
{
	struct control *control = poll->user;
	int fd;

	fd = accept4(control->config.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	if (control->n_peers == CONTROL_PEERS_MAX)
		peer_free(list_entry(control->peers.next, struct peer, link));
	peer_new_consume_fd(control, fd);
}

int control_new(struct control **ret, const struct control_config *config)
{
	_cleanup_(freep) struct control *control = NULL;
	int r;

	control = calloc(1, sizeof(*control));
	if (!control)
		return err_origin(-ENOMEM);
	control->config = *config;
	list_init(&control->peers);
	loop_poll_init(&control->listen, control_accept, control);
	r = loop_poll_add(config->loop, &control->listen, config->listener, POLLIN);
	if (r < 0)
		return r;
	*ret = steal(control);
	return 0;
}

struct control *control_free(struct control *control)
{
	if (!control)
		return NULL;
	while (!list_is_empty(&control->peers))
		peer_free(list_entry(control->peers.next, struct peer, link));
	loop_poll_remove(&control->listen);
	free(control);
	return NULL;
}
