// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The trial is a job: who makes a file waits for the loop. It starts a turn after the handshake, as
 * the kernel knows our answer to that only then.
 */
#include "daemon/files.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "daemon/export_file.h"
#include "daemon/opener.h"
#include "front/bufferfs.h"
#include "mem/export.h"

struct files {
	struct files_config config;
	struct bufferfs *fs;
	struct opener *opener;
	struct exporter *exporter;
	struct loop_timer shaken; /* the handshake is over */
	struct loop_job trial;
	int result; /* the trial's */
};

static int files_open(void *user, uint64_t number, int memfd)
{
	return opener_open(user, number, memfd);
}

static void files_trial_run(struct loop_job *job)
{
	struct files *files = container_of(job, struct files, trial);

	files->result = exporter_probe(files->exporter);
}

static void files_trial_done(struct loop_job *job)
{
	struct files *files = container_of(job, struct files, trial);

	if (!job->ran)
		return; /* the service is ending */
	if (files->result == 0)
		log_info("export", "buffers are files of a FUSE mount, %s",
			 exporter_file_backs(files->exporter) ? "with passthrough"
							      : "by way of the page cache");
	files->config.tried(files->config.user, files->result);
}

static void files_shaken(struct loop_timer *timer)
{
	struct files *files = timer->user;

	files->trial = (struct loop_job){ .run = files_trial_run, .done = files_trial_done };
	loop_jobs_submit(files->config.jobs, &files->trial);
}

static void files_serve(void *user)
{
	struct files *files = user;

	loop_timer_set(files->config.loop, &files->shaken, 0);
}

static void files_gone(void *user)
{
	struct files *files = user;

	files->config.gone(files->config.user);
}

static int files_init_consume_fd(struct files *files, int fd)
{
	const struct bufferfs_config config = {
		.index = files->config.index,
		.serves = files_serve,
		.gone = files_gone,
		.user = files,
	};
	int r;

	r = bufferfs_new_consume_fd(&files->fs, files->config.loop, files->config.state, &config,
				    fd);
	if (r == 0)
		r = opener_new(&files->opener, files->config.opener);
	if (r == 0)
		r = exporter_file_new(&files->exporter, files->fs, files_open, files->opener);
	return r;
}

int files_new_consume_fd(struct files **ret, const struct files_config *config, int fd)
{
	_cleanup_(files_freep) struct files *files = NULL;
	_cleanup_(fd_closep) int owned = fd;
	int r;

	files = calloc(1, sizeof(*files));
	if (!files)
		return err_origin(-ENOMEM);
	files->config = *config;
	loop_timer_init(&files->shaken, files_shaken, files);
	r = files_init_consume_fd(files, fd_steal(&owned));
	if (r < 0)
		return r;
	*ret = steal(files);
	return 0;
}

struct exporter *files_steal_exporter(struct files *files)
{
	return steal(files->exporter);
}

struct bufferfs *files_fs(struct files *files)
{
	return files->fs;
}

void files_stop(struct files *files)
{
	loop_timer_cancel(&files->shaken);
	opener_stop(files->opener);
	bufferfs_stop(files->fs);
}

struct files *files_free(struct files *files)
{
	if (!files)
		return NULL;
	loop_timer_cancel(&files->shaken);
	exporter_free(files->exporter);
	bufferfs_free(files->fs);
	opener_free(files->opener);
	free(files);
	return NULL;
}
