/* The output `file` in a directory of its own for each test. */
#ifndef SPILE_TESTS_OUTPUT_PLACE_H
#define SPILE_TESTS_OUTPUT_PLACE_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/log.h"
#include "outputs.h"

extern const struct module output_file;

enum { LEN = 100, FILES_MAX = 64, TEXT_MAX = 1 << 20 };

/* A directory of its own for each test, and one output that writes to "out" in it. */
struct place {
    char dir[32];
    char path[64];
    char setting[80];
    struct output out;
    char *names[FILES_MAX]; /* of the directory, sorted: rotated files come after "out" */
    int count;
    char text[TEXT_MAX]; /* what read_file found */
    size_t len;
};

static inline int place_new(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    snprintf(place->dir, sizeof place->dir, "/tmp/spile-test-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->path, sizeof place->path, "%s/out", place->dir);
    snprintf(place->setting, sizeof place->setting, "path=%s", place->path);
    log_set_level(LOG_ERROR); /* warnings are provoked here */
    *state = place;
    return 0;
}

static inline void forget_names(struct place *place)
{
    while (place->count)
        free(place->names[--place->count]);
}

static inline int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lists the directory; returns how many files there are. */
static inline int list(struct place *place)
{
    forget_names(place);
    DIR *dir = opendir(place->dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] != '.' && place->count < FILES_MAX)
            place->names[place->count++] = strdup(entry->d_name);
    }
    closedir(dir);
    qsort(place->names, (size_t)place->count, sizeof place->names[0], by_name);
    return place->count;
}

static inline int place_free(void **state)
{
    struct place *place = *state;
    char path[512];
    list(place);
    for (int i = 0; i < place->count; i++) {
        snprintf(path, sizeof path, "%s/%s", place->dir, place->names[i]);
        unlink(path);
    }
    rmdir(place->dir);
    forget_names(place);
    free(place);
    chunk_pool_free();
    return 0;
}

static inline int open_with(struct place *place, const struct format_hooks *format, const char *a,
                            const char *b, const char *c)
{
    const char *settings[] = {place->setting, a, b, c, NULL};
    struct error err;
    return outputs_open(&place->out, &output_file, format, settings, &err);
}

static inline void write_ok(struct place *place, unsigned serial, unsigned records)
{
    uint32_t done;
    assert_int_equal(outputs_write(&place->out, serial, records, LEN, &done), OUTPUT_OK);
    assert_int_equal(done, records);
}

/* Appends a file's contents, uncompressed, to place->text. */
static inline void read_more(struct place *place, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", place->dir, name);
    bool zstd = strstr(name, ".zst") != NULL;
    gzFile file = gzopen(path, "rb"); /* reads plain files as they are */
    assert_non_null(file);
    static char raw[TEXT_MAX];
    int got = gzread(file, raw, sizeof raw);
    gzclose(file);
    assert_true(got >= 0);
    char *to = place->text + place->len;
    size_t room = TEXT_MAX - 1 - place->len;
    size_t len = (size_t)got;
    if (zstd)
        len = ZSTD_decompress(to, room, raw, (size_t)got);
    else
        memcpy(to, raw, len);
    assert_true(len < room);
    place->len += len;
    place->text[place->len] = '\0';
}

static inline void read_file(struct place *place, const char *name)
{
    place->len = 0;
    read_more(place, name);
}

/* All rotated files in order, then the current one. */
static inline void read_all(struct place *place)
{
    place->len = 0;
    list(place);
    for (int i = 1; i < place->count; i++)
        read_more(place, place->names[i]);
    read_more(place, place->names[0]);
}

/* Checks that the text is `before`, records [first, end), `after`, and nothing else. */
static inline void expect_text(const struct place *place, const char *before, unsigned first,
                               unsigned end, const char *after)
{
    static char expected[TEXT_MAX];
    char *p = stpcpy(expected, before);
    for (; first < end; first++, p += LEN)
        chunks_line(p, 0, first, LEN);
    strcpy(p, after);
    assert_string_equal(place->text, expected);
}

static inline void put_file(const struct place *place, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place->dir, name);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static inline off_t size_of(const struct place *place)
{
    struct stat st;
    assert_int_equal(stat(place->path, &st), 0);
    return st.st_size;
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, place_new, place_free)

#endif
