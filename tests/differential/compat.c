/*
 * Answers for compat.py, which holds every answer against Python's own: reads lines from standard
 * input and prints one line for each.
 *
 *     float, round3   16 hex digits, the bits of a double
 *     utf8            hex bytes: what "ignore" leaves, and whether they decode strictly
 *     scalar          hex bytes of a text and a column: the text in YAML
 *     cache N NS      "set KEY VALUE NOW" or "get KEY NOW", a key being a number
 *     FORMAT, FORMAT-terminal   hex bytes of a frame: what the latency stage and the format make of
 * it
 *
 * Bytes are answered in hex.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/stages.h"
#include "compat/pyfloat.h"
#include "compat/pyutf8.h"
#include "compat/pyyaml.h"
#include "compat/receiver_cache.h"
#include "core/format.h"

enum { LINE_BYTES = 4 << 20 };

static uint8_t bytes[LINE_BYTES / 2];

static int nibble(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* Up to the first character that is no digit; moves the text there. */
static struct span read_hex(const char **text)
{
    size_t n = 0;
    for (; **text >= '0'; *text += 2)
        bytes[n++] = (uint8_t)(nibble((*text)[0]) << 4 | nibble((*text)[1]));
    return span_of(bytes, n);
}

static void print_hex(const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        printf("%02x", ((const uint8_t *)data)[i]);
}

static double read_double(const char *line)
{
    double value;
    uint64_t bits = strtoull(line, NULL, 16);
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void answer_float(const char *line)
{
    char text[PYFLOAT_MAX];
    printf("%.*s", (int)(pyfloat_put(text, read_double(line)) - text), text);
}

static void answer_round3(const char *line)
{
    double value = pyfloat_round3(read_double(line));
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    printf("%016" PRIx64, bits);
}

static void answer_utf8(const char *line)
{
    struct span text = read_hex(&line);
    bool valid = pyutf8_valid(text);
    print_hex(bytes, pyutf8_ignore(bytes, text.len));
    printf(" %d", valid);
}

static void answer_scalar(const char *line)
{
    struct span text = read_hex(&line);
    char *out = malloc(PYYAML_MAX(text.len));
    print_hex(out, (size_t)(pyyaml_put(out, text, (unsigned)atoi(line)) - out));
    free(out);
}

static struct receiver_cache *cache;

static void answer_cache(const char *line)
{
    struct receiver_key key = {.address_len = 4};
    char verb[4];
    double value;
    uint64_t now;
    int end;
    sscanf(line, "%3s %" SCNu32 "%n", verb, &key.port, &end);
    if (verb[0] == 's') {
        sscanf(line + end, "%lf %" SCNu64, &value, &now);
        receiver_cache_set(cache, &key, value, now);
        return;
    }
    now = strtoull(line + end, NULL, 10);
    if (receiver_cache_get(cache, &key, now, &value))
        printf("%g", value);
    else
        printf("-");
}

static const struct stage_hooks *stage;
static const struct format_hooks *format;
static void *stage_state, *format_state;

static void answer_frame(const char *line)
{
    static struct buf out;
    static struct origin origin = {.peer = "test"};
    struct event ev;
    event_init(&ev, read_hex(&line), &origin);
    if (event_need(&ev, stage_alone_needs) == 0)
        stage->event(stage_state, 0, &ev);
    out.len = 0;
    int drop = format->event(format_state, &ev, &out);
    if (drop == FORMAT_WRITTEN)
        print_hex(out.data, out.len);
    else
        printf("drop %s", drop_reason_name((enum drop_reason)drop));
}

static void open_format(const char *name)
{
    static struct settings settings;
    struct error err;
    uint32_t needs;
    size_t len = strcspn(name, "-");
    struct format_spec spec = {.terminal = name[len] == '-', .raw_lines = true};
    spec.module = module_find(MODULE_FORMAT, span_of(name, len), "dnstap-receiver");
    format = spec.module->hooks;
    stage = module_find(MODULE_STAGE, span_str("latency"), "dnstap-receiver")->hooks;
    if (stage_open_alone(stage, &stage_state, &settings, 1, &err) < 0 ||
        format->open(&spec, &format_state, &needs, &err) < 0)
        exit(2);
}

static void close_all(void)
{
    receiver_cache_free(cache);
    if (format) {
        format->close(format_state);
        stage->close(stage_state);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*answer)(const char *line);
    } modes[] = {{"float", answer_float},   {"round3", answer_round3}, {"utf8", answer_utf8},
                 {"scalar", answer_scalar}, {"cache", answer_cache},   {NULL, answer_frame}};
    const char *mode = argc > 1 ? argv[1] : "";
    size_t i = 0;
    while (modes[i].name && strcmp(mode, modes[i].name) != 0)
        i++;
    if (modes[i].answer == answer_cache)
        cache = receiver_cache_new((uint32_t)atoi(argv[2]), strtoull(argv[3], NULL, 10));
    else if (!modes[i].name)
        open_format(mode);
    static char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin)) {
        modes[i].answer(line);
        putchar('\n');
    }
    close_all();
    return 0;
}
