// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/parse.h"

/* a key's reader: 0, or -1 and *hint says what would be right */
typedef int conf_reader(struct settings *settings, const char *value, const char **hint);

struct conf_key {
	const char *section, *key;
	conf_reader *read;
};

static int read_log_level(struct settings *settings, const char *value, const char **hint)
{
	*hint = "one of error, warning, notice, info, debug";
	return log_level_parse(&settings->log_level, value);
}

static int read_control(struct settings *settings, const char *value, const char **hint)
{
	*hint = "an absolute path of at most 107 bytes";
	if (value[0] != '/' || strlen(value) >= sizeof(settings->control))
		return -EINVAL;
	strcpy(settings->control, value);
	return 0;
}

static int read_mode(struct settings *settings, const char *value, const char **hint)
{
	mode_t mode = 0;

	*hint = "an octal mode like 0660";
	if (strlen(value) < 3 || strlen(value) > 4)
		return -EINVAL;
	for (const char *p = value; *p; p++) {
		if (*p < '0' || *p > '7')
			return -EINVAL;
		mode = mode << 3 | (*p - '0');
	}
	if (mode > 0777)
		return -EINVAL;
	settings->mode = mode;
	return 0;
}

static int read_group(struct settings *settings, const char *value, const char **hint)
{
	*hint = "the name of a group";
	if (!value[0] || strlen(value) >= sizeof(settings->group))
		return -EINVAL;
	strcpy(settings->group, value);
	return 0;
}

static int read_abi_version(struct settings *settings, const char *value, const char **hint)
{
	*hint = "none or 2";
	if (strcmp(value, "none") && strcmp(value, "2"))
		return -EINVAL;
	settings->policy.abi_version = value[0] == '2' ? 2 : 0;
	return 0;
}

static const struct conf_key keys[] = {
	{ "cusiond", "log-level", read_log_level },
	{ "cusiond", "control", read_control },
	{ "device ion", "mode", read_mode },
	{ "device ion", "group", read_group },
	{ "device ion", "abi-version", read_abi_version },
};

struct conf_parse {
	const char *path;
	FILE *file;
	int line; /* of the text that inih has last read: its handler isn't told */
	struct settings settings;
	int seen[ARRAY_SIZE(keys)]; /* the line a key stood in, 0 for none */
	int error_line;		    /* of the first error that a key's reader found, 0 for none */
	char error[256];
};

static int conf_error(struct conf_parse *parse, const char *section, const char *key,
		      const char *what, const char *hint)
{
	if (!parse->error_line)
		snprintf(parse->error, sizeof(parse->error), "[%s] %s: %s (%s)", section, key, what,
			 hint);
	parse->error_line = parse->error_line ?: parse->line;
	return 0; /* inih's word for an error */
}

static const struct conf_key *conf_find(const char *section, const char *key, bool *section_known)
{
	*section_known = false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i].section, section))
			continue;
		*section_known = true;
		if (key && !strcmp(keys[i].key, key))
			return &keys[i];
	}
	return NULL;
}

static int conf_pair(void *user, const char *section, const char *name, const char *value)
{
	struct conf_parse *parse = user;
	const struct conf_key *key;
	const char *hint = "";
	char seen[64];
	bool known;

	key = conf_find(section, name, &known);
	if (!key)
		return conf_error(parse, section, name, known ? "unknown key" : "unknown section",
				  "cusiond.conf(5) lists them");

	if (parse->seen[key - keys]) {
		snprintf(seen, sizeof(seen), "it stands in line %d already",
			 parse->seen[key - keys]);
		return conf_error(parse, section, name, "repeated key", seen);
	}
	parse->seen[key - keys] = parse->line;

	if (!value || key->read(&parse->settings, value, &hint) < 0)
		return conf_error(parse, section, name, "bad value", hint);
	return 1;
}

/* a line that inih must not see: cut in two, or ended by a NUL, it would mean something else */
static void conf_bad_line(struct conf_parse *parse, const char *what)
{
	if (!parse->error_line)
		snprintf(parse->error, sizeof(parse->error), "%s", what);
	parse->error_line = parse->error_line ?: parse->line;
}

/* reads one whole line; @text has what fits of it. Return: its length, or -1 at the end. */
static ssize_t conf_read_line(struct conf_parse *parse, char *text, size_t size)
{
	size_t n = 0;
	int c;

	while ((c = getc(parse->file)) != EOF && c != '\n') {
		if (n < size - 1)
			text[n] = c;
		if (!c)
			conf_bad_line(parse, "a NUL byte in the line");
		n++;
	}
	text[MIN(n, size - 1)] = '\0';
	return c == EOF && !n ? -1 : (ssize_t)n;
}

/* fgets() that counts the lines and never cuts one; a comment may be of any length */
static char *conf_line(char *text, int size, void *stream)
{
	struct conf_parse *parse = stream;
	char first;
	ssize_t n;

	parse->line++;
	n = conf_read_line(parse, text, size);
	if (n < 0)
		return NULL;
	first = text[strspn(text, " \t")];
	if (n >= size && first != ';' && first != '#') {
		conf_bad_line(parse, "the line is too long");
		text[0] = '\0';
	}
	return text;
}

/* inih gives stream and user apart; both are the parse */
static int conf_parse(struct conf_parse *parse)
{
	int r;

	parse->file = fopen(parse->path, "re");
	if (!parse->file) {
		r = -errno;
		fprintf(stderr, "cusiond: %s: can't be read: %s\n", parse->path, strerror(-r));
		return r;
	}
	r = ini_parse_stream(conf_line, parse, conf_pair, parse);
	fclose(parse->file);
	if (r == 0 && !parse->error_line)
		return 0;

	/* both read on after an error: the first line is the one to mend */
	if (parse->error_line && (r <= 0 || parse->error_line <= r))
		fprintf(stderr, "cusiond: %s:%d: %s\n", parse->path, parse->error_line,
			parse->error);
	else
		fprintf(stderr, "cusiond: %s:%d: neither [section] nor key = value\n", parse->path,
			MAX(r, 1));
	return -EINVAL;
}

int conf_read(struct settings *settings, const char *path)
{
	struct conf_parse parse = { .path = path, .settings = *settings };
	int r;

	r = conf_parse(&parse);
	if (r < 0)
		return r;
	*settings = parse.settings;
	return 0;
}
