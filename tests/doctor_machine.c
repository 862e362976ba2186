// SPDX-License-Identifier: LGPL-2.1-or-later
#include "doctor_machine.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/attr.h"

static char root[] = "/tmp/check_doctor-XXXXXX";

struct machine machine;
struct doctor doctor;

static const struct {
	const char *path, *text;
} perfect[] = {
	{ "/dev/cuse", "" },
	{ "/dev/fuse", "" },
	{ "/dev/ion", "" },
	{ "/dev/udmabuf", "" },
	{ "/etc/group", "root:x:0:\ncusion:x:997:member\n" },
	{ "/proc/meminfo", "MemTotal:        8388608 kB\nMemFree:         4194304 kB\n"
			   "MemAvailable:    6291456 kB\nHugepagesize:       2048 kB\n" },
	{ "/proc/self/limits",
	  "Limit                     Soft Limit           Hard Limit     Units\n"
	  "Max open files            1024                 524288         files\n" },
	{ "/proc/self/mountinfo", "20 1 0:20 / / rw,relatime - ext4 /dev/vda rw\n"
				  "21 20 0:21 / /proc rw,nosuid - proc proc rw\n"
				  "22 20 0:22 / /sys rw,nosuid - sysfs sysfs rw\n" },
	{ "/proc/self/status", "Name:\tcusion\nCapBnd:\t000001ffffffffff\nSeccomp:\t0\n"
			       "Seccomp_filters:\t0\n" },
	{ "/proc/self/uid_map", "         0          0 4294967295\n" },
	{ "/proc/sys/fs/nr_open", "1048576\n" },
	{ "/proc/sys/kernel/osrelease", RELEASE "\n" },
	{ "/proc/sys/kernel/io_uring_disabled", "0\n" },
	{ "/proc/sys/kernel/yama/ptrace_scope", "1\n" },
	{ "/proc/version", "Linux version 6.16.5 (a@b) (gcc (Debian 14.2.0-1) 14.2.0) #1 SMP\n" },
	{ "/run/systemd/system/any", "" },
	{ "/sys/class/cuse/ion/dev", "" },
	{ "/sys/class/dma_heap/system/dev", "" },
	{ "/sys/class/misc/cuse/dev", "" },
	{ "/sys/class/misc/fuse/dev", "" },
	{ "/sys/class/misc/udmabuf/dev", "" },
	{ "/sys/kernel/security/lsm", "lockdown,capability,yama,apparmor" },
	{ "/sys/module/apparmor/parameters/enabled", "Y\n" },
	{ HUGE_1G "nr_hugepages", "2\n" },
	{ HUGE_1G "free_hugepages", "1\n" },
	{ HUGE_2M "nr_hugepages", "256\n" },
	{ HUGE_2M "free_hugepages", "250\n" },
	{ HUGE_2M "resv_hugepages", "1\n" },
	{ HUGE_2M "surplus_hugepages", "0\n" },
	{ HUGE_2M "nr_overcommit_hugepages", "64\n" },
	{ PARAMETERS "size_limit_mb", "1048576\n" },
	{ PARAMETERS "list_limit", "65536\n" },
};

static void make_folders(char *path)
{
	for (char *slash = path + sizeof(root); (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

void put(const char *path, const char *text)
{
	char full[PATH_MAX];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	make_folders(full);
	file = fopen(full, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static int drop_one(const char *path, const struct stat *st _unused_, int type _unused_,
		    struct FTW *at _unused_)
{
	return remove(path);
}

void drop(const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	ck_assert_int_eq(nftw(full, drop_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int fake_open(const char *path _unused_)
{
	return machine.open_result;
}

static int fake_ring(void)
{
	return machine.ring_result;
}

static int fake_service(struct service_facts *ret)
{
	*ret = machine.facts;
	return machine.service_result;
}

void machine_setup(void)
{
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	for (size_t i = 0; i < ARRAY_SIZE(perfect); i++)
		put(perfect[i].path, perfect[i].text);
	machine = (struct machine){
		.facts = {
			.version = "1.2",
			.nodes = "/dev/ion",
			.exporter = "x",
			.allocations = 7,
			.contiguous = true,
		},
	};
}

void machine_teardown(void)
{
	drop("");
}

void look(void)
{
	doctor = (struct doctor){
		.root = root,
		.machine = "x86_64",
		.is_root = machine.as_root,
		.may_open = fake_open,
		.io_uring = fake_ring,
		.ask_service = fake_service,
	};
	doctor_run(&doctor);
	for (size_t i = 0; i < doctor.n_findings; i++) {
		const struct finding *f = &doctor.findings[i];

		ck_assert_msg(doctor_find(&doctor, f->name) == f, "%s is there twice", f->name);
		ck_assert_msg(f->text[0], "%s says nothing", f->name);
		ck_assert_msg(strlen(f->text) < sizeof(f->text) - 1, "%s is cut", f->name);
		ck_assert_msg(strlen(f->mend) < sizeof(f->mend) - 1, "%s is cut", f->name);
		if (f->state == FINDING_LACK || f->state == FINDING_FAULT)
			ck_assert_msg(f->cost[0] && f->mend[0], "%s has no remedy", f->name);
		if (f->essential)
			ck_assert_msg(f->cost[0], "%s is essential for nothing", f->name);
	}
}

void look_stopped(void)
{
	machine.service_result = -ENOENT;
	drop("/sys/class/cuse");
	drop("/dev/ion");
	look();
}

const struct finding *found(const char *name, enum finding_state state)
{
	const struct finding *f = doctor_find(&doctor, name);

	ck_assert_msg(f, "nothing is said of %s", name);
	ck_assert_msg(f->state == state, "%s: %s: %s", name, finding_state_name(f->state), f->text);
	return f;
}
