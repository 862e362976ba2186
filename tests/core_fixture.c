// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core_fixture.h"

#include <check.h>
#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "fault.h"

struct odd_heap {
	struct heap heap;
	struct core_fixture *fixture;
};

static int odd_reserve(struct heap *heap, struct heap_block *block)
{
	const struct core_fixture *f = container_of(heap, struct odd_heap, heap)->fixture;

	if (f->odd_most && heap->buffers >= f->odd_most)
		return -ENOMEM;
	return f->odd_reserve;
}

static int odd_fill(struct heap_block *block)
{
	struct odd_heap *odd = container_of(block->heap, struct odd_heap, heap);

	if (odd->fixture->odd_fill < 0)
		return odd->fixture->odd_fill;
	block->one = (struct slice){ .size = block->size };
	block->slices = &block->one;
	block->n_slices = 1;
	block->one.fd = -1;
	if (pages_new(&block->memfd, block->size, true) < 0)
		return -ENOMEM;
	block->one.fd = block->memfd;
	return 0;
}

static int odd_place(const struct heap_block *block, struct heap_place *place)
{
	struct odd_heap *odd = container_of(block->heap, struct odd_heap, heap);

	if (!odd->fixture->odd_place.length)
		return -ENODEV;
	*place = odd->fixture->odd_place;
	return 0;
}

static void odd_release(struct heap_block *block)
{
	fd_close(block->memfd);
}

static struct heap *odd_free(struct heap *heap)
{
	free(container_of(heap, struct odd_heap, heap));
	return NULL;
}

static const struct heap_ops odd_ops = {
	.type = HEAP_TYPE_DMA,
	.reserve = odd_reserve,
	.fill = odd_fill,
	.release = odd_release,
	.place = odd_place,
	.free = odd_free,
};

static void core_add_heaps(struct core_fixture *f)
{
	struct odd_heap *odd = calloc(1, sizeof(*odd));
	struct heap *system;

	odd->fixture = f;
	f->odd = &odd->heap;
	ck_assert_int_eq(heap_init(f->odd, &odd_ops,
				   &(struct heap_config){ .id = CORE_HEAP_ODD,
							  .name = "odd",
							  .exporter = f->exporter }),
			 0);
	ck_assert_int_eq(heap_system_new(&system,
					 &(struct heap_config){ .id = 0,
								.name = "ion_system_heap",
								.exporter = f->exporter },
					 CORE_TOTALRAM),
			 0);
	ck_assert_int_eq(heaps_add(f->heaps, system), 0);
	ck_assert_int_eq(heaps_add(f->heaps, f->odd), 0);
	ck_assert_int_eq(heaps_alias_id(f->heaps, 0, 25), 0);
	ck_assert_int_eq(heaps_alias_id(f->heaps, CORE_HEAP_ODD, CORE_ALIAS_ODD), 0);
}

const struct quota_limits core_limits = {
	.user = { CORE_BYTES, QUOTA_NO_LIMIT, 4, QUOTA_NO_LIMIT },
	.client = { QUOTA_NO_LIMIT, 8, QUOTA_NO_LIMIT, QUOTA_NO_LIMIT },
};

void core_start_exporter(struct core_fixture *f, const struct quota_limits *limits,
			 struct exporter *exporter)
{
	*f = (struct core_fixture){ .fds = open_fds(), .state_fd = -1, .exporter = exporter };
	ck_assert_int_eq(state_create(&f->state_fd), 0);
	ck_assert_int_eq(state_attach(&f->state, f->state_fd), 0);
	ck_assert_int_eq(watch_new(&f->watch), 0);
	ck_assert_int_eq(exporter_probe(f->exporter), 0);
	ck_assert_int_eq(heaps_new(&f->heaps), 0);
	core_add_heaps(f);
	ck_assert_int_eq(service_new(&f->service, &(struct service_config){ .state = f->state,
									    .heaps = f->heaps,
									    .watch = f->watch,
									    .limits = *limits }),
			 0);
}

void core_start(struct core_fixture *f, const struct quota_limits *limits)
{
	struct exporter *exporter;

	ck_assert_int_eq(exporter_memfd_new(&exporter), 0);
	core_start_exporter(f, limits, exporter);
}

void core_assert_empty(struct core_fixture *f)
{
	struct service_totals totals;

	service_totals(f->service, &totals);
	ck_assert_uint_eq(totals.clients, 0);
	ck_assert_uint_eq(totals.buffers, 0);
	ck_assert_uint_eq(totals.bytes, 0);
	for (size_t i = 0; i < totals.n_heaps; i++) {
		ck_assert_uint_eq(totals.heaps[i].bytes, 0);
		ck_assert_uint_eq(totals.heaps[i].buffers, 0);
	}
	for (int kind = 0; kind < _STATE_KIND_N; kind++)
		ck_assert_uint_eq(state_count(f->state, kind), 0);
}

void core_stop(struct core_fixture *f)
{
	f->service = service_free(f->service);
	f->heaps = heaps_free(f->heaps);
	f->exporter = exporter_free(f->exporter);
	f->watch = watch_free(f->watch);
	f->state = state_free(f->state);
	f->state_fd = fd_close(f->state_fd);
	ck_assert_uint_eq(open_fds(), f->fds);
}

struct client *core_client(struct core_fixture *f, uid_t uid)
{
	struct client *client;
	uint64_t fh;

	ck_assert_int_eq(client_new(&client, f->service, &(struct client_who){ .uid = uid }, &fh),
			 0);
	ck_assert_ptr_eq(service_client(f->service, fh), client);
	return client;
}

int core_alloc(struct client *client, uint64_t len, uint32_t mask, struct file **ret, int *ret_fd)
{
	const struct alloc_want want = { .unique = 77, .len = len, .mask = mask, .tid = 12 };
	struct alloc_done done;
	struct alloc *alloc;
	int r;

	r = alloc_begin(&alloc, client, &want);
	if (r < 0)
		return r;
	do {
		alloc_run(alloc);
		r = alloc_finish(alloc, &done);
	} while (r == ALLOC_E_AGAIN);
	if (r < 0)
		return r;
	*ret = done.file;
	*ret_fd = done.fd;
	return 0;
}

int core_alloc_fd(struct client *client, uint64_t len)
{
	struct file *file;
	int fd;

	ck_assert_int_eq(core_alloc(client, len, MASK(0), &file, &fd), 0);
	file_delivered(file);
	return fd;
}
