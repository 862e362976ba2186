// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion doctor: its findings, for people and for programs. */
#include <json-c/json.h>

#include "cli/doctor.h"

enum {
	INDENT = 29, /* of a finding's text, and of what is said below it */
};

static const char *colour_of(enum finding_state state)
{
	static const char *const colours[] = {
		[FINDING_OK] = "\033[32m",
		[FINDING_NOTE] = "\033[36m",
		[FINDING_LACK] = "\033[1;31m",
		[FINDING_FAULT] = "\033[1;33m",
	};

	return colours[state];
}

static void print_finding(const struct finding *finding, FILE *out, bool colour)
{
	fprintf(out, "%s%-5s%s  %-20s  %s\n", colour ? colour_of(finding->state) : "",
		finding_state_name(finding->state), colour ? "\033[0m" : "", finding->name,
		finding->text);
	if (finding->cost[0])
		fprintf(out, "%*scost: %s\n", INDENT, "", finding->cost);
	if (finding->mend[0])
		fprintf(out, "%*smend: %s\n", INDENT, "", finding->mend);
}

static const char *serve_text(const struct doctor *doctor)
{
	if (!doctor_can_serve(doctor))
		return "no";
	if (doctor->serves)
		return "yes, it does";
	return doctor->has_cuse ? "yes" : "yes, as a file (--frontend fuse=DIR)";
}

void doctor_print(const struct doctor *doctor, FILE *out, bool colour)
{
	for (size_t i = 0; i < doctor->n_findings; i++)
		print_finding(&doctor->findings[i], out, colour);
	fprintf(out,
		"\nThe service can run here: %s; contiguous memory: %s%s%s; without root: %s.\n",
		serve_text(doctor), doctor->not_contiguous ? "no (" : "yes",
		doctor->not_contiguous ?: "", doctor->not_contiguous ? ")" : "", doctor->reach);
}

static void put_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static struct json_object *finding_json(const struct finding *finding)
{
	struct json_object *object = json_object_new_object();

	put_text(object, "name", finding->name);
	put_text(object, "state", finding_state_name(finding->state));
	json_object_object_add(object, "essential", json_object_new_boolean(finding->essential));
	put_text(object, "text", finding->text);
	put_text(object, "cost", finding->cost);
	put_text(object, "mend", finding->mend);
	return object;
}

struct json_object *doctor_json(const struct doctor *doctor)
{
	struct json_object *object = json_object_new_object();
	struct json_object *findings = json_object_new_array();

	for (size_t i = 0; i < doctor->n_findings; i++)
		json_object_array_add(findings, finding_json(&doctor->findings[i]));
	put_text(object, "version", PACKAGE_VERSION);
	json_object_object_add(object, "serves", json_object_new_boolean(doctor->serves));
	json_object_object_add(object, "can-serve",
			       json_object_new_boolean(doctor_can_serve(doctor)));
	json_object_object_add(object, "contiguous",
			       json_object_new_boolean(!doctor->not_contiguous));
	put_text(object, "without-root", doctor->reach);
	json_object_object_add(object, "findings", findings);
	return object;
}
