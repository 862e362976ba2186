// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A fuzz target without a fuzzer: runs each file of its corpus once, so that what was found once
 * is looked for in every build, by any compiler.
 *
 *	tests/fuzz_NAME [FILE|FOLDER]...	(default: tests/corpus/NAME of the sources)
 *
 * TAP; the name of each input is said before it is run, as a finding ends the program.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static unsigned int n_inputs;

static void run_file(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *file = fopen(path, "re");
	uint8_t *exact;
	size_t size;

	if (!file) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	printf("# %s\n", path);
	fflush(stdout);
	/* no byte behind it is ours: a sanitizer sees who reads on */
	exact = malloc(size + !size);
	memcpy(exact, bytes, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	printf("ok %u - %s\n", ++n_inputs, strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void run_path(const char *path)
{
	struct dirent **entries;
	char inner[4096];
	int n;

	n = scandir(path, &entries, is_input, alphasort);
	if (n < 0) {
		run_file(path);
		return;
	}
	for (int i = 0; i < n; i++) {
		snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
		run_file(inner);
		free(entries[i]);
	}
	free(entries);
}

/* the folder of the corpus that goes with this program */
static void run_corpus(const char *program)
{
	const char *sources = getenv("top_srcdir"), *name = strrchr(program, '/');
	char path[4096];

	name = name ? name + 1 : program;
	if (!strncmp(name, "lt-", 3))
		name += 3;
	if (!strncmp(name, "fuzz_", 5))
		name += 5;
	snprintf(path, sizeof(path), "%s/tests/corpus/%s", sources ? sources : ".", name);
	run_path(path);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_path(argv[i]);
	if (argc == 1)
		run_corpus(argv[0]);
	printf("1..%u\n", n_inputs);
	return n_inputs ? EXIT_SUCCESS : EXIT_FAILURE;
}
