/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking for files that have ended. For the files of this folder; core/service.h has it for all.
 */
#ifndef CORE_LOOK_H
#define CORE_LOOK_H

#include <stdint.h>

struct service;

/* what the watch has to tell */
void look_watch(struct service *service);

/* ask @n of the files that nothing tells about, in turn over the calls */
void look_some(struct service *service, uint64_t n);

#endif
