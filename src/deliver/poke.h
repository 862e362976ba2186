/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bytes into a caller that waits in its call, by a process of its own.
 */
#ifndef DELIVER_POKE_H
#define DELIVER_POKE_H

#include "deliver/message.h"

/* 0, -EFAULT, -ESRCH, -EACCES, -EIO */
int poke_bytes(const struct deliver_request *request);

#endif
