/* Output `file`: which rotated files stay, whatever the clock said and whoever else was there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>

#include "../support/output_place.h"
#include "base/clock.h"
#include "conf/settings.h"

/* --- the clocks ------------------------------------------------------------------------------ */

/* 2026-11-21T08:50:42.992Z */
#define NOW_S INT64_C(1795251042)

static _Atomic int64_t wall_s = NOW_S;
static atomic_ullong monotonic_ns = 1000 * CLOCK_SECOND_NS;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    *now = clock_timespec(atomic_load(&monotonic_ns));
    if (clock == CLOCK_REALTIME)
        *now = (struct timespec){.tv_sec = atomic_load(&wall_s), .tv_nsec = 992000000};
    return 0;
}

/* What write(2) fails with; 0: it does what it does. */
static atomic_int write_error;

ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __real_write(int fd, const void *bytes, size_t len);

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
    errno = atomic_load(&write_error);
    return errno ? -1 : __real_write(fd, bytes, len);
}

/* The time passes, for both clocks. */
static void pass(int64_t seconds)
{
    atomic_fetch_add(&wall_s, seconds);
    atomic_fetch_add(&monotonic_ns, (uint64_t)seconds * CLOCK_SECOND_NS);
}

static int place_at_noon(void **state)
{
    atomic_store(&wall_s, NOW_S);
    return place_new(state);
}

/* --- helpers --------------------------------------------------------------------------------- */

/* A run that writes records [first, end), a hundred a file, and keeps three of those. */
static void run(struct place *place, unsigned first, unsigned end, const char *keep)
{
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=10000", keep, NULL), 0);
    for (; first < end; first += 100)
        write_ok(place, first, 100);
    outputs_close(&place->out);
}

static unsigned long number_of(const char *name)
{
    const char *dot = strstr(name, "Z.");
    return dot ? strtoul(dot + 2, NULL, 10) : 0;
}

static int by_number(const void *a, const void *b)
{
    unsigned long x = number_of(*(char *const *)a), y = number_of(*(char *const *)b);
    return x < y ? -1 : x > y;
}

/* The rotated files in the order of their numbers, then the current one. */
static void read_by_number(struct place *place)
{
    list(place);
    qsort(place->names + 1, (size_t)place->count - 1, sizeof place->names[0], by_number);
    place->len = 0;
    for (int i = 1; i < place->count; i++)
        read_more(place, place->names[i]);
    read_more(place, place->names[0]);
}

/* The newest three rotated files and the current one are there, and no record of theirs is
 * missing. */
static void expect_newest(struct place *place, unsigned end)
{
    read_by_number(place);
    assert_int_equal(place->count, 4);
    expect_text(place, "", end - 400, end, "");
}

/* The records [first, end) are in files, whatever their names. */
static void expect_somewhere(struct place *place, unsigned first, unsigned end)
{
    char line[256]; /* what chunks_line wants */
    read_all(place);
    for (; first < end; first++) {
        chunks_line(line, 0, first, LEN);
        line[LEN] = '\0';
        if (!strstr(place->text, line))
            fail_msg("record %u is gone", first);
    }
}

static void remove_file(const struct place *place, const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place->dir, name);
    assert_int_equal(unlink(path), 0);
}

static bool is_there(const struct place *place, const char *name)
{
    for (int i = 0; i < place->count; i++) {
        if (strcmp(place->names[i], name) == 0)
            return true;
    }
    return false;
}

/* --- the clock as an order -------------------------------------------------------------------- */

static void names_say_moment_and_number(void **state)
{
    struct place *place = *state;
    run(place, 0, 300, "keep=3");
    assert_int_equal(list(place), 3);
    assert_string_equal(place->names[1], "out.20261121T085042.992Z.000001");
    assert_string_equal(place->names[2], "out.20261121T085042.992Z.000002");
}

static void names_of_earlier_versions_are_the_oldest(void **state)
{
    struct place *place = *state;
    put_file(place, "out.20261121T085041.000Z", "x");
    put_file(place, "out.20261121T085041.001Z.gz", "x");
    put_file(place, "out.99981121T085041.000Z", "x");
    run(place, 0, 300, "keep=4");
    assert_int_equal(list(place), 5);
    assert_true(is_there(place, "out.20261121T085041.001Z.gz"));
    assert_true(is_there(place, "out.99981121T085041.000Z"));
    run(place, 300, 3000, "keep=3");
    expect_newest(place, 3000);
}

/* The clock was ahead once; years later it still is not where it was. */
static void leftovers_of_the_future_are_old(void **state)
{
    struct place *place = *state;
    static const int64_t moments[] = {4 * NOW_S, NOW_S - 86400, 150 * NOW_S, -NOW_S, NOW_S};
    for (unsigned i = 0; i < 5; i++) {
        atomic_store(&wall_s, moments[i]);
        run(place, i * 3000, i * 3000 + 3000, "keep=3");
        expect_newest(place, i * 3000 + 3000);
    }
}

/* The same at every file, within a run and from one to the next. */
static void leaping_clock_loses_nothing(void **state)
{
    struct place *place = *state;
    static const int64_t years[] = {0, 2026, 1969, 1900, 12026, -4, 9999, 10000};
    for (unsigned i = 0; i < 30; i += 5) {
        assert_int_equal(open_with(place, &outputs_lines, "rotate-size=10000", "keep=3", NULL), 0);
        for (unsigned file = i; file < i + 5; file++) {
            atomic_store(&wall_s, (years[file % 8] - 1970) * 31556952);
            write_ok(place, file * 100, 100);
        }
        outputs_close(&place->out);
    }
    expect_newest(place, 3000);
}

static void years_have_their_digits(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=100", "keep=0", NULL), 0);
    static const int64_t moments[] = {-1, INT64_C(253402300800), INT64_C(-62198755200), INT64_MAX};
    for (unsigned i = 0; i < 4; i++) {
        atomic_store(&wall_s, moments[i]);
        write_ok(place, 2 * i, 2);
    }
    outputs_close(&place->out);
    list(place);
    assert_true(is_there(place, "out.19691231T235959.992Z.000001"));
    assert_true(is_there(place, "out.100000101T000000.992Z.000002"));
    assert_true(is_there(place, "out.100000101T000000.992Z.000003"));
    assert_true(is_there(place, "out.-00010101T000000.992Z.000005"));
    assert_true(is_there(place, "out.00000101T000000.992Z.000007"));
    read_by_number(place);
    expect_text(place, "", 0, 8, "");
}

/* Behind such a number there would be no room for ours. */
static void endless_numbers_are_nobodys(void **state)
{
    struct place *place = *state;
    put_file(place, "out.20261121T085042.992Z.999999999999999", "x");
    put_file(place, "out.20261121T085042.992Z.18446744073709551615", "a stranger");
    run(place, 0, 3000, "keep=3");
    assert_int_equal(list(place), 5);
    assert_true(is_there(place, "out.20261121T085042.992Z.18446744073709551615"));
    assert_true(is_there(place, "out.20261121T085042.992Z.000029"));
}

/* Whatever number is there already, ours go on behind it, and behind the last one there is a first
 * one again: within a run and from one to the next. */
static void no_number_is_the_last(void **state)
{
    static const char *const numbers[] = {"000000",          "000001",          "499999999999998",
                                          "499999999999999", "500000000000000", "999999999999997",
                                          "999999999999998", "999999999999999"};
    struct place *place = *state;
    char name[64];
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(name, sizeof name, "out.20261121T085042.992Z.%s", numbers[i]);
        put_file(place, name, "x");
        static const int64_t moments[] = {NOW_S, 2 * NOW_S, NOW_S / 2};
        for (unsigned j = 0; j < 3; j++) {
            atomic_store(&wall_s, moments[j]);
            run(place, j * 500, j * 500 + 500, "keep=3");
            expect_somewhere(place, j * 500 + 100, j * 500 + 500);
        }
        assert_int_equal(list(place), i ? 4 : 5); /* that of number 0 is nobody's */
        for (int j = 0; j < place->count; j++)
            remove_file(place, place->names[j]);
    }
}

/* In a folder where others may make files, theirs neither count nor go; nor does a second name that
 * they gave one of ours. */
static void files_of_strangers_are_nobodys(void **state)
{
    enum { STRANGER = 12345 };
    struct place *place = *state;
    char name[64], path[512];
    if (geteuid() != 0) {
        print_message("skipped: only root can make files of others\n");
        skip();
    }
    assert_int_equal(chmod(place->dir, 01777), 0);
    for (unsigned i = 0; i < 3; i++) {
        run(place, i * 1000, i * 1000 + 1000, "keep=3");
        expect_newest(place, i * 1000 + 1000);
        for (unsigned n = 1; n <= 3; n++) { /* while there is none that runs */
            snprintf(name, sizeof name, "out.20261121T085042.992Z.00900%u", n);
            put_file(place, name, "a stranger's");
            snprintf(path, sizeof path, "%s/%s", place->dir, name);
            assert_int_equal(chown(path, STRANGER, STRANGER), 0);
        }
        run(place, i * 1000 + 1000, i * 1000 + 1100, "keep=3");
        assert_int_equal(list(place), 7);
        for (unsigned n = 1; n <= 3; n++) {
            snprintf(name, sizeof name, "out.20261121T085042.992Z.00900%u", n);
            assert_true(is_there(place, name));
            remove_file(place, name);
        }
        expect_newest(place, i * 1000 + 1100);
    }
    list(place);
    for (int j = 0; j < place->count; j++)
        remove_file(place, place->names[j]);
    run(place, 0, 1000, "keep=3");
    snprintf(name, sizeof name, "%s/out.20261121T085042.992Z.000007", place->dir);
    snprintf(path, sizeof path, "%s/out.20261121T085042.992Z.000777", place->dir);
    assert_int_equal(link(name, path), 0);
    run(place, 1000, 1200, "keep=3");
    assert_int_equal(list(place), 6); /* both names, three, and the current one */
}

/* Somebody puts one back while the output runs. */
static void later_strangers_are_not_newer(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=10000", "keep=3", NULL), 0);
    for (unsigned i = 0; i < 30; i++) {
        if (i == 10)
            put_file(place, "out.20301121T085042.992Z.000777", "x");
        write_ok(place, i * 100, 100);
    }
    outputs_close(&place->out);
    expect_newest(place, 3000);
}

/* Under compat, the names of the older program; the oldest goes, and none is of any time. */
static void compat_has_the_older_names(void **state)
{
    struct place *place = *state;
    static const struct settings compat = {.compat = 1};
    assert_non_null(settings_compat(&compat));
    place->out.settings = &compat;
    put_file(place, "out.1", "older\n");
    put_file(place, "out.9", "beyond those to keep\n");
    put_file(place, "out.20380101T000000.000Z", "of another time\n");
    run(place, 0, 300, "keep=3");
    read_file(place, "out.3");
    assert_string_equal(place->text, "older\n");
    place->out.settings = &compat;
    run(place, 300, 3000, "keep=3");
    assert_int_equal(list(place), 6);
    place->len = 0;
    read_more(place, "out.3");
    read_more(place, "out.2");
    read_more(place, "out.1");
    read_more(place, "out");
    expect_text(place, "", 2600, 3000, "");
}

/* --- rotation by time ------------------------------------------------------------------------- */

static void rotates_at_each_hour(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-every=1h", NULL, NULL), 0);
    for (unsigned i = 0; i < 8; i++) {
        write_ok(place, i, 1);
        pass(1800);
    }
    outputs_close(&place->out);
    assert_int_equal(list(place), 5); /* 08:50 | 09:20, 09:50 | 10:20, 10:50 | ... */
    read_by_number(place);
    expect_text(place, "", 0, 8, "");
}

/* The period before 1970 that holds this moment begins before it. */
static void rotates_before_1970(void **state)
{
    struct place *place = *state;
    atomic_store(&wall_s, -1800);
    assert_int_equal(open_with(place, &outputs_lines, "rotate-every=1h", NULL, NULL), 0);
    write_ok(place, 0, 1);
    pass(1799);
    write_ok(place, 1, 1);
    pass(1);
    write_ok(place, 2, 1);
    outputs_close(&place->out);
    assert_int_equal(list(place), 2);
    read_file(place, "out");
    expect_text(place, "", 2, 3, "");
}

/* A clock that goes to and fro has no file rotated again and again, and the old ones removed. */
static void unsteady_clock_rotates_little(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-every=1h", "keep=3", NULL), 0);
    for (unsigned i = 0; i < 600; i++) {
        write_ok(place, i, 1);
        atomic_fetch_add(&wall_s, i % 2 ? -86400 : 86400);
        pass(1);
    }
    outputs_close(&place->out);
    assert_int_equal(list(place), 2);
    read_by_number(place);
    expect_text(place, "", 0, 600, "");
}

static void clock_set_back_rotates_nothing(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-every=1h", NULL, NULL), 0);
    write_ok(place, 0, 1);
    atomic_fetch_add(&wall_s, -86400);
    write_ok(place, 1, 1);
    assert_int_equal(list(place), 1);
    pass(3600);
    write_ok(place, 2, 1);
    outputs_close(&place->out);
    assert_int_equal(list(place), 2);
    read_file(place, "out");
    expect_text(place, "", 2, 3, "");
}

/* --- what others do to the file -----------------------------------------------------------------
 */

static void begin_with(struct place *place, const struct format_hooks *format, const char *setting)
{
    assert_int_equal(open_with(place, format, setting, NULL, NULL), 0);
    write_ok(place, 0, 3);
}

/* Three records, the file's misfortune, two more before it is noticed, and two behind. */
static void write_on(struct place *place)
{
    write_ok(place, 3, 2);
    pass(1);
    write_ok(place, 5, 2);
}

static void removed_file_is_made_anew(void **state)
{
    struct place *place = *state;
    begin_with(place, &outputs_lines, NULL);
    pass(1);
    write_ok(place, 3, 1); /* the first three have been seen in their place, and went with it */
    unlink(place->path);
    write_ok(place, 4, 1);
    pass(1);
    write_ok(place, 5, 2);
    assert_int_equal(place->out.lost, 0);
    outputs_close(&place->out);
    assert_int_equal(list(place), 1);
    read_file(place, "out");
    expect_text(place, "", 3, 7, "");
}

static void removed_file_is_whole_anew(void **state)
{
    struct place *place = *state;
    begin_with(place, &outputs_framed, NULL);
    unlink(place->path);
    write_on(place);
    outputs_close(&place->out);
    read_file(place, "out");
    expect_text(place, "<begin>\n", 0, 7, "<end>\n");
}

/* An output that nothing comes for notices, too. */
static void removal_is_noticed_at_rest(void **state)
{
    struct place *place = *state;
    begin_with(place, &outputs_lines, NULL);
    unlink(place->path);
    pass(1);
    place->out.hooks->tick(&place->out);
    read_file(place, "out");
    expect_text(place, "", 0, 3, "");
    outputs_close(&place->out);
}

static void removal_is_noticed_at_the_end(void **state)
{
    struct place *place = *state;
    begin_with(place, &outputs_framed, NULL);
    unlink(place->path);
    outputs_close(&place->out);
    read_file(place, "out");
    expect_text(place, "<begin>\n", 0, 3, "<end>\n");
}

/* The folder, too, with its mode. */
static void removed_folder_is_made_anew(void **state)
{
    struct place *place = *state;
    char folder[64], lock[96];
    struct stat st;
    snprintf(folder, sizeof folder, "%s/logs", place->dir);
    snprintf(lock, sizeof lock, "%s/.out.lock", folder);
    snprintf(place->path, sizeof place->path, "%s/logs/out", place->dir);
    snprintf(place->setting, sizeof place->setting, "path=%s/logs/out", place->dir);
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(chmod(folder, 0751), 0);
    begin_with(place, &outputs_framed, NULL);
    assert_int_equal(unlink(place->path) | unlink(lock), 0);
    assert_int_equal(rmdir(folder), 0);
    write_on(place);
    outputs_close(&place->out);
    assert_int_equal(place->out.lost, 0);
    read_file(place, "logs/out");
    expect_text(place, "<begin>\n", 0, 7, "<end>\n");
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0751);
    unlink(place->path);
    rmdir(folder);
}

static void what_cannot_be_kept_is_lost(void **state)
{
    struct place *place = *state;
    uint32_t done;
    begin_with(place, &outputs_lines, NULL);
    unlink(place->path);
    mkdir(place->path, 0700); /* in its place */
    write_ok(place, 3, 2);
    pass(1);
    assert_int_equal(outputs_write(&place->out, 5, 2, LEN, &done), OUTPUT_RETRY);
    assert_int_equal(place->out.lost, 5);
    rmdir(place->path);
    write_ok(place, 5, 2);
    outputs_close(&place->out);
    assert_int_equal(place->out.lost, 5);
    read_file(place, "out");
    expect_text(place, "", 5, 7, "");
}

/* As logrotate does it before it sends SIGHUP. */
static void moved_file_is_ended(void **state)
{
    struct place *place = *state;
    char moved[512];
    snprintf(moved, sizeof moved, "%s/moved", place->dir);
    begin_with(place, &outputs_framed, NULL);
    rename(place->path, moved);
    write_on(place);
    outputs_close(&place->out);
    assert_int_equal(place->out.lost, 0);
    read_file(place, "moved");
    expect_text(place, "<begin>\n", 0, 5, "<end>\n");
    read_file(place, "out");
    expect_text(place, "<begin>\n", 5, 7, "<end>\n");
}

static void replaced_file_is_followed(void **state)
{
    struct place *place = *state;
    char other[512];
    snprintf(other, sizeof other, "%s/other", place->dir);
    put_file(place, "other", "another one\n");
    begin_with(place, &outputs_lines, NULL);
    rename(other, place->path);
    write_on(place);
    outputs_close(&place->out);
    read_file(place, "out");
    expect_text(place, "another one\n", 0, 7, "");
}

/* As copytruncate does it: what is in the file counts, not what was. */
static void cut_file_is_not_rotated_early(void **state)
{
    struct place *place = *state;
    begin_with(place, &outputs_lines, "rotate-size=1000");
    write_ok(place, 3, 6);
    assert_int_equal(truncate(place->path, 0), 0);
    write_ok(place, 9, 9);
    outputs_close(&place->out);
    assert_int_equal(list(place), 1);
    read_file(place, "out");
    expect_text(place, "", 9, 18, "");
}

static void cut_file_begins_anew(void **state)
{
    struct place *place = *state;
    begin_with(place, &outputs_framed, NULL);
    assert_int_equal(truncate(place->path, 0), 0);
    pass(1);
    write_ok(place, 3, 2);
    outputs_close(&place->out);
    read_file(place, "out");
    expect_text(place, "<begin>\n", 3, 5, "<end>\n");
}

static void cut_line_is_ended(void **state)
{
    struct place *place = *state;
    begin_with(place, &outputs_lines, NULL);
    assert_int_equal(truncate(place->path, 3), 0);
    pass(1);
    write_ok(place, 3, 1);
    outputs_close(&place->out);
    read_file(place, "out");
    expect_text(place, "0 0\n", 3, 4, "");
}

static void emptied_file_is_not_rotated(void **state)
{
    struct place *place = *state;
    begin_with(place, &outputs_lines, "rotate-every=1h");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(truncate(place->path, 0), 0);
        pass(3600);
        place->out.hooks->tick(&place->out);
        assert_int_equal(list(place), 1);
    }
    write_ok(place, 3, 1);
    pass(3600);
    write_ok(place, 4, 1);
    outputs_close(&place->out);
    assert_int_equal(list(place), 2);
    read_by_number(place);
    expect_text(place, "", 3, 5, "");
}

/* --- names in the way --------------------------------------------------------------------------
 */

/* A full disk has no half of a compressed file, and keeps the plain ones. */
static void full_disk_compresses_nothing(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=1000", NULL, NULL), 0);
    write_ok(place, 0, 45);
    outputs_close(&place->out);
    atomic_store(&write_error, ENOSPC);
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=1000", "compress=zstd", NULL),
                     0);
    outputs_close(&place->out);
    atomic_store(&write_error, 0);
    assert_int_equal(list(place), 5);
    for (int i = 1; i < 5; i++)
        assert_null(strstr(place->names[i], ".zst"));
    read_by_number(place);
    expect_text(place, "", 0, 45, "");
}

/* As after an error of the disk: it may be mended while the program runs. */
static void read_only_disk_is_waited_for(void **state)
{
    struct place *place = *state;
    static const int errors[] = {EROFS, ESTALE, ENOSPC, EDQUOT};
    uint32_t done;
    begin_with(place, &outputs_lines, NULL);
    for (unsigned i = 0; i < 4; i++) {
        atomic_store(&write_error, errors[i]);
        assert_int_equal(outputs_write(&place->out, 3 + i, 1, LEN, &done), OUTPUT_RETRY);
        assert_int_equal(done, 0);
        atomic_store(&write_error, 0);
        write_ok(place, 3 + i, 1);
    }
    outputs_close(&place->out);
    read_file(place, "out");
    expect_text(place, "", 0, 7, "");
}

/* What cannot be removed, or compressed, does not keep the others from being so. */
static void one_bad_name_stops_nothing(void **state)
{
    struct place *place = *state;
    static const char *const bad[] = {"out.20250101T000000.000Z", "out.20250101T000000.001Z.gz.tmp",
                                      "out.20270101T000000.000Z.000900"};
    char path[512];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", place->dir, bad[i]);
        assert_int_equal(i == 2 ? mkfifo(path, 0600) : mkdir(path, 0700), 0);
    }
    put_file(place, "out.20250101T000000.002Z", "oldest\n");
    assert_int_equal(
        open_with(place, &outputs_lines, "rotate-size=1000", "compress=gzip", "keep=5"), 0);
    write_ok(place, 0, 45);
    outputs_close(&place->out);
    assert_int_equal(list(place), 8); /* out, four of this run, three bad ones */
    int packed = 0;
    for (int i = 0; i < place->count; i++)
        packed += number_of(place->names[i]) > 900 && strstr(place->names[i], ".gz") != NULL;
    assert_int_equal(packed, 4);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", place->dir, bad[i]);
        assert_int_equal(rmdir(path), 0);
    }
}

#define WITH_CLOCK(test) cmocka_unit_test_setup_teardown(test, place_at_noon, place_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_CLOCK(names_say_moment_and_number),
        WITH_CLOCK(names_of_earlier_versions_are_the_oldest),
        WITH_CLOCK(leftovers_of_the_future_are_old),
        WITH_CLOCK(leaping_clock_loses_nothing),
        WITH_CLOCK(years_have_their_digits),
        WITH_CLOCK(endless_numbers_are_nobodys),
        WITH_CLOCK(no_number_is_the_last),
        WITH_CLOCK(files_of_strangers_are_nobodys),
        WITH_CLOCK(later_strangers_are_not_newer),
        WITH_CLOCK(compat_has_the_older_names),
        WITH_CLOCK(rotates_at_each_hour),
        WITH_CLOCK(rotates_before_1970),
        WITH_CLOCK(unsteady_clock_rotates_little),
        WITH_CLOCK(clock_set_back_rotates_nothing),
        WITH_CLOCK(removed_file_is_made_anew),
        WITH_CLOCK(removed_file_is_whole_anew),
        WITH_CLOCK(removal_is_noticed_at_rest),
        WITH_CLOCK(removal_is_noticed_at_the_end),
        WITH_CLOCK(removed_folder_is_made_anew),
        WITH_CLOCK(what_cannot_be_kept_is_lost),
        WITH_CLOCK(moved_file_is_ended),
        WITH_CLOCK(replaced_file_is_followed),
        WITH_CLOCK(cut_file_is_not_rotated_early),
        WITH_CLOCK(cut_file_begins_anew),
        WITH_CLOCK(cut_line_is_ended),
        WITH_CLOCK(emptied_file_is_not_rotated),
        WITH_CLOCK(full_disk_compresses_nothing),
        WITH_CLOCK(read_only_disk_is_waited_for),
        WITH_CLOCK(one_bad_name_stops_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
