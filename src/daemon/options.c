// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char help[] =
	"Usage: cusiond [OPTION]...\n"
	"Serve an ION-compatible /dev/ion out of user space, in the foreground.\n"
	"\n"
	"  --config FILE        read FILE (default: /etc/cusion/cusiond.conf where it exists)\n"
	"  --frontend cuse      serve /dev/ion and /dev/dma_heap/* through CUSE (default)\n"
	"  --frontend fuse=DIR  serve the file DIR/ion of a FUSE file system mounted at DIR;\n"
	"                       may be given several times, beside cuse too\n"
	"  --check-config       say whether the configuration is good, and exit\n"
	"  --version            print the version, and exit\n"
	"  --help               print this, and exit\n"
	"\n"
	"Exit status: 0 ended by a signal, 1 failed, 2 wrong usage, 78 bad configuration.\n"
	"See cusiond(8), and ion(4) for what programs find at the node.\n";

#define CONFIG_DEFAULT "/etc/cusion/cusiond.conf"

static int option_frontend(struct settings *settings, const char *text)
{
	struct frontend *frontend = &settings->frontends[settings->n_frontends];

	if (settings->n_frontends == FRONTENDS_MAX) {
		fprintf(stderr, "cusiond: more than %d --frontend\n", FRONTENDS_MAX);
		return -EINVAL;
	}
	if (!strcmp(text, "cuse")) {
		*frontend = (struct frontend){ .kind = FRONTEND_CUSE };
	} else if (!strncmp(text, "fuse=", 5) && text[5]) {
		*frontend = (struct frontend){ .kind = FRONTEND_FUSE, .dir = text + 5 };
	} else {
		fprintf(stderr, "cusiond: --frontend %s: neither 'cuse' nor 'fuse=DIR'\n", text);
		return -EINVAL;
	}
	for (size_t i = 0; i < settings->n_frontends; i++) {
		if (settings->frontends[i].kind == FRONTEND_CUSE &&
		    frontend->kind == FRONTEND_CUSE) {
			fprintf(stderr, "cusiond: --frontend cuse is given twice\n");
			return -EINVAL;
		}
	}
	settings->n_frontends++;
	return 0;
}

static int option_config(struct settings *settings, const char *path)
{
	if (strlen(path) >= sizeof(settings->config)) {
		fprintf(stderr, "cusiond: --config: the path is too long\n");
		return -EINVAL;
	}
	strcpy(settings->config, path);
	return 0;
}

int options_parse(struct settings *settings, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "frontend", required_argument, NULL, 'f' },
		{ "check-config", no_argument, NULL, 'C' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct stat st;
	int c, r = 0;

	while (r == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			r = option_config(settings, optarg);
			break;
		case 'f':
			r = option_frontend(settings, optarg);
			break;
		case 'C':
			settings->check_config = true;
			break;
		case 'V':
			puts("cusiond " PACKAGE_VERSION);
			return OPTIONS_E_DONE;
		case 'h':
			fputs(help, stdout);
			return OPTIONS_E_DONE;
		default:
			r = -EINVAL;
		}
	}
	if (r == 0 && optind < argc) {
		fprintf(stderr, "cusiond: unexpected argument '%s'\n", argv[optind]);
		r = -EINVAL;
	}
	if (r < 0) {
		fprintf(stderr, "Try 'cusiond --help'.\n");
		return r;
	}

	if (!settings->n_frontends)
		settings->frontends[settings->n_frontends++].kind = FRONTEND_CUSE;
	if (!settings->config[0] && stat(CONFIG_DEFAULT, &st) == 0)
		strcpy(settings->config, CONFIG_DEFAULT);
	return 0;
}
