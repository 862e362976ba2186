// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buffer.h"
#include "core/core.h"
#include "core/file.h"
#include "core/handle.h"
#include "core/service.h"
#include "core/state.h"
#include "heap/heaps.h"

/* ---- findings ---- */

int check_init(struct check *check)
{
	int r;

	*check = (struct check){ 0 };
	r = fd_map_read(&check->unnamed);
	if (r == 0)
		r = fd_map_read(&check->named);
	if (r < 0) {
		check_deinit(check);
		return r;
	}
	for (size_t fd = 0; fd < check->named.n; fd++)
		fd_map_remove(&check->named, fd);
	return 0;
}

void check_deinit(struct check *check)
{
	fd_map_deinit(&check->unnamed);
	fd_map_deinit(&check->named);
}

void check_found(struct check *check, const char *format, ...)
{
	va_list args;

	if (check->n_findings < CHECK_TEXTS) {
		va_start(args, format);
		vsnprintf(check->texts[check->n_findings], CHECK_TEXT_SIZE, format, args);
		va_end(args);
	}
	check->n_findings++;
}

/* ---- fds ---- */

void check_name_fd(struct check *check, int fd, const char *whose)
{
	if (fd < 0)
		return;
	if (fd_map_has(&check->unnamed, fd)) {
		fd_map_remove(&check->unnamed, fd);
		if ((size_t)fd < check->named.n)
			check->named.open[fd] = true;
	} else if (fd_map_has(&check->named, fd)) {
		check_found(check, "fd %d is also the %s's", fd, whose);
	} else {
		check_found(check, "fd %d of the %s is closed", fd, whose);
	}
}

void check_end(struct check *check)
{
	char path[64], target[96];
	ssize_t n;

	for (size_t fd = 0; fd < check->unnamed.n; fd++) {
		if (!fd_map_has(&check->unnamed, fd))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%zu", fd);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue; /* closed meanwhile, by the keeper */
		target[n] = '\0';
		check_found(check, "fd %zu (%s) belongs to nothing", fd, target);
	}
}

/* ---- accounts ---- */

struct sums {
	uint64_t used[_QUOTA_KIND_N];
	uint64_t references;
};

static void sum_charge(struct sums *sums, const struct charge *charge,
		       const struct account *account)
{
	for (size_t kind = 0; charge->account == account && kind < _QUOTA_KIND_N; kind++)
		sums->used[kind] += charge->amount[kind];
}

static void check_account(struct check *check, const struct account *account,
			  const struct sums *sums, const char *whose, uint64_t id)
{
	static const char *const kinds[_QUOTA_KIND_N] = {
		[QUOTA_BYTES] = "bytes",
		[QUOTA_BUFFERS] = "buffers",
		[QUOTA_CLIENTS] = "clients",
		[QUOTA_HANDLES] = "handles",
	};

	for (size_t kind = 0; kind < _QUOTA_KIND_N; kind++)
		if (account->used[kind] != sums->used[kind])
			check_found(check,
				    "%s %" PRIu64 " pays for %" PRIu64 " %s and has %" PRIu64,
				    whose, id, account->used[kind], kinds[kind], sums->used[kind]);
}

/* of the handles of a client: what they charge to an account */
static void sum_handles(struct sums *sums, const struct client *client,
			const struct account *account)
{
	for (uint32_t n = 0; (n = idmap_next(&client->handles, n));) {
		const struct handle *h = idmap_find(&client->handles, n);

		sum_charge(sums, &h->charge, account);
		sum_charge(sums, &h->user_charge, account);
	}
}

static void check_user(struct service *service, struct check *check, struct quota_user *user)
{
	struct sums sums = { 0 };

	list_for_each (i, &service->clients) {
		struct client *client = list_entry(i, struct client, link);

		sum_charge(&sums, &client->charge, &user->account);
		sum_handles(&sums, client, &user->account);
		sums.references += client->user == user;
	}
	list_for_each (i, &service->buffers) {
		struct buffer *b = list_entry(i, struct buffer, link);

		sum_charge(&sums, &b->charge, &user->account);
		sums.references += b->user == user;
	}
	check_account(check, &user->account, &sums, "user", user->uid);
	if (sums.references != user->references)
		check_found(check, "user %u has %u references, not %" PRIu64, user->uid,
			    user->references, sums.references);
}

/* ---- clients and buffers ---- */

static void check_client(struct service *service, struct check *check, struct client *client)
{
	const struct state_client *record = state_find(service->state, STATE_CLIENT, client->id);
	struct sums sums = { 0 };

	if (!record)
		check_found(check, "client %" PRIx64 " is not on record", client->id);
	else if (record->uid != client->who.uid || record->gid != client->who.gid ||
		 record->tid != client->who.tid || record->channel != client->who.channel ||
		 record->heaps != client->who.heaps)
		check_found(check, "client %" PRIx64 " is another on record", client->id);
	list_for_each (i, &client->buffers)
		sum_charge(&sums, &list_entry(i, struct buffer, client_link)->client_charge,
			   &client->account);
	sum_handles(&sums, client, &client->account);
	check_account(check, &client->account, &sums, "client", client->id);
}

static void check_handle(struct service *service, struct check *check, const struct handle *h)
{
	const struct state_handle *record = state_find(service->state, STATE_HANDLE, h->id);

	if (!record)
		check_found(check, "handle %u of client %" PRIx64 " is not on record", h->number,
			    h->client->id);
	else if (record->client != h->client->id || record->buffer != h->buffer->id ||
		 record->number != h->number || !record->references)
		check_found(check, "handle %u of client %" PRIx64 " is another on record",
			    h->number, h->client->id);
}

struct field {
	const char *what;
	uint64_t ours, recorded;
};

static void check_fields(struct check *check, const char *what, uint64_t id,
			 const struct field *fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint32_t)fields[i].ours != (uint32_t)fields[i].recorded)
			check_found(check,
				    "%s %" PRIx64 ": its %s is %" PRIu64 ", on record %" PRIu64,
				    what, id, fields[i].what, fields[i].ours, fields[i].recorded);
}

static void check_buffer(struct service *service, struct check *check, struct buffer *b)
{
	const struct state_buffer *record = state_find(service->state, STATE_BUFFER, b->id);
	struct stat st;

	check_name_fd(check, b->block.memfd, "buffer");
	if (!record)
		return;
	check_fields(check, "buffer", b->id,
		     (struct field[]){
			     { "size", b->size, record->size },
			     { "client", b->client ? b->client->id : 0, record->client },
			     { "heap", b->block.heap->id, record->heap },
			     { "uid", b->user->uid, record->uid },
			     { "memfd", b->block.memfd, record->memfd },
		     },
		     5);
	if (b->block.memfd >= 0 &&
	    (fstat(b->block.memfd, &st) < 0 || (uint64_t)st.st_size != b->size))
		check_found(check, "buffer %" PRIx64 ": its memory is not of its size", b->id);
}

/* ---- files ---- */

/* somebody or something will see its end */
static bool end_is_followed(const struct file *f)
{
	if (f->over || !f->delivered || f->export.end == EXPORT_END_TOLD)
		return true;
	return f->export.end == EXPORT_END_HOLD ? !list_is_empty(&f->look_link)
						: f->export.mark.instance != NULL;
}

static void check_file(struct check *check, struct file *f)
{
	const struct state_buffer *record = f->record;

	check_name_fd(check, f->export.fd, "file");
	if (f->export.owns_look_fd)
		check_name_fd(check, f->export.look_fd, "file's end");
	check_fields(check, "file", f->id,
		     (struct field[]){
			     { "inode", f->export.ino, record->ino },
			     { "look_fd", f->export.look_fd, record->look_fd },
			     { "end", f->export.end, record->end },
			     { "delivered", f->delivered, record->delivered },
		     },
		     4);
	if (!end_is_followed(f))
		check_found(check, "file %" PRIx64 ": nothing will tell its end", f->id);
}

/* who is on the lists, and whether references are what they say */
static uint64_t check_files(struct service *service, struct check *check)
{
	uint64_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(service->files); i++) {
		list_for_each (link, &service->files[i]) {
			check_file(check, list_entry(link, struct file, link));
			n++;
		}
	}
	return n;
}

static uint64_t check_handles(struct service *service, struct check *check)
{
	uint64_t sum = 0;

	list_for_each (i, &service->clients) {
		const struct client *client = list_entry(i, struct client, link);

		for (uint32_t n = 0; (n = idmap_next(&client->handles, n)); sum++)
			check_handle(service, check, idmap_find(&client->handles, n));
	}
	return sum;
}

/* records that no object has */
static void check_records(struct service *service, struct check *check, enum state_kind kind,
			  const char *what)
{
	uint32_t place = 0;
	uint64_t id;

	while (state_next(service->state, kind, &place, &id))
		if (!state_owner(service->state, kind, id))
			check_found(check, "%s %" PRIx64 " is on record only", what, id);
}

/* ---- totals ---- */

static void check_total(struct check *check, const char *what, uint64_t total, uint64_t sum)
{
	if (total != sum)
		check_found(check, "%s: the total says %" PRIu64 ", there are %" PRIu64, what,
			    total, sum);
}

static void check_pooled_fd(int fd, void *user)
{
	check_name_fd(user, fd, "heap");
}

static void check_heap(struct service *service, struct check *check, const struct heap *heap)
{
	uint64_t n = 0, bytes = 0;

	list_for_each (i, &service->buffers) {
		const struct buffer *b = list_entry(i, struct buffer, link);

		if (b->block.heap != heap)
			continue;
		n++;
		bytes += b->block.size;
	}
	check_total(check, "buffers of a heap", heap->buffers, n);
	check_total(check, "bytes of a heap", heap->bytes, bytes);
	heap_name_fds(heap, check_pooled_fd, check);
}

/* @n_names: handles and published files */
static void check_totals(struct service *service, struct check *check, uint64_t n_names)
{
	uint64_t n_clients = 0, n_buffers = 0, n_unrecorded = 0, bytes = 0, n_references = 0;
	struct heap_info infos[HEAP_IDS];
	size_t n_heaps = service_heaps(service, infos, HEAP_IDS);

	list_for_each (i, &service->clients)
		n_clients++;
	list_for_each (i, &service->buffers) {
		const struct buffer *b = list_entry(i, struct buffer, link);

		n_buffers++;
		bytes += b->size;
		n_references += b->references;
		n_unrecorded += !state_find(service->state, STATE_BUFFER, b->id);
	}
	check_total(check, "clients", service->n_clients, n_clients);
	check_total(check, "buffers", service->n_buffers, n_buffers);
	check_total(check, "bytes", service->bytes, bytes);
	check_total(check, "allocations under way", service->n_allocs, n_unrecorded);
	/* what is under way has references of its own */
	if (!service->n_allocs && !service->n_shares)
		check_total(check, "references of buffers", n_references, n_names);
	for (size_t i = 0; i < n_heaps; i++)
		check_heap(service, check, heaps_get(service->heaps, infos[i].id));
}

uint64_t service_check(struct service *service, struct check *check)
{
	struct quota_user *user = NULL;
	uint64_t n_names;

	while ((user = quota_next(service->quota, user)))
		check_user(service, check, user);
	list_for_each (i, &service->clients)
		check_client(service, check, list_entry(i, struct client, link));
	list_for_each (i, &service->buffers)
		check_buffer(service, check, list_entry(i, struct buffer, link));
	n_names = check_files(service, check) + check_handles(service, check);
	check_records(service, check, STATE_CLIENT, "client");
	check_records(service, check, STATE_HANDLE, "handle");
	check_records(service, check, STATE_BUFFER, "buffer");
	check_totals(service, check, n_names);
	for (unsigned int i = 0; i < WATCH_INSTANCES_MAX; i++)
		check_name_fd(check, watch_instance_fd(service->watch, i), "watch");
	check_name_fd(check, watch_fd(service->watch), "watch");
	return service->n_allocs + service->n_shares;
}
