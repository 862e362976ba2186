// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A page is bounded in what it tells, so that it fits into a message, and in what it looks at, so
 * that who may see nothing does not hold the loop up.
 */
#include "front/listing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/place.h"
#include "core/service.h"
#include "front/json.h"

enum {
	PAGE_BYTES = 48 << 10, /* and one entry more; the message has 64 KiB */
	PAGE_LOOKS = 4096,
};

/* ---- ids ---- */

/* as text: a number of JSON is a double to many a reader, which has 53 bits */
static void put_id(struct json_object *object, const char *key, uint64_t id)
{
	char text[20];

	snprintf(text, sizeof(text), "%" PRIx64, id);
	put_text(object, key, text);
}

static int id_parse(uint64_t *ret, struct json_object *value)
{
	const char *text = json_object_get_string(value);
	size_t size = json_object_get_string_len(value);

	*ret = 0;
	if (!json_object_is_type(value, json_type_string) || !size || size > 16)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		const char *digit = text[i] ? strchr("0123456789abcdef", text[i]) : NULL;

		if (!digit)
			return -EINVAL;
		*ret = *ret << 4 | (uint64_t)(digit - "0123456789abcdef");
	}
	return 0;
}

/* ---- pages ---- */

struct page {
	struct json_object *entries;
	uint64_t after; /* the last one that was looked at */
	uint64_t looks, others;
	size_t bytes;
	bool more;
};

/* where the request begins: 0 or -EINVAL */
static int page_begin(struct page *page, const struct listing *listing)
{
	struct json_object *after;

	*page = (struct page){ 0 };
	if (json_object_object_get_ex(listing->request, "after", &after)) {
		if (id_parse(&page->after, after) < 0)
			return -EINVAL;
	} else {
		service_look(listing->service); /* what has ended by now isn't shown */
	}
	page->entries = json_object_new_array();
	return 0;
}

/* room for one more? */
static bool page_goes_on(struct page *page)
{
	page->more = page->bytes >= PAGE_BYTES || page->looks == PAGE_LOOKS;
	page->looks++;
	return !page->more;
}

static bool page_may_tell(struct page *page, const struct listing *listing, uid_t uid)
{
	if (listing->all || listing->who.uid == uid)
		return true;
	page->others++;
	return false;
}

static void page_put(struct page *page, struct json_object *entry)
{
	size_t size = 0;

	json_object_to_json_string_length(entry, JSON_C_TO_STRING_PLAIN, &size);
	page->bytes += size + 1;
	json_object_array_add(page->entries, entry);
}

static struct json_object *page_end(struct page *page, const char *key)
{
	struct json_object *answer = json_object_new_object();

	json_object_object_add(answer, key, page->entries);
	put_u64(answer, "others", page->others);
	if (page->more)
		put_id(answer, "after", page->after);
	return answer;
}

/* ---- buffers ---- */

static struct json_object *buffer_place(const struct listing *listing, uint64_t id)
{
	struct json_object *object = json_object_new_object();
	struct heap_place place;
	int r;

	r = service_place(listing->service, id, &listing->who, &place);
	if (r < 0) {
		put_text(object, "refused", r == -EPERM ? "EPERM" : "ENODEV");
		return object;
	}
	put_u64(object, "address", place.address);
	put_u64(object, "length", place.length);
	put_bool(object, "contiguous", place.contiguous);
	return object;
}

static struct json_object *buffer_entry(const struct buffer_info *info)
{
	static const char *const ends[] = {
		[EXPORT_END_NONE] = "none", [EXPORT_END_CLOSE] = "close",
		[EXPORT_END_LOOK] = "look", [EXPORT_END_HOLD] = "hold",
		[EXPORT_END_TOLD] = "told",
	};
	struct json_object *entry = json_object_new_object();

	put_id(entry, "id", info->id);
	put_u64(entry, "size", info->size);
	put_u64(entry, "heap-id", info->heap_id);
	put_text(entry, "heap", info->heap);
	put_u64(entry, "flags", info->flags);
	put_u64(entry, "uid", info->uid);
	put_u64(entry, "tid", info->tid);
	if (info->client)
		put_id(entry, "client", info->client);
	else
		json_object_object_add(entry, "client", NULL);
	put_u64(entry, "handles", info->handles);
	put_text(entry, "exporter", info->exporter);
	put_text(entry, "end", ends[info->end]);
	put_u64(entry, "inode", info->ino);
	return entry;
}

struct json_object *listing_buffers(const struct listing *listing)
{
	struct json_object *physical = NULL, *entry;
	struct buffer_info info;
	struct page page;

	if (json_object_object_get_ex(listing->request, "physical", &physical) &&
	    !json_object_is_type(physical, json_type_boolean))
		return answer_error("\"physical\" is not true or false");
	if (page_begin(&page, listing) < 0)
		return answer_error("\"after\" is not an id");
	while (page_goes_on(&page) && service_next_buffer(listing->service, &page.after, &info)) {
		if (!page_may_tell(&page, listing, info.uid))
			continue;
		entry = buffer_entry(&info);
		if (json_object_get_boolean(physical))
			json_object_object_add(entry, "physical", buffer_place(listing, info.id));
		page_put(&page, entry);
	}
	return page_end(&page, "buffers");
}

/* ---- clients ---- */

static void put_limit(struct json_object *object, const char *key, uint64_t limit)
{
	if (limit == QUOTA_NO_LIMIT)
		json_object_object_add(object, key, NULL);
	else
		put_u64(object, key, limit);
}

static struct json_object *client_user(const struct account *user)
{
	struct json_object *object = json_object_new_object();

	put_u64(object, "clients", user->used[QUOTA_CLIENTS]);
	put_limit(object, "clients-limit", user->limit[QUOTA_CLIENTS]);
	put_u64(object, "buffers", user->used[QUOTA_BUFFERS]);
	put_limit(object, "buffers-limit", user->limit[QUOTA_BUFFERS]);
	put_u64(object, "bytes", user->used[QUOTA_BYTES]);
	put_limit(object, "bytes-limit", user->limit[QUOTA_BYTES]);
	put_u64(object, "handles", user->used[QUOTA_HANDLES]);
	put_limit(object, "handles-limit", user->limit[QUOTA_HANDLES]);
	return object;
}

static struct json_object *client_entry(const struct listing *listing,
					const struct client_info *info)
{
	uint32_t channel = info->who.channel;
	struct json_object *entry = json_object_new_object();

	put_id(entry, "id", info->id);
	put_u64(entry, "uid", info->who.uid);
	put_u64(entry, "gid", info->who.gid);
	put_u64(entry, "tid", info->who.tid);
	put_text(entry, "node", channel < listing->n_nodes ? listing->nodes[channel] : "");
	put_u64(entry, "buffers", info->buffers);
	put_u64(entry, "bytes", info->bytes);
	put_u64(entry, "handles", info->handles);
	json_object_object_add(entry, "user", client_user(&info->user));
	return entry;
}

struct json_object *listing_clients(const struct listing *listing)
{
	struct client_info info;
	struct page page;

	if (page_begin(&page, listing) < 0)
		return answer_error("\"after\" is not an id");
	while (page_goes_on(&page) && service_next_client(listing->service, &page.after, &info))
		if (page_may_tell(&page, listing, info.who.uid))
			page_put(&page, client_entry(listing, &info));
	return page_end(&page, "clients");
}

/* ---- heaps ---- */

static const char *heap_kind(uint32_t type)
{
	static const char *const kinds[] = {
		[HEAP_TYPE_SYSTEM] = "system",	   [HEAP_TYPE_SYSTEM_CONTIG] = "system_contig",
		[HEAP_TYPE_CARVEOUT] = "carveout", [HEAP_TYPE_CHUNK] = "chunk",
		[HEAP_TYPE_DMA] = "dma",	   [HEAP_TYPE_CUSTOM] = "custom",
	};

	return type < ARRAY_SIZE(kinds) ? kinds[type] : "custom";
}

static struct json_object *heap_entry(const struct heap_detail *heap)
{
	static const char *const rules[] = {
		[PHYSICAL_ROOT] = "root",
		[PHYSICAL_GROUP] = "group",
		[PHYSICAL_ALL] = "all",
	};
	struct json_object *entry = json_object_new_object();

	put_u64(entry, "id", heap->info.id);
	put_text(entry, "name", heap->info.name);
	put_u64(entry, "type", heap->info.type);
	put_text(entry, "kind", heap_kind(heap->info.type));
	put_text(entry, "exporter", heap->exporter);
	put_text(entry, "physical-address", rules[heap->physical]);
	put_u64(entry, "buffers", heap->buffers);
	put_u64(entry, "bytes", heap->bytes);
	put_u64(entry, "pooled", heap->stock.pooled);
	put_u64(entry, "largest", heap->stock.largest);
	if (heap->stock.area)
		put_text(entry, "area", heap->stock.area);
	else
		json_object_object_add(entry, "area", NULL);
	return entry;
}

static struct json_object *area_entry(const struct heap_stock *stock)
{
	struct json_object *entry = json_object_new_object();

	put_text(entry, "name", stock->area);
	put_u64(entry, "size", stock->size + stock->retired);
	put_u64(entry, "used", stock->size - stock->clean - stock->dirty);
	put_u64(entry, "clean", stock->clean);
	put_u64(entry, "dirty", stock->dirty);
	put_u64(entry, "retired", stock->retired);
	put_u64(entry, "largest-run", stock->largest_run);
	return entry;
}

/* each area once, by the first heap that is over it */
static struct json_object *area_entries(const struct heap_detail *heaps, size_t n)
{
	struct json_object *entries = json_object_new_array();

	for (size_t i = 0; i < n; i++) {
		bool told = !heaps[i].stock.area;

		for (size_t k = 0; !told && k < i; k++)
			told = heaps[k].stock.area &&
			       !strcmp(heaps[k].stock.area, heaps[i].stock.area);
		if (!told)
			json_object_array_add(entries, area_entry(&heaps[i].stock));
	}
	return entries;
}

static struct json_object *missing_entries(const struct listing *listing)
{
	struct json_object *entries = json_object_new_array();

	for (size_t i = 0; i < listing->n_missing; i++) {
		struct json_object *entry = json_object_new_object();

		put_u64(entry, "id", listing->missing[i].id);
		put_text(entry, "name", listing->missing[i].name);
		put_text(entry, "why", listing->missing[i].why);
		json_object_array_add(entries, entry);
	}
	return entries;
}

struct json_object *listing_heaps(const struct listing *listing)
{
	struct json_object *answer = json_object_new_object();
	struct json_object *entries = json_object_new_array();
	struct heap_detail heaps[HEAP_IDS];
	size_t n;

	service_look(listing->service);
	n = service_heap_details(listing->service, heaps, HEAP_IDS);
	for (size_t i = 0; i < n; i++)
		json_object_array_add(entries, heap_entry(&heaps[i]));
	json_object_object_add(answer, "heaps", entries);
	json_object_object_add(answer, "areas", area_entries(heaps, n));
	json_object_object_add(answer, "missing", missing_entries(listing));
	return answer;
}
