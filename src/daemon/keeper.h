/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The keeper: cusiond's first process. It does the privileged acts, starts worker and injector,
 * starts them anew when they die, and tells the service manager when the nodes are ready for use.
 * It reads no byte that a client wrote.
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "daemon/options.h"

/* serves until SIGTERM, SIGINT or SIGHUP. Return: the exit status. */
int keeper_run(const struct settings *settings);

#endif
