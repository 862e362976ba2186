/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cusiond's command line, and the settings that it and the configuration file (daemon/conf.h) make.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "wire/ion.h"

enum {
	EXIT_USAGE = 2,
	EXIT_CONFIG = 78, /* EX_CONFIG of sysexits.h */
};

enum frontend_kind {
	FRONTEND_CUSE,
	FRONTEND_FUSE,
};

struct frontend {
	enum frontend_kind kind;
	const char *dir; /* FRONTEND_FUSE: where it is mounted; of argv */
};

enum { FRONTENDS_MAX = 8 };

struct settings {
	char config[256];  /* path; "" for the built-in settings */
	char control[108]; /* path of the control socket */
	enum log_level log_level;
	mode_t mode;	/* of the nodes */
	char group[64]; /* of the nodes; where there is no such group: root */
	struct wire_policy policy;

	struct frontend frontends[FRONTENDS_MAX];
	size_t n_frontends;
	bool check_config; /* read the configuration and exit */
};

enum {
	_OPTIONS_OK,
	OPTIONS_E_DONE, /* --help or --version was answered: exit 0 */
};

/* the built-in settings */
void settings_init(struct settings *settings);

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
