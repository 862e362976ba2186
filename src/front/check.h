/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The answer to the verb `check` of the control protocol: core/check.h's findings, and what the
 * front adds to them.
 */
#ifndef FRONT_CHECK_H
#define FRONT_CHECK_H

#include "core/check.h"
#include "front/dispatch.h"

struct json_object;

/* the front's own fds and requests */
void dispatch_check(struct dispatch *dispatch, struct check *check);

/* the answer; @name_fds(@user) names the fds of all others */
struct json_object *check_answer(struct dispatch *dispatch,
				 void (*name_fds)(struct check *check, void *user), void *user);

#endif
