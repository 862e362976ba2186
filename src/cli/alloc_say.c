// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/alloc.h"
#include "cli/cusion.h"

static void say_group(const char *path)
{
	const struct passwd *user = getpwuid(getuid());
	const struct group *group;
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	group = getgrgid(st.st_gid);
	if (!(st.st_mode & S_IWGRP) || !group || !group->gr_gid)
		fprintf(stderr, "cusion: it is for root alone\n");
	else
		fprintf(stderr,
			"cusion: it is for the group '%s': 'usermod -aG %s %s' as root, and log in "
			"anew\n",
			group->gr_name, group->gr_name, user ? user->pw_name : "USER");
}

int alloc_say_open(const struct alloc_options *options, int error)
{
	fprintf(stderr, "cusion: %s: %s\n", options->device, strerror(-error));
	switch (error) {
	case -EACCES:
	case -EPERM:
		say_group(options->device);
		return EXIT_FAILURE;
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
	case -ENOTCONN:
		fprintf(stderr, "cusion: no service is behind it: 'systemctl start cusiond', or "
				"cusiond(8); "
				"'cusion doctor' says what it lacks\n");
		return EXIT_NO_SERVICE;
	case -ENOTTY:
		fprintf(stderr, "cusion: it does not list heaps: is it ION's? For a device of "
				"before Linux 4.9, say the heap by --heap ID\n");
		return EXIT_FAILURE;
	}
	return EXIT_FAILURE;
}

int alloc_say_pick(const struct alloc_device *device, const struct alloc_options *options)
{
	fprintf(stderr, "cusion: no heap '%s' here; there are:\n",
		options->heap ?: "of the kind system");
	for (size_t i = 0; i < device->n_heaps; i++)
		fprintf(stderr, "%4" PRIu32 "  %s\n", device->heaps[i].id, device->heaps[i].name);
	fprintf(stderr, "cusion: 'cusion heaps' says what each has, and which can't be\n");
	return EXIT_FAILURE;
}

/* what the service says of the heap; it need not answer */
static void say_largest(const struct alloc_device *device, const struct alloc_options *options)
{
	struct json_object *answer, *heap;
	uint64_t largest = 0;
	char text[32];

	if (control_ask(&answer, "heaps") < 0)
		return;
	for (size_t i = 0; (heap = answer_entry(answer, "heaps", i)); i++)
		if (answer_u64(heap, "id") == device->heap.id)
			largest = answer_u64(heap, "largest");
	json_object_put(answer);
	if (largest && largest < options->size)
		fprintf(stderr, "cusion: the largest buffer that it has now is of %s\n",
			human(text, sizeof(text), largest));
	else
		fprintf(stderr, "cusion: %s: 'cusion clients' says what you have of your limits\n",
			largest ? "it has more" : "there is no more, or not for you");
}

static void say_hint(const struct alloc_device *device, const struct alloc_options *options,
		     int error)
{
	switch (error) {
	case -ENODEV:
		alloc_say_pick(device, options);
		break;
	case -ENOMEM:
		say_largest(device, options);
		break;
	case -EACCES:
		fprintf(stderr, "cusion: the service may not give this process a file; ion(4) has "
				"the reasons\n");
		break;
	case -EBUSY:
		fprintf(stderr, "cusion: this process is being traced, by strace or a debugger\n");
		break;
	case -EMFILE:
		fprintf(stderr, "cusion: no fd is free: 'ulimit -n' says how many there may be\n");
		break;
	case -ENOTTY:
		fprintf(stderr, "cusion: is %s ION's?\n", options->device);
		break;
	}
}

int alloc_say_failed(const struct alloc_device *device, const struct alloc_options *options,
		     int error)
{
	char size[32];

	fprintf(stderr, "cusion: %s of heap %" PRIu32 "%s%s: %s\n",
		human(size, sizeof(size), options->size), device->heap.id,
		device->heap.name[0] ? ", " : "", device->heap.name, strerror(-error));
	say_hint(device, options, error);
	return EXIT_FAILURE;
}
