// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/injector.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "daemon/priv.h"
#include "deliver/tracer.h"

enum {
	LOG_MOST = 40,	     /* lines about one user ... */
	LOG_INTERVAL_S = 60, /* ... in so many seconds */
};

size_t injector_tracers(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	return MIN(CPU_COUNT(&cpus), (int)TRACERS_MAX);
}

/* every fd but stdio and those of @config: a stray copy would keep alive what others close */
static void injector_close_others(const struct injector_config *config)
{
	int keep[TRACERS_MAX * 2 + 3], n = 0, from = 3, next;

	for (size_t i = 0; i < config->n_channels; i++)
		keep[n++] = config->channels[i];
	for (size_t i = 0; i < config->n_sockets; i++)
		keep[n++] = config->sockets[i];

	while (true) {
		next = -1;
		for (int i = 0; i < n; i++)
			if (keep[i] >= from && (next < 0 || keep[i] < next))
				next = keep[i];
		if (next < 0)
			break;
		if (next > from)
			close_range(from, next - 1, 0);
		from = next + 1;
	}
	close_range(from, ~0U, 0);
}

/* the CPU that tracer @i is for, or -1 */
static int injector_cpu(size_t i)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return -1;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &cpus) && i-- == 0)
			return cpu;
	return -1;
}

static void *injector_thread(void *user)
{
	const struct tracer_config *config = user;
	int r;

	pthread_setname_np(pthread_self(), "tracer");
	r = tracer_run(config);
	if (r < 0)
		log_error("deliver", "a tracer ended: %s", strerror(-r));
	return NULL;
}

int injector_run(const struct injector_config *config)
{
	static const int keep[] = { CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_SYS_RESOURCE, CAP_KILL };
	pthread_t threads[TRACERS_MAX];
	struct tracer_config tracers[TRACERS_MAX];
	struct log_limit log_limit;
	size_t n = 0;
	int r;

	injector_close_others(config);
	r = priv_keep_caps(keep, ARRAY_SIZE(keep));
	if (r < 0) {
		log_error("deliver", "can't drop capabilities: %s", strerror(-r));
		return EXIT_FAILURE;
	}
	/* a page fault in mid-delivery is time in which a caller stands still */
	if (mlockall(MCL_CURRENT) < 0)
		log_info("deliver", "the injector's memory isn't locked: %s", strerror(errno));

	log_limit_init(&log_limit, LOG_MOST, LOG_INTERVAL_S * NS_PER_SEC, now_ns);
	for (; n < config->n_sockets; n++) {
		tracers[n] = (struct tracer_config){
			.channels = config->channels,
			.n_channels = config->n_channels,
			.socket = config->sockets[n],
			.cpu = injector_cpu(n),
			.log_limit = &log_limit,
		};
		r = pthread_create(&threads[n], NULL, injector_thread, &tracers[n]);
		if (r) {
			log_error("deliver", "can't start a tracer: %s", strerror(r));
			return EXIT_FAILURE; /* the process goes, and its threads with it */
		}
	}
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	/* threads that stay with their callers use all of this until the process ends */
	return EXIT_SUCCESS;
}
