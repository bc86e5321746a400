/* Small modules for tests of the configuration: every type of option, nested ones, required ones, a
 * format that takes few fields, an inline output. A program that includes this has them as its
 * whole registry.
 */
#ifndef TESTS_SUPPORT_MODULES_H
#define TESTS_SUPPORT_MODULES_H

#include "core/format.h"
#include "core/input.h"
#include "core/output.h"
#include "core/stage.h"

struct seal {
    char *cert, *key;
    bool strict;
};

struct neighbour {
    struct option_hostport address;
    uint64_t distance;
    struct seal seal;
};

struct wire {
    char *path;
    struct option_hostport listen;
    struct option_prefixes allow;
    struct option_strings names;
    mode_t mode;
    uint64_t count, size, time;
    bool loud;
    int colour;
    struct seal tls;
    struct option_list neighbours;
};

static const char *const colours[] = {"red", "green", NULL};

#define WIRE(member) .offset = offsetof(struct wire, member)

#define SEAL(member) .offset = offsetof(struct seal, member)
#define NEIGHBOUR(member) .offset = offsetof(struct neighbour, member)

static const struct option seal_options[] = {
    {.name = "cert",
     .type = OPTION_PATH,
     SEAL(cert),
     .required = true,
     .example = "/etc/cert.pem",
     .doc = "what others see"},
    {.name = "key",
     .type = OPTION_STRING,
     SEAL(key),
     .secret = true,
     .min = 3,
     .example = "hush",
     .doc = "what nobody sees"},
    {.name = "strict", .type = OPTION_BOOL, SEAL(strict), .fallback = "true", .doc = "how strict"},
    {0},
};

static const struct option neighbour_options[] = {
    {.name = "address",
     .type = OPTION_HOSTPORT,
     NEIGHBOUR(address),
     .required = true,
     .min = 1,
     .example = "192.0.2.1:179",
     .doc = "where it is"},
    {.name = "distance",
     .type = OPTION_UINT,
     NEIGHBOUR(distance),
     .fallback = "1",
     .max = 255,
     .doc = "how far away it is"},
    {.name = "seal",
     .type = OPTION_GROUP,
     NEIGHBOUR(seal),
     .rows = seal_options,
     .size = sizeof(struct seal),
     .doc = "its seal"},
    {0},
};

static const struct option tcp_options[] = {
    {.name = "listen",
     .type = OPTION_HOSTPORT,
     WIRE(listen),
     .fallback = "127.0.0.1:6000",
     .doc = "where to listen"},
    {.name = "allow",
     .type = OPTION_PREFIXES,
     WIRE(allow),
     .fallback = "127.0.0.0/8,::1",
     .doc = "who may connect"},
    {.name = "names",
     .type = OPTION_STRINGS,
     WIRE(names),
     .example = "a,it's,- c",
     .doc = "what they are called"},
    {.name = "count",
     .type = OPTION_UINT,
     WIRE(count),
     .fallback = "3",
     .max = 10,
     .doc = "how many"},
    {.name = "size", .type = OPTION_SIZE, WIRE(size), .fallback = "64K", .doc = "how large"},
    {.name = "time", .type = OPTION_DURATION, WIRE(time), .fallback = "off", .doc = "how long"},
    {.name = "loud", .type = OPTION_BOOL, WIRE(loud), .fallback = "false", .doc = "how loud"},
    {.name = "colour",
     .type = OPTION_ENUM,
     WIRE(colour),
     .fallback = "green",
     .choices = colours,
     .doc = "in which colour"},
    {.name = "tls",
     .type = OPTION_GROUP,
     WIRE(tls),
     .rows = seal_options,
     .size = sizeof(struct seal),
     .doc = "how it is sealed"},
    {.name = "neighbours",
     .type = OPTION_LIST_OF,
     WIRE(neighbours),
     .rows = neighbour_options,
     .size = sizeof(struct neighbour),
     .max = 4,
     .doc = "who else is there"},
    {0},
};

/* Points into structs of every depth: no neighbour is farther than one before it, and who has a key
 * has a strict seal. */
static enum module_verdict wire_check(const void *options, const void **wrong, struct error *err)
{
    const struct wire *wire = options;
    const struct neighbour *all = wire->neighbours.items;
    for (size_t i = 0; i < wire->neighbours.count; i++) {
        *wrong = &all[i].seal.strict;
        if (all[i].seal.key && !all[i].seal.strict && error_set(err, "a key is for strict seals"))
            return MODULE_REFUSES;
        *wrong = &all[i].distance;
        if (i && all[i].distance > all[i - 1].distance && error_set(err, "it is too far away"))
            return MODULE_REFUSES;
    }
    *wrong = &wire->tls.strict;
    return wire->tls.key && !wire->tls.strict && error_set(err, "a key is for strict seals")
               ? MODULE_REFUSES
               : MODULE_FINE;
}

static const struct option unix_options[] = {
    {.name = "path",
     .type = OPTION_PATH,
     WIRE(path),
     .required = true,
     .exclusive = true,
     .fixed = true,
     .example = "/run/s.sock",
     .max = 107,
     .doc = "path of the socket"},
    {.name = "mode", .type = OPTION_MODE, WIRE(mode), .fallback = "0660", .doc = "its mode"},
    {0},
};

static const struct module input_tcp_test = {.name = "tcp",
                                             .kind = MODULE_INPUT,
                                             .doc = "Listens on TCP.",
                                             .options_size = sizeof(struct wire),
                                             .options = tcp_options,
                                             .common = &input_common,
                                             .check = wire_check};
static const struct module input_unix_test = {.name = "unix",
                                              .kind = MODULE_INPUT,
                                              .doc = "Listens on a socket.",
                                              .options_size = sizeof(struct wire),
                                              .options = unix_options,
                                              .common = &input_common};

/* Formats: `text` takes any field list that does not name "bad"; the compatible one takes none. */
static int format_open(const struct format_spec *spec, void **state, uint32_t *needs,
                       struct error *err)
{
    if (spec->fields && strstr(spec->fields, "bad"))
        return error_set(err, "unknown field 'bad'");
    if (spec->fields && spec->module->compat)
        return error_set(err, "the compatible format has no choice of fields");
    *state = NULL;
    *needs = 0;
    return 0;
}

static void format_close(void *state)
{
    (void)state;
}

static const struct format_hooks format_hooks = {.open = format_open, .close = format_close};
static const struct module format_text_test = {
    .name = "text", .kind = MODULE_FORMAT, .doc = "Lines.", .hooks = &format_hooks};
static const struct module format_compat_test = {.name = "text",
                                                 .kind = MODULE_FORMAT,
                                                 .compat = "dnstap-receiver",
                                                 .doc = "Other lines.",
                                                 .hooks = &format_hooks};

static int inline_event(struct output *out, unsigned worker, struct event *ev)
{
    (void)out;
    (void)worker;
    (void)ev;
    return FORMAT_WRITTEN;
}

static const struct output_hooks stdout_hooks = {0};
static const struct output_hooks null_hooks = {.event = inline_event};
static const struct module output_stdout_test = {.name = "stdout",
                                                 .kind = MODULE_OUTPUT,
                                                 .doc = "Writes to standard output.",
                                                 .common = &output_queued,
                                                 .hooks = &stdout_hooks};
static const struct module output_file_test = {.name = "file",
                                               .kind = MODULE_OUTPUT,
                                               .doc = "Writes to a file.",
                                               .options_size = sizeof(struct wire),
                                               .options = unix_options,
                                               .common = &output_queued,
                                               .hooks = &stdout_hooks};
static const struct module output_null_test = {.name = "null",
                                               .kind = MODULE_OUTPUT,
                                               .doc = "Forgets.",
                                               .options_size = sizeof(struct wire),
                                               .options = tcp_options,
                                               .common = &output_inline,
                                               .hooks = &null_hooks};

/* Sections: one that says which options go together, one that needs an option. */
struct door {
    char *key;
    uint64_t locks;
    bool open;
};

#define DOOR(member) .offset = offsetof(struct door, member)

static const struct option door_options[] = {
    {.name = "key",
     .type = OPTION_STRING,
     DOOR(key),
     .secret = true,
     .min = 1,
     .max = 16,
     .example = "change me",
     .doc = "what opens it"},
    {.name = "locks",
     .type = OPTION_UINT,
     DOOR(locks),
     .fallback = "1",
     .max = 3,
     .fixed = true,
     .doc = "how many locks it has"},
    {.name = "open", .type = OPTION_BOOL, DOOR(open), .fallback = "false", .doc = "leave it open"},
    {0},
};

static enum module_verdict door_check(const void *options, const void **wrong, struct error *err)
{
    const struct door *door = options;
    *wrong = &door->open;
    if (!door->key || !door->open)
        return MODULE_FINE;
    error_set(err, "an open door needs no key");
    return MODULE_REFUSES;
}

/* Three locks are refused, two are warned of. */
static enum module_verdict door_probe(const void *options, const void **wrong, struct error *err)
{
    const struct door *door = options;
    *wrong = &door->locks;
    if (door->locks < 2)
        return MODULE_FINE;
    error_set(err, "%u locks", (unsigned)door->locks);
    return door->locks == 2 ? MODULE_WARNS : MODULE_REFUSES;
}

static const struct module section_door_test = {.name = "door",
                                                .kind = MODULE_SECTION,
                                                .doc = "A door.",
                                                .options_size = sizeof(struct door),
                                                .options = door_options,
                                                .check = door_check,
                                                .probe = door_probe};
static const struct module section_attic_test = {.name = "attic",
                                                 .kind = MODULE_SECTION,
                                                 .doc = "An attic.",
                                                 .options_size = sizeof(struct wire),
                                                 .options = unix_options};

/* Stages, which nothing here runs. */
static const struct module stage_sieve_test = {.name = "sieve",
                                               .kind = MODULE_STAGE,
                                               .doc = "Lets some through.",
                                               .options_size = sizeof(struct wire),
                                               .options = unix_options,
                                               .common = &stage_common};

static const struct module stage_mill_test = {
    .name = "mill", .kind = MODULE_STAGE, .doc = "Grinds.", .common = &stage_common};

const struct module *const registry[] = {
    &input_tcp_test,     &input_unix_test,  &format_compat_test, &format_text_test,
    &output_stdout_test, &output_file_test, &output_null_test,   &section_door_test,
    &section_attic_test, &stage_sieve_test, &stage_mill_test,    NULL,
};

#endif
