// SPDX-License-Identifier: LGPL-2.1-or-later
/* cusiond: options and configuration, then the keeper. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "base/log.h"
#include "base/stop_point.h"
#include "daemon/conf.h"
#include "daemon/keeper.h"
#include "daemon/options.h"

static uint64_t total_memory(void)
{
	struct sysinfo info;

	sysinfo(&info); /* can't fail for a valid address */
	return (uint64_t)info.totalram * info.mem_unit;
}

int main(int argc, char **argv)
{
	struct settings settings;
	int r;

	settings_init(&settings, total_memory());
	r = options_parse(&settings, argc, argv);
	if (r == OPTIONS_E_DONE)
		return EXIT_SUCCESS;
	if (r < 0)
		return EXIT_USAGE;
	if (settings.config[0] && conf_read(&settings, settings.config) < 0)
		return EXIT_CONFIG;
	if (settings.check_config) {
		printf("%s: good\n", settings.config[0] ? settings.config : "built-in settings");
		return EXIT_SUCCESS;
	}
	log_set_level(settings.log_level);
	if (!stop_points_open()) {
		perror("cusiond: the board of the stop points");
		return EXIT_FAILURE;
	}
	return keeper_run(&settings);
}
