/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs of the dispatcher, a file each: verb_<name>.c. A call that was decoded is theirs until
 * call_end(), which must come exactly once.
 */
#ifndef FRONT_VERB_H
#define FRONT_VERB_H

#include "front/call.h"

void verb_alloc(struct call *call);
void verb_query(struct call *call);
void verb_version(struct call *call);

#endif
