// SPDX-License-Identifier: LGPL-2.1-or-later
/* The findings of cusion doctor: how they are kept, and what follows from them. */
#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "cli/doctor.h"

struct finding *doctor_add(struct doctor *doctor, const char *name, enum finding_state state,
			   const char *format, ...)
{
	struct finding *finding;
	va_list args;

	assert(doctor->n_findings < FINDINGS_MAX);
	finding = &doctor->findings[doctor->n_findings++];
	*finding = (struct finding){ .name = name, .state = state, .cost = "" };
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	return finding;
}

struct finding *finding_cost(struct finding *finding, const char *cost, const char *mend, ...)
{
	va_list args;

	finding->cost = cost;
	va_start(args, mend);
	vsnprintf(finding->mend, sizeof(finding->mend), mend, args);
	va_end(args);
	return finding;
}

const char *finding_state_name(enum finding_state state)
{
	static const char *const names[] = {
		[FINDING_OK] = "ok",
		[FINDING_NOTE] = "note",
		[FINDING_LACK] = "lack",
		[FINDING_FAULT] = "fault",
	};

	return names[state];
}

const struct finding *doctor_find(const struct doctor *doctor, const char *name)
{
	for (size_t i = 0; i < doctor->n_findings; i++)
		if (!strcmp(doctor->findings[i].name, name))
			return &doctor->findings[i];
	return NULL;
}

bool doctor_can_serve(const struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->n_findings; i++)
		if (doctor->findings[i].essential)
			return false;
	return true;
}

void doctor_run(struct doctor *doctor)
{
	doctor_service(doctor);
	doctor_kernel(doctor);
	doctor_memory(doctor);
	doctor_devices(doctor);
	doctor_rights(doctor);
	doctor_access(doctor);
	doctor_faults(doctor);
	doctor_area(doctor);
}
