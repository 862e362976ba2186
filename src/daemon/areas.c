// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A scrubber is begun by what makes something dirty, and goes on, piece by piece, until nothing is:
 * no timer and no thread of its own while all is clean.
 */
#include "daemon/areas.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "mem/area.h"
#include "mem/frames.h"
#include "mem/scrub.h"
#include "mem/zones.h"

/* ---- the scrubbers ---- */

static void scrubber_kick(void *user)
{
	struct area_scrubber *scrubber = user;

	if (!scrubber->jobs || scrubber->busy || !scrub_begin(scrubber->area))
		return;
	scrubber->busy = true;
	loop_jobs_submit(scrubber->jobs, &scrubber->job);
}

static void scrubber_run(struct loop_job *job)
{
	scrub_run(container_of(job, struct area_scrubber, job)->area);
}

static void scrubber_done(struct loop_job *job)
{
	struct area_scrubber *scrubber = container_of(job, struct area_scrubber, job);

	scrub_finish(scrubber->area);
	scrubber->busy = false;
	scrubber_kick(scrubber);
}

/* ---- the areas ---- */

static void say_report(const struct area_report *report, int r)
{
	if (r < 0)
		log_error("area", "%s", report->text[0] ? report->text : strerror(-r));
	else if (report->text[0])
		log_warning("area", "%s", report->text);
}

static void say_size(const struct area *area)
{
	struct area_totals totals;

	area_totals(area, &totals);
	log_info("area", "area %s: %" PRIu64 " MiB, the longest run has %" PRIu64 " MiB",
		 area_name(area), totals.size >> 20, totals.largest >> 20);
}

static int areas_new_frames(struct frames **ret, struct areas *areas,
			    const struct areas_config *config, const struct area_settings *settings)
{
	const struct frames_config frames = {
		.page_size = settings->page_size,
		.n_blocks = settings->ceiling / settings->page_size,
		.node = settings->node,
		.pagemap = config->pagemap,
		.pin = frames_pin_udmabuf,
		.pin_user = &areas->udmabuf,
	};
	int r;

	r = frames_huge_new(ret, &frames);
	if (r < 0)
		log_error("area", "area %s could not be activated: no pages of %" PRIu64 " KiB: %s",
			  settings->name, settings->page_size >> 10, strerror(-r));
	return r;
}

static void areas_add(struct areas *areas, const struct areas_config *config,
		      const struct area_settings *settings, const struct zones *zones)
{
	struct area_scrubber *scrubber = &areas->of[areas->n++];
	const struct area_config area = {
		.name = settings->name,
		.order_per_bit = settings->order_per_bit,
		.floor = settings->floor,
		.rules = {
			.zones = zones,
			.node = settings->node,
			.max_address = settings->max_address,
			.partial = settings->partial,
		},
		.dirtied = scrubber_kick,
		.user = scrubber,
	};
	_cleanup_(frames_freep) struct frames *frames = NULL;
	struct area_report report;
	int r;

	if (!settings->ceiling || areas_new_frames(&frames, areas, config, settings) < 0)
		return;
	r = area_new(&scrubber->area, &area, frames, &report);
	say_report(&report, r);
	if (r < 0)
		return;
	steal(frames);
	say_size(scrubber->area);
	scrubber->job = (struct loop_job){ .run = scrubber_run, .done = scrubber_done };
	scrubber->jobs = config->jobs;
}

/* without them, nobody looks whether an area lies in one zone */
static void read_zones(struct zones *zones)
{
	_cleanup_(freep) char *text = NULL;
	size_t size = 0;
	FILE *file;
	int r;

	file = fopen("/proc/zoneinfo", "re");
	r = file && getdelim(&text, &size, '\0', file) > 0 ? zones_parse(zones, text) : -errno;
	if (file)
		fclose(file);
	if (r < 0)
		log_warning("area", "the zones of memory are not known: /proc/zoneinfo: %s",
			    strerror(-r));
}

void areas_init(struct areas *areas, const struct areas_config *config)
{
	struct zones zones = { 0 };

	*areas = (struct areas){ .udmabuf = config->udmabuf };
	read_zones(&zones);
	for (size_t i = 0; i < config->settings->n_areas; i++)
		areas_add(areas, config, &config->settings->areas[i], zones.n ? &zones : NULL);
	zones_deinit(&zones);
}

void areas_stop(struct areas *areas)
{
	for (size_t i = 0; i < areas->n; i++)
		areas->of[i].jobs = NULL;
}

void areas_deinit(struct areas *areas)
{
	for (size_t i = 0; i < areas->n; i++)
		areas->of[i].area = area_free(areas->of[i].area);
}
