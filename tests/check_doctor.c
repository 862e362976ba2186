// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/cli/doctor_*.c: the probes of cusion doctor, on machines that are folders. Every test starts
 * from a machine that lacks nothing, and takes something away.
 */
#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "cli/doctor.h"

static char root[] = "/tmp/check_doctor-XXXXXX";
static bool as_root;
static int open_result, ring_result, service_result;
static struct service_facts facts;
static struct doctor doctor;

#define HUGE_1G	   "/sys/kernel/mm/hugepages/hugepages-1048576kB/"
#define HUGE_2M	   "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define PARAMETERS "/sys/module/udmabuf/parameters/"
#define RELEASE	   "6.16.5-amd64"

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

/* a file of the machine's has that text from now on */
static void put(const char *path, const char *text)
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

/* a file or folder of the machine's is no more */
static void drop(const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	ck_assert_int_eq(nftw(full, drop_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static int fake_open(const char *path _unused_)
{
	return open_result;
}

static int fake_ring(void)
{
	return ring_result;
}

static int fake_service(struct service_facts *ret)
{
	*ret = facts;
	return service_result;
}

static void setup(void)
{
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	for (size_t i = 0; i < ARRAY_SIZE(perfect); i++)
		put(perfect[i].path, perfect[i].text);
	as_root = false;
	open_result = ring_result = service_result = 0;
	facts = (struct service_facts){
		.version = "1.2", .nodes = "/dev/ion", .exporter = "x", .allocations = 7
	};
}

static void teardown(void)
{
	drop("");
}

/* Whatever the machine: who lacks something is told what that costs and what mends it. */
static void look(void)
{
	doctor = (struct doctor){
		.root = root,
		.machine = "x86_64",
		.is_root = as_root,
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

/* the machine without a service */
static void look_stopped(void)
{
	service_result = -ENOENT;
	drop("/sys/class/cuse");
	drop("/dev/ion");
	look();
}

static const struct finding *found(const char *name, enum finding_state state)
{
	const struct finding *f = doctor_find(&doctor, name);

	ck_assert_msg(f, "nothing is said of %s", name);
	ck_assert_msg(f->state == state, "%s: %s: %s", name, finding_state_name(f->state), f->text);
	return f;
}

static size_t count(enum finding_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < doctor.n_findings; i++)
		n += doctor.findings[i].state == state;
	return n;
}

#define assert_says(text, word) ck_assert_msg(strstr(text, word), "no '%s' in '%s'", word, text)

START_TEST(lacks_nothing)
{
	look();
	ck_assert_uint_eq(count(FINDING_LACK), 0);
	ck_assert_uint_eq(count(FINDING_FAULT), 0);
	ck_assert(doctor_can_serve(&doctor));
	ck_assert_ptr_null(doctor.not_contiguous);
	assert_says(found("kernel", FINDING_OK)->text, "6.16.5");
	assert_says(found("huge-pages", FINDING_OK)->text, "2 MiB: 250 free of 256");
	ck_assert_str_eq(found("huge-pages-other", FINDING_OK)->text, "1 GiB: 1 free of 2");
	assert_says(found("service", FINDING_OK)->text, "cusiond 1.2 serves /dev/ion");
	assert_says(found("dma-heap", FINDING_OK)->text, "system");
	assert_says(found("udmabuf-direct-io", FINDING_NOTE)->cost, "O_DIRECT");
	ck_assert_str_eq(doctor.reach, "this user may");
	as_root = true;
	look();
	assert_says(doctor.reach, "members of group ");
}
END_TEST

START_TEST(stopped)
{
	look_stopped();
	ck_assert_uint_eq(count(FINDING_LACK), 0);
	ck_assert(doctor_can_serve(&doctor));
	assert_says(found("service", FINDING_NOTE)->mend, "systemctl start");
	found("node", FINDING_NOTE);
	drop("/run/systemd");
	look();
	ck_assert_str_eq(found("service", FINDING_NOTE)->mend, "cusiond, as root");
	service_result = -ETIMEDOUT;
	look();
	found("service", FINDING_FAULT);
	service_result = 0;
	facts.delivery_fails = 3;
	look();
	assert_says(found("allocations", FINDING_NOTE)->text, "3 not delivered");
}
END_TEST

START_TEST(yama)
{
	for (int scope = 0; scope <= 3; scope++) {
		char text[8];

		snprintf(text, sizeof(text), "%d\n", scope);
		put("/proc/sys/kernel/yama/ptrace_scope", text);
		look();
		found("ptrace-scope", scope == 3 ? FINDING_LACK : FINDING_OK);
	}
	assert_says(found("ptrace-scope", FINDING_LACK)->cost, "EACCES");
	ck_assert(!doctor_can_serve(&doctor)); /* although it runs */
	look_stopped();
	ck_assert(!doctor_can_serve(&doctor));
	drop("/proc/sys/kernel/yama");
	look();
	found("ptrace-scope", FINDING_OK);
}
END_TEST

START_TEST(no_cuse)
{
	drop("/dev/cuse");
	look_stopped();
	assert_says(found("cuse", FINDING_LACK)->mend, "--device /dev/cuse");
	drop("/sys/class/misc/cuse");
	look();
	assert_says(found("cuse", FINDING_LACK)->mend, "--frontend");
	ck_assert(doctor_can_serve(&doctor));

	put("/lib/modules/" RELEASE "/modules.dep",
	    "kernel/fs/fuse/cuse.ko.xz: kernel/fs/fuse/fuse.ko.xz\n");
	look();
	ck_assert_str_eq(found("cuse", FINDING_NOTE)->mend, "modprobe cuse");
	drop("/lib/modules/" RELEASE "/modules.dep");

	drop("/sys/class/misc/fuse");
	look();
	ck_assert(found("fuse", FINDING_LACK)->essential);
	ck_assert(!doctor_can_serve(&doctor));
	put("/lib/modules/" RELEASE "/modules.builtin", "kernel/fs/fuse/fuse.ko\n");
	look();
	found("fuse", FINDING_OK);
	ck_assert(doctor_can_serve(&doctor));
}
END_TEST

START_TEST(no_udmabuf)
{
	drop("/dev/udmabuf");
	drop("/sys/class/misc/udmabuf");
	drop("/sys/module/udmabuf");
	put("/proc/version", "Linux version 6.1.0-37-amd64 (x) (gcc-12 (Debian 12.2.0-14) 12.2.0, "
			     "ld) #1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)\n");
	look();
	assert_says(found("kernel", FINDING_OK)->text, "6.1.140");
	assert_says(found("udmabuf", FINDING_LACK)->cost, "contiguous");
	assert_says(found("fuse-passthrough", FINDING_LACK)->cost, "twice");
	ck_assert_ptr_nonnull(doctor.not_contiguous);
	ck_assert(doctor_can_serve(&doctor));
	ck_assert_ptr_null(doctor_find(&doctor, "udmabuf-limits"));
	ck_assert_ptr_null(doctor_find(&doctor, "udmabuf-huge-pages"));
}
END_TEST

START_TEST(small_limits)
{
	put(PARAMETERS "size_limit_mb", "64\n");
	put(PARAMETERS "list_limit", "1024\n");
	look();
	assert_says(found("udmabuf-limits", FINDING_LACK)->mend, "size_limit_mb");
	/* a service raises them at its start, if it can */
	look_stopped();
	found("udmabuf-limits", FINDING_OK);
	put("/proc/self/mountinfo", "20 1 0:20 / / rw - ext4 /dev/vda rw\n"
				    "22 20 0:22 / /sys ro,nosuid - sysfs sysfs rw\n");
	look();
	found("udmabuf-limits", FINDING_LACK);
	/* half of memory in slices of 2 MiB, and no more, is wanted */
	put("/proc/meminfo", "MemTotal: 131072 kB\nMemAvailable: 131072 kB\n");
	look();
	found("udmabuf-limits", FINDING_OK);
}
END_TEST

START_TEST(node_of_the_kernel)
{
	service_result = -ECONNREFUSED;
	drop("/sys/class/cuse");
	put("/sys/class/misc/ion/dev", "10:57\n");
	look();
	ck_assert(found("node", FINDING_FAULT)->essential);
	ck_assert(!doctor_can_serve(&doctor));
	drop("/sys/class/misc/ion");
	look();
	assert_says(found("node", FINDING_FAULT)->mend, "rm /dev/ion");
	ck_assert_ptr_null(doctor_find(&doctor, "node-access"));
	/* where there is no cuse, it is what a service's file is bound to */
	drop("/sys/class/misc/cuse");
	look();
	found("node", FINDING_NOTE);
}
END_TEST

START_TEST(node_is_a_bound_file)
{
	drop("/sys/class/cuse");
	put("/proc/self/mountinfo", "9 1 0:9 / /proc rw - proc proc rw\n"
				    "40 20 0:40 /ion /dev/ion rw - fuse.cusion cusion rw\n");
	look();
	assert_says(found("node", FINDING_OK)->text, "a file");
	found("node-access", FINDING_OK);
}
END_TEST

START_TEST(who_may)
{
	open_result = -EACCES;
	look();
	assert_says(found("node-access", FINDING_LACK)->cost, "EACCES");
	ck_assert(doctor_can_serve(&doctor));
	assert_says(doctor.reach, "not this user");
	put("/etc/group", "root:x:0:\n");
	look();
	assert_says(found("group", FINDING_LACK)->mend, "systemd-sysusers");
}
END_TEST

START_TEST(container)
{
	put("/.dockerenv", "");
	put("/proc/self/status", "CapBnd:\t00000000a80425fb\nSeccomp:\t2\n");
	put("/proc/sys/kernel/yama/ptrace_scope", "0\n");
	drop("/dev/udmabuf");
	ring_result = -EPERM;
	look_stopped();
	assert_says(found("container", FINDING_NOTE)->text, "docker");
	assert_says(found("seccomp", FINDING_LACK)->mend, "--security-opt seccomp=unconfined");
	assert_says(found("cap-sys-ptrace", FINDING_LACK)->mend, "--cap-add SYS_PTRACE");
	assert_says(found("udmabuf", FINDING_LACK)->mend, "--device /dev/udmabuf");
	assert_says(found("io-uring", FINDING_NOTE)->mend, "docker");
	ck_assert(!doctor_can_serve(&doctor));

	drop("/.dockerenv");
	put("/run/systemd/container", "lxc\n");
	put("/proc/self/uid_map", "0 100000 65536\n");
	look();
	assert_says(found("container", FINDING_NOTE)->text, "lxc");
	found("user-namespace", FINDING_LACK);
}
END_TEST

START_TEST(rights)
{
	put("/proc/self/status", "CapBnd:\t000001fffeffffff\nSeccomp:\t2\n");
	look_stopped();
	assert_says(found("cap-sys-resource", FINDING_LACK)->text, "CAP_SYS_RESOURCE");
	ck_assert(doctor_can_serve(&doctor));
	assert_says(found("seccomp", FINDING_LACK)->mend, "systemctl");
	assert_says(found("open-files", FINDING_OK)->text, "524288");

	put("/proc/self/limits",
	    "Max open files            1024                 4096      files\n");
	look();
	assert_says(found("open-files", FINDING_LACK)->mend, "LimitNOFILE");
	/* who has the capability goes beyond */
	put("/proc/self/status", "CapBnd:\t000001ffffffffff\nSeccomp:\t0\n");
	look();
	assert_says(found("open-files", FINDING_OK)->text, "1048576");

	put("/proc/sys/kernel/io_uring_disabled", "2\n");
	look();
	assert_says(found("io-uring", FINDING_NOTE)->mend, "sysctl");
}
END_TEST

START_TEST(modules_of_the_lsm)
{
	put("/sys/fs/selinux/enforce", "1");
	put("/sys/kernel/security/apparmor/profiles", "/usr/bin/man (enforce)\n"
						      "/usr/sbin/cusiond (enforce)\n");
	look();
	found("selinux", FINDING_NOTE);
	found("apparmor", FINDING_NOTE);
	drop("/sys/kernel/security");
	look();
	found("lsm", FINDING_OK);
	found("apparmor", FINDING_OK);
}
END_TEST

START_TEST(huge_pages)
{
	put("/proc/self/mountinfo", "20 1 0:20 / / rw - ext4 /dev/vda rw\n"
				    "21 20 0:21 / /proc rw - proc proc rw\n"
				    "23 21 0:21 /sys /proc/sys ro - proc proc rw\n"
				    "24 20 0:22 / /sys rw - sysfs sysfs rw\n");
	look();
	found("huge-pages-settable", FINDING_LACK);
	ck_assert_ptr_null(doctor.not_contiguous); /* some are free */
	put(HUGE_2M "free_hugepages", "0\n");
	put(HUGE_2M "nr_overcommit_hugepages", "0\n");
	look();
	ck_assert_ptr_nonnull(doctor.not_contiguous);

	drop("/sys/kernel/mm");
	look();
	ck_assert_str_eq(doctor.not_contiguous, "no huge pages");

	put("/proc/meminfo", "MemTotal: 49152 kB\nMemAvailable: 40000 kB\nHugepagesize: 2048 kB\n");
	look();
	found("memory", FINDING_LACK);
	ck_assert_ptr_nonnull(doctor.not_contiguous);
}
END_TEST

static const struct {
	const char *version;
	const char *vmap; /* what is said of it */
	bool huge_refused;
} kernels[] = {
	{ "6.1.35", NULL, false },	 { "6.1.36", NULL, true },
	{ "6.10.14", NULL, true },	 { "6.11.0", "wrongly", false },
	{ "6.11.11", "can't", false },	 { "6.12.1", "wrongly", false },
	{ "6.12.2", "can't", false },	 { "6.12.47", "can't", false },
	{ "6.12.48", "wrongly", false }, { "6.12.117", "wrongly", false },
	{ "6.13.0", "can't", false },	 { "6.16.0", "can't", false },
	{ "6.16.1", NULL, false },	 { "6.18.44", NULL, false },
};

START_TEST(known_faults)
{
	const struct finding *vmap;
	char text[128];

	snprintf(text, sizeof(text), "Linux version %s (x) #1 SMP\n", kernels[_i].version);
	put("/proc/version", text);
	look();
	vmap = doctor_find(&doctor, "udmabuf-vmap");
	ck_assert_int_eq(!!vmap, !!kernels[_i].vmap);
	if (vmap)
		assert_says(vmap->text, kernels[_i].vmap);
	ck_assert_int_eq(!!doctor_find(&doctor, "udmabuf-huge-pages"), kernels[_i].huge_refused);
	ck_assert_int_eq(!!doctor.not_contiguous, kernels[_i].huge_refused);
}
END_TEST

START_TEST(kernel_numbers)
{
	put("/proc/version_signature", "Ubuntu 6.8.0-31.31-generic 6.8.1\n");
	look();
	assert_says(found("kernel", FINDING_OK)->text, "Linux 6.8.1 ");
	drop("/proc/version_signature");
	put("/proc/version", "Linux version 5.10.0-30-amd64 (x) #1 SMP Debian 5.10.218-1\n");
	look();
	found("kernel", FINDING_NOTE);
	put("/proc/version", "Linux version 5.4 (x) #1 SMP\n");
	look_stopped();
	ck_assert(found("kernel", FINDING_LACK)->essential);
	put("/proc/version", "what is this\n");
	look();
	found("kernel", FINDING_NOTE);
}
END_TEST

/* nothing is there: no crash, and a service can't run */
START_TEST(empty)
{
	drop("/dev");
	drop("/etc");
	drop("/proc");
	drop("/run");
	drop("/sys");
	service_result = -ENOENT;
	look();
	ck_assert(!doctor_can_serve(&doctor));
	ck_assert_ptr_nonnull(doctor.not_contiguous);
}
END_TEST

static void print(char *text, size_t size, bool colour)
{
	FILE *out = fmemopen(text, size, "w");

	ck_assert_ptr_nonnull(out);
	doctor_print(&doctor, out, colour);
	ck_assert_int_eq(fclose(out), 0);
}

START_TEST(printed)
{
	char text[16384];

	drop("/dev/udmabuf");
	look();
	print(text, sizeof(text), false);
	ck_assert_ptr_null(strchr(text, '\033'));
	assert_says(text, "\nlack   udmabuf               the kernel has it");
	assert_says(text, "\n                             cost: buffers are files");
	assert_says(text, "\n                             mend: docker run");
	assert_says(text, "\n\nThe service can run here: yes, it does; contiguous memory: no (no "
			  "udmabuf); without root: this user may.\n");
	print(text, sizeof(text), true);
	assert_says(text, "\033[1;31mlack \033[0m  udmabuf ");
}
END_TEST

START_TEST(as_json)
{
	struct json_object *object, *findings, *first, *value;

	look();
	object = doctor_json(&doctor);
	ck_assert(json_object_object_get_ex(object, "can-serve", &value));
	ck_assert(json_object_get_boolean(value));
	ck_assert(json_object_object_get_ex(object, "contiguous", &value));
	ck_assert(json_object_get_boolean(value));
	ck_assert(json_object_object_get_ex(object, "findings", &findings));
	ck_assert_uint_eq(json_object_array_length(findings), doctor.n_findings);
	first = json_object_array_get_idx(findings, 0);
	ck_assert(json_object_object_get_ex(first, "name", &value));
	ck_assert_str_eq(json_object_get_string(value), "service");
	ck_assert(json_object_object_get_ex(first, "state", &value));
	ck_assert_str_eq(json_object_get_string(value), "ok");
	json_object_put(object);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("doctor");
	TCase *tcase = tcase_create("machines");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lacks_nothing);
	tcase_add_test(tcase, stopped);
	tcase_add_test(tcase, yama);
	tcase_add_test(tcase, no_cuse);
	tcase_add_test(tcase, no_udmabuf);
	tcase_add_test(tcase, small_limits);
	tcase_add_test(tcase, node_of_the_kernel);
	tcase_add_test(tcase, node_is_a_bound_file);
	tcase_add_test(tcase, who_may);
	tcase_add_test(tcase, container);
	tcase_add_test(tcase, rights);
	tcase_add_test(tcase, modules_of_the_lsm);
	tcase_add_test(tcase, huge_pages);
	tcase_add_loop_test(tcase, known_faults, 0, ARRAY_SIZE(kernels));
	tcase_add_test(tcase, kernel_numbers);
	tcase_add_test(tcase, empty);
	tcase_add_test(tcase, printed);
	tcase_add_test(tcase, as_json);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
