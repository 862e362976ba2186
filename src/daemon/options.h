/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cusiond's command line.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "daemon/settings.h"

enum {
	EXIT_USAGE = 2,
	EXIT_CONFIG = 78, /* EX_CONFIG of sysexits.h */
};

enum {
	_OPTIONS_OK,
	OPTIONS_E_DONE, /* --help or --version was answered: exit 0 */
};

/**
 * options_parse() - the command line into settings
 * @settings:	filled; the options win over the configuration, which is read later
 * @argc:	of main()
 * @argv:	of main()
 *
 * Says on stderr what is wrong with it.
 *
 * Return: 0, OPTIONS_E_DONE, or -EINVAL for wrong usage.
 */
int options_parse(struct settings *settings, int argc, char **argv);

#endif
