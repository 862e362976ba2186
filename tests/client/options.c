// SPDX-License-Identifier: LGPL-2.1-or-later
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void usage(const char *program, const char *letters)
{
	const char *l;

	fprintf(stderr, "usage: %s", program);
	for (l = letters; *l; l += 2)
		fprintf(stderr, " [-%c %s]", *l, strchr("nvbtTmM", *l) ? "NUMBER" : "TEXT");
	fprintf(stderr, "\n");
	exit(2);
}

static unsigned long number(const char *program, const char *text)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-') {
		fprintf(stderr, "%s: %s is not a number\n", program, text);
		exit(2);
	}
	return n;
}

static enum exporter exporter(const char *program, const char *text)
{
	static const char *const names[] = {
		[EXPORTER_DMABUF] = "dmabuf",
		[EXPORTER_FILE] = "file",
		[EXPORTER_CACHED] = "cached",
		[EXPORTER_MEMFD] = "memfd",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i]))
			return i;
	fprintf(stderr, "%s: the exporter is dmabuf, file, cached or memfd\n", program);
	exit(2);
}

static void option(struct options *o, const char *program, int letter, const char *letters)
{
	switch (letter) {
	case 'd':
		o->node = optarg;
		return;
	case 'x':
		o->exporter = exporter(program, optarg);
		return;
	case 'r':
		o->link = optarg;
		return;
	case 'a':
		o->modern = !strcmp(optarg, "modern");
		return;
	case 'p':
		o->pids = optarg;
		return;
	case 'e':
		o->act = optarg;
		return;
	case 'c':
		o->held = optarg;
		return;
	case 'M':
		o->mask = number(program, optarg);
		return;
	case 'm':
		o->max = (uint64_t)number(program, optarg) << 20;
		return;
	case 'n':
		o->count = number(program, optarg);
		return;
	case 'T':
		o->seconds = number(program, optarg);
		return;
	case 'v':
		o->version = number(program, optarg);
		return;
	case 'b':
		o->buffers = number(program, optarg);
		return;
	case 'o':
		o->others = number(program, optarg);
		return;
	case 't':
		o->slack = number(program, optarg);
		return;
	default:
		usage(program, letters);
	}
}

/**
 * options_parse() - the command line of a client
 * @o:		the defaults, to be overwritten
 * @argc:	as main() got it
 * @argv:	as main() got it
 * @letters:	what this program takes, as for getopt()
 */
void options_parse(struct options *o, int argc, char **argv, const char *letters)
{
	int letter;

	while ((letter = getopt(argc, argv, letters)) >= 0)
		option(o, argv[0], letter, letters);
	if (optind < argc)
		usage(argv[0], letters);
	if (!o->link)
		o->link = o->exporter == EXPORTER_MEMFD ? "/memfd:" : "/dmabuf:";
}
