// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion doctor: what the kernel lets a service do: trace, suspend filters, open files, use a ring.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "cli/doctor.h"

#define STATUS "/proc/self/status"

static void probe_yama(struct doctor *doctor)
{
	static const char *const scopes[] = {
		"0: who may signal may trace",
		"1: parents trace their children; the service has CAP_SYS_PTRACE",
		"2: who has CAP_SYS_PTRACE traces, as the service does",
	};
	struct finding *finding;
	uint64_t scope;

	if (look_u64(doctor, "/proc/sys/kernel/yama/ptrace_scope", &scope) < 0) {
		doctor_add(doctor, "ptrace-scope", FINDING_OK, "no Yama");
		return;
	}
	if (scope < ARRAY_SIZE(scopes)) {
		doctor_add(doctor, "ptrace-scope", FINDING_OK, "%s", scopes[scope]);
		return;
	}
	finding = doctor_add(doctor, "ptrace-scope", FINDING_LACK, "%llu: nobody traces anybody",
			     (unsigned long long)scope);
	finding->essential = true;
	finding_cost(
		finding, "every allocation fails with EACCES, until the next boot",
		"grep -r ptrace_scope /etc/sysctl.conf /etc/sysctl.d; set it to 1, and reboot");
}

static void probe_lsm(struct doctor *doctor)
{
	char text[128];

	if (look_text(doctor, "/sys/kernel/security/lsm", text, sizeof(text)) < 0)
		strcpy(text, "not to be seen: securityfs is not mounted");
	doctor_add(doctor, "lsm", FINDING_OK, "%s", text);
	if (look_text(doctor, "/sys/fs/selinux/enforce", text, sizeof(text)) == 0 && text[0] == '1')
		finding_cost(doctor_add(doctor, "selinux", FINDING_NOTE, "it enforces its policy"),
			     "without the right to ptrace all domains, callers get EACCES",
			     "ausearch -m avc -c cusiond");
	if (look_text(doctor, "/sys/module/apparmor/parameters/enabled", text, sizeof(text)) < 0 ||
	    text[0] != 'Y')
		return;
	if (look_word(doctor, "/sys/kernel/security/apparmor/profiles", "cusiond ("))
		finding_cost(doctor_add(doctor, "apparmor", FINDING_NOTE,
					"enabled, with a profile for cusiond"),
			     "a profile without 'ptrace,' and 'mount,': callers get EACCES",
			     "aa-status; journalctl -k -g apparmor");
	else
		doctor_add(doctor, "apparmor", FINDING_OK,
			   "enabled, no profile for cusiond is to be seen");
}

static void probe_seccomp(struct doctor *doctor)
{
	char mode[16];

	if (look_value(doctor, STATUS, "Seccomp", mode, sizeof(mode)) < 0 || mode[0] == '0') {
		doctor_add(doctor, "seccomp", FINDING_OK, "no filter is over this process");
		return;
	}
	finding_cost(doctor_add(doctor, "seccomp", FINDING_LACK,
				"this process is under a filter, as is what it starts"),
		     "a service started from here can't suspend the filters of callers: who "
		     "forbids itself socket(2) or recvmsg(2) gets EACCES, or is killed",
		     "%s",
		     doctor->contained ? "docker run --security-opt seccomp=unconfined ..."
				       : "systemctl start cusiond");
}

static const struct {
	const char *finding, *name;
	unsigned int bit;
	bool essential;
	const char *cost;
} wanted[] = {
	{ "cap-sys-ptrace", "SYS_PTRACE", CAP_SYS_PTRACE, true,
	  "no descriptor can be put into a caller" },
	{ "cap-sys-admin", "SYS_ADMIN", CAP_SYS_ADMIN, true,
	  "no mounts, no frame numbers, no filters suspended" },
	{ "cap-setuid", "SETUID", CAP_SETUID, true,
	  "the worker can't give up its rights, and does not start" },
	{ "cap-setgid", "SETGID", CAP_SETGID, true,
	  "the worker can't give up its rights, and does not start" },
	{ "cap-dac-override", "DAC_OVERRIDE", CAP_DAC_OVERRIDE, false,
	  "limits and nodes that belong to others stay as they are" },
	{ "cap-chown", "CHOWN", CAP_CHOWN, false, "no group for the node where there is no udev" },
	{ "cap-kill", "KILL", CAP_KILL, false, "a caller stopped in mid-allocation runs on" },
	{ "cap-sys-resource", "SYS_RESOURCE", CAP_SYS_RESOURCE, false,
	  "open files end at the hard limit; a caller with one descriptor left gets EMFILE" },
};

/* One finding for all, or one for each that lacks. */
static void probe_capabilities(struct doctor *doctor)
{
	struct finding *finding;
	unsigned long long set;
	char text[32];
	int n = 0;

	if (look_value(doctor, STATUS, "CapBnd", text, sizeof(text)) < 0)
		return;
	set = strtoull(text, NULL, 16);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (set >> wanted[i].bit & 1)
			continue;
		n++;
		finding = doctor_add(doctor, wanted[i].finding, FINDING_LACK,
				     "CAP_%s is out of reach here", wanted[i].name);
		finding->essential = wanted[i].essential && !doctor->serves;
		finding_cost(finding, wanted[i].cost,
			     doctor->contained ? "docker run --cap-add %s ..."
					       : "start cusiond where CAP_%s is allowed",
			     wanted[i].name);
	}
	if (!n)
		doctor_add(doctor, "capabilities", FINDING_OK,
			   "all that the service needs can be had");
}

/* With CAP_SYS_RESOURCE, which root mostly has, the keeper goes to the kernel's own limit. */
static void probe_open_files(struct doctor *doctor)
{
	enum {
		ENOUGH = 16384, /* two for a buffer, 4096 buffers a client */
	};
	unsigned long long hard = 0;
	uint64_t most = 0;
	char text[96], bounding[32] = "";
	struct finding *finding;

	look_u64(doctor, "/proc/sys/fs/nr_open", &most);
	if (look_value(doctor, "/proc/self/limits", "Max open files", text, sizeof(text)) < 0 ||
	    sscanf(text, "%*s %llu", &hard) != 1)
		return;
	look_value(doctor, STATUS, "CapBnd", bounding, sizeof(bounding));
	if (strtoull(bounding, NULL, 16) >> CAP_SYS_RESOURCE & 1)
		hard = MAX(hard, (unsigned long long)most);
	finding = doctor_add(doctor, "open-files", FINDING_OK, "%llu for a service", hard);
	if (hard >= ENOUGH)
		return;
	finding->state = FINDING_LACK;
	finding_cost(finding, "a buffer takes one or two: beyond that ENOMEM for everybody", "%s",
		     doctor->contained ? "docker run --ulimit nofile=1048576 ..."
				       : "ulimit -Hn 1048576; or LimitNOFILE=1048576 in the unit");
}

static void probe_io_uring(struct doctor *doctor)
{
	uint64_t disabled = 0;
	int r;

	look_u64(doctor, "/proc/sys/kernel/io_uring_disabled", &disabled);
	r = doctor->io_uring();
	if (!disabled && r == 0) {
		doctor_add(doctor, "io-uring", FINDING_OK, "to be had");
		return;
	}
	if (disabled)
		finding_cost(doctor_add(doctor, "io-uring", FINDING_NOTE,
					"disabled (kernel.io_uring_disabled = %llu): poll(2) "
					"serves",
					(unsigned long long)disabled),
			     "a system call more for each request", "%s",
			     "sysctl kernel.io_uring_disabled=0");
	else
		finding_cost(doctor_add(doctor, "io-uring", FINDING_NOTE,
					"refused (%s): poll(2) serves", strerror(-r)),
			     "a system call more for each request", "%s",
			     doctor->contained ? "docker run --security-opt seccomp=unconfined ..."
					       : "");
}

void doctor_rights(struct doctor *doctor)
{
	probe_yama(doctor);
	probe_lsm(doctor);
	probe_seccomp(doctor);
	probe_capabilities(doctor);
	probe_open_files(doctor);
	probe_io_uring(doctor);
}
