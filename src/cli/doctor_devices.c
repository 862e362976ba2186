// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion doctor: the kernel's devices that the service opens. */
#include "base/attr.h"
#include "cli/doctor.h"

#define MIB	   (1ull << 20)
#define PARAMETERS "/sys/module/udmabuf/parameters/"

enum device {
	DEVICE_THERE,
	DEVICE_LOADABLE, /* its module is not loaded */
	DEVICE_KEPT_OUT, /* the kernel has it; the container has not */
	DEVICE_NONE,
};

/* a device of class misc; its node may be there before the module is, as udev makes it */
static enum device look_device(struct doctor *doctor, const char *name)
{
	char node[64], class[64];

	snprintf(node, sizeof(node), "/dev/%s", name);
	snprintf(class, sizeof(class), "/sys/class/misc/%s", name);
	if (look_exists(doctor, class))
		return look_exists(doctor, node) ? DEVICE_THERE : DEVICE_KEPT_OUT;
	return look_module(doctor, name) ? DEVICE_LOADABLE : DEVICE_NONE;
}

static void kept_out(struct finding *finding, const char *cost, const char *name)
{
	finding_cost(finding, cost, "docker run --device /dev/%s ...", name);
}

static void probe_cuse(struct doctor *doctor)
{
	static const char cost[] = "no node /dev/ion, only a file of a FUSE mount, which programs "
				   "open by its name or through a bind mount";

	switch (look_device(doctor, "cuse")) {
	case DEVICE_THERE:
		doctor->has_cuse = true;
		doctor_add(doctor, "cuse", FINDING_OK, "loaded, /dev/cuse is there");
		break;
	case DEVICE_LOADABLE:
		doctor->has_cuse = true;
		finding_cost(doctor_add(doctor, "cuse", FINDING_NOTE,
					"the module is there, and not loaded"),
			     "cusiond started by hand has no node to serve; the unit loads it",
			     "modprobe cuse");
		break;
	case DEVICE_KEPT_OUT:
		kept_out(doctor_add(doctor, "cuse", FINDING_LACK,
				    "the kernel has it, but there is no /dev/cuse here"),
			 cost, "cuse");
		break;
	case DEVICE_NONE:
		finding_cost(
			doctor_add(doctor, "cuse", FINDING_LACK, "this kernel has no module cuse"),
			cost,
			"cusiond --frontend fuse=DIR; or boot a kernel with CONFIG_CUSE "
			"(Debian: linux-image-amd64)");
		break;
	}
}

static void probe_fuse(struct doctor *doctor)
{
	enum device device = look_device(doctor, "fuse");
	struct finding *finding;

	doctor->has_fuse = device == DEVICE_THERE || device == DEVICE_LOADABLE;
	if (doctor->has_fuse) {
		doctor_add(doctor, "fuse", FINDING_OK,
			   device == DEVICE_THERE ? "loaded, /dev/fuse is there"
						  : "the module loads when it is needed");
		return;
	}
	finding = doctor_add(doctor, "fuse", FINDING_LACK,
			     device == DEVICE_NONE
				     ? "this kernel has no module fuse"
				     : "the kernel has it, but there is no /dev/fuse here");
	finding->essential = !doctor->has_cuse && !doctor->serves;
	if (device == DEVICE_NONE)
		finding_cost(finding, "no device but by cuse, no files as buffers",
			     "boot a kernel with CONFIG_FUSE_FS");
	else
		kept_out(finding, "no device but by cuse, no files as buffers", "fuse");
}

/* It matters only where buffers are files. */
static void probe_passthrough(struct doctor *doctor)
{
	const unsigned int *n = doctor->kernel;
	bool has = n[0] > 6 || (n[0] == 6 && n[1] >= 9);

	if (!doctor->has_fuse)
		return;
	if (has || doctor->has_udmabuf)
		doctor_add(doctor, "fuse-passthrough", FINDING_OK,
			   has ? "this kernel has it (6.9 and newer)"
			       : "none before 6.9, and not needed: buffers are dma-bufs");
	else
		finding_cost(doctor_add(doctor, "fuse-passthrough", FINDING_LACK,
					"none before Linux 6.9"),
			     "a buffer takes its memory twice, the page cache being one",
			     "boot Linux 6.9 or newer");
}

static void probe_udmabuf(struct doctor *doctor)
{
	static const char cost[] = "buffers are files, not dma-bufs: drivers can't import them; no "
				   "contiguous memory";

	switch (look_device(doctor, "udmabuf")) {
	case DEVICE_THERE:
		doctor->has_udmabuf = true;
		doctor_add(doctor, "udmabuf", FINDING_OK, "/dev/udmabuf is there%s",
			   doctor->may_open("/dev/udmabuf") ? ", for the service to open" : "");
		return;
	case DEVICE_LOADABLE:
		finding_cost(doctor_add(doctor, "udmabuf", FINDING_LACK,
					"the module is there, and not loaded"),
			     cost, "modprobe udmabuf");
		break;
	case DEVICE_KEPT_OUT:
		kept_out(doctor_add(doctor, "udmabuf", FINDING_LACK,
				    "the kernel has it, but there is no /dev/udmabuf here"),
			 cost, "udmabuf");
		break;
	case DEVICE_NONE:
		finding_cost(
			doctor_add(doctor, "udmabuf", FINDING_LACK, "this kernel has no udmabuf"),
			cost,
			"boot a kernel with CONFIG_UDMABUF (Debian 12: apt install -t "
			"bookworm-backports linux-image-amd64)");
		break;
	}
	doctor->not_contiguous = "no udmabuf";
}

/* Whether this kernel makes bytes of the limit in an int. Modulo 4096, what is below 2048 is then
 * the limit; the rest is negative, which is taken for a large one. Stable trees have the mend from
 * 6.12.57 on. */
static bool limit_overflows(const struct doctor *doctor, uint64_t mb)
{
	const unsigned int *n = doctor->kernel;

	if (n[0] != 6 || n[1] > 14 || (n[1] == 12 && n[2] >= 57))
		return false;
	return mb >= 4096 && mb % 4096 < 2048;
}

/* What a service sets at its start, where that is more. */
static uint64_t limit_of_service(const struct doctor *doctor)
{
	return MAX(doctor->memory / 2 / MIB, (uint64_t)1024) | 4095;
}

/* What counts is the largest buffer: half of memory, a user's quota; and one in slices of 2 MiB. */
static void probe_udmabuf_limits(struct doctor *doctor)
{
	uint64_t mb, items, wanted_mb = doctor->memory / 2 / MIB;
	struct finding *finding;
	bool fixed, overflows;

	if (!doctor->has_udmabuf || look_u64(doctor, PARAMETERS "size_limit_mb", &mb) < 0 ||
	    look_u64(doctor, PARAMETERS "list_limit", &items) < 0)
		return;
	overflows = limit_overflows(doctor, mb);
	fixed = doctor->serves || look_read_only(doctor, PARAMETERS "size_limit_mb");
	finding = doctor_add(doctor, "udmabuf-limits", FINDING_OK,
			     "%llu MiB and %llu slices a buffer%s%s", (unsigned long long)mb,
			     (unsigned long long)items, fixed ? "" : ", until a service starts",
			     overflows ? "; the kernel takes it modulo 4096 MiB" : "");
	if (!overflows && (!fixed || (mb >= wanted_mb && items >= wanted_mb / 2)))
		return;
	finding->state = overflows ? FINDING_FAULT : FINDING_LACK;
	finding_cost(finding, "larger buffers are refused",
		     "echo %llu >%ssize_limit_mb; echo 65536 >%slist_limit%s",
		     (unsigned long long)limit_of_service(doctor), PARAMETERS, PARAMETERS,
		     doctor->contained ? " (on the host)" : "");
}

void doctor_devices(struct doctor *doctor)
{
	probe_cuse(doctor);
	probe_fuse(doctor);
	probe_udmabuf(doctor);
	probe_udmabuf_limits(doctor);
	probe_passthrough(doctor);
}
