// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/cli/doctor_*.c: the probes of cusion doctor, on machines that are folders. Every test starts
 * from a machine that lacks nothing, and takes something away.
 */
#include <check.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "cli/doctor.h"
#include "doctor_machine.h"

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
	machine.as_root = true;
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
	machine.service_result = -ETIMEDOUT;
	look();
	found("service", FINDING_FAULT);
	machine.service_result = 0;
	machine.facts.contiguous = false;
	look();
	assert_says(found("area", FINDING_LACK)->mend, "journalctl");
	ck_assert_ptr_nonnull(doctor.not_contiguous);
	machine.facts.delivery_fails = 3;
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
	machine.facts.contiguous = false;
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

/* the kernel's arithmetic, in an int */
START_TEST(limit_that_overflows)
{
	put("/proc/version", "Linux version 6.12.56 (x) #1 SMP\n");
	look();
	assert_says(found("udmabuf-limits", FINDING_FAULT)->mend, "echo 8191 >");
	put(PARAMETERS "size_limit_mb", "1048575\n");
	look();
	found("udmabuf-limits", FINDING_OK);
	put(PARAMETERS "size_limit_mb", "1048576\n");
	put("/proc/version", "Linux version 6.12.57 (x) #1 SMP\n");
	look();
	found("udmabuf-limits", FINDING_OK);
	put("/proc/version", "Linux version 6.14.2 (x) #1 SMP\n");
	look();
	found("udmabuf-limits", FINDING_FAULT);
}
END_TEST

START_TEST(node_of_the_kernel)
{
	machine.service_result = -ECONNREFUSED;
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
	machine.open_result = -EACCES;
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
	machine.ring_result = -EPERM;
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
				    "24 20 0:22 / /sys ro,nosuid - sysfs sysfs rw\n"
				    "25 24 0:23 / /sys/fs/cgroup rw - cgroup2 none rw\n");
	machine.service_result = -ENOENT;
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
	machine.service_result = -ENOENT;
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
	machine.service_result = -ENOENT;
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

	machine.facts.contiguous = false;
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

	tcase_add_checked_fixture(tcase, machine_setup, machine_teardown);
	tcase_add_test(tcase, lacks_nothing);
	tcase_add_test(tcase, stopped);
	tcase_add_test(tcase, yama);
	tcase_add_test(tcase, no_cuse);
	tcase_add_test(tcase, no_udmabuf);
	tcase_add_test(tcase, small_limits);
	tcase_add_test(tcase, limit_that_overflows);
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
