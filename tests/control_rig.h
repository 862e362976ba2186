/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A control socket over a whole service, whose deliveries stop at the door, and its peers.
 */
#ifndef TESTS_CONTROL_RIG_H
#define TESTS_CONTROL_RIG_H

#include <json-c/json.h>
#include <sys/types.h>

#include "core/check.h"
#include "daemon/memory.h"
#include "fake_deliver.h"
#include "front/control.h"
#include "loop/loop.h"

enum { CONTROL_RIG_GROUP = 4242 }; /* its members see all */

extern struct control_rig {
	char dir[64], path[96];
	struct loop *loop;
	struct state *state;
	int state_fd, listener;
	struct memory memory;
	struct fake_deliver deliver;
	struct dispatch dispatch;
	struct control *control;
	struct fd_map standing; /* as many as there were before anybody asked */
} control_rig;

void control_rig_up(void);
void control_rig_down(void);
void control_rig_turn(void); /* while there is something to do */

int control_rig_connect(void);

/* as another user; only where this process is root's */
int control_rig_connect_as(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups);

/* the answer to @request, owned by the caller; NULL where the service hung up */
struct json_object *control_rig_ask(int fd, const char *request, size_t size);

/* a member that must be there */
struct json_object *control_rig_member(struct json_object *object, const char *key);
uint64_t control_rig_number(struct json_object *object, const char *key);

#endif
