// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion doctor: what this machine has and lacks for the service. */
#include "cli/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/cusion.h"

static const char help[] = "Usage: cusion doctor [--json]\n"
			   "Say what this machine has and lacks for the service, what each lack\n"
			   "costs, and what mends it. Root sees more.\n"
			   "\n"
			   "  --json  print one JSON object, for programs\n"
			   "  --help  print this, and exit\n"
			   "\n"
			   "Exit status: 0 the service can work here, 1 it can't, 2 wrong usage.\n";

static int may_open(const char *path)
{
	return faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int try_io_uring(void)
{
	struct io_uring_params params = { 0 };
	int fd = syscall(SYS_io_uring_setup, 4, &params);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void copy_nodes(struct service_facts *facts, struct json_object *answer)
{
	struct json_object *nodes;
	size_t n = 0;

	if (!json_object_object_get_ex(answer, "nodes", &nodes))
		return;
	for (size_t i = 0; i < json_object_array_length(nodes) && n < sizeof(facts->nodes); i++)
		n += snprintf(facts->nodes + n, sizeof(facts->nodes) - n, "%s%s", i ? " " : "",
			      json_object_get_string(json_object_array_get_idx(nodes, i)));
}

/* whether it has an area: heaps are there without, of scattered pages */
static bool has_area(void)
{
	struct json_object *answer, *areas;
	bool has;

	if (control_ask(&answer, "heaps") < 0)
		return false;
	has = json_object_object_get_ex(answer, "areas", &areas) &&
	      json_object_array_length(areas) > 0;
	json_object_put(answer);
	return has;
}

static int ask_service(struct service_facts *facts)
{
	struct json_object *answer;
	int r;

	r = control_ask(&answer, "status");
	if (r < 0)
		return r;
	*facts = (struct service_facts){
		.allocations = answer_u64(answer, "allocations"),
		.refused = answer_u64(answer, "refused"),
		.delivery_fails = answer_u64(answer, "delivery-fails"),
		.contiguous = has_area(),
	};
	snprintf(facts->version, sizeof(facts->version), "%s", answer_text(answer, "version"));
	snprintf(facts->exporter, sizeof(facts->exporter), "%s", answer_text(answer, "exporter"));
	copy_nodes(facts, answer);
	json_object_put(answer);
	return 0;
}

int cusion_doctor(int argc, char **argv)
{
	struct doctor doctor = {
		.root = "",
		.may_open = may_open,
		.io_uring = try_io_uring,
		.ask_service = ask_service,
	};
	struct json_object *object;
	struct utsname name;
	bool json;
	int r;

	r = cusion_options(argc, argv, help, &json);
	if (r != OPTIONS_GO_ON)
		return r;
	uname(&name);
	doctor.machine = name.machine;
	doctor.is_root = geteuid() == 0;
	doctor_run(&doctor);
	if (json) {
		object = doctor_json(&doctor);
		puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
		json_object_put(object);
	} else {
		doctor_print(&doctor, stdout, cusion_has_colours());
	}
	return doctor_can_serve(&doctor) ? EXIT_SUCCESS : EXIT_FAILURE;
}
