/*
 * What `spile config check` refuses `spile run` refuses, and what `run` refuses `check` refuses or,
 * where it is a matter of the moment, warns of: every option of every module, setting and section,
 * at its bounds, beyond them, and absurd. Both in this process: the check as the command does it,
 * and the start of everything that the configuration asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/network.h"
#include "../support/random.h"
#include "../support/share.h"
#include "app/service.h"
#include "base/log.h"
#include "conf/show.h"
#include "stats/suffix_list.h"

enum {
    TEXT_MAX = 8192,
    CASES_MIN = 500,
    OPTIONS_MAX = 4, /* of what is tried at once */
    VALUE_MAX = 200, /* bytes of a value by chance */
    ROUNDS = 150,    /* by chance, of each module */
};

/* A folder of its own, with what options may name. */
static char folder[] = "/tmp/spile-check-XXXXXX";
static char text[TEXT_MAX + 256];
static unsigned cases, refusals, warnings;
static struct random chance = {0x5eed};

static int put_file(const char *name, const char *content, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, content, strlen(content)) < 0)
        return -1;
    fchmod(fd, mode);
    return close(fd);
}

static int set_up(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    unsetenv("SPILE_API_KEY");
    network_alone(); /* the defaults name ports: 6000, 8080 */
    return mkdtemp(folder) && chdir(folder) == 0 && put_file("plain", "some text\n", 0600) == 0 &&
                   put_file("empty", "", 0600) == 0 && put_file("hollow", "", 0600) == 0 &&
                   put_file("key", "some key\n", 0600) == 0 && mkdir("sub", 0700) == 0 &&
                   setenv("RUNTIME_DIRECTORY", folder, 1) == 0 /* the control socket's */
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") || system(command);
}

/* In its place (the linker sees to that): no configuration names the list of public suffixes, and
 * most of a start would be to read it. */
void __wrap_suffix_list_init(struct suffix_list *list, const struct siphash_key *key);
void __wrap_suffix_list_init(struct suffix_list *list, const struct siphash_key *key)
{
    suffix_list_load(list, key, NULL);
}

/* --- both sides ------------------------------------------------------------------------------ */

static void check_place(const struct error *err, const char *who)
{
    if (strcmp(err->file, "f") != 0 || err->line == 0 || err->column == 0 || !err->text[0])
        fail_msg("%s has no place: %s\n%s", who, err->text, text);
}

static void note_warning(const struct error *warning)
{
    check_place(warning, "a warning");
    warnings++;
}

static int load(struct config *config, struct error *err)
{
    return config_init(config, err) < 0 || config_parse(config, text, strlen(text), "f", err) < 0 ||
                   config_defaults(config, err) < 0 || config_validate(config, err) < 0
               ? -1
               : 0;
}

static int checked(struct error *err)
{
    struct config config;
    int status = load(&config, err);
    if (status == 0)
        status = config_probe(&config, note_warning, note_warning, err);
    config_free(&config);
    return status;
}

static int started(struct error *err)
{
    struct config config;
    struct service service;
    struct service_options options = {.control = true};
    int status = load(&config, err);
    if (status == 0 && (status = service_start(&service, &config, &options, err)) == 0) {
        engine_abort(service.engine);
        service_stop(&service);
    }
    config_free(&config);
    return status;
}

/* What is shown of a configuration that is right is right, too, and the same, unless it lacks
 * secrets. */
static void check_shown(void)
{
    struct config config, again;
    struct error err = {0};
    struct buf first = {0}, second = {0};
    char line[1024];
    if (load(&config, &err) == 0) {
        config_show(&config, &first);
        bool read = config_init(&again, &err) == 0 &&
                    config_parse(&again, (const char *)first.data, first.len, "shown", &err) == 0;
        bool whole = !strstr(err.text, "in the place of a secret");
        if (whole && (!read || config_validate(&again, &err)))
            fail_msg("%s\n%s\n%.*s", error_line(&err, line, sizeof line), text, (int)first.len,
                     (const char *)first.data);
        if (whole)
            config_show(&again, &second);
        if (whole && !span_equal(buf_span(&first), buf_span(&second)))
            fail_msg("%s\n%.*s\n%.*s", text, (int)first.len, (const char *)first.data,
                     (int)second.len, (const char *)second.data);
        buf_free(&first);
        buf_free(&second);
        config_free(&again);
    }
    config_free(&config);
}

/* The configuration in `text`. All are checked; the test's share of them is started, too. */
static void compare(void)
{
    struct error check = {0}, run = {0};
    warnings = 0;
    bool refuses = checked(&check) < 0;
    if (refuses)
        check_place(&check, "check");
    check_shown();
    refusals += refuses;
    if (cases++ % (unsigned)share_parts() > 0)
        return;
    bool fails = started(&run) < 0;
    if (refuses != fails && !(fails && warnings > 0))
        fail_msg("check %s (%s), run %s (%s):\n%s", refuses ? "refuses" : "accepts", check.text,
                 fails ? "refuses" : "accepts", run.text, text);
    if (fails)
        check_place(&run, "run");
}

/* --- one option with one value ---------------------------------------------------------------- */

/* What else an item needs, or needs so that nothing outside of the test is touched. */
static const struct {
    const char *module, *option, *value;
} company[] = {
    {"tcp", "listen", "127.0.0.1:0"}, {"unix", "path", "tap.sock"}, {"file", "path", "plain"},
    {"web", "listen", "127.0.0.1:0"}, {"metrics", "file", "lines"},
};

/* Where options stand, and those that are tried together. */
struct trial {
    const struct module *module; /* NULL: settings */
    const struct option *rows[OPTIONS_MAX];
    const char *values[OPTIONS_MAX];
    size_t count;
};

static bool has(const struct trial *trial, const char *option)
{
    bool found = false;
    for (size_t i = 0; i < trial->count; i++)
        found |= strcmp(trial->rows[i]->name, option) == 0;
    return found;
}

static size_t put_company(size_t len, const struct trial *trial)
{
    for (size_t i = 0; i < sizeof company / sizeof *company; i++) {
        if (strcmp(company[i].module, trial->module->name) == 0 && !has(trial, company[i].option))
            len += (size_t)snprintf(text + len, sizeof text - len, "%s: '%s', ", company[i].option,
                                    company[i].value);
    }
    return len;
}

/* In double quotes, so that every byte is the option's to judge. */
static size_t put_value(size_t len, const struct option *row, const char *value, const char *end)
{
    len += (size_t)snprintf(text + len, sizeof text - len, "%s: \"", row->name);
    for (; *value && len < TEXT_MAX; value++) {
        if (strchr("\"\\", *value))
            text[len++] = '\\';
        text[len++] = *value;
    }
    return len + (size_t)snprintf(text + len, sizeof text - len, "\"%s", end);
}

static void try_all(const struct trial *trial)
{
    static const char *const lists[] = {
        [MODULE_INPUT] = "outputs: []\ninputs:\n  - ",
        [MODULE_STAGE] = "inputs: [unix: {path: tap.sock}]\noutputs: []\nstages:\n  - ",
        [MODULE_OUTPUT] = "inputs: [unix: {path: tap.sock}]\noutputs:\n  - ",
        [MODULE_SECTION] = "inputs: [unix: {path: tap.sock}]\noutputs: []\n"};
    const struct module *module = trial->module;
    size_t len =
        (size_t)snprintf(text, sizeof text, "%s", lists[module ? module->kind : MODULE_SECTION]);
    if (module) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s: {", module->name);
        len = put_company(len, trial);
    }
    for (size_t i = 0; i < trial->count; i++)
        len = put_value(len, trial->rows[i], trial->values[i], module ? ", " : "\n");
    snprintf(text + len, sizeof text - len, "%s", module ? "}\n" : "");
    compare();
}

static void try_value(const struct module *module, const struct option *row, const char *value)
{
    const struct trial trial = {.module = module, .rows = {row}, .values = {value}, .count = 1};
    try_all(&trial);
}

/* --- values ----------------------------------------------------------------------------------- */

static const char *const words[] = {"",
                                    " ",
                                    "-",
                                    "x",
                                    "~",
                                    "null",
                                    "true",
                                    "off",
                                    "0",
                                    "-1",
                                    "1",
                                    "08",
                                    "1.5",
                                    "1e3",
                                    "0x10",
                                    "1K",
                                    "1k",
                                    "1KB",
                                    "1ms",
                                    "1 s",
                                    "1s",
                                    "1y",
                                    "9d9h",
                                    "100%",
                                    "\\",
                                    "'",
                                    ":",
                                    "18446744073709551615",
                                    "18446744073709551616",
                                    "99999999T",
                                    "0660",
                                    "07777",
                                    "010000",
                                    "/",
                                    "/nowhere/x",
                                    "/dev/null",
                                    "plain",
                                    "empty",
                                    "sub",
                                    "sub/new",
                                    "sub/",
                                    "plain/new",
                                    "new",
                                    "text",
                                    "json",
                                    "qname,rcode"};
enum { WORDS = sizeof words / sizeof *words };

static const char *const addresses[] = {
    "127.0.0.1",     "127.0.0.1:0",   "127.0.0.1:65536", ":0",          "[::1]:0",
    "[::1%lo]:0",    "[::]:0",        "0.0.0.0:0",       "localhost:0", "192.0.2.77:0",
    "127.1.2.3:0",   "300.1.1.1/8",   "10.0.0.0/8",      "10.0.0.1/8",  "10.0.0.0/33",
    "2001:db8::/32", "2001:db8::/129"};
enum { ADDRESSES = sizeof addresses / sizeof *addresses };

static void try_words(const struct module *owner, const struct option *row, const char *const *all,
                      size_t count)
{
    for (size_t i = 0; i < count; i++)
        try_value(owner, row, all[i]);
}

/* The bounds of a number, one beyond each, and each again with the type's units. */
static void try_bounds(const struct module *owner, const struct option *row)
{
    const uint64_t bounds[] = {row->min, row->min - 1, row->min + 1,
                               row->max, row->max - 1, row->max + 1};
    static const char *const units[] = {"", "ns"};
    char value[64];
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        snprintf(value, sizeof value, "%llu%s", (unsigned long long)bounds[i],
                 units[row->type == OPTION_DURATION]);
        try_value(owner, row, value);
        option_number(row->type, bounds[i], value, sizeof value);
        try_value(owner, row, value);
    }
}

static void try_lengths(const struct module *owner, const struct option *row)
{
    const uint64_t lengths[] = {107, 108, 255, 256, 1024, 1025, 4095, 4096, row->max, row->max + 1};
    static char value[5000];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t len = lengths[i] < sizeof value ? (size_t)lengths[i] : sizeof value - 1;
        for (size_t j = 0; j < len; j++)
            value[j] = j % 100 == 50 ? '/' : 'n';
        value[len] = '\0';
        try_value(owner, row, value);
    }
}

static void try_option(const struct module *owner, const struct option *row)
{
    try_words(owner, row, words, WORDS);
    if (row->type == OPTION_HOSTPORT || row->type == OPTION_PREFIXES)
        try_words(owner, row, addresses, ADDRESSES);
    if (row->type == OPTION_UINT || row->type == OPTION_SIZE || row->type == OPTION_DURATION)
        try_bounds(owner, row);
    if (row->type == OPTION_STRING || row->type == OPTION_PATH || row->type == OPTION_STRINGS)
        try_lengths(owner, row);
    for (const char *const *choice = row->choices; choice && *choice; choice++)
        try_value(owner, row, *choice);
}

static void try_table(const struct module *module, const struct option *row)
{
    for (; row && row->name; row++)
        try_option(module, row);
}

/* --- values by chance ------------------------------------------------------------------------- */

/* What a value is made of at first: something that may be right. */
static const char *begin_value(const struct option *row, char *out)
{
    size_t choices = 0;
    while (row->choices && row->choices[choices])
        choices++;
    bool number =
        row->type == OPTION_UINT || row->type == OPTION_SIZE || row->type == OPTION_DURATION;
    uint64_t most = row->max ? row->max : UINT64_MAX;
    uint64_t value =
        row->min + random_magnitude(&chance) % (most - row->min + (most != UINT64_MAX));
    switch (random_below(&chance, 4)) {
    case 0:
        return row->fallback ? row->fallback : words[random_below(&chance, WORDS)];
    case 1:
        return number ? option_number(row->type, value, out, VALUE_MAX)
                      : addresses[random_below(&chance, ADDRESSES)];
    case 2:
        return choices ? row->choices[random_below(&chance, choices)]
                       : words[random_below(&chance, WORDS)];
    default:
        return words[random_below(&chance, WORDS)];
    }
}

/* Changes a byte, takes one away or puts one in. What is made stays in the test's folder, and asks
 * nobody for a host's address. */
static void change_value(char *value)
{
    static const char bytes[] = "0123456789KMGTsmhd:.,_-#$ {}[]'%abcxyz/";
    size_t len = strlen(value), at = random_below(&chance, len + 1);
    char byte = bytes[random_below(&chance, sizeof bytes - 1)];
    if (len + 2 > VALUE_MAX || strchr(value, '/') || strchr(value, ':') || strstr(value, "local"))
        return;
    switch (random_below(&chance, 3)) {
    case 0:
        memmove(value + at, value + at + (at < len), len + 1 - at - (at < len));
        break;
    case 1:
        if (at < len)
            value[at] = byte;
        break;
    default:
        memmove(value + at + 1, value + at, len + 1 - at);
        value[at] = byte;
    }
    if (value[0] == '/' || strstr(value, ".."))
        value[0] = '\0';
}

static size_t rows_of(const struct option *table)
{
    size_t count = 0;
    while (table && table[count].name)
        count++;
    return count;
}

/* Some options of a module, or settings, at once. */
static void try_some(const struct module *module)
{
    static char values[OPTIONS_MAX][VALUE_MAX];
    const struct option *own = module ? module->options : settings_options;
    const struct option *common = module ? config_common_options(module) : NULL;
    size_t all = rows_of(own), more = rows_of(common);
    struct trial trial = {.module = module};
    size_t wanted = all + more ? 1 + random_below(&chance, OPTIONS_MAX) : 0;
    for (size_t tries = 0; tries < wanted; tries++) {
        size_t n = random_below(&chance, all + more);
        const struct option *row = n < all ? &own[n] : &common[n - all];
        if (has(&trial, row->name))
            continue;
        char *value = values[trial.count], made[VALUE_MAX];
        snprintf(value, VALUE_MAX, "%s", begin_value(row, made));
        for (size_t changes = random_below(&chance, 4); changes > 1; changes--)
            change_value(value);
        trial.rows[trial.count] = row;
        trial.values[trial.count++] = value;
    }
    try_all(&trial);
}

static void test_chance(void **state)
{
    (void)state;
    cases = refusals = 0;
    for (int i = 0; i < share_of(ROUNDS); i++) {
        try_some(NULL);
        for (size_t j = 0; registry[j]; j++) {
            if (registry[j]->kind != MODULE_FORMAT && !registry[j]->compat)
                try_some(registry[j]);
        }
    }
    assert_true(refusals > cases / 10 && refusals < cases * 9 / 10);
}

static void test_settings(void **state)
{
    (void)state;
    try_table(NULL, settings_options);
    assert_true(cases > CASES_MIN / 2 && refusals > 100 && refusals < cases);
}

static void try_kind(enum module_kind kind, unsigned least)
{
    const struct module *module;
    cases = refusals = 0;
    for (size_t i = 0; (module = module_at(kind, i)); i++) {
        size_t first = 0;
        while (module_at(kind, first)->common != module->common)
            first++;
        try_table(module, module->options);
        if (first == i)
            try_table(module, config_common_options(module));
    }
    assert_true(cases > least && refusals > least / 5 && refusals < cases);
}

static void test_inputs(void **state)
{
    (void)state;
    try_kind(MODULE_INPUT, CASES_MIN);
}

static void test_outputs(void **state)
{
    (void)state;
    try_kind(MODULE_OUTPUT, CASES_MIN);
}

static void test_stages(void **state)
{
    (void)state;
    try_kind(MODULE_STAGE, CASES_MIN / 10);
}

static void test_sections(void **state)
{
    (void)state;
    try_kind(MODULE_SECTION, CASES_MIN);
}

/* --- options together ------------------------------------------------------------------------- */

/* A @ is a free port. */
static const struct {
    const char *text;
    bool good;
} together[] = {
    {"outputs: []\n", true},
    {"inputs: [unix: {path: a}]\nstages: []\n", true},
    {"inputs: [unix: {path: a}]\nstages: [latency, sample, sample]\n", true},
    {"inputs: [unix: {path: a}]\nstages: [latency, sample, latency]\n", false},
    {"inputs: [unix: {path: a}]\nstages: [sample: {by: name}]\ncompat: dnstap-receiver\n", true},
    {"inputs: [unix: {path: a}]\nstages:\n", false},
    {"inputs: [unix: {path: a}]\n", true},
    {"inputs: []\n", false},
    {"inputs: [tcp: {listen: '127.0.0.1:0'}, tcp: {listen: '127.0.0.1:0'}]\n", true},
    {"inputs: [tcp: {listen: '127.0.0.1:@'}, tcp: {listen: '127.0.0.1:@'}]\n", false},
    {"inputs: [tcp: {listen: '127.0.0.1:@'}, tcp: {listen: '[::]:@'}]\n", false},
    {"inputs: [tcp: {listen: '127.0.0.1:@'}, tcp: {listen: '127.0.0.2:@'}]\n", true},
    {"inputs: [tcp: {listen: 'localhost:@'}, tcp: {listen: '127.0.0.1:@'}]\n", false},
    {"inputs: [tcp: {listen: '127.0.0.1:@'}]\nweb: {listen: '127.0.0.1:@'}\n", false},
    {"inputs: [unix: {path: a}, unix: {path: ./a}]\n", false},
    {"inputs: [unix: {path: a}, unix: {path: sub/a}]\n", true},
    {"inputs: [unix: {path: a}, unix: {path: sub/../a}]\n", false},
    {"inputs: [unix: {path: a}]\noutputs: [file: {path: o}, file: {path: o}]\n", false},
    {"inputs: [unix: {path: a}]\noutputs: [file: {path: /dev/null}, file: {path: /dev/null}]\n",
     true},
    {"inputs: [unix: {path: a}]\noutputs: [file: {path: p}, metrics: {file: ./p}]\n", false},
    {"inputs: [unix: {path: a, owner: root, group: root}]\n", true},
    {"inputs: [unix: {path: a, group: no-such-group}]\n", false},
    {"inputs: [unix: {path: a, owner: no-such-user}]\n", false},
    {"inputs: [unix: {path: a, owner: 4294967295}]\n", false},
    {"inputs: [unix: {path: a, owner: ' 0'}]\n", false},
    {"inputs: [unix: {path: a, group: no-such-group, required: false}]\n", true},
    {"inputs: [tcp: {listen: '192.0.2.77:0', required: false}]\n", true},
    {"inputs: [unix: {path: a}]\ncompat: dnstap-receiver\nthreads: 2\n", false},
    {"inputs: [unix: {path: a}]\ncompat: dnstap-receiver\nthreads: 1\n", true},
    {"inputs: [unix: {path: a}]\ncompat: dnstap-receiver\noutputs: [stdout: {fields: qname}]\n",
     false},
    {"inputs: [unix: {path: a}]\noutputs: [stdout: {format: fstrm, fields: qname}]\n", false},
    {"inputs: [unix: {path: a}]\noutputs: [stdout: {fields: 'qname,qname'}]\n", false},
    {"inputs: [unix: {path: a}]\nweb: {listen: '0.0.0.0:0'}\n", false},
    {"inputs: [unix: {path: a}]\nweb: {listen: '0.0.0.0:0', api-key: x}\n", true},
    {"inputs: [unix: {path: a}]\nweb: {listen: '[::]:0', bearer-token: x}\n", true},
    {"inputs: [unix: {path: a}]\nweb: {listen: 'localhost:0'}\n", true},
    {"inputs: [unix: {path: a}]\nweb: {listen: '127.0.0.1:0', login: x}\n", false},
    {"inputs: [unix: {path: a}]\nweb: {listen: '127.0.0.1:0', password: x}\n", false},
    {"inputs: [unix: {path: a}]\nweb: {listen: '127.0.0.1:0', login: 'x:y', password: x}\n", false},
    {"inputs: [unix: {path: a}]\nweb: {listen: '127.0.0.1:0', tls-cert: plain}\n", false},
    {"inputs: [unix: {path: a}]\nweb: {listen: '127.0.0.1:0', tls-cert: plain, tls-key: plain}\n",
     false},
    {"inputs: [unix: {path: a}]\nweb: {listen: '127.0.0.1:0', tls-cert: plain, tls-key: nope}\n",
     false},
    {"inputs: [unix: {path: a}]\nweb: {listen: '127.0.0.1:0', api-key-file: hollow}\n", false},
    {"inputs: [unix: {path: a}]\nweb: {listen: '127.0.0.1:0', api-key-file: key}\n", true},
    {"inputs: [unix: {path: a}]\nhistory: {path: /nowhere/history.db}\n", true},
    {"inputs: [unix: {path: /nowhere/x}]\n", true}, /* with a warning: systemd makes folders */
    {"inputs: [unix: {path: a}]\noutputs: [file: {path: /nowhere/x}]\n", true},
    {"inputs: [unix: {path: a}]\noutputs: [file: {path: plain/x}]\n", false},
    {"inputs: [unix: {path: plain}]\n", false},
    {"inputs: [unix: {path: sub}]\n", false},
};

/* A port that nobody has just now. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* Into `text`, with a port in the place of each @. */
static void write_text(const char *from, unsigned port)
{
    size_t len = 0;
    for (; *from; from++) {
        if (*from == '@')
            len += (size_t)snprintf(text + len, sizeof text - len, "%u", port);
        else
            text[len++] = *from;
    }
    text[len] = '\0';
}

static void test_together(void **state)
{
    unsigned port = free_port();
    (void)state;
    for (size_t i = 0; i < sizeof together / sizeof *together; i++) {
        struct error err = {0};
        write_text(together[i].text, port);
        compare();
        if ((checked(&err) == 0) != together[i].good)
            fail_msg("%s: %s\n%s", together[i].good ? "refused" : "accepted", err.text, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings), cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_outputs),  cmocka_unit_test(test_stages),
        cmocka_unit_test(test_chance),   cmocka_unit_test(test_sections),
        cmocka_unit_test(test_together),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
