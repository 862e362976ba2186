/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command `cusion`: one file per subcommand, cli/main.c has the table.
 */
#ifndef CLI_CUSION_H
#define CLI_CUSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OPTIONS_GO_ON = -1,
	EXIT_USAGE = 2,
	EXIT_NO_SERVICE = 69, /* EX_UNAVAILABLE of sysexits.h */
};

struct json_object;

/**
 * control_ask() - ask the service one question, and say nothing
 * @ret:	its answer, owned by the caller; an error of the service's is one, too
 * @verb:	of the control protocol
 *
 * Return: 0; -ETIMEDOUT: it does not answer; -EBADMSG: what is no JSON; or what kept us from
 * asking.
 */
int control_ask(struct json_object **ret, const char *verb);

/**
 * cusion_ask() - ask the service one question
 * @ret:	its answer, owned by the caller
 * @verb:	of the control protocol
 *
 * Says on stderr what is wrong.
 *
 * Return: 0, or the exit status.
 */
int cusion_ask(struct json_object **ret, const char *verb);

/**
 * cusion_ask_list() - the same for a verb whose answers come in pages
 * @ret:	all of them in one
 * @verb:	the name of the list, too
 * @key:	a further member of the requests, with a comma before it; or ""
 *
 * Return: as cusion_ask().
 */
int cusion_ask_list(struct json_object **ret, const char *verb, const char *key);

/* the options that all subcommands have: --json, --help. Return: OPTIONS_GO_ON, or the exit status.
 */
int cusion_options(int argc, char **argv, const char *help, bool *ret_json);

/* the same, and one that has no argument: --@name */
int cusion_options_more(int argc, char **argv, const char *help, bool *ret_json, const char *name,
			bool *ret_more);

/* members of an answer, and entries of a list in it; NULL: there is none, or a null */
struct json_object *answer_member(struct json_object *object, const char *key);
struct json_object *answer_entry(struct json_object *object, const char *key, size_t i);

/* on stdout: all of it for programs, and what was left out for people */
void answer_print(struct json_object *answer);
void answer_print_others(struct json_object *answer);

/* a member of an answer; 0 or "" where it has none of that name; the text lives with the answer */
uint64_t answer_u64(struct json_object *object, const char *key);
const char *answer_text(struct json_object *object, const char *key);

/* bytes as people write them: 70000 is "68.4 KiB". Return: @text. */
const char *human(char *text, size_t size, uint64_t bytes);

/* may stdout be coloured: it is a terminal, and nobody has said NO_COLOR */
bool cusion_has_colours(void);

/* the subcommands: argv[0] is the subcommand's own name. Return: the exit status. */
int cusion_alloc(int argc, char **argv);
int cusion_buffers(int argc, char **argv);
int cusion_check(int argc, char **argv);
int cusion_clients(int argc, char **argv);
int cusion_doctor(int argc, char **argv);
int cusion_heaps(int argc, char **argv);
int cusion_status(int argc, char **argv);

#endif
