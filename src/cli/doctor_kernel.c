// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion doctor: the kernel, what holds it, and the faults that its number is known for. */
#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "cli/doctor.h"

/* The number of the stable release. Debian's own kernels are all called 6.1.0 in their release, and
 * have it behind the date; Ubuntu's have it in a file of its own. */
static bool read_number(struct doctor *doctor)
{
	unsigned int *n = doctor->kernel;
	char text[512];
	const char *built, *at;

	if (look_text(doctor, "/proc/version_signature", text, sizeof(text)) == 0) {
		at = strrchr(text, ' ');
		if (at && sscanf(at, " %u.%u.%u", &n[0], &n[1], &n[2]) == 3)
			return true;
	}
	if (look_text(doctor, "/proc/version", text, sizeof(text)) < 0)
		return false;
	built = strstr(text, " #");
	at = built ? strstr(built, "Debian ") : NULL;
	if (at && sscanf(at, "Debian %u.%u.%u", &n[0], &n[1], &n[2]) == 3)
		return true;
	n[2] = 0;
	return sscanf(text, "Linux version %u.%u.%u", &n[0], &n[1], &n[2]) >= 2;
}

static bool is_before(const unsigned int *kernel, const unsigned int *than)
{
	for (int i = 0; i < 3; i++)
		if (kernel[i] != than[i])
			return kernel[i] < than[i];
	return false;
}

static void probe_version(struct doctor *doctor)
{
	/* pidfd_getfd(2); the oldest kernel that the tests run on */
	static const unsigned int needed[] = { 5, 6, 0 }, tested[] = { 6, 1, 0 };
	const unsigned int *n = doctor->kernel;
	char release[128] = "?";
	struct finding *finding;

	look_text(doctor, "/proc/sys/kernel/osrelease", release, sizeof(release));
	if (!read_number(doctor)) {
		doctor_add(doctor, "kernel", FINDING_NOTE, "its number can't be read (%s)",
			   release);
		return;
	}
	finding = doctor_add(doctor, "kernel", FINDING_OK, "Linux %u.%u.%u (%s), %s", n[0], n[1],
			     n[2], release, doctor->machine);
	if (is_before(n, needed)) {
		finding->state = FINDING_LACK;
		finding->essential = !doctor->serves;
		finding_cost(finding, "no descriptor can be put into a caller",
			     "boot Linux 6.1 or newer");
	} else if (is_before(n, tested)) {
		finding->state = FINDING_NOTE;
		finding_cost(finding, "cusion is tested on 6.1 and newer",
			     "boot Linux 6.1 or newer");
	}
}

static void probe_container(struct doctor *doctor)
{
	char kind[64] = "";
	struct finding *finding;

	if (look_text(doctor, "/run/systemd/container", kind, sizeof(kind)) < 0) {
		if (look_exists(doctor, "/.dockerenv"))
			strcpy(kind, "docker");
		else if (look_exists(doctor, "/run/.containerenv"))
			strcpy(kind, "podman");
	}
	if (!kind[0])
		return;
	doctor->contained = true;
	finding = doctor_add(doctor, "container", FINDING_NOTE, "this is a container (%s)", kind);
	finding_cost(finding, "devices, rights and limits are what its host gives it",
		     "docker run --device /dev/cuse --device /dev/fuse --device /dev/udmabuf "
		     "--cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt seccomp=unconfined "
		     "--security-opt apparmor=unconfined ...");
}

/* A map of one line, "0 0 4294967295": the machine's own users. */
static void probe_user_namespace(struct doctor *doctor)
{
	unsigned int inside, outside, n;
	char map[96];

	if (look_text(doctor, "/proc/self/uid_map", map, sizeof(map)) < 0 ||
	    sscanf(map, "%u %u %u", &inside, &outside, &n) != 3 || (!outside && n == UINT32_MAX))
		return;
	finding_cost(doctor_add(doctor, "user-namespace", FINDING_LACK,
				"this is a user namespace of %u users", n),
		     "root is root in here alone: programs outside can't be served, nodes can't be "
		     "made",
		     "start cusiond outside, as the machine's root");
}

void doctor_kernel(struct doctor *doctor)
{
	probe_version(doctor);
	probe_container(doctor);
	probe_user_namespace(doctor);
}

/*
 * What kernels are known for, each range from one release up to, and not with, another. vmap's
 * first mend let it fail always, since the function that it took maps only what is no
 * memory; 6.12.48 took that back, and with it came the first fault again. 6.16.1 has both patches
 * of the second mend.
 */
static const struct {
	const char *name;
	enum finding_state state;
	struct {
		unsigned int from[3], until[3];
	} ranges[3];
	const char *text, *cost, *mend;
} known[] = {
	{
		"udmabuf-vmap",
		FINDING_FAULT,
		{ { { 6, 11, 0 }, { 6, 11, 11 } },
		  { { 6, 12, 0 }, { 6, 12, 2 } },
		  { { 6, 12, 48 }, { 6, 13, 0 } } },
		"the kernel maps huge pages wrongly for itself (known in 6.11, 6.12.0, 6.12.1, and "
		"from 6.12.48 on)",
		"drivers that write by CPU (vivid, UVC) put all data of a huge page into its first "
		"4 KiB; DMA and mmap are right",
		"boot Linux 6.16.1 or newer",
	},
	{
		"udmabuf-vmap",
		FINDING_FAULT,
		{ { { 6, 11, 11 }, { 6, 12, 0 } },
		  { { 6, 12, 2 }, { 6, 12, 48 } },
		  { { 6, 13, 0 }, { 6, 16, 1 } } },
		"the kernel can't map a buffer for itself (known in 6.12.2 to 6.12.47, 6.13 to "
		"6.16.0)",
		"drivers that write by CPU (vivid, UVC) refuse every buffer; DMA and mmap are "
		"right",
		"boot Linux 6.16.1 or newer",
	},
	{
		"udmabuf-huge-pages",
		FINDING_FAULT,
		{ { { 6, 1, 36 }, { 6, 2, 0 } },
		  { { 6, 3, 10 }, { 6, 4, 0 } },
		  { { 6, 4, 0 }, { 6, 11, 0 } } },
		"udmabuf takes no huge pages (known in 6.1.36 to 6.10)",
		"no contiguous memory",
		"boot Linux 6.12 or newer",
	},
	{
		"udmabuf-direct-io",
		FINDING_NOTE,
		{ { { 6, 11, 0 }, { 7000, 0, 0 } } },
		"buffers are mapped by page frame (known from 6.11 on)",
		"O_DIRECT, fixed buffers of io_uring and process_vm_readv(2) on a mapped buffer: "
		"EFAULT",
		"",
	},
};

static bool is_known(const struct doctor *doctor, size_t i)
{
	for (size_t r = 0; r < ARRAY_SIZE(known[i].ranges); r++)
		if (!is_before(doctor->kernel, known[i].ranges[r].from) &&
		    is_before(doctor->kernel, known[i].ranges[r].until))
			return true;
	return false;
}

void doctor_faults(struct doctor *doctor)
{
	for (size_t i = 0; doctor->has_udmabuf && i < ARRAY_SIZE(known); i++) {
		if (!is_known(doctor, i))
			continue;
		finding_cost(doctor_add(doctor, known[i].name, known[i].state, "%s", known[i].text),
			     known[i].cost, "%s", known[i].mend);
		if (!strcmp(known[i].name, "udmabuf-huge-pages") && !doctor->not_contiguous)
			doctor->not_contiguous = "this kernel's udmabuf takes no huge pages";
	}
	if (doctor->has_huge)
		finding_cost(doctor_add(doctor, "huge-page-files", FINDING_NOTE,
					"a file of huge pages grows when it is mapped past its "
					"end, sealed or not"),
			     "contiguous buffers are dma-bufs only: as memfds, clients could make "
			     "them pass their quota",
			     "%s", "");
}
