// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion doctor: memory, and the huge pages that contiguous memory is made of. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "cli/cusion.h"
#include "cli/doctor.h"

#define HUGE_PAGES "/sys/kernel/mm/hugepages"
#define MIB	   (1ull << 20)
#define FLOOR	   (16 * MIB) /* of the area that is built in; its ceiling is CEILING at most */
#define CEILING	   (512 * MIB)

static uint64_t meminfo(const struct doctor *doctor, const char *key)
{
	char text[64];

	if (look_value(doctor, "/proc/meminfo", key, text, sizeof(text)) < 0)
		return 0;
	return strtoull(text, NULL, 10) << 10;
}

static void probe_memory(struct doctor *doctor)
{
	uint64_t available = meminfo(doctor, "MemAvailable");
	char all[32], free[32], most[32];
	struct finding *finding;

	doctor->memory = meminfo(doctor, "MemTotal");
	if (!doctor->memory)
		return;
	finding = doctor_add(doctor, "memory", FINDING_OK,
			     "%s, %s available; contiguous memory takes %s at most",
			     human(all, sizeof(all), doctor->memory),
			     human(free, sizeof(free), available),
			     human(most, sizeof(most), MIN(doctor->memory / 4, CEILING)));
	if (available >= FLOOR && doctor->memory / 4 >= FLOOR)
		return;
	finding->state = FINDING_LACK;
	finding_cost(finding, "the smallest area of contiguous memory, 16 MiB, does not fit",
		     "add memory, or end what uses it");
	doctor->not_contiguous = "too little memory";
}

struct huge_pages {
	uint64_t size;
	uint64_t total, free, reserved, surplus, overcommit;
};

/* "hugepages-2048kB" */
static bool look_huge(const struct doctor *doctor, const char *name, struct huge_pages *huge)
{
	const struct {
		const char *file;
		uint64_t *to;
	} files[] = {
		{ "nr_hugepages", &huge->total },
		{ "free_hugepages", &huge->free },
		{ "resv_hugepages", &huge->reserved },
		{ "surplus_hugepages", &huge->surplus },
		{ "nr_overcommit_hugepages", &huge->overcommit },
	};
	unsigned long kb;
	char path[PATH_MAX];

	if (sscanf(name, "hugepages-%lukB", &kb) != 1)
		return false;
	*huge = (struct huge_pages){ .size = (uint64_t)kb << 10 };
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), HUGE_PAGES "/%.128s/%s", name, files[i].file);
		look_u64(doctor, path, files[i].to);
	}
	return true;
}

static void tell_huge(struct doctor *doctor, const struct huge_pages *huge)
{
	char size[32];

	doctor_add(doctor, "huge-pages", FINDING_OK,
		   "%s: %llu free of %llu, %llu reserved, %llu surplus of %llu allowed",
		   human(size, sizeof(size), huge->size), (unsigned long long)huge->free,
		   (unsigned long long)huge->total, (unsigned long long)huge->reserved,
		   (unsigned long long)huge->surplus, (unsigned long long)huge->overcommit);
}

/* one more of the sizes that are not the usual one */
static void append_huge(char *text, size_t text_size, const struct huge_pages *huge)
{
	size_t n = strlen(text);
	char size[32];

	snprintf(text + n, text_size - n, "%s%s: %llu free of %llu", n ? "; " : "",
		 human(size, sizeof(size), huge->size), (unsigned long long)huge->free,
		 (unsigned long long)huge->total);
}

/* whether the service can have its area: from what is free, or by asking for more */
static void judge_huge(struct doctor *doctor, const struct huge_pages *huge)
{
	if (!look_read_only(doctor, HUGE_PAGES)) {
		doctor_add(doctor, "huge-pages-settable", FINDING_OK,
			   "a service may ask the kernel for more");
		return;
	}
	finding_cost(doctor_add(doctor, "huge-pages-settable", FINDING_LACK,
				"/sys is mounted read-only here"),
		     "contiguous memory is what huge pages are free already",
		     "sysctl vm.nr_hugepages=%llu%s", (unsigned long long)(CEILING / huge->size),
		     doctor->contained ? " (on the host)" : "");
	if ((huge->free + huge->overcommit) * huge->size < FLOOR && !doctor->not_contiguous)
		doctor->not_contiguous = "no huge pages are free, and more can't be asked for";
}

static void no_huge(struct doctor *doctor)
{
	finding_cost(doctor_add(doctor, "huge-pages", FINDING_LACK,
				"this kernel has no huge pages (" HUGE_PAGES ")"),
		     "no contiguous memory", "boot a kernel with CONFIG_HUGETLBFS");
	if (!doctor->not_contiguous)
		doctor->not_contiguous = "no huge pages";
}

static void probe_huge(struct doctor *doctor)
{
	uint64_t usual = meminfo(doctor, "Hugepagesize");
	char path[PATH_MAX], others[160] = "";
	struct dirent *entry;
	struct huge_pages huge;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" HUGE_PAGES, doctor->root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (!look_huge(doctor, entry->d_name, &huge))
			continue;
		if (huge.size != usual) {
			append_huge(others, sizeof(others), &huge);
			continue;
		}
		doctor->has_huge = true;
		tell_huge(doctor, &huge);
		judge_huge(doctor, &huge);
	}
	if (dir)
		closedir(dir);
	if (!doctor->has_huge)
		no_huge(doctor);
	if (others[0])
		doctor_add(doctor, "huge-pages-other", FINDING_OK, "%s", others);
}

void doctor_memory(struct doctor *doctor)
{
	probe_memory(doctor);
	probe_huge(doctor);
}
