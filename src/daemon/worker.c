// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Birth in the order of need: what needs root first (the slots are locked), then the user is
 * changed for good, then everything else is made as that user.
 */
#include "daemon/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/fd_map.h"
#include "base/log.h"
#include "core/check.h"
#include "core/service.h"
#include "core/state.h"
#include "daemon/files.h"
#include "daemon/filter.h"
#include "daemon/memory.h"
#include "daemon/priv.h"
#include "daemon/spawn.h"
#include "deliver/queue.h"
#include "front/bufferfs.h"
#include "front/control.h"
#include "front/cuse.h"
#include "front/dispatch.h"
#include "front/fusefile.h"
#include "loop/jobs.h"
#include "loop/loop.h"
#include "loop/signals.h"
#include "mem/clear.h"

enum {
	JOB_THREADS = 2,
	CALLS_PER_USER =
		4, /* worked on at a time: with many tracers, twice as many as a user has */
	FILES_CHANNEL = DOORS_MAX, /* behind those of the doors */
	LOOK_FIRST_S = 1,	   /* buffers that only looking finds ended: from so often ... */
	LOOK_LAST_S = 60,	   /* ... to so seldom, while nothing changes */
};

struct worker_tracer {
	struct worker *worker;
	struct loop_poll poll;
	size_t index;
	int socket;
};

struct worker_serving {
	struct worker *worker;
	struct cuse_door *cuse;
	struct fusefile_door *fusefile;
	char node[256];
	bool ion; /* it has a node of ION, which no dma-heap makes up for */
	bool serves, gone;
};

struct worker {
	const struct worker_config *config;
	struct loop *loop;
	struct loop_signals signals;
	struct loop_jobs *jobs;
	struct state *state;
	struct files *files;	    /* NULL: no private file system */
	int kernel_heaps[HEAP_IDS]; /* /dev/dma_heap, by place in settings.heaps, likewise; or -1 */
	int pagemap;	      /* our own, opened as root: who opened it may see frames; or -1 */
	struct memory memory; /* heaps, exporters, watch, service */
	struct loop_poll watch_poll;
	struct loop_timer look;
	uint64_t look_s, looked_buffers;
	struct deliver_queue *queue;
	struct worker_tracer tracers[TRACERS_MAX];
	size_t n_tracers;
	struct dispatch dispatch;
	struct control *control;
	const char *nodes[DOORS_MAX];
	struct loop_poll keeper_poll;
	struct fd_map standing; /* fds that are nobody's but ours and the keeper's, as we began */
	struct worker_serving doors[DOORS_MAX];
};

/* ---- buffers' ends ---- */

static void worker_look_later(struct worker *worker)
{
	if (service_must_look(worker->memory.service) && !loop_timer_is_set(&worker->look))
		loop_timer_set(worker->loop, &worker->look, worker->look_s * NS_PER_SEC);
}

static void worker_look(struct loop_timer *timer)
{
	struct worker *worker = timer->user;
	struct service_totals totals;

	service_look(worker->memory.service);
	service_totals(worker->memory.service, &totals);
	worker->look_s = totals.buffers == worker->looked_buffers
				 ? MIN(worker->look_s * 2, (uint64_t)LOOK_LAST_S)
				 : LOOK_FIRST_S;
	worker->looked_buffers = totals.buffers;
	worker_look_later(worker);
}

static void worker_watch_event(struct loop_poll *poll, short revents)
{
	struct worker *worker = poll->user;

	service_look(worker->memory.service);
	worker_look_later(worker);
}

/* ---- the tracers ---- */

static void worker_remove_tracers(struct worker *worker)
{
	for (size_t i = 0; i < worker->n_tracers; i++)
		loop_poll_remove(&worker->tracers[i].poll);
}

static void worker_tracer_event(struct loop_poll *poll, short revents)
{
	struct worker_tracer *tracer = poll->user;

	if (deliver_queue_read(tracer->worker->queue, tracer->index) == 0) {
		worker_look_later(tracer->worker);
		return;
	}
	/* the injector is gone: the keeper makes another and says so */
	worker_remove_tracers(tracer->worker);
	deliver_queue_lost(tracer->worker->queue);
}

static int worker_add_tracers(struct worker *worker, const int *sockets, size_t n)
{
	int r;

	for (size_t i = 0; i < n; i++) {
		struct worker_tracer *tracer = &worker->tracers[i];

		*tracer = (struct worker_tracer){
			.worker = worker,
			.index = i,
			.socket = sockets[i],
		};
		worker->n_tracers = i + 1;
		loop_poll_init(&tracer->poll, worker_tracer_event, tracer);
		r = loop_poll_add(worker->loop, &tracer->poll, tracer->socket, POLLIN);
		if (r < 0)
			return r;
	}
	return 0;
}

static void worker_new_injector(struct worker *worker, const struct keeper_message *message)
{
	worker_remove_tracers(worker);
	deliver_queue_lost(worker->queue); /* where the hang-up was not seen yet */
	for (size_t i = 0; i < worker->n_tracers; i++) {
		fd_map_remove(&worker->standing, worker->tracers[i].socket);
		fd_close(worker->tracers[i].socket);
	}
	if (worker_add_tracers(worker, message->sockets, message->n_sockets) < 0)
		loop_quit(worker->loop, EXIT_FAILURE);
	deliver_queue_attach(worker->queue, message->sockets);
	log_notice("worker", "deliveries go on by a new injector");
}

static void worker_keeper_event(struct loop_poll *poll, short revents)
{
	struct worker *worker = poll->user;
	struct keeper_message message;
	ssize_t n;

	n = recv(worker->config->keeper, &message, sizeof(message), MSG_DONTWAIT);
	if (n == sizeof(message) && message.n_sockets == worker->n_tracers)
		worker_new_injector(worker, &message);
}

/* ---- the doors ---- */

static void worker_door_serves(void *user)
{
	struct worker_serving *door = user;
	struct worker *worker = door->worker;
	uint32_t message = WORKER_SERVES;

	door->serves = true;
	for (size_t i = 0; i < worker->config->doors->n; i++)
		if (!worker->doors[i].serves)
			return;
	if (send(worker->config->keeper, &message, sizeof(message), MSG_NOSIGNAL) < 0)
		loop_quit(worker->loop, EXIT_FAILURE);
}

static void worker_door_gone(void *user)
{
	struct worker_serving *door = user;
	struct worker *worker = door->worker;

	log_warning("worker", "the kernel closed the connection of %s", door->node);
	door->gone = true;
	for (size_t i = 0; i < worker->config->doors->n; i++)
		if (worker->doors[i].ion && !worker->doors[i].gone)
			return;
	loop_quit(worker->loop, EXIT_FAILURE); /* the keeper opens it anew */
}

static int worker_open_cuse(struct worker *worker, size_t i)
{
	const struct doors *doors = worker->config->doors;
	struct worker_serving *door = &worker->doors[i];
	const struct cuse_config config = {
		.node = &doors->nodes[doors->doors[i].node],
		.index = i,
		.serves = worker_door_serves,
		.gone = worker_door_gone,
		.user = door,
	};

	door->ion = !config.node->heaps;
	snprintf(door->node, sizeof(door->node), "/dev/%s", config.node->name);
	return cuse_door_new_consume_fd(&door->cuse, worker->loop, worker->state, &worker->dispatch,
					&config, doors->channels[i]);
}

static int worker_open_fusefile(struct worker *worker, size_t i)
{
	const struct doors *doors = worker->config->doors;
	struct worker_serving *door = &worker->doors[i];
	const struct fusefile_config config = {
		.index = i,
		.nodes = doors->nodes,
		.n_nodes = doors->n_nodes,
		.serves = worker_door_serves,
		.gone = worker_door_gone,
		.user = door,
	};

	door->ion = true;
	snprintf(door->node, sizeof(door->node), "%s/ion", doors->doors[i].dir);
	return fusefile_door_new_consume_fd(&door->fusefile, worker->loop, worker->state,
					    &worker->dispatch, &config, doors->channels[i]);
}

static int worker_open_doors(struct worker *worker)
{
	const struct doors *doors = worker->config->doors;
	int r;

	for (size_t i = 0; i < doors->n; i++) {
		worker->doors[i].worker = worker;
		worker->nodes[i] = worker->doors[i].node;
		r = doors_cuse_name(doors, i) ? worker_open_cuse(worker, i)
					      : worker_open_fusefile(worker, i);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- birth and end ---- */

static void worker_open_kernel_heaps(struct worker *worker)
{
	const struct settings *settings = worker->config->settings;
	char path[64];

	for (size_t i = 0; i < settings->n_heaps; i++) {
		if (settings->heaps[i].kind != HEAP_KIND_DMA_HEAP)
			continue;
		snprintf(path, sizeof(path), "/dev/dma_heap/%s", settings->heaps[i].name);
		worker->kernel_heaps[i] = open(path, O_RDWR | O_CLOEXEC);
	}
}

static void worker_close_kernel_heaps(struct worker *worker)
{
	for (size_t i = 0; i < HEAP_IDS; i++)
		worker->kernel_heaps[i] = fd_close(worker->kernel_heaps[i]);
}

static int worker_become_user(struct worker *worker)
{
	const struct worker_config *config = worker->config;
	pid_t keeper = getppid();
	int r;

	r = state_attach(&worker->state, config->state);
	for (size_t i = 0; r == 0 && i < config->doors->n; i++)
		r = state_slot_prefault(worker->state, i);
	if (r == 0 && config->buffers >= 0)
		r = state_slot_prefault(worker->state, FILES_CHANNEL);
	if (r < 0)
		return r;
	worker_open_kernel_heaps(worker);
	worker->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (worker->pagemap < 0)
		log_warning("worker", "/proc/self/pagemap: %s", strerror(errno));
	r = priv_become(config->uid, config->gid);
	if (r < 0)
		return r;
	return spawn_bind_to_parent(keeper); /* the change of user has taken it back */
}

static void worker_signal(struct loop_signals *signals, int signo,
			  const struct signalfd_siginfo *info)
{
	struct worker *worker = signals->user;

	loop_quit(worker->loop, EXIT_SUCCESS);
}

static int worker_init_loop(struct worker *worker)
{
	sigset_t signals;
	int r;

	r = loop_new(&worker->loop, LOOP_AUTO);
	if (r < 0)
		return r;
	state_header(worker->state)->ring_fd = loop_ring_fd(worker->loop);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	r = loop_signals_add(worker->loop, &worker->signals, &signals);
	if (r < 0)
		return r;
	r = loop_jobs_new(&worker->jobs, worker->loop, JOB_THREADS);
	if (r < 0)
		return r;
	return loop_poll_add(worker->loop, &worker->keeper_poll, worker->config->keeper, POLLIN);
}

static int worker_init_service(struct worker *worker)
{
	const struct worker_config *config = worker->config;
	const struct memory_config memory = {
		.settings = config->settings,
		.state = worker->state,
		.loop = worker->loop,
		.udmabuf = config->udmabuf,
		.pagemap = worker->pagemap,
		.kernel_heaps = worker->kernel_heaps,
	};
	struct dispatch_config dispatch;
	int r;

	r = memory_init(&worker->memory, &memory);
	worker->pagemap = fd_close(worker->pagemap);
	worker_close_kernel_heaps(worker);
	if (r < 0)
		return r;
	r = loop_poll_add(worker->loop, &worker->watch_poll,
			  service_watch_fd(worker->memory.service), POLLIN);
	if (r < 0)
		return r;

	r = deliver_queue_new(&worker->queue, config->sockets, config->n_sockets);
	if (r == 0)
		r = worker_add_tracers(worker, config->sockets, config->n_sockets);
	if (r < 0)
		return r;
	dispatch = (struct dispatch_config){
		.loop = worker->loop,
		.jobs = worker->jobs,
		.service = worker->memory.service,
		.deliver = deliver_queue_deliver(worker->queue),
		.policy = config->settings->policy,
		.per_user = MAX((size_t)CALLS_PER_USER, config->n_sockets / 2),
	};
	dispatch_init(&worker->dispatch, &dispatch);
	return 0;
}

/* what stood when we began, the core's watch included, which the core names itself */
static void worker_name_fds(struct check *check, void *user)
{
	struct worker *worker = user;

	for (size_t fd = 0; fd < worker->standing.n; fd++)
		if (fd_map_has(&worker->standing, fd))
			fd_map_remove(&check->unnamed, fd);
	for (size_t i = 0; i < worker->n_tracers; i++)
		fd_map_remove(&check->unnamed, worker->tracers[i].socket);
	if (worker->files)
		bufferfiles_name_fds(bufferfs_files(files_fs(worker->files)), check);
}

static int worker_init_control(struct worker *worker)
{
	const struct control_config config = {
		.loop = worker->loop,
		.dispatch = &worker->dispatch,
		.listener = worker->config->control,
		.nodes = worker->nodes,
		.n_nodes = worker->config->doors->n,
		.exporter = worker->memory.exporter_name,
		.group = worker->config->doors->nodes[0].gid,
		.missing = worker->memory.missing,
		.n_missing = worker->memory.n_missing,
		.name_fds = worker_name_fds,
		.user = worker,
	};

	return control_new(&worker->control, &config);
}

/* the rest: all that exports buffers is known */
static int worker_init_rest(struct worker *worker)
{
	int r;

	r = worker_init_service(worker);
	if (r == 0)
		r = worker_open_doors(worker);
	if (r == 0)
		r = worker_init_control(worker);
	if (r == 0)
		r = fd_map_read(&worker->standing);
	if (r == 0)
		r = filter_worker();
	return r;
}

static void worker_files_tried(void *user, int result)
{
	struct worker *worker = user;
	int r;

	if (result == 0)
		worker->memory.file = files_steal_exporter(worker->files);
	else
		log_notice("worker", "buffers can't be files of a FUSE mount: %s",
			   strerror(-result));
	r = worker_init_rest(worker);
	if (r < 0) {
		log_error("worker", "can't start: %s", strerror(-r));
		loop_quit(worker->loop, EXIT_FAILURE);
	}
}

static void worker_files_gone(void *user)
{
	struct worker *worker = user;

	log_warning("worker", "the kernel closed the connection of buffers' files");
	loop_quit(worker->loop, EXIT_FAILURE); /* the keeper mounts anew */
}

/* the rest is made where it was tried what comes of it */
static int worker_init_files(struct worker *worker)
{
	const struct files_config config = {
		.loop = worker->loop,
		.jobs = worker->jobs,
		.state = worker->state,
		.index = FILES_CHANNEL,
		.opener = worker->config->opener,
		.tried = worker_files_tried,
		.gone = worker_files_gone,
		.user = worker,
	};

	return files_new_consume_fd(&worker->files, &config, worker->config->buffers);
}

static int worker_init(struct worker *worker)
{
	int r;

	r = clear_catch_sigbus();
	if (r == 0)
		r = worker_become_user(worker);
	if (r == 0)
		r = worker_init_loop(worker);
	if (r < 0)
		return r;
	return worker->config->buffers < 0 ? worker_init_rest(worker) : worker_init_files(worker);
}

static void worker_deinit(struct worker *worker)
{
	worker->control = control_free(worker->control);
	if (worker->files)
		files_stop(worker->files); /* jobs may wait for one */
	/* what waits, then jobs, then deliveries: each ends a call, which still needs its door */
	dispatch_stop(&worker->dispatch);
	worker->jobs = loop_jobs_free(worker->jobs);
	worker_remove_tracers(worker);
	worker->queue = deliver_queue_free(worker->queue);
	for (size_t i = 0; i < DOORS_MAX; i++) {
		worker->doors[i].cuse = cuse_door_free(worker->doors[i].cuse);
		worker->doors[i].fusefile = fusefile_door_free(worker->doors[i].fusefile);
	}
	loop_timer_cancel(&worker->look);
	loop_poll_remove(&worker->watch_poll);
	memory_deinit(&worker->memory);
	worker->files = files_free(worker->files);
	loop_poll_remove(&worker->keeper_poll);
	loop_signals_remove(&worker->signals);
	loop_free(worker->loop);
	fd_map_deinit(&worker->standing);
	worker->pagemap = fd_close(worker->pagemap);
	worker_close_kernel_heaps(worker);
	state_free(worker->state);
}

int worker_run(const struct worker_config *config)
{
	struct worker *worker;
	int r;

	worker = calloc(1, sizeof(*worker));
	if (!worker)
		return EXIT_FAILURE;
	worker->config = config;
	worker->pagemap = -1;
	for (size_t i = 0; i < HEAP_IDS; i++)
		worker->kernel_heaps[i] = -1;
	worker->look_s = LOOK_FIRST_S;
	loop_signals_init(&worker->signals, worker_signal, worker);
	loop_timer_init(&worker->look, worker_look, worker);
	loop_poll_init(&worker->watch_poll, worker_watch_event, worker);
	loop_poll_init(&worker->keeper_poll, worker_keeper_event, worker);

	r = worker_init(worker);
	if (r < 0)
		log_error("worker", "can't start: %s", strerror(-r));
	else
		r = loop_run(worker->loop);
	worker_deinit(worker);
	free(worker);
	return r < 0 ? EXIT_FAILURE : r;
}
