// SPDX-License-Identifier: LGPL-2.1-or-later
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cusion.h"

int cusion_options(int argc, char **argv, const char *help, bool *ret_json)
{
	bool none;

	return cusion_options_more(argc, argv, help, ret_json, NULL, &none);
}

int cusion_options_more(int argc, char **argv, const char *help, bool *ret_json, const char *name,
			bool *ret_more)
{
	const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ name, no_argument, NULL, 'm' }, /* where it is NULL, this ends the options */
		{ 0 },
	};
	int c;

	*ret_json = *ret_more = false;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			*ret_json = true;
			break;
		case 'm':
			*ret_more = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		default:
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "cusion %s: unexpected argument '%s'\n", argv[0], argv[optind]);
		return EXIT_USAGE;
	}
	return OPTIONS_GO_ON;
}
