// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What stands for one life of the worker (channels, state, sockets, children) is a *generation*,
 * and is made and dropped as a whole: the worker shares our fd table, so after its death the table
 * is swept of all that did not stand before the generation.
 */
#include "daemon/keeper.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/stop_point.h"
#include "core/state.h"
#include "daemon/doors.h"
#include "daemon/injector.h"
#include "daemon/nodes.h"
#include "daemon/opener.h"
#include "daemon/priv.h"
#include "daemon/reserve.h"
#include "daemon/spawn.h"
#include "daemon/worker.h"
#include "loop/loop.h"
#include "loop/signals.h"

enum {
	STOP_LIMIT_MS = 3000, /* how long a child may take to end before it is killed */
	RESTARTS_MAX = 5,     /* worker deaths within RESTARTS_S, then we give up */
	RESTARTS_S = 10,
};

struct keeper {
	struct settings settings_here; /* with what this machine has for the areas */
	const struct settings *settings;
	struct loop *loop;
	struct loop_signals signals;
	struct nodes nodes;
	struct undo reserved;
	int udmabuf; /* or why there is none, -errno */
	int control;
	bool standing[1024]; /* fds below that number that are ours through all generations */

	/* the generation */
	struct worker_config config; /* fds: -1 where none */
	struct injector_config injector_config;
	struct opener_config opener_config;
	int tracer_ends[TRACERS_MAX];
	struct doors doors;
	int worker_socket;
	struct loop_poll worker_poll;
	pid_t worker, injector, opener;
	bool serves, said_ready;

	uint64_t deaths[RESTARTS_MAX]; /* when, a ring */
	size_t n_deaths;
};

static void keeper_note_standing(struct keeper *keeper)
{
	for (size_t fd = 0; fd < ARRAY_SIZE(keeper->standing); fd++)
		keeper->standing[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* closes every fd that did not stand before the generation; the worker and its threads are gone */
static void keeper_sweep(struct keeper *keeper)
{
	unsigned int from = 3;

	for (unsigned int fd = 3; fd < ARRAY_SIZE(keeper->standing); fd++) {
		if (!keeper->standing[fd])
			continue;
		if (fd > from)
			close_range(from, fd - 1, 0);
		from = fd + 1;
	}
	close_range(from, ~0U, 0);
}

/* waits for a child that was asked to end, and kills it where it does not */
static void reap(pid_t *pid)
{
	_cleanup_(fd_closep) int pidfd = -1;
	struct pollfd wait = { .events = POLLIN };

	if (*pid <= 0)
		return;
	wait.fd = pidfd = pidfd_open(*pid, 0);
	if (pidfd < 0 || poll(&wait, 1, STOP_LIMIT_MS) <= 0)
		kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

static void close_all(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fds[i] = fd_close(fds[i]);
}

/* ---- the injector ---- */

static int run_injector(void *user)
{
	struct keeper *keeper = user;

	return injector_run(&keeper->injector_config);
}

/* makes sockets and an injector at their far ends */
static int keeper_start_injector(struct keeper *keeper)
{
	/* a later injector has as many as the first: the worker counts on that */
	size_t n = keeper->config.n_sockets ?: injector_tracers();
	int pair[2], r;

	for (size_t i = 0; i < n; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return err_origin(-errno);
		keeper->config.sockets[i] = pair[0];
		keeper->tracer_ends[i] = pair[1];
		keeper->config.n_sockets = i + 1;
	}
	keeper->injector_config = (struct injector_config){
		.channels = keeper->doors.channels,
		.n_channels = keeper->doors.n,
		.sockets = keeper->tracer_ends,
		.n_sockets = n,
	};
	r = spawn(&keeper->injector, SPAWN_OWN_TABLE, "cusion-injector", run_injector, keeper);
	/* only the injector holds the far ends: its death hangs up */
	close_all(keeper->tracer_ends, n);
	return r;
}

/* the worker still uses the old sockets' numbers until it has our message, and closes them itself
 */
static int keeper_replace_injector(struct keeper *keeper)
{
	struct keeper_message message;
	int r;

	r = keeper_start_injector(keeper);
	if (r < 0)
		return r;
	message.n_sockets = keeper->config.n_sockets;
	memcpy(message.sockets, keeper->config.sockets, sizeof(message.sockets));
	if (send(keeper->worker_socket, &message, sizeof(message), MSG_NOSIGNAL) < 0)
		return err_origin(-errno);
	return 0;
}

/* ---- the opener ---- */

static int run_opener(void *user)
{
	struct keeper *keeper = user;

	return opener_run(&keeper->opener_config);
}

static int keeper_start_opener(struct keeper *keeper)
{
	return spawn(&keeper->opener, SPAWN_SHARED_TABLE, "cusion-opener", run_opener, keeper);
}

/* without dma-bufs, and where the settings say so, buffers are files of a file system of ours,
 * where that can be had */
static int keeper_mount_buffers(struct keeper *keeper)
{
	struct opener_config *opener = &keeper->opener_config;
	int pair[2], r;

	if (keeper->udmabuf < 0)
		log_notice("keeper", "no /dev/udmabuf (%s): drivers can't import buffers",
			   strerror(-keeper->udmabuf));
	else if (!settings_name_exporter(keeper->settings, EXPORTER_FILE))
		return 0;
	r = priv_mount_buffers(&opener->channel, &opener->root);
	if (r < 0) {
		log_notice("keeper", "no private FUSE mount for buffers: %s", strerror(-r));
		return 0;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_origin(-errno);
	opener->socket = pair[1];
	keeper->config.buffers = opener->channel;
	keeper->config.opener = pair[0];
	return keeper_start_opener(keeper);
}

/* it waits on its socket, or for the worker: then on a channel that is being closed */
static void keeper_drop_opener(struct keeper *keeper)
{
	if (keeper->opener <= 0)
		return;
	shutdown(keeper->opener_config.socket, SHUT_RDWR);
	keeper_sweep(keeper);
	reap(&keeper->opener);
}

/* ---- the generation ---- */

static int run_worker(void *user)
{
	struct keeper *keeper = user;

	return worker_run(&keeper->config);
}

static int keeper_start_worker(struct keeper *keeper)
{
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_origin(-errno);
	keeper->worker_socket = pair[0];
	keeper->config.keeper = pair[1];
	r = loop_poll_add(keeper->loop, &keeper->worker_poll, keeper->worker_socket, POLLIN);
	if (r < 0)
		return r;
	return spawn(&keeper->worker, SPAWN_SHARED_TABLE, "cusion-worker", run_worker, keeper);
}

/* the user that the worker becomes */
static void keeper_pick_user(struct worker_config *config)
{
	struct passwd *user = getpwnam("cusion");

	if (!user) {
		log_notice("keeper", "no user 'cusion' here: the worker runs as nobody");
		user = getpwnam("nobody");
	}
	config->uid = user ? user->pw_uid : 65534;
	config->gid = user ? user->pw_gid : 65534;
}

static int keeper_start(struct keeper *keeper)
{
	struct worker_config *config = &keeper->config;
	int r;

	*config = (struct worker_config){
		.settings = keeper->settings,
		.doors = &keeper->doors,
		.udmabuf = keeper->udmabuf,
		.control = keeper->control,
		.state = -1,
		.keeper = -1,
		.buffers = -1,
		.opener = -1,
	};
	keeper->serves = false;
	keeper_pick_user(config);

	doors_list_nodes(&keeper->doors, keeper->settings);
	r = doors_open(&keeper->doors, keeper->settings);
	if (r < 0)
		return r;
	nodes_expect(&keeper->nodes, &keeper->doors);
	r = state_create(&config->state);
	if (r < 0) {
		log_error("keeper", "can't make the state memfd: %s", strerror(-r));
		return r;
	}
	r = keeper_start_injector(keeper);
	if (r == 0)
		r = keeper_mount_buffers(keeper);
	if (r == 0)
		r = keeper_start_worker(keeper);
	if (r < 0)
		log_error("keeper", "can't start a process: %s", strerror(-r));
	return r;
}

static bool keeper_has_node(const struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->settings->n_frontends; i++)
		if (keeper->settings->frontends[i].kind == FRONTEND_CUSE)
			return true;
	return false;
}

/* ends the children and all that stood for them; the channels' nodes go */
static void keeper_drop(struct keeper *keeper)
{
	if (keeper->worker > 0)
		kill(keeper->worker, SIGTERM);
	reap(&keeper->worker);
	nodes_forget(&keeper->nodes);
	loop_poll_remove(&keeper->worker_poll);

	/*
	 * A tracer that is at work finishes with its caller before it sees that the sockets are
	 * gone. Their close alone would not tell it: the dead worker's ring still holds them.
	 */
	for (size_t i = 0; i < keeper->config.n_sockets; i++)
		shutdown(keeper->config.sockets[i], SHUT_RDWR);
	close_all(keeper->config.sockets, keeper->config.n_sockets);
	reap(&keeper->injector);

	doors_unmount(&keeper->doors);
	keeper_drop_opener(keeper);
	keeper_sweep(keeper);
	for (size_t i = 0; keeper->serves && i < keeper->doors.n; i++)
		if (doors_cuse_name(&keeper->doors, i))
			priv_wait_gone(doors_cuse_name(&keeper->doors, i), STOP_LIMIT_MS);
}

/* ---- ready ---- */

static void keeper_say_doors(const struct doors *doors)
{
	for (size_t i = 0; i < doors->n; i++) {
		if (doors_cuse_name(doors, i))
			log_info("keeper", "serving /dev/%s", doors_cuse_name(doors, i));
		else
			log_info("keeper", "serving %s/ion", doors->doors[i].dir);
	}
}

static void keeper_nodes_ready(void *user, int result)
{
	struct keeper *keeper = user;

	if (result < 0) {
		loop_quit(keeper->loop, EXIT_FAILURE);
		return;
	}
	keeper_say_doors(&keeper->doors);
	if (!keeper->said_ready)
		sd_notify(0, "READY=1\nSTATUS=Serving.");
	keeper->said_ready = true;
}

static void keeper_worker_said(struct loop_poll *poll, short revents)
{
	struct keeper *keeper = poll->user;
	uint32_t message;

	if (recv(keeper->worker_socket, &message, sizeof(message), MSG_DONTWAIT) !=
		    sizeof(message) ||
	    message != WORKER_SERVES) {
		loop_poll_remove(poll); /* its death is told by SIGCHLD */
		return;
	}
	keeper->serves = true;
	nodes_wait(&keeper->nodes);
}

/* ---- deaths ---- */

static void say_death(const char *who, int status)
{
	if (WIFSIGNALED(status))
		log_error("keeper", "the %s was killed by signal %d (%s)", who, WTERMSIG(status),
			  strsignal(WTERMSIG(status)));
	else
		log_error("keeper", "the %s ended with status %d", who, WEXITSTATUS(status));
}

/* whether the worker dies so often that another life is no use */
static bool keeper_gives_up(struct keeper *keeper)
{
	uint64_t now = now_ns(), *slot = &keeper->deaths[keeper->n_deaths++ % RESTARTS_MAX];
	uint64_t oldest = *slot;

	*slot = now;
	return oldest && now - oldest < RESTARTS_S * NS_PER_SEC && !stop_points_on();
}

static void keeper_worker_died(struct keeper *keeper, int status)
{
	say_death("worker", status);
	keeper->worker = 0;
	/* one that never served would fail the same way again */
	if (!keeper->serves || keeper_gives_up(keeper)) {
		loop_quit(keeper->loop, EXIT_FAILURE);
		return;
	}
	log_warning("keeper", "starting a new worker: clients must open their nodes anew");
	keeper_drop(keeper);
	if (keeper_start(keeper) < 0)
		loop_quit(keeper->loop, EXIT_FAILURE);
}

static void keeper_injector_died(struct keeper *keeper, int status)
{
	say_death("injector", status);
	keeper->injector = 0;
	if (keeper->worker <= 0)
		return;
	if (keeper_gives_up(keeper) || keeper_replace_injector(keeper) < 0)
		loop_quit(keeper->loop, EXIT_FAILURE);
}

static void keeper_opener_died(struct keeper *keeper, int status)
{
	keeper->opener = 0;
	if (status == 0)
		return; /* the worker is ending */
	say_death("opener", status);
	opener_excuse(keeper->opener_config.socket);
	if (keeper_gives_up(keeper) || keeper_start_opener(keeper) < 0)
		loop_quit(keeper->loop, EXIT_FAILURE);
}

static void keeper_reap(struct keeper *keeper)
{
	int status;

	if (keeper->worker > 0 && waitpid(keeper->worker, &status, WNOHANG) == keeper->worker)
		keeper_worker_died(keeper, status);
	if (keeper->injector > 0 && waitpid(keeper->injector, &status, WNOHANG) == keeper->injector)
		keeper_injector_died(keeper, status);
	if (keeper->opener > 0 && waitpid(keeper->opener, &status, WNOHANG) == keeper->opener)
		keeper_opener_died(keeper, status);
}

static void keeper_signal(struct loop_signals *signals, int signo,
			  const struct signalfd_siginfo *info)
{
	struct keeper *keeper = signals->user;

	if (signo == SIGCHLD) {
		keeper_reap(keeper);
		return;
	}
	log_info("keeper", "ending by signal %d (%s)", signo, strsignal(signo));
	sd_notify(0, "STOPPING=1");
	loop_quit(keeper->loop, EXIT_SUCCESS);
}

/* ---- birth and end ---- */

static int keeper_listen(struct keeper *keeper)
{
	sigset_t signals;
	int r;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	r = loop_signals_add(keeper->loop, &keeper->signals, &signals);
	if (r < 0)
		return r;
	return keeper_has_node(keeper) ? nodes_listen(&keeper->nodes, keeper->loop) : 0;
}

static int keeper_init(struct keeper *keeper)
{
	int r;

	if (geteuid() != 0) {
		log_error("keeper", "cusiond must be started as root");
		return -EPERM;
	}
	priv_raise_nofile();
	r = priv_listen_control(&keeper->control, keeper->settings->control);
	if (r < 0)
		return r;
	/* poll(2): this loop turns a few times an hour */
	r = loop_new(&keeper->loop, LOOP_POLL);
	if (r == 0)
		r = keeper_listen(keeper);
	if (r < 0) {
		log_error("keeper", "can't start: %s", strerror(-r));
		return r;
	}
	r = priv_open_udmabuf(&keeper->udmabuf);
	if (r < 0)
		keeper->udmabuf = r; /* and nothing would make use of an area */
	else
		reserve_take(&keeper->reserved, &keeper->settings_here);
	keeper_note_standing(keeper);
	return 0;
}

static void keeper_deinit(struct keeper *keeper)
{
	nodes_deinit(&keeper->nodes);
	loop_signals_remove(&keeper->signals);
	loop_free(keeper->loop);
	fd_close(keeper->udmabuf);
	reserve_give(&keeper->reserved);
	if (keeper->control >= 0)
		unlink(keeper->settings->control);
	fd_close(keeper->control);
}

int keeper_run(const struct settings *settings)
{
	struct keeper keeper = { .settings_here = *settings, .udmabuf = -1, .control = -1 };
	int r;

	keeper.settings = &keeper.settings_here;
	undo_init(&keeper.reserved, "/sys", CUSION_RUNDIR "/reserved");
	loop_signals_init(&keeper.signals, keeper_signal, &keeper);
	keeper.nodes.ready = keeper_nodes_ready;
	keeper.nodes.user = &keeper;
	nodes_init(&keeper.nodes);
	loop_poll_init(&keeper.worker_poll, keeper_worker_said, &keeper);

	r = keeper_init(&keeper);
	if (r == 0) {
		r = keeper_start(&keeper);
		if (r == 0)
			r = loop_run(keeper.loop);
		keeper_drop(&keeper);
	}
	keeper_deinit(&keeper);
	return r < 0 ? EXIT_FAILURE : r;
}
