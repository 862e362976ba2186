// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion doctor: the nodes that programs open, whose they are, and who may. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "cli/doctor.h"

#define NODE  "/dev/ion"
#define GROUP "cusion"

enum owner {
	OWNER_NOBODY, /* there is no node */
	OWNER_CUSE,
	OWNER_FUSE_FILE,
	OWNER_KERNEL,
	OWNER_OTHER,
};

/* a file of a service's FUSE mount that was bound to the name */
static bool is_bound_file(const struct doctor *doctor)
{
	FILE *file = look_open(doctor, "/proc/self/mountinfo");
	bool found = false;
	char line[1024];

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, " " NODE " ") && strstr(line, " fuse.cusion ");
	if (file)
		fclose(file);
	return found;
}

static enum owner look_owner(const struct doctor *doctor)
{
	if (look_exists(doctor, "/sys/class/cuse/ion"))
		return OWNER_CUSE;
	if (!look_exists(doctor, NODE))
		return OWNER_NOBODY;
	if (is_bound_file(doctor))
		return OWNER_FUSE_FILE;
	return look_exists(doctor, "/sys/class/misc/ion") ? OWNER_KERNEL : OWNER_OTHER;
}

static void taken(struct doctor *doctor, const char *by, const char *mend)
{
	struct finding *finding;

	finding = doctor_add(doctor, "node", FINDING_FAULT, NODE " is %s", by);
	finding->essential = !doctor->serves;
	finding_cost(finding, "cusiond leaves it alone, and does not start", "%s", mend);
}

static void probe_node(struct doctor *doctor, enum owner owner)
{
	switch (owner) {
	case OWNER_NOBODY:
		doctor_add(doctor, "node", FINDING_NOTE, "there is no " NODE "%s",
			   doctor->serves ? ": the service serves elsewhere" : " now");
		break;
	case OWNER_CUSE:
		doctor_add(doctor, "node", FINDING_OK, NODE " is a CUSE device");
		break;
	case OWNER_FUSE_FILE:
		doctor_add(doctor, "node", FINDING_OK, NODE " is a file of cusiond's");
		break;
	case OWNER_KERNEL:
		taken(doctor, "a driver's of this kernel",
		      "use that; or serve elsewhere: cusiond --frontend fuse=DIR");
		break;
	case OWNER_OTHER:
		if (!doctor->has_cuse)
			doctor_add(doctor, "node", FINDING_NOTE,
				   NODE " is a file, for a service's to be bound to");
		else
			taken(doctor, "neither cusiond's nor a driver's", "rm " NODE);
		break;
	}
}

/* the name of a group, or its number */
static const char *group_name(const struct doctor *doctor, gid_t gid, char *name, size_t size)
{
	FILE *file = look_open(doctor, "/etc/group");
	char line[1024], has[64];
	unsigned int n;

	snprintf(name, size, "%u", gid);
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63[^:]:%*[^:]:%u", has, &n) != 2 || n != gid)
			continue;
		snprintf(name, size, "%s", has);
		break;
	}
	if (file)
		fclose(file);
	return name;
}

static void probe_access(struct doctor *doctor)
{
	char path[PATH_MAX], group[64];
	struct finding *finding;
	struct stat st;

	snprintf(path, sizeof(path), "%s" NODE, doctor->root);
	if (stat(path, &st) < 0)
		return;
	group_name(doctor, st.st_gid, group, sizeof(group));
	if (doctor->may_open(NODE) == 0) {
		snprintf(doctor->reach, sizeof(doctor->reach), "%s%s",
			 doctor->is_root ? "members of group " : "this user may",
			 doctor->is_root ? group : "");
		doctor_add(doctor, "node-access", FINDING_OK, "this user may open it (%04o, %s)",
			   st.st_mode & 07777, group);
		return;
	}
	snprintf(doctor->reach, sizeof(doctor->reach), "not this user, but members of group %s",
		 group);
	finding = doctor_add(doctor, "node-access", FINDING_LACK,
			     "this user may not open it (%04o, %s)", st.st_mode & 07777, group);
	if (st.st_mode & S_IWGRP && st.st_gid)
		finding_cost(finding, "this user's programs get EACCES",
			     "usermod -aG %s $USER, as root; then log in anew", group);
	else
		finding_cost(finding, "this user's programs get EACCES",
			     "set mode and group in [device ion], see cusiond(8)%s", "");
}

static void probe_group(struct doctor *doctor)
{
	char text[16];

	if (look_value(doctor, "/etc/group", GROUP, text, sizeof(text)) == 0) {
		doctor_add(doctor, "group", FINDING_OK, "there is a group " GROUP);
		return;
	}
	finding_cost(doctor_add(doctor, "group", FINDING_LACK, "there is no group " GROUP),
		     "nodes are for root alone", "systemd-sysusers; or groupadd -r " GROUP);
	strcpy(doctor->reach, "nobody, without a group " GROUP);
}

static void probe_dma_heaps(struct doctor *doctor)
{
	char path[PATH_MAX], names[128] = "";
	struct dirent *entry;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/class/dma_heap", doctor->root);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && n < sizeof(names))
			n += snprintf(names + n, sizeof(names) - n, " %s", entry->d_name);
	if (dir)
		closedir(dir);
	doctor_add(doctor, "dma-heap", FINDING_OK, names[0] ? "the kernel's own:%s" : "%sno heaps",
		   names[0] ? names : "the kernel has ");
}

void doctor_access(struct doctor *doctor)
{
	enum owner owner = look_owner(doctor);

	strcpy(doctor->reach, "members of group " GROUP ", when the service runs");
	probe_node(doctor, owner);
	probe_group(doctor);
	if (owner == OWNER_CUSE || owner == OWNER_FUSE_FILE)
		probe_access(doctor);
	probe_dma_heaps(doctor);
}
