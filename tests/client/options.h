/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The options that the clients of the tests have in common; each program names the letters that it
 * takes. A bad option ends the program with status 2.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum exporter {
	EXPORTER_DMABUF, /* a real dma-buf */
	EXPORTER_FILE,	 /* a file of FUSE with passthrough, which takes the calls of a dma-buf */
	EXPORTER_CACHED, /* the same by way of the page cache: read(2) can't be refused */
	EXPORTER_MEMFD,	 /* a plain memfd, and what that can't do */
};

struct options {
	const char *node;	/* -d: the device node */
	enum exporter exporter; /* -x: what the fd of a buffer is */
	const char *link;	/* -r: how its link in /proc begins */
	uint64_t max;		/* -m: the largest buffer, in MiB on the command line */
	unsigned long count;	/* -n: how often */
	unsigned int seconds;	/* -T: the time that the program gives itself */
	unsigned int version;	/* -v: what ABI_VERSION answers; 0: ENOTTY */
	unsigned long buffers;	/* -b: how many one client may hold; 0: not to be tried */
	const char *pids;	/* -p: processes of the service, by comma */
	unsigned long others;	/* -o: processes beside it */
	bool modern;		/* -a modern: the node knows no handles; else auto */
	unsigned long slack;	/* -t: KiB by which a process of the service may grow */
	uint32_t mask;		/* -M: the heaps to allocate from */
	const char *act;	/* -e: what the program is to do, where it does several things */
	const char *held;	/* -c: the command that prints how many bytes the service holds */
};

#define OPTIONS_INIT                                                                \
	{                                                                           \
		.node = "/dev/ion", .max = 200ull << 20, .seconds = 300, .mask = 1, \
	}

void options_parse(struct options *o, int argc, char **argv, const char *letters);

#endif
