// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/nodes.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/priv.h"
#include "daemon/udev.h"

enum {
	UDEV_LIMIT_S = 10, /* how long udev may take for the nodes */
	PATH_SIZE = 8 + NODE_NAME_SIZE,
};

static const struct node *node_of(const struct nodes *nodes, size_t i)
{
	return &nodes->doors->nodes[nodes->doors->doors[i].node];
}

static void path_of(const struct nodes *nodes, size_t i, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "/dev/%s", node_of(nodes, i)->name);
}

static int give_node(struct nodes *nodes, size_t i)
{
	const struct node *node = node_of(nodes, i);
	char path[PATH_SIZE];

	path_of(nodes, i, path);
	return priv_give_node(path, node->mode, node->gid);
}

static void nodes_end(struct nodes *nodes, int result)
{
	nodes->waits = false;
	loop_timer_cancel(&nodes->limit);
	nodes->ready(nodes->user, result);
}

/* gives those that are not done what udev would give them */
static int nodes_give_rest(struct nodes *nodes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < nodes->doors->n; i++)
		if (!nodes->done[i])
			r = give_node(nodes, i);
	return r;
}

/* udev's rules know nothing of the settings. Where these say nothing the rules have decided. */
static int nodes_give_wanted(struct nodes *nodes)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < nodes->doors->n; i++)
		if (doors_cuse_name(nodes->doors, i) &&
		    nodes->doors->given[nodes->doors->doors[i].node])
			r = give_node(nodes, i);
	return r;
}

static void nodes_check(struct nodes *nodes)
{
	if (!nodes->waits)
		return;
	for (size_t i = 0; i < nodes->doors->n; i++)
		if (!nodes->done[i])
			return;
	nodes_end(nodes, nodes_give_wanted(nodes));
}

static void nodes_added(struct nodes *nodes, const char *added)
{
	char path[PATH_SIZE];

	for (size_t i = 0; i < nodes->doors->n; i++) {
		if (!doors_cuse_name(nodes->doors, i))
			continue;
		path_of(nodes, i, path);
		if (!strcmp(path, added))
			nodes->done[i] = true;
	}
}

static void nodes_udev_event(struct loop_poll *poll, short revents)
{
	struct nodes *nodes = poll->user;
	char path[PATH_SIZE];

	while (udev_watch_next(nodes->udev, path, sizeof(path)))
		if (nodes->doors)
			nodes_added(nodes, path);
	nodes_check(nodes);
}

static void nodes_udev_late(struct loop_timer *timer)
{
	struct nodes *nodes = timer->user;

	for (size_t i = 0; i < nodes->doors->n; i++)
		if (!nodes->done[i])
			log_warning("keeper",
				    "udev did not finish with /dev/%s in %d s: mode and group are "
				    "set without it",
				    node_of(nodes, i)->name, UDEV_LIMIT_S);
	nodes_end(nodes, nodes_give_rest(nodes) ?: nodes_give_wanted(nodes));
}

void nodes_init(struct nodes *nodes)
{
	loop_poll_init(&nodes->poll, nodes_udev_event, nodes);
	loop_timer_init(&nodes->limit, nodes_udev_late, nodes);
}

int nodes_listen(struct nodes *nodes, struct loop *loop)
{
	int r;

	nodes->loop = loop;
	r = udev_watch_new(&nodes->udev);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return loop_poll_add(loop, &nodes->poll, udev_watch_fd(nodes->udev), POLLIN);
}

void nodes_deinit(struct nodes *nodes)
{
	nodes_forget(nodes);
	loop_poll_remove(&nodes->poll);
	nodes->udev = udev_watch_free(nodes->udev);
}

void nodes_expect(struct nodes *nodes, const struct doors *doors)
{
	nodes->doors = doors;
	for (size_t i = 0; i < doors->n; i++)
		nodes->done[i] = !doors_cuse_name(doors, i);
}

void nodes_wait(struct nodes *nodes)
{
	nodes->waits = true;
	if (!nodes->udev) {
		nodes_end(nodes, nodes_give_rest(nodes));
		return;
	}
	loop_timer_set(nodes->loop, &nodes->limit, UDEV_LIMIT_S * NS_PER_SEC);
	nodes_check(nodes);
}

void nodes_forget(struct nodes *nodes)
{
	nodes->waits = false;
	nodes->doors = NULL;
	loop_timer_cancel(&nodes->limit);
}
