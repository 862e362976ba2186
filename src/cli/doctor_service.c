// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusion doctor: the service that runs here, if any. */
#include <errno.h>
#include <string.h>

#include "cli/doctor.h"

static void no_service(struct doctor *doctor, int error)
{
	bool systemd = look_exists(doctor, "/run/systemd/system");

	if (error == -ETIMEDOUT || error == -EBADMSG)
		finding_cost(doctor_add(doctor, "service", FINDING_FAULT,
					"cusiond runs and does not answer"),
			     "programs that use "
			     "/dev/ion wait",
			     "%s",
			     systemd ? "journalctl -u cusiond; systemctl restart cusiond"
				     : "end cusiond, and start it again");
	else
		finding_cost(doctor_add(doctor, "service", FINDING_NOTE, "none answers (%s)",
					strerror(-error)),
			     "nobody serves /dev/ion", "%s",
			     systemd ? "systemctl start cusiond" : "cusiond, as root");
}

void doctor_service(struct doctor *doctor)
{
	struct service_facts *facts = &doctor->service;
	struct finding *finding;
	int r;

	r = doctor->ask_service(facts);
	if (r < 0) {
		no_service(doctor, r);
		return;
	}
	doctor->serves = true;
	doctor_add(doctor, "service", FINDING_OK, "cusiond %s serves %s; a buffer is %s",
		   facts->version, facts->nodes[0] ? facts->nodes : "no node", facts->exporter);
	finding = doctor_add(
		doctor, "allocations", FINDING_OK, "%llu, %llu refused, %llu not delivered",
		(unsigned long long)facts->allocations, (unsigned long long)facts->refused,
		(unsigned long long)facts->delivery_fails);
	if (!facts->refused && !facts->delivery_fails)
		return;
	finding->state = FINDING_NOTE;
	finding_cost(finding, "who was refused got an errno; the service's log says why", "%s",
		     "journalctl -u cusiond");
}

/* What the machine allows, a service may still have had to do without. */
void doctor_area(struct doctor *doctor)
{
	if (!doctor->serves)
		return;
	if (doctor->service.contiguous) {
		doctor->not_contiguous = NULL;
		doctor_add(doctor, "area", FINDING_OK,
			   "the service has an area of contiguous memory");
		return;
	}
	if (doctor->not_contiguous)
		return;
	doctor->not_contiguous = "the service that runs has none";
	finding_cost(doctor_add(doctor, "area", FINDING_LACK,
				"the service has no area of contiguous memory"),
		     "buffers of contiguous heaps are of scattered pages, or refused",
		     "journalctl -u cusiond, for what became of its areas; restart it%s", "");
}
