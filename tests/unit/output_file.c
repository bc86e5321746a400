/* Output `file`: what is in the files, whatever happens to the disk and to their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "../support/output_place.h"

static void appends_to_what_is_there(void **state)
{
    struct place *place = *state;
    put_file(place, "out", "earlier\n");
    assert_int_equal(open_with(place, &outputs_lines, NULL, NULL, NULL), 0);
    write_ok(place, 0, 3);
    write_ok(place, 3, 2);
    outputs_close(&place->out);
    read_file(place, "out");
    expect_text(place, "earlier\n", 0, 5, "");
}

static void mode_is_exact(void **state)
{
    struct place *place = *state;
    mode_t old = umask(077);
    assert_int_equal(open_with(place, &outputs_lines, "mode=0664", NULL, NULL), 0);
    umask(old);
    outputs_close(&place->out);
    struct stat st;
    stat(place->path, &st);
    assert_int_equal(st.st_mode & 07777, 0664);
}

static void cut_line_is_ended(void **state)
{
    struct place *place = *state;
    put_file(place, "out", "whole\ncut");
    assert_int_equal(open_with(place, &outputs_lines, NULL, NULL, NULL), 0);
    write_ok(place, 0, 1);
    outputs_close(&place->out);
    read_file(place, "out");
    expect_text(place, "whole\ncut\n", 0, 1, "");
}

static void rotates_by_size_between_records(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=1050", "keep=0", NULL), 0);
    write_ok(place, 0, 37);
    write_ok(place, 37, 8);
    outputs_close(&place->out);
    assert_int_equal(list(place), 5);
    for (int i = 1; i < 5; i++) {
        read_file(place, place->names[i]);
        assert_int_equal(place->len, 10 * LEN);
    }
    read_all(place);
    expect_text(place, "", 0, 45, "");
}

static void large_record_has_a_file_of_its_own(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=50", "keep=0", NULL), 0);
    write_ok(place, 0, 3);
    outputs_close(&place->out);
    assert_int_equal(list(place), 3);
    read_all(place);
    expect_text(place, "", 0, 3, "");
}

static void keeps_the_newest(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=1000", "keep=3", NULL), 0);
    write_ok(place, 0, 100);
    outputs_close(&place->out);
    assert_int_equal(list(place), 4);
    read_all(place);
    expect_text(place, "", 60, 100, "");
}

/* Files of other names are nobody's to remove, however alike. */
static void leaves_strangers_alone(void **state)
{
    struct place *place = *state;
    static const char *const strangers[] = {"out.1", "out.20261121T085042.992Z.xz",
                                            "outer.20261121T085042.992Z",
                                            "out.2026112XT085042.992Z"};
    for (int i = 0; i < 4; i++)
        put_file(place, strangers[i], "x");
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=1000", "keep=1", NULL), 0);
    write_ok(place, 0, 50);
    outputs_close(&place->out);
    assert_int_equal(list(place), 6);
}

static void compresses(struct place *place, const char *how, const char *suffix)
{
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=1000", "mode=0640", how), 0);
    write_ok(place, 0, 45);
    outputs_close(&place->out);
    assert_int_equal(list(place), 5);
    for (int i = 1; i < 5; i++) {
        assert_string_equal(strrchr(place->names[i], '.'), suffix);
        char path[512];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", place->dir, place->names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_true(st.st_size < 10 * LEN);
    }
    read_all(place);
    expect_text(place, "", 0, 45, "");
}

static void compresses_with_gzip(void **state)
{
    compresses(*state, "compress=gzip", ".gz");
}

static void compresses_with_zstd(void **state)
{
    compresses(*state, "compress=zstd", ".zst");
}

/* What an interrupted run left behind is finished by the next one. */
static void compresses_what_was_left(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=1000", NULL, NULL), 0);
    write_ok(place, 0, 25);
    outputs_close(&place->out);
    put_file(place, "out.20000101T000000.000Z.gz.tmp", "half");
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=1000", "compress=gzip", NULL),
                     0);
    outputs_close(&place->out);
    assert_int_equal(list(place), 3);
    assert_string_equal(strrchr(place->names[1], '.'), ".gz");
    assert_string_equal(strrchr(place->names[2], '.'), ".gz");
    read_all(place);
    expect_text(place, "", 0, 25, "");
}

static void interrupted_compression_loses_nothing(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=1000", "compress=zstd", NULL),
                     0);
    atomic_store(&place->out.interrupted, true);
    write_ok(place, 0, 25);
    outputs_close(&place->out);
    assert_int_equal(list(place), 3);
    assert_null(strstr(place->names[1], ".zst"));
    read_all(place);
    expect_text(place, "", 0, 25, "");
}

/* The file's records belong to a day that is over, the new ones to today. */
static void rotates_by_time(void **state)
{
    struct place *place = *state;
    put_file(place, "out", "yesterday\n");
    struct timespec old[2] = {{.tv_sec = 86400}, {.tv_sec = 86400}};
    utimensat(AT_FDCWD, place->path, old, 0);
    assert_int_equal(open_with(place, &outputs_lines, "rotate-every=30d", NULL, NULL), 0);
    write_ok(place, 0, 3);
    write_ok(place, 3, 3);
    outputs_close(&place->out);
    assert_int_equal(list(place), 2);
    read_file(place, place->names[1]);
    assert_string_equal(place->text, "yesterday\n");
    read_file(place, "out");
    expect_text(place, "", 0, 6, "");
}

static void reopens_by_name(void **state)
{
    struct place *place = *state;
    char moved[512];
    snprintf(moved, sizeof moved, "%s/moved", place->dir);
    assert_int_equal(open_with(place, &outputs_framed, NULL, NULL, NULL), 0);
    write_ok(place, 0, 3);
    rename(place->path, moved);
    write_ok(place, 3, 3);
    place->out.hooks->reopen(&place->out);
    write_ok(place, 6, 1);
    outputs_close(&place->out);
    read_file(place, "moved");
    expect_text(place, "<begin>\n", 0, 6, "<end>\n");
    read_file(place, "out");
    expect_text(place, "<begin>\n", 6, 7, "<end>\n");
}

/* Without a directory nothing can be opened; when it is back, the records come. */
static void waits_for_its_directory(void **state)
{
    struct place *place = *state;
    char away[512];
    uint32_t done;
    snprintf(away, sizeof away, "%s-away", place->dir);
    assert_int_equal(open_with(place, &outputs_lines, NULL, NULL, NULL), 0);
    rename(place->dir, away);
    place->out.hooks->reopen(&place->out);
    assert_int_equal(outputs_write(&place->out, 0, 3, LEN, &done), OUTPUT_RETRY);
    assert_int_equal(done, 0);
    rename(away, place->dir);
    write_ok(place, 0, 3);
    outputs_close(&place->out);
    read_file(place, "out");
    expect_text(place, "", 0, 3, "");
}

static rlim_t limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    rlim_t old = limit.rlim_cur;
    limit.rlim_cur = bytes;
    signal(SIGXFSZ, SIG_IGN); /* the writer thread blocks it */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return old;
}

/* A file that may not grow is a disk that is full: the record that was cut is taken back. */
static void full_disk_cuts_no_record(void **state)
{
    struct place *place = *state;
    uint32_t done = 0;
    assert_int_equal(open_with(place, &outputs_framed, NULL, NULL, NULL), 0);
    struct chunk *chunk = chunks_make(0, 0, 25, LEN);
    rlim_t old = limit_file_size(1050);
    enum output_status status = place->out.hooks->write(&place->out, chunk, 0, &done);
    off_t size = size_of(place);
    limit_file_size(old);
    assert_int_equal(status, OUTPUT_RETRY);
    assert_int_equal(done, 10);
    assert_int_equal(size, 8 + 10 * LEN);
    assert_int_equal(place->out.hooks->write(&place->out, chunk, done, &done), OUTPUT_OK);
    assert_int_equal(done, 25);
    chunk_release(chunk);
    outputs_close(&place->out);
    read_file(place, "out");
    expect_text(place, "<begin>\n", 0, 25, "<end>\n");
}

/* No room for the end of the file: it is not rotated until there is. */
static void full_disk_delays_rotation(void **state)
{
    struct place *place = *state;
    uint32_t done;
    assert_int_equal(open_with(place, &outputs_framed, "rotate-size=1020", NULL, NULL), 0);
    write_ok(place, 0, 10);
    rlim_t old = limit_file_size(1010);
    enum output_status status = outputs_write(&place->out, 10, 5, LEN, &done);
    off_t size = size_of(place);
    limit_file_size(old);
    assert_int_equal(status, OUTPUT_RETRY);
    assert_int_equal(done, 0);
    assert_int_equal(size, 8 + 10 * LEN);
    write_ok(place, 10, 5);
    outputs_close(&place->out);
    assert_int_equal(list(place), 2);
    read_file(place, place->names[1]);
    expect_text(place, "<begin>\n", 0, 10, "<end>\n");
    read_file(place, "out");
    expect_text(place, "<begin>\n", 10, 15, "<end>\n");
}

static void framed_file_is_continued(void **state)
{
    struct place *place = *state;
    for (unsigned run = 0; run < 3; run++) {
        assert_int_equal(open_with(place, &outputs_framed, NULL, NULL, NULL), 0);
        if (run != 1) /* the second run has nothing to say */
            write_ok(place, run / 2 * 2, 2);
        outputs_close(&place->out);
    }
    assert_int_equal(list(place), 1);
    read_file(place, "out");
    expect_text(place, "<begin>\n", 0, 4, "<end>\n");
}

/* A ninth record would fit, but not the end behind it. */
static void framed_files_are_whole_after_rotation(void **state)
{
    struct place *place = *state;
    assert_int_equal(open_with(place, &outputs_framed, "rotate-size=910", "keep=0", NULL), 0);
    write_ok(place, 0, 30);
    outputs_close(&place->out);
    assert_int_equal(list(place), 4);
    for (int i = 0; i < 3; i++) {
        read_file(place, place->names[i + 1]);
        assert_true(place->len <= 910);
        expect_text(place, "<begin>\n", (unsigned)i * 8, (unsigned)i * 8 + 8, "<end>\n");
    }
    read_file(place, "out");
    expect_text(place, "<begin>\n", 24, 30, "<end>\n");
}

static void crashed_file_is_put_aside(struct place *place, const char *contents)
{
    put_file(place, "out", contents);
    assert_int_equal(open_with(place, &outputs_framed, NULL, NULL, NULL), 0);
    write_ok(place, 0, 2);
    outputs_close(&place->out);
    assert_int_equal(list(place), 2);
    read_file(place, place->names[1]);
    assert_string_equal(place->text, contents);
    read_file(place, "out");
    expect_text(place, "<begin>\n", 0, 2, "<end>\n");
}

static void file_without_end_is_put_aside(void **state)
{
    crashed_file_is_put_aside(*state, "<begin>\nsomething that was cut of");
}

static void file_of_another_kind_is_put_aside(void **state)
{
    crashed_file_is_put_aside(*state, "lines of text, not frames\n<end>\n");
}

static void file_too_short_is_put_aside(void **state)
{
    crashed_file_is_put_aside(*state, "<end>\n");
}

static void one_file_one_output(void **state)
{
    struct place *place = *state;
    struct output second = {0};
    struct error err;
    const char *settings[] = {place->setting, NULL};
    assert_int_equal(open_with(place, &outputs_lines, NULL, NULL, NULL), 0);
    assert_int_equal(outputs_open(&second, &output_file, &outputs_lines, settings, &err), -1);
    assert_non_null(strstr(err.text, "cannot lock"));
    outputs_free(&second);
    outputs_close(&place->out);
}

static void failed_open_says_why(void **state)
{
    struct place *place = *state;
    struct error err;
    snprintf(place->setting, sizeof place->setting, "path=%s/none/out", place->dir);
    const char *settings[] = {place->setting, NULL};
    assert_int_equal(outputs_open(&place->out, &output_file, &outputs_lines, settings, &err), -1);
    assert_non_null(strstr(err.text, "No such file"));
    outputs_free(&place->out);
}

static void full_device_is_tried_again(void **state)
{
    struct place *place = *state;
    uint32_t done;
    snprintf(place->setting, sizeof place->setting, "path=/dev/full");
    assert_int_equal(open_with(place, &outputs_lines, "rotate-size=1", NULL, NULL), 0);
    assert_int_equal(outputs_write(&place->out, 0, 5, LEN, &done), OUTPUT_RETRY);
    assert_int_equal(done, 0);
    outputs_close(&place->out);
}

/* A FIFO needs a reader to be opened; when that one leaves, the next one gets whole records. */
static void fifo_serves_one_reader_after_another(void **state)
{
    struct place *place = *state;
    uint32_t done;
    signal(SIGPIPE, SIG_IGN); /* the writer thread blocks it */
    assert_int_equal(mkfifo(place->path, 0600), 0);
    assert_int_equal(open_with(place, &outputs_lines, NULL, NULL, NULL), -1);
    outputs_free(&place->out);
    int reader = open(place->path, O_RDONLY | O_NONBLOCK);
    assert_int_equal(open_with(place, &outputs_lines, NULL, NULL, NULL), 0);
    write_ok(place, 0, 3);
    close(reader);
    assert_int_equal(outputs_write(&place->out, 3, 3, LEN, &done), OUTPUT_RETRY);
    assert_int_equal(outputs_write(&place->out, 3, 3, LEN, &done), OUTPUT_RETRY);
    assert_int_equal(done, 0);
    reader = open(place->path, O_RDONLY | O_NONBLOCK);
    write_ok(place, 3, 3);
    place->len = (size_t)read(reader, place->text, TEXT_MAX - 1);
    place->text[place->len] = '\0';
    expect_text(place, "", 3, 6, "");
    close(reader);
    outputs_close(&place->out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_PLACE(appends_to_what_is_there),
        IN_PLACE(mode_is_exact),
        IN_PLACE(cut_line_is_ended),
        IN_PLACE(rotates_by_size_between_records),
        IN_PLACE(large_record_has_a_file_of_its_own),
        IN_PLACE(keeps_the_newest),
        IN_PLACE(leaves_strangers_alone),
        IN_PLACE(compresses_with_gzip),
        IN_PLACE(compresses_with_zstd),
        IN_PLACE(compresses_what_was_left),
        IN_PLACE(interrupted_compression_loses_nothing),
        IN_PLACE(rotates_by_time),
        IN_PLACE(reopens_by_name),
        IN_PLACE(waits_for_its_directory),
        IN_PLACE(full_disk_cuts_no_record),
        IN_PLACE(full_disk_delays_rotation),
        IN_PLACE(framed_file_is_continued),
        IN_PLACE(framed_files_are_whole_after_rotation),
        IN_PLACE(file_without_end_is_put_aside),
        IN_PLACE(file_of_another_kind_is_put_aside),
        IN_PLACE(file_too_short_is_put_aside),
        IN_PLACE(one_file_one_output),
        IN_PLACE(failed_open_says_why),
        IN_PLACE(full_device_is_tried_again),
        IN_PLACE(fifo_serves_one_reader_after_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
