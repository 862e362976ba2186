// SPDX-License-Identifier: LGPL-2.1-or-later
/* How the probes of cusion doctor look at a machine: small files, line by line, below a root. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/parse.h"
#include "cli/doctor.h"

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

FILE *look_open(const struct doctor *doctor, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", doctor->root, path);
	return fopen(full, "re");
}

bool look_exists(const struct doctor *doctor, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", doctor->root, path);
	return access(full, F_OK) == 0;
}

int look_text(const struct doctor *doctor, const char *path, char *text, size_t size)
{
	_cleanup_(fclosep) FILE *file = look_open(doctor, path);

	if (!file)
		return -errno;
	if (!fgets(text, size, file))
		return ferror(file) ? -EIO : -ENODATA;
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

int look_u64(const struct doctor *doctor, const char *path, uint64_t *ret)
{
	char text[32];
	int r;

	r = look_text(doctor, path, text, sizeof(text));
	return r < 0 ? r : parse_u64(ret, text);
}

int look_value(const struct doctor *doctor, const char *path, const char *key, char *text,
	       size_t size)
{
	_cleanup_(fclosep) FILE *file = look_open(doctor, path);
	size_t n = strlen(key);
	char line[512], *value;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, n) || !strchr(": \t", line[n]))
			continue;
		value = line + n + strspn(line + n, ": \t");
		value[strcspn(value, "\n")] = '\0';
		snprintf(text, size, "%s", value);
		return 0;
	}
	return -ENOENT;
}

bool look_word(const struct doctor *doctor, const char *path, const char *word)
{
	_cleanup_(fclosep) FILE *file = look_open(doctor, path);
	_cleanup_(freep) char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) >= 0)
		if (strstr(line, word))
			return true;
	return false;
}

/* whether the path lies at or below the mount point */
static bool is_below(const char *path, const char *point)
{
	size_t n = strlen(point);

	return !strcmp(point, "/") ||
	       (!strncmp(path, point, n) && (path[n] == '/' || path[n] == '\0'));
}

bool look_read_only(const struct doctor *doctor, const char *path)
{
	_cleanup_(fclosep) FILE *file = look_open(doctor, "/proc/self/mountinfo");
	char line[1024], point[512], options[256];
	size_t longest = 0;
	bool read_only = false;

	/* of mounts over one another the last line is the one that is seen */
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %*s %*s %*s %511s %255s", point, options) != 2 ||
		    !is_below(path, point) || strlen(point) < longest)
			continue;
		longest = strlen(point);
		read_only = !strncmp(options, "ro", 2) && (options[2] == ',' || options[2] == '\0');
	}
	return read_only;
}

bool look_module(const struct doctor *doctor, const char *name)
{
	char release[128], path[256], word[64];

	if (look_text(doctor, "/proc/sys/kernel/osrelease", release, sizeof(release)) < 0)
		return false;
	snprintf(word, sizeof(word), "/%s.ko", name);
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	if (look_word(doctor, path, word))
		return true;
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.builtin", release);
	return look_word(doctor, path, word);
}
