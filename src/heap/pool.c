// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sizes are exact: a sealed memfd has one size for ever, and programs that use buffers in earnest
 * ask for the same few again and again. Of one size the last one to come in is the first to go out,
 * so that what is in excess is found by its age.
 *
 * A memfd is in exactly one of the lists clean, dirty, going and hand. What may be taken, clean and
 * dirty, is in a list by its size too, the clean ones in front.
 */
#include "heap/pool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "mem/pages.h"

#define FDS_MAX	   1024u /* kept; and as many on their way out */
#define GOING_MAX  4u	 /* times the bound: what is on its way out is bounded too */
#define PIECE	   (2u << 20)
#define AGE_MAX	   2u
#define SIZE_BITS  6
#define SIZE_LISTS (1u << SIZE_BITS)

struct pool {
	uint64_t bytes_max;
	uint64_t bytes, n;		 /* kept: clean, dirty, or in hand to be cleared */
	uint64_t bytes_going, n_going;	 /* on their way out, in hand too */
	struct list clean, dirty, going; /* the longest there first */
	struct list hand;		 /* what run() is about */
	bool hand_goes;			 /* these are on their way out */
	struct list sizes[SIZE_LISTS];
	uint64_t age; /* calls of pool_age() */
};

static struct list *size_list(struct pool *pool, uint64_t size)
{
	/* sizes are often multiples of large powers of two: mixed by a multiplication */
	return &pool->sizes[(size / PAGES_SIZE * 0x9e3779b97f4a7c15ull) >> (64 - SIZE_BITS)];
}

static void list_prepend(struct list *head, struct list *link)
{
	list_append(head->next, link);
}

/* ---- one memfd ---- */

static struct pooled *pooled_free(struct pooled *p)
{
	if (!p)
		return NULL;
	list_remove(&p->link);
	list_remove(&p->by_size);
	fd_close(p->fd);
	free(p);
	return NULL;
}
DEFINE_CLEANUP(struct pooled *, pooled_free);

/* of a memfd as memfd_create() made it nobody can say who holds it: it is opened anew */
static int pooled_new(struct pooled **ret, int fd, uint64_t size)
{
	_cleanup_(pooled_freep) struct pooled *p = NULL;

	p = calloc(1, sizeof(*p));
	if (!p)
		return err_origin(-ENOMEM);
	list_init(&p->link);
	list_init(&p->by_size);
	p->size = size;
	p->fd = pages_reopen(fd, O_RDWR);
	if (p->fd < 0)
		return p->fd;

	*ret = steal(p);
	return 0;
}

static int pooled_clear_some(struct pooled *p, uint64_t most)
{
	uint64_t n = MIN(p->size - p->n_clean, most);
	int r;

	r = pages_clear(p->fd, p->n_clean, n);
	if (r < 0)
		p->lost = true;
	else
		p->n_clean += n;
	return r;
}

int pooled_clear(struct pooled *p)
{
	return pooled_clear_some(p, UINT64_MAX);
}

/* ---- life ---- */

int pool_new(struct pool **ret, uint64_t bytes_max)
{
	struct pool *pool;

	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return err_origin(-ENOMEM);
	pool->bytes_max = bytes_max;
	list_init(&pool->clean);
	list_init(&pool->dirty);
	list_init(&pool->going);
	list_init(&pool->hand);
	for (size_t i = 0; i < SIZE_LISTS; i++)
		list_init(&pool->sizes[i]);
	*ret = pool;
	return 0;
}

struct pool *pool_free(struct pool *pool)
{
	if (!pool)
		return NULL;
	if (!list_is_empty(&pool->hand))
		pool_finish(pool);
	pool_trim(pool);
	assert(!pool->n && !pool->bytes && !pool->n_going && !pool->bytes_going);
	free(pool);
	return NULL;
}

/* ---- in and out ---- */

/* it is in no list from here on */
static void pool_remove(struct pool *pool, struct pooled *p)
{
	list_remove(&p->link);
	list_remove(&p->by_size);
	pool->bytes -= p->size;
	pool->n--;
}

/* on its way out, where that road has room */
static void pool_send_off(struct pool *pool, struct pooled *p)
{
	if (pool->n_going >= FDS_MAX || pool->bytes_going + p->size > GOING_MAX * pool->bytes_max) {
		pooled_free(p);
		return;
	}
	list_append(&pool->going, &p->link);
	pool->bytes_going += p->size;
	pool->n_going++;
}

/* the one that was used the longest time ago; NULL: what there is, is in hand */
static struct pooled *pool_oldest(struct pool *pool)
{
	struct list *list = list_is_empty(&pool->clean) ? &pool->dirty : &pool->clean;

	return list_is_empty(list) ? NULL : list_entry(list->next, struct pooled, link);
}

/* have room for @size, if need be in place of older ones */
static bool pool_make_room(struct pool *pool, uint64_t size)
{
	struct pooled *oldest;

	if (size > pool->bytes_max)
		return false;
	while (pool->bytes + size > pool->bytes_max || pool->n == FDS_MAX) {
		oldest = pool_oldest(pool);
		if (!oldest)
			return false;
		pool_remove(pool, oldest);
		pool_send_off(pool, oldest);
	}
	return true;
}

void pool_give(struct pool *pool, struct pooled *p)
{
	p->n_clean = 0;
	if (p->lost || pages_are_held(p->fd)) {
		log_debug("pool", "a memfd of %" PRIu64 " bytes can't be used again", p->size);
		pooled_free(p);
		return;
	}
	if (!pool_make_room(pool, p->size)) {
		pool_send_off(pool, p);
		return;
	}
	p->given = pool->age;
	p->unwanted = false;
	list_append(&pool->dirty, &p->link);
	list_append(size_list(pool, p->size), &p->by_size);
	pool->bytes += p->size;
	pool->n++;
}

void pool_give_fd(struct pool *pool, int fd, uint64_t size)
{
	struct pooled *p = NULL;

	pooled_new(&p, fd, size);
	fd_close(fd);
	if (p)
		pool_give(pool, p);
}

struct pooled *pool_take(struct pool *pool, uint64_t size)
{
	list_for_each_safe (link, size_list(pool, size)) {
		struct pooled *p = list_entry(link, struct pooled, by_size);

		if (p->size != size)
			continue;
		pool_remove(pool, p);
		if (!pages_are_held(p->fd))
			return p;
		log_debug("pool", "a memfd of the pool is held by somebody");
		pooled_free(p);
	}
	return NULL;
}

/* ---- background work ---- */

/* from @list into the hand, as much as makes a piece. Return: is there any? */
static bool hand_fill(struct pool *pool, struct list *list)
{
	uint64_t bytes = 0;

	while (bytes < PIECE && !list_is_empty(list)) {
		struct pooled *p = list_entry(list->next, struct pooled, link);

		list_remove(&p->link);
		list_remove(&p->by_size);
		list_append(&pool->hand, &p->link);
		bytes += list == &pool->going ? p->size : p->size - p->n_clean;
	}
	return bytes > 0;
}

bool pool_begin(struct pool *pool)
{
	assert(list_is_empty(&pool->hand));
	pool->hand_goes = hand_fill(pool, &pool->going);
	return pool->hand_goes || hand_fill(pool, &pool->dirty);
}

void pool_run(struct pool *pool)
{
	uint64_t left = PIECE;

	list_for_each (link, &pool->hand) {
		struct pooled *p = list_entry(link, struct pooled, link);
		uint64_t before = p->n_clean;

		if (pool->hand_goes) {
			pages_empty(p->fd, p->size);
			continue;
		}
		pooled_clear_some(p, left);
		left -= p->n_clean - before;
	}
}

/* what was to be cleared comes back */
static void hand_return(struct pool *pool, struct pooled *p)
{
	if (p->lost) {
		pool_remove(pool, p);
		pooled_free(p);
	} else if (p->unwanted) {
		pool_remove(pool, p);
		pool_send_off(pool, p);
	} else if (p->n_clean == p->size) {
		list_append(&pool->clean, &p->link);
		list_prepend(size_list(pool, p->size), &p->by_size);
	} else {
		list_prepend(&pool->dirty, &p->link);
		list_append(size_list(pool, p->size), &p->by_size);
	}
}

void pool_finish(struct pool *pool)
{
	struct list *link;

	while ((link = list_pop(&pool->hand))) {
		struct pooled *p = list_entry(link, struct pooled, link);

		if (!pool->hand_goes) {
			hand_return(pool, p);
			continue;
		}
		pool->bytes_going -= p->size;
		pool->n_going--;
		pooled_free(p);
	}
}

/* ---- giving up ---- */

static void list_age(struct pool *pool, struct list *list, bool all)
{
	list_for_each_safe (link, list) {
		struct pooled *p = list_entry(link, struct pooled, link);

		if (!all && pool->age - p->given < AGE_MAX)
			continue;
		pool_remove(pool, p);
		pool_send_off(pool, p);
	}
}

void pool_age(struct pool *pool, bool all)
{
	pool->age++;
	list_age(pool, &pool->clean, all);
	list_age(pool, &pool->dirty, all);
	if (all)
		list_for_each (link, &pool->hand)
			list_entry(link, struct pooled, link)->unwanted = true;
}

uint64_t pool_trim(struct pool *pool)
{
	uint64_t bytes = 0;
	struct pooled *p;
	struct list *link;

	while ((p = pool_oldest(pool))) {
		bytes += p->size;
		pool_remove(pool, p);
		pooled_free(p);
	}
	while ((link = list_pop(&pool->going))) {
		p = list_entry(link, struct pooled, link);
		bytes += p->size;
		pool->bytes_going -= p->size;
		pool->n_going--;
		pooled_free(p);
	}
	return bytes;
}

/* ---- what there is ---- */

static uint64_t list_bytes(const struct list *list)
{
	uint64_t bytes = 0;

	list_for_each (link, list)
		bytes += list_entry(link, struct pooled, link)->size;
	return bytes;
}

uint64_t pool_spare(const struct pool *pool)
{
	return pool->bytes + pool->bytes_going - list_bytes(&pool->hand);
}

void pool_totals(const struct pool *pool, struct pool_totals *ret)
{
	ret->clean = list_bytes(&pool->clean);
	ret->dirty = pool->bytes - ret->clean;
	ret->going = pool->bytes_going;
	ret->n = pool->n + pool->n_going;
}

void pool_name_fds(const struct pool *pool, void (*name)(int fd, void *user), void *user)
{
	const struct list *const lists[] = { &pool->clean, &pool->dirty, &pool->going,
					     &pool->hand };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		list_for_each (link, lists[i])
			name(list_entry(link, struct pooled, link)->fd, user);
}
