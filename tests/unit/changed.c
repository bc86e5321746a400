/* What a stage changes reaches the bytes of every format: events from one file through stages that
 * take away who asked and who tells of it, into files of all formats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../support/frame.h"
#include "base/log.h"
#include "core/engine.h"
#include "core/stage.h"
#include "wire/fstrm.h"

/* --- the stages ----------------------------------------------------------------------------- */

/* Keeps the first half of a client's address. */
struct veil {
    uint8_t space[EVENT_BATCH][16]; /* for one worker */
};

static int veil_open(void **state, const struct stage_options *options, uint32_t *needs,
                     struct error *err)
{
    (void)options;
    *needs = FACET_DNSTAP;
    *state = calloc(1, sizeof(struct veil));
    return *state ? 0 : error_set(err, "no memory");
}

static enum stage_verdict veil_event(void *state, unsigned worker, struct event *ev)
{
    uint8_t *space = ((struct veil *)state)->space[ev->nth];
    size_t len = ev->query_address.len;
    (void)worker;
    memset(space, 0, 16);
    memcpy(space, ev->query_address.ptr, len / 2);
    event_set_query_address(ev, span_of(space, len));
    return STAGE_CHANGED;
}

static const struct stage_hooks veil_hooks = {
    .open = veil_open, .event = veil_event, .close = free};
static const struct module stage_veil = {.name = "veil",
                                         .kind = MODULE_STAGE,
                                         .doc = "Hides clients.",
                                         .common = &stage_common,
                                         .hooks = &veil_hooks};

/* Calls all servers the same. */
static int rename_open(void **state, const struct stage_options *options, uint32_t *needs,
                       struct error *err)
{
    (void)state, (void)options, (void)err;
    *needs = FACET_DNSTAP;
    return 0;
}

static enum stage_verdict rename_event(void *state, unsigned worker, struct event *ev)
{
    (void)state, (void)worker;
    event_set_identity(ev, span_str("a-name-that-is-longer"));
    return STAGE_CHANGED;
}

static const struct stage_hooks rename_hooks = {.open = rename_open, .event = rename_event};
static const struct module stage_rename = {.name = "rename",
                                           .kind = MODULE_STAGE,
                                           .doc = "Renames servers.",
                                           .common = &stage_common,
                                           .hooks = &rename_hooks};

extern const struct module input_file, output_file, fmt_text, fmt_json, fmt_yaml, fmt_fstrm,
    stage_latency;
const struct module *const registry[] = {
    &input_file, &output_file, &fmt_text,     &fmt_json,      &fmt_yaml,
    &fmt_fstrm,  &stage_veil,  &stage_rename, &stage_latency, NULL,
};

/* --- the bench ------------------------------------------------------------------------------ */

enum { KINDS = 4 };
static const char *const kinds[KINDS] = {"fstrm", "text", "json", "yaml"};

struct bench {
    char folder[64];
    char path[64 + 8];
    struct buf files[KINDS];
};

static const char *path_of(struct bench *b, const char *name)
{
    snprintf(b->path, sizeof b->path, "%s/%s", b->folder, name);
    return b->path;
}

static int bench_new(void **state)
{
    static struct bench bench;
    bench = (struct bench){.folder = "/tmp/spile-changed-XXXXXX"};
    log_set_level(LOG_ERROR);
    *state = &bench;
    return mkdtemp(bench.folder) ? 0 : -1;
}

static int bench_free(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < KINDS; i++) {
        unlink(path_of(b, kinds[i]));
        buf_free(&b->files[i]);
    }
    unlink(path_of(b, "in"));
    return rmdir(b->folder);
}

static void put_control(struct buf *out, uint32_t type)
{
    struct fstrm_control control = {.type = type};
    if (type == FSTRM_START)
        control.types[control.type_count++] = span_str(FSTRM_DNSTAP_TYPE);
    assert_int_equal(fstrm_control_encode(&control, out), 0);
}

static void write_input(struct bench *b, const struct span *frames, size_t count)
{
    struct buf bytes = {0};
    put_control(&bytes, FSTRM_START);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(fstrm_data_encode(frames[i], &bytes), 0);
    put_control(&bytes, FSTRM_STOP);
    FILE *file = fopen(path_of(b, "in"), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.data, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
    buf_free(&bytes);
}

static void read_output(struct bench *b, int kind)
{
    struct buf *to = &b->files[kind];
    FILE *file = fopen(path_of(b, kinds[kind]), "r");
    assert_non_null(file);
    to->len = 0;
    for (int c; (c = getc(file)) != EOF;)
        buf_byte(to, (uint8_t)c);
    fclose(file);
}

/* Has the frames pass the stages, and reads what the outputs have made of them. */
static void pass(struct bench *b, const char *stages, const struct span *frames, size_t count)
{
    char text[1024], from[sizeof b->path];
    struct config config;
    struct error err;
    const struct engine_options options = {.old = OUTPUT_REPLACES};
    write_input(b, frames, count);
    snprintf(from, sizeof from, "%s", path_of(b, "in"));
    int len = snprintf(text, sizeof text,
                       "threads: 1\nstages: %s\ninputs: [file: {path: %s}]\n"
                       "outputs:\n",
                       stages, from);
    for (int i = 0; i < KINDS; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "- file: {path: %s, format: %s}\n",
                        path_of(b, kinds[i]), kinds[i]);
    assert_int_equal(config_init(&config, &err), 0);
    struct engine *engine = NULL;
    if (config_parse(&config, text, (size_t)len, "a file", &err) == 0)
        engine = engine_new(&config, &options, &err);
    if (!engine)
        fail_msg("%s", err.text);
    assert_int_equal(engine_run(engine), ENGINE_DONE);
    engine_free(engine);
    config_free(&config);
    for (int i = 0; i < KINDS; i++)
        read_output(b, i);
}

static bool holds(const struct buf *bytes, struct span part)
{
    return memmem(bytes->data, bytes->len, part.ptr, part.len);
}

/* The n-th frame of what the format fstrm has written. */
static struct span frame_at(const struct bench *b, size_t n)
{
    struct cursor c = cursor_of(buf_span(&b->files[0]));
    assert_int_equal(cursor_be32(&c), 0); /* the control frame that begins it */
    cursor_take(&c, cursor_be32(&c));
    for (; n > 0; n--)
        cursor_take(&c, cursor_be32(&c));
    struct span frame = cursor_take(&c, cursor_be32(&c));
    assert_false(c.failed);
    return frame;
}

/* --- the tests ------------------------------------------------------------------------------ */

/* Of a query over IPv4, and of one over IPv6. */
static void addresses_are_hidden_in_all_formats(void **state)
{
    static const struct span six = BYTES_INIT("\x20\x01\x0d\xb8\x00\x00\x00\x07\x00\x00\x00\x00"
                                              "\xde\xad\xbe\xef");
    struct bench *b = *state;
    struct dnstap four = frame_query(), wide = frame_query();
    struct buf first = {0}, second = {0};
    wide.query_address = six;
    wide.family = DNSTAP_INET6;
    dnstap_encode(&four, &first);
    dnstap_encode(&wide, &second);
    const struct span frames[] = {buf_span(&first), buf_span(&second)};
    pass(b, "[]", frames, 2);
    assert_true(holds(&b->files[0], four.query_address) && holds(&b->files[0], six));
    for (int i = 1; i < KINDS; i++) {
        assert_true(holds(&b->files[i], span_str("198.51.100.7")));
        assert_true(holds(&b->files[i], span_str("2001:db8:0:7::dead:beef")));
    }
    pass(b, "[veil]", frames, 2);
    assert_false(holds(&b->files[0], four.query_address) || holds(&b->files[0], six));
    for (int i = 1; i < KINDS; i++) {
        assert_true(holds(&b->files[i], span_str("198.51.0.0")));
        assert_true(holds(&b->files[i], span_str("2001:db8:0:7::")));
        assert_false(holds(&b->files[i], span_str("198.51.100.7")));
        assert_false(holds(&b->files[i], span_str("dead")));
    }
    buf_free(&first);
    buf_free(&second);
}

/* The frame is the old one but for what was changed: what Spile does not know of it is there. */
static void frames_keep_all_else(void **state)
{
    static const struct span unknown = BYTES_INIT("\xfa\x01\x03xyz");
    struct bench *b = *state;
    struct dnstap tap = frame_response(), now;
    struct buf frame = {0}, expected = {0};
    dnstap_encode(&tap, &frame);
    buf_put(&frame, unknown.ptr, unknown.len);
    const struct span frames[] = {buf_span(&frame)};
    pass(b, "[veil, rename]", frames, 1);
    tap.query_address = BYTES("\xc6\x33\0\0");
    tap.identity = span_str("a-name-that-is-longer");
    assert_int_equal(dnstap_decode(frame_at(b, 0), &now), 0);
    dnstap_encode(&tap, &expected);
    struct span got = frame_at(b, 0);
    assert_int_equal(got.len, expected.len + unknown.len);
    assert_memory_equal(got.ptr, expected.data, expected.len);
    assert_memory_equal(got.ptr + expected.len, unknown.ptr, unknown.len);
    for (int i = 1; i < KINDS; i++) {
        assert_true(holds(&b->files[i], span_str("a-name-that-is-longer")));
        assert_false(holds(&b->files[i], span_str("ns1")));
    }
    buf_free(&frame);
    buf_free(&expected);
}

/* Each has its own place for what is written anew: none gets another's. */
static void events_of_a_batch_do_not_share_bytes(void **state)
{
    enum { MANY = 5 * EVENT_BATCH };
    struct bench *b = *state;
    struct buf frames[MANY] = {0};
    struct span spans[MANY];
    for (unsigned i = 0; i < MANY; i++) {
        uint8_t address[] = {10, (uint8_t)i, 3, 4};
        struct dnstap tap = frame_query();
        tap.query_address = span_of(address, 4);
        dnstap_encode(&tap, &frames[i]);
        spans[i] = buf_span(&frames[i]);
    }
    pass(b, "[veil]", spans, MANY);
    for (unsigned i = 0; i < MANY; i++) {
        const uint8_t address[] = {10, (uint8_t)i, 0, 0};
        struct dnstap tap;
        assert_int_equal(dnstap_decode(frame_at(b, i), &tap), 0);
        assert_int_equal(tap.query_address.len, 4);
        assert_memory_equal(tap.query_address.ptr, address, 4);
        buf_free(&frames[i]);
    }
}

/* A client of IPv4 on a socket for both kinds: sixteen bytes and INET6 became four, and INET; so
 * they are on the wire then, at both ends. */
static void a_mapped_address_is_written_as_what_it_is(void **state)
{
    struct bench *b = *state;
    struct dnstap tap = frame_query(), now;
    struct buf frame = {0};
    tap.family = DNSTAP_INET6;
    tap.query_address = BYTES("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x33\x64\x07");
    tap.response_address = BYTES("\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x35");
    dnstap_encode(&tap, &frame);
    const struct span frames[] = {buf_span(&frame)};
    pass(b, "[veil]", frames, 1);
    assert_int_equal(dnstap_decode(frame_at(b, 0), &now), 0);
    assert_int_equal(now.family, DNSTAP_INET);
    assert_true(span_equal(now.query_address, BYTES("\xc6\x33\0\0")));
    assert_true(span_equal(now.response_address, BYTES("\xc0\x00\x02\x35")));
    buf_free(&frame);
}

#define BENCH(test) cmocka_unit_test_setup_teardown(test, bench_new, bench_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(addresses_are_hidden_in_all_formats),
        BENCH(frames_keep_all_else),
        BENCH(events_of_a_batch_do_not_share_bytes),
        BENCH(a_mapped_address_is_written_as_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
