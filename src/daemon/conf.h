/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration file, cusiond.conf(5): an INI file. A repeated, unknown or bad key is an error
 * that names file, line, key and what would be right.
 */
#ifndef DAEMON_CONF_H
#define DAEMON_CONF_H

#include "daemon/options.h"

/**
 * conf_read() - read a configuration file into settings
 * @settings:	changed only where the whole file is good
 * @path:	the file
 *
 * Says on stderr what is wrong with it.
 *
 * Return: 0, -EINVAL for a bad file, or why it can't be read.
 */
int conf_read(struct settings *settings, const char *path);

#endif
