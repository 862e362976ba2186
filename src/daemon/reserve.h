/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the areas need of the kernel before they can be taken: huge pages, beside those that the
 * administrator has reserved for others, and limits of udmabuf. All of it is put back.
 */
#ifndef DAEMON_RESERVE_H
#define DAEMON_RESERVE_H

#include "daemon/settings.h"
#include "daemon/undo.h"

/**
 * reserve_take() - reserve what the areas need
 * @undo:	says where, and remembers it
 * @settings:	an area's ceiling becomes what there is for it: less than it was, or 0 where it is
 *		below its floor. Where nothing can be reserved, as sysfs is not ours to write, it
 *		stays: the area lives on huge pages that are free.
 *
 * Puts back first what one of us that was killed has left behind. Says what fails: the service goes
 * on without.
 */
void reserve_take(struct undo *undo, struct settings *settings);

/* put all of it back, when nobody of us holds any more of it */
void reserve_give(struct undo *undo);

#endif
