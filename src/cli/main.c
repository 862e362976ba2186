// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion: the one command for people */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cusion.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "alloc", cusion_alloc, "allocate as a client does, and hold it" },
	{ "buffers", cusion_buffers, "which buffers there are, and whose" },
	{ "check", cusion_check, "whether what the service knows twice agrees" },
	{ "clients", cusion_clients, "who has the device open" },
	{ "doctor", cusion_doctor, "what this machine lacks, what that costs, what mends it" },
	{ "heaps", cusion_heaps, "what memory there is, and what of it is taken" },
	{ "status", cusion_status, "what the service serves and holds" },
};

static void usage(FILE *out)
{
	fputs("Usage: cusion COMMAND [OPTION]...\n"
	      "       cusion --version | --help\n"
	      "Ask cusiond, the service behind /dev/ion, and look at what it needs.\n"
	      "\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n"
	      "'cusion COMMAND --help' says more; see cusion(1).\n"
	      "Exit status: 0, 1 failed or found something, 2 wrong usage, 69 no service.\n",
	      out);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help")) {
		usage(stdout);
		return EXIT_SUCCESS;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("cusion " PACKAGE_VERSION);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, argv[1]))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "cusion: unknown command '%s'\n", argv[1]);
	usage(stderr);
	return EXIT_USAGE;
}
