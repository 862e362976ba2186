// SPDX-License-Identifier: LGPL-2.1-or-later
/* src/daemon/conf.c, conf_device.c and options.c */
#include <check.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "conf_fixture.h"

START_TEST(good)
{
	struct settings settings;

	ck_assert_int_eq(conf_read_text(&settings, "; a comment\n"
						   "[cusiond]\n"
						   "log-level = debug\n"
						   "control = /run/x/y\n"
						   "\n"
						   "[device ion]\n"
						   "mode=0666\n"
						   "group = video\n"
						   "abi-version = 2\n"),
			 0);
	ck_assert_str_eq(conf_said, "");
	ck_assert_int_eq(settings.log_level, LOG_LEVEL_DEBUG);
	ck_assert_str_eq(settings.control, "/run/x/y");
	ck_assert_uint_eq(settings.ion.mode, 0666);
	ck_assert_str_eq(settings.ion.group, "video");
	ck_assert_uint_eq(settings.policy.abi_version, 2);
}
END_TEST

START_TEST(empty)
{
	struct settings settings, builtin;

	settings_init(&builtin, (uint64_t)1 << 30);
	ck_assert_int_eq(conf_read_text(&settings, ""), 0);
	ck_assert_uint_eq(settings.ion.mode, builtin.ion.mode);
	ck_assert_str_eq(settings.control, builtin.control);
}
END_TEST

static const struct {
	const char *text;
	int line;
	const char *names; /* what the message must name beside file and line */
} bad[] = {
	{ "[cusiond]\nlog-level = loud\n", 2, "error, warning, notice" },
	{ "[cusiond]\nlog-level = info\nlog-level = info\n", 3, "line 2" },
	{ "[cusiond]\nloglevel = info\n", 2, "loglevel" },
	{ "[cusion]\nlog-level = info\n", 1, "[cusion]" },
	{ "[cusiond]\nlog-level = info\n[heap]\n", 3, "unknown section" },
	{ "[cusiond]\nlog-level = info\n\n[cusiond]\n", 4, "line 1" },
	{ "[cusiond]\n  [device ion]\n", 2, "blanks before" },
	{ "[cusiond]\nlog-level = info\n  notice\n", 3, "line 2" },
	{ "[cusiond ;]\n", 1, "unknown section" },
	{ "log-level = info\n", 1, "log-level" },
	{ "[cusiond]\nlog-level\n", 2, "key = value" },
	{ "[cusiond\nlog-level = info\n", 1, "key = value" },
	{ "[cusiond]\ncontrol = run/x\n", 2, "absolute" },
	{ "[device ion]\nmode = 8\n", 2, "octal" },
	{ "[device ion]\nmode = 0999\n", 2, "octal" },
	{ "[device ion]\nmode = 1777\n", 2, "octal" },
	{ "[device ion]\nmode =\n", 2, "octal" },
	{ "\n\n[device ion]\n; x\ngroup =\n", 5, "group" },
	{ "[device ion]\nabi-version = 3\n", 2, "none or 2" },
	{ "[device ion]\nheap = 1\n", 2, "heap" },
	{ "[device ion]\nnames = auto\n", 2, "unknown key" },
	{ "[device dma_heap]\nabi = auto\n", 2, "unknown key" },
	{ "[device dma_heap]\nmode = 8\n", 2, "octal" },
	{ "[device dma_heap]\nnames =\n", 2, "auto, none" },
	{ "[device dma_heap]\nnames = system a/b\n", 2, "auto, none" },
	{ "[device dma_heap]\nnames = system reserved system\n", 2, "different" },
	{ "[device dma_heap]\ngroup = video\nnames = none system\n", 3, "no heap is named none" },
	{ "[device dma_heap]\nnames = system carveout\n[heap carveout]\nkind = none\n", 2,
	  "no heap is named carveout" },
};

START_TEST(bad_files)
{
	struct settings settings, builtin;

	settings_init(&builtin, (uint64_t)1 << 30);
	ck_assert_int_eq(conf_read_text(&settings, bad[_i].text), -EINVAL);
	conf_assert_said(bad[_i].line, bad[_i].names);
	ck_assert_uint_eq(settings.ion.mode, builtin.ion.mode);
	ck_assert_uint_eq(settings.log_level, builtin.log_level);
}
END_TEST

/* what a line says does not depend on its length: inih would cut it in two */
START_TEST(long_lines)
{
	struct settings settings;
	char text[1024];

	snprintf(text, sizeof(text), "; %300s\n[cusiond]\nlog-level = debug\n", "mode = 0777");
	ck_assert_int_eq(conf_read_text(&settings, text), 0);
	ck_assert_int_eq(settings.log_level, LOG_LEVEL_DEBUG);

	snprintf(text, sizeof(text), "[cusiond]\n;%198slog-level = debug\n", "");
	ck_assert_int_eq(conf_read_text(&settings, text), 0);
	ck_assert_int_eq(settings.log_level, LOG_LEVEL_INFO);

	snprintf(text, sizeof(text), "[cusiond]\ncontrol = /%0300d\nlog-level = loud\n", 1);
	ck_assert_int_eq(conf_read_text(&settings, text), -EINVAL);
	ck_assert_msg(strstr(conf_said, ":2: the line is too long\n"), "%s", conf_said);

	snprintf(text, sizeof(text), "[cusiond]\n%300slog-level = debug\n", "");
	ck_assert_int_eq(conf_read_text(&settings, text), -EINVAL);
	ck_assert_msg(strstr(conf_said, ":2: the line is too long\n"), "%s", conf_said);
}
END_TEST

START_TEST(nul_byte)
{
	static const char text[] = "[device ion]\nmode = 0600\0 0666\n";
	struct settings settings;

	ck_assert_int_eq(conf_read_bytes(&settings, 1 << 30, text, sizeof(text) - 1), -EINVAL);
	ck_assert_msg(strstr(conf_said, ":2: "), "%s", conf_said);
}
END_TEST

START_TEST(missing_file)
{
	struct settings settings;

	settings_init(&settings, (uint64_t)1 << 30);
	ck_assert_int_eq(conf_read(&settings, "/nonexistent/cusiond.conf"), -ENOENT);
}
END_TEST

static int parse(struct settings *settings, int argc, const char **argv)
{
	optind = 0;
	settings_init(settings, (uint64_t)1 << 30);
	return options_parse(settings, argc, (char **)argv);
}

START_TEST(options)
{
	const char *none[] = { "cusiond", NULL };
	const char *all[] = { "cusiond",    "--config",	     "/etc/x",	       "--frontend=cuse",
			      "--frontend", "fuse=/mnt/a b", "--check-config", NULL };
	struct settings settings;

	ck_assert_int_eq(parse(&settings, 1, none), 0);
	ck_assert_uint_eq(settings.n_frontends, 1);
	ck_assert_int_eq(settings.frontends[0].kind, FRONTEND_CUSE);

	ck_assert_int_eq(parse(&settings, 7, all), 0);
	ck_assert_str_eq(settings.config, "/etc/x");
	ck_assert_uint_eq(settings.n_frontends, 2);
	ck_assert_int_eq(settings.frontends[1].kind, FRONTEND_FUSE);
	ck_assert_str_eq(settings.frontends[1].dir, "/mnt/a b");
	ck_assert(settings.check_config);
}
END_TEST

START_TEST(bad_options)
{
	static const char *wrong[][4] = {
		{ "cusiond", "--frontend", "cusee", NULL },
		{ "cusiond", "--frontend", "fuse=", NULL },
		{ "cusiond", "--frontend", "fuse", NULL },
		{ "cusiond", "--no-such", "x", NULL },
		{ "cusiond", "--check-config", "x", NULL },
		{ "cusiond", "--frontend=cuse", "--frontend=cuse", NULL },
	};
	struct settings settings;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_int_eq(parse(&settings, 3, wrong[i]), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("conf");
	TCase *tcase = tcase_create("conf");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, good);
	tcase_add_test(tcase, empty);
	tcase_add_loop_test(tcase, bad_files, 0, ARRAY_SIZE(bad));
	tcase_add_test(tcase, long_lines);
	tcase_add_test(tcase, nul_byte);
	tcase_add_test(tcase, missing_file);
	tcase_add_test(tcase, options);
	tcase_add_test(tcase, bad_options);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
