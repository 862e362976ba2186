/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An exporter for fuzz targets. Its files are as a dma-buf: one open file, whose close is the end;
 * a watch tells of it, or looking does, or, where it is told to, the exporter itself.
 */
#ifndef TESTS_FUZZ_EXPORTER_H
#define TESTS_FUZZ_EXPORTER_H

#include "base/list.h"
#include "mem/export.h"

struct fuzz_exporter {
	struct exporter exporter;
	bool tells;
	struct list files; /* of those that tell, followed */
};

void fuzz_exporter_init(struct fuzz_exporter *fuzz);

/* how it is for the files that come; @waits: they are made by helper threads only */
void fuzz_exporter_set(struct fuzz_exporter *fuzz, bool tells, bool waits);

/* tells of files that were closed. Return: whether there were any. */
bool fuzz_exporter_tell(struct fuzz_exporter *fuzz);

#endif
