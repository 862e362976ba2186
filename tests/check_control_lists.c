// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * src/front/listing.c behind the control socket: what whom is told, and how long lists are paged.
 *
 * Peers of other users are only to be had by root. Others run what they can: a peer of their own
 * uid, among buffers that are his and others'.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control_rig.h"
#include "core/alloc.h"
#include "core/client.h"
#include "core/file.h"
#include "heap/heaps.h"
#include "mem/export.h"

#define MIB	 ((uint64_t)1 << 20)
#define HEAP	 10		     /* the thin one: above all of the settings */
#define ADDRESS	 ((uint64_t)1 << 32) /* of each of its buffers */
#define MANY	 5000
#define PER_USER 4000 /* of the buffers; a client may have so many */

enum { USER = 1000, OTHER = 1001 };

/* ---- a heap whose buffers cost nothing, also no fd ---- */

static uint64_t last_ino;

static int thin_make(struct exporter *exporter, struct export *export, const struct slice *slices,
		     size_t n)
{
	export->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	export->tells = true;
	export->ino = ++last_ino;
	return 0;
}

static void thin_follow(struct export *export)
{
}

static const struct exporter_ops thin_exporter_ops = {
	.kind = EXPORTER_UDMABUF,
	.name = "thin",
	.make = thin_make,
	.follow = thin_follow,
};

static struct exporter thin_exporter = { .ops = &thin_exporter_ops };

static int thin_reserve(struct heap *heap, struct heap_block *block)
{
	return 0;
}

static int thin_fill(struct heap_block *block)
{
	block->one = (struct slice){ .fd = -1, .size = block->size };
	block->slices = &block->one;
	block->n_slices = 1;
	return 0;
}

static void thin_release(struct heap_block *block)
{
}

static void thin_stock(const struct heap *heap, struct heap_stock *stock)
{
	*stock = (struct heap_stock){
		.area = "main",
		.size = 64 * MIB,
		.clean = 40 * MIB,
		.dirty = 8 * MIB,
		.retired = 2 * MIB,
		.largest_run = 30 * MIB,
		.largest = 20 * MIB,
	};
}

static int thin_place(const struct heap_block *block, struct heap_place *place)
{
	*place = (struct heap_place){ ADDRESS, block->size, true };
	return 0;
}

static struct heap *thin_free(struct heap *heap)
{
	free(heap);
	return NULL;
}

static const struct heap_ops thin_ops = {
	.type = HEAP_TYPE_DMA,
	.reserve = thin_reserve,
	.fill = thin_fill,
	.release = thin_release,
	.stock = thin_stock,
	.place = thin_place,
	.free = thin_free,
};

static void add_heap(uint32_t id, const char *name, enum physical_rule rule)
{
	const struct heap_config config = {
		.id = id,
		.name = name,
		.exporter = &thin_exporter,
		.physical = rule,
		.physical_gid = CONTROL_RIG_GROUP + 1,
	};
	struct heap *heap = calloc(1, sizeof(*heap));

	ck_assert_int_eq(heap_init(heap, &thin_ops, &config), 0);
	ck_assert_int_eq(heaps_add(control_rig.memory.heaps, heap), 0);
}

static void setup(void)
{
	control_rig_up();
	add_heap(HEAP, "thin", PHYSICAL_GROUP);
}

/* ---- what is there ---- */

static struct client *make_client(uid_t uid)
{
	const struct client_who who = { .uid = uid, .gid = uid + 1, .tid = uid + 2 };
	struct client *client;
	uint64_t fh;

	ck_assert_int_eq(client_new(&client, control_rig.memory.service, &who, &fh), 0);
	return client;
}

static void make_buffers(struct client *client, size_t n)
{
	const struct alloc_want want = { .len = 4096, .mask = 1u << HEAP, .flags = 3, .tid = 12 };
	struct alloc_done done;
	struct alloc *alloc;

	while (n--) {
		ck_assert_int_eq(alloc_begin(&alloc, client, &want), 0);
		alloc_run(alloc);
		ck_assert_int_eq(alloc_finish(alloc, &done), 0);
		close(done.fd);
		file_delivered(done.file);
	}
}

/* ---- asking ---- */

static struct json_object *ask(int fd, const char *request)
{
	struct json_object *answer = control_rig_ask(fd, request, strlen(request));

	ck_assert_ptr_nonnull(answer);
	return answer;
}

static struct json_object *at(struct json_object *answer, const char *key, size_t i)
{
	struct json_object *entry = json_object_array_get_idx(control_rig_member(answer, key), i);

	ck_assert_ptr_nonnull(entry);
	return entry;
}

static const char *text(struct json_object *object, const char *key)
{
	struct json_object *value = control_rig_member(object, key);

	ck_assert(json_object_is_type(value, json_type_string));
	return json_object_get_string(value);
}

struct count {
	uint64_t entries, others, pages;
};

/* all pages of a listing; each id is told once */
static struct count count_all(int fd, const char *verb)
{
	struct count count = { 0 };
	struct json_object *answer, *entries, *after;
	uint64_t id, last = 0;
	char request[128];

	snprintf(request, sizeof(request), "{\"verb\":\"%s\"}", verb);
	for (;;) {
		answer = ask(fd, request);
		entries = control_rig_member(answer, verb);
		count.pages++;
		count.others += control_rig_number(answer, "others");
		count.entries += json_object_array_length(entries);
		for (size_t i = 0; i < json_object_array_length(entries); i++) {
			id = strtoull(text(json_object_array_get_idx(entries, i), "id"), NULL, 16);
			ck_assert_uint_gt(id, last); /* all places were used but once */
			last = id;
		}
		if (!json_object_object_get_ex(answer, "after", &after))
			break;
		snprintf(request, sizeof(request), "{\"verb\":\"%s\",\"after\":\"%s\"}", verb,
			 json_object_get_string(after));
		json_object_put(answer);
	}
	json_object_put(answer);
	return count;
}

static void assert_count(int fd, const char *verb, uint64_t entries, uint64_t others)
{
	const struct count count = count_all(fd, verb);

	ck_assert_uint_eq(count.entries, entries);
	ck_assert_uint_eq(count.others, others);
}

/* a peer that is @uid's and no member of anything; -1 where that can't be */
static int connect_user(uid_t uid)
{
	if (getuid() == 0)
		return control_rig_connect_as(uid, uid, NULL, 0);
	return uid == getuid() ? control_rig_connect() : -1;
}

static uid_t user(void)
{
	return getuid() ?: USER;
}

static void hang_up(int fd)
{
	close(fd);
	control_rig_turn();
}

/* ---- the tests ---- */

START_TEST(buffer_entry)
{
	struct client *client = make_client(user());
	int fd = connect_user(user());
	struct json_object *answer, *entry;

	make_buffers(client, 1);
	answer = ask(fd, "{\"verb\":\"buffers\"}");
	entry = at(answer, "buffers", 0);
	ck_assert_uint_eq(control_rig_number(entry, "size"), 4096);
	ck_assert_uint_eq(control_rig_number(entry, "heap-id"), HEAP);
	ck_assert_str_eq(text(entry, "heap"), "thin");
	ck_assert_uint_eq(control_rig_number(entry, "flags"), 3);
	ck_assert_uint_eq(control_rig_number(entry, "uid"), user());
	ck_assert_uint_eq(control_rig_number(entry, "tid"), 12);
	ck_assert_str_eq(text(entry, "exporter"), "thin");
	ck_assert_str_eq(text(entry, "end"), "told");
	ck_assert_uint_eq(control_rig_number(entry, "inode"), last_ino);
	ck_assert(!json_object_object_get_ex(entry, "physical", NULL));
	json_object_put(answer);

	answer = ask(fd, "{\"verb\":\"clients\"}");
	ck_assert_str_eq(text(at(answer, "clients", 0), "node"), "/dev/ion");
	entry = ask(fd, "{\"verb\":\"buffers\"}");
	ck_assert_str_eq(text(at(entry, "buffers", 0), "client"),
			 text(at(answer, "clients", 0), "id"));
	json_object_put(entry);
	json_object_put(answer);

	client_free(client);
	answer = ask(fd, "{\"verb\":\"buffers\"}");
	ck_assert(json_object_is_type(control_rig_member(at(answer, "buffers", 0), "client"),
				      json_type_null));
	json_object_put(answer);
	hang_up(fd);
}
END_TEST

START_TEST(client_entry)
{
	struct client *a = make_client(user()), *b = make_client(user());
	int fd = connect_user(user());
	struct json_object *answer, *entry, *all;

	make_buffers(a, 3);
	answer = ask(fd, "{\"verb\":\"clients\"}");
	entry = at(answer, "clients", 0);
	ck_assert_uint_eq(control_rig_number(entry, "uid"), user());
	ck_assert_uint_eq(control_rig_number(entry, "gid"), user() + 1);
	ck_assert_uint_eq(control_rig_number(entry, "tid"), user() + 2);
	ck_assert_uint_eq(control_rig_number(entry, "buffers"), 3);
	ck_assert_uint_eq(control_rig_number(entry, "bytes"), 3 * 4096);
	all = control_rig_member(at(answer, "clients", 1), "user");
	ck_assert_uint_eq(control_rig_number(all, "clients"), 2);
	ck_assert_uint_eq(control_rig_number(all, "buffers"), 3);
	ck_assert_uint_eq(control_rig_number(all, "bytes"), 3 * 4096);
	ck_assert_uint_eq(control_rig_number(all, "bytes-limit"), 512 * MIB);
	ck_assert(json_object_is_type(control_rig_member(all, "buffers-limit"), json_type_null));
	json_object_put(answer);
	client_free(a);
	client_free(b);
	hang_up(fd);
}
END_TEST

START_TEST(heaps)
{
	struct client *client = make_client(OTHER);
	int fd = connect_user(user());
	struct json_object *answer, *entry;

	add_heap(HEAP + 1, "second", PHYSICAL_ALL);
	make_buffers(client, 2);
	answer = ask(fd, "{\"verb\":\"heaps\"}"); /* totals are for all */
	ck_assert_uint_eq(json_object_array_length(control_rig_member(answer, "heaps")), 6);
	ck_assert_str_eq(text(at(answer, "heaps", 0), "physical-address"), "all");
	entry = at(answer, "heaps", 1);
	ck_assert_str_eq(text(entry, "name"), "thin");
	ck_assert_uint_eq(control_rig_number(entry, "id"), HEAP);
	ck_assert_str_eq(text(entry, "kind"), "dma");
	ck_assert_str_eq(text(entry, "exporter"), "thin");
	ck_assert_str_eq(text(entry, "physical-address"), "group");
	ck_assert_str_eq(text(entry, "area"), "main");
	ck_assert_uint_eq(control_rig_number(entry, "buffers"), 2);
	ck_assert_uint_eq(control_rig_number(entry, "bytes"), 8192);
	ck_assert_uint_eq(control_rig_number(entry, "largest"), 20 * MIB);
	ck_assert_str_eq(text(at(answer, "heaps", 5), "kind"), "system");

	/* two heaps over it, one area; its parts make up its size */
	ck_assert_uint_eq(json_object_array_length(control_rig_member(answer, "areas")), 1);
	entry = at(answer, "areas", 0);
	ck_assert_uint_eq(control_rig_number(entry, "size"), 66 * MIB);
	ck_assert_uint_eq(control_rig_number(entry, "used"), 16 * MIB);
	ck_assert_uint_eq(control_rig_number(entry, "clean"), 40 * MIB);
	ck_assert_uint_eq(control_rig_number(entry, "dirty"), 8 * MIB);
	ck_assert_uint_eq(control_rig_number(entry, "retired"), 2 * MIB);
	ck_assert_uint_eq(control_rig_number(entry, "largest-run"), 30 * MIB);

	entry = at(answer, "missing", 0);
	ck_assert_str_eq(text(entry, "name"), "gone");
	ck_assert_uint_eq(control_rig_number(entry, "id"), 9);
	ck_assert_str_eq(text(entry, "why"), "nobody knows");
	json_object_put(answer);
	client_free(client);
	hang_up(fd);
}
END_TEST

/* one's own, and how many others there are */
START_TEST(own_and_others)
{
	struct client *own = make_client(user()), *other = make_client(OTHER + user());
	int fd = connect_user(user());

	make_buffers(own, 2);
	make_buffers(other, 3);
	assert_count(fd, "buffers", 2, 3);
	assert_count(fd, "clients", 1, 1);
	client_free(other); /* its buffers stay another's */
	assert_count(fd, "buffers", 2, 3);
	assert_count(fd, "clients", 1, 0);
	client_free(own);
	assert_count(fd, "buffers", 2, 3);
	hang_up(fd);
}
END_TEST

/* more than one message has room for, and more than is looked at in one go */
START_TEST(many)
{
	struct client *own = make_client(user()), *other = make_client(OTHER + user());
	int fd = connect_user(user());
	struct count count;

	make_buffers(own, MANY - PER_USER);
	make_buffers(other, PER_USER);
	count = count_all(fd, "buffers");
	ck_assert_uint_eq(count.entries, MANY - PER_USER);
	ck_assert_uint_eq(count.others, PER_USER);
	ck_assert_uint_ge(count.pages, 3);
	client_free(own);
	client_free(other);
	hang_up(fd);
}
END_TEST

/* a cursor that was never an id is a place to go on at like any other */
START_TEST(cursors)
{
	static const char *const behind[] = { "ffffffff", "ffffffffffffffff", "1388" };
	struct client *client = make_client(user());
	int fd = connect_user(user());
	struct json_object *answer;
	char request[80];

	make_buffers(client, 3);
	for (size_t i = 0; i < ARRAY_SIZE(behind); i++) {
		snprintf(request, sizeof(request), "{\"verb\":\"buffers\",\"after\":\"%s\"}",
			 behind[i]);
		answer = ask(fd, request);
		ck_assert_uint_eq(json_object_array_length(control_rig_member(answer, "buffers")),
				  0);
		ck_assert(!json_object_object_get_ex(answer, "after", NULL));
		json_object_put(answer);
	}
	answer = ask(fd, "{\"verb\":\"buffers\",\"after\":\"0\"}");
	ck_assert_uint_eq(json_object_array_length(control_rig_member(answer, "buffers")), 3);
	json_object_put(answer);
	client_free(client);
	hang_up(fd);
}
END_TEST

static void assert_physical(int fd, const char *refused)
{
	struct json_object *answer = ask(fd, "{\"verb\":\"buffers\",\"physical\":true}");
	struct json_object *place = control_rig_member(at(answer, "buffers", 0), "physical");

	if (refused) {
		ck_assert_uint_eq(json_object_object_length(place), 1);
		ck_assert_str_eq(text(place, "refused"), refused);
	} else {
		ck_assert_uint_eq(control_rig_number(place, "address"), ADDRESS);
		ck_assert_uint_eq(control_rig_number(place, "length"), 4096);
		ck_assert(json_object_get_boolean(control_rig_member(place, "contiguous")));
	}
	json_object_put(answer);
}

START_TEST(physical_rules)
{
	struct heap *heap = heaps_get(control_rig.memory.heaps, HEAP);
	struct client *client = make_client(user());
	int fd = connect_user(user());

	make_buffers(client, 1);
	assert_physical(fd, "EPERM");
	heap->physical = PHYSICAL_ALL;
	assert_physical(fd, NULL);
	heap->physical = PHYSICAL_ROOT;
	assert_physical(fd, "EPERM");
	client_free(client);
	hang_up(fd);
}
END_TEST

START_TEST(physical_of_none)
{
	const struct alloc_want want = { .len = 4096, .mask = 1 };
	struct client *client = make_client(user());
	int fd = connect_user(user());
	struct alloc_done done;
	struct alloc *alloc;

	ck_assert_int_eq(alloc_begin(&alloc, client, &want), 0);
	alloc_run(alloc);
	ck_assert_int_eq(alloc_finish(alloc, &done), 0);
	file_delivered(done.file);
	assert_physical(fd, "ENODEV");
	close(done.fd);
	client_free(client);
	hang_up(fd);
}
END_TEST

/* ---- as root, who can be anybody ---- */

START_TEST(who_sees_all)
{
	static const gid_t cusion[] = { 5, CONTROL_RIG_GROUP }, none[] = { 5, 6 };
	struct client *a = make_client(USER), *b = make_client(OTHER);
	int fds[4];

	make_buffers(a, 2);
	make_buffers(b, 3);
	fds[0] = control_rig_connect();					   /* root */
	fds[1] = control_rig_connect_as(USER, USER, cusion, 2);		   /* a member */
	fds[2] = control_rig_connect_as(2000, CONTROL_RIG_GROUP, NULL, 0); /* by his first group */
	for (int i = 0; i < 3; i++) {
		assert_count(fds[i], "buffers", 5, 0);
		assert_count(fds[i], "clients", 2, 0);
	}
	/* the group 0 is nothing special */
	fds[3] = control_rig_connect_as(OTHER, 0, none, 2);
	assert_count(fds[3], "buffers", 3, 2);
	assert_count(fds[3], "clients", 1, 1);
	for (int i = 0; i < 4; i++)
		hang_up(fds[i]);
	client_free(a);
	client_free(b);
}
END_TEST

START_TEST(who_knows_addresses)
{
	static const gid_t cusion[] = { CONTROL_RIG_GROUP },
			   physical[] = { 5, CONTROL_RIG_GROUP + 1 };
	struct client *client = make_client(USER);
	int fds[3];

	make_buffers(client, 1);
	fds[0] = control_rig_connect();
	fds[1] = control_rig_connect_as(USER, USER, physical, 2);
	fds[2] = control_rig_connect_as(USER, USER, cusion, 1);
	assert_physical(fds[0], NULL);
	assert_physical(fds[1], NULL);
	assert_physical(fds[2], "EPERM"); /* to see all is another right */
	for (int i = 0; i < 3; i++)
		hang_up(fds[i]);
	client_free(client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("control_lists");
	TCase *tcase = tcase_create("control_lists");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, control_rig_down);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, buffer_entry);
	tcase_add_test(tcase, client_entry);
	tcase_add_test(tcase, heaps);
	tcase_add_test(tcase, own_and_others);
	tcase_add_test(tcase, many);
	tcase_add_test(tcase, cursors);
	tcase_add_test(tcase, physical_rules);
	tcase_add_test(tcase, physical_of_none);
	if (getuid() == 0) {
		tcase_add_test(tcase, who_sees_all);
		tcase_add_test(tcase, who_knows_addresses);
	} else {
		printf("# not root: no peers of other users\n");
	}
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
