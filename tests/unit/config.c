/* The configuration: what is read, how each mistake is told and where, the example, and memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../support/configs.h"
#include "../support/uncomment.h"
#include "failmalloc.h"

static void test_nothing(void **state)
{
    static const char *const texts[] = {
        "",  "\n\n", "# only a comment\n", "---\n",
        "~", "{}",   "\xef\xbb\xbf{}",     "%YAML 1.1\n---\n{}\n...\n"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        accept_text(texts[i]);
        assert_int_equal(config.input_count + config.output_count, 0);
        assert_int_equal(config.settings.frame_max, 1 << 20);
        assert_int_equal(config.settings.partial_max, 64 << 20);
        assert_int_equal(config.settings.shutdown_ns, 5000000000);
        assert_null(settings_compat(&config.settings));
    }
}

static void test_whole(void **state)
{
    (void)state;
    accept_text("threads: 1\n"
                "compat: dnstap-receiver\n"
                "latency-window: 250ms\n"
                "inputs:\n"
                "  - unix: {path: /run/spile/dnstap.sock, mode: 0600}\n"
                "  - tcp:\n"
                "      listen: '[::1]:6001'\n"
                "      allow: [192.0.2.0/24]\n"
                "      names: one\n"
                "      loud: true\n"
                "  - tcp\n"
                "outputs:\n"
                "  - stdout: {format: text, when-full: drop-oldest}\n"
                "  - file: {path: \"/x y\", block-max: off, queue-size: 1M}\n"
                "    \n"
                "  - null: {count: 7}\n");
    assert_int_equal(config.settings.threads, 1);
    assert_string_equal(settings_compat(&config.settings), "dnstap-receiver");
    assert_int_equal(config.settings.latency_window_ns, 250000000);
    assert_int_equal(config.input_count, 3);
    const struct wire *wire = config.inputs[0].options;
    assert_string_equal(wire->path, "/run/spile/dnstap.sock");
    assert_int_equal(wire->mode, 0600);
    assert_int_equal(config.inputs[0].at.line, 5);
    assert_int_equal(config.inputs[0].at.column, 5);
    wire = config.inputs[1].options;
    assert_string_equal(wire->listen.host, "::1");
    assert_int_equal(wire->listen.port, 6001);
    assert_int_equal(wire->allow.count, 1); /* the default list is gone */
    assert_int_equal(wire->names.count, 1);
    assert_true(wire->loud);
    wire = config.inputs[2].options;
    assert_int_equal(wire->allow.count, 2);
    assert_int_equal(wire->colour, 1);
    assert_int_equal(config.output_count, 3);
    assert_int_equal(common_of(0)->when_full, WHEN_FULL_DROP_OLDEST);
    assert_int_equal(common_of(0)->block_max_ns, 1000000000);
    assert_string_equal(((const struct wire *)config.outputs[1].options)->path, "/x y");
    assert_string_equal(common_of(1)->format, "text");
    assert_int_equal(common_of(1)->block_max_ns, 0);
    assert_int_equal(common_of(1)->queue_bytes, 1 << 20);
    assert_int_equal(((const struct wire *)config.outputs[2].options)->count, 7);
    assert_null(common_of(2)->format); /* an inline output has no more than a name */
}

static void test_sections(void **state)
{
    (void)state;
    static const char *const bare[] = {"door:", "door: {}", "door: ~", "{door}"};
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        accept_text(bare[i]);
        assert_int_equal(config.section_count, 1);
        const struct door *door = config_section(&config, "door");
        assert_non_null(door);
        assert_int_equal(door->locks, 1); /* on, and all at its default */
        assert_null(door->key);
        assert_null(config_section(&config, "attic"));
        assert_null(config_section_item(&config, "attic"));
    }
    accept_text("attic: {path: /up}\nthreads: 1\ndoor:\n  key: abc\n  locks: 2\n");
    const struct door *door = config_section(&config, "door");
    assert_string_equal(door->key, "abc");
    assert_int_equal(door->locks, 2);
    assert_int_equal(config_section_item(&config, "door")->at.line, 3);
    assert_string_equal(((const struct wire *)config_section(&config, "attic"))->path, "/up");
    config_clear(&config, MODULE_SECTION);
    assert_int_equal(config.section_count, 0);
}

/* What a flag asks for joins what the file says. */
static void test_section_flags(void **state)
{
    (void)state;
    struct door *door = config_section_add(&config, "door", &err);
    assert_non_null(door);
    assert_int_equal(door->locks, 1);
    assert_ptr_equal(config_section_add(&config, "door", &err), door);
    assert_int_equal(config.section_count, 1);
    struct config_item *item = config_section_item(&config, "door");
    assert_int_equal(config_set(item, "key", "abc", &err), 0);
    assert_string_equal(door->key, "abc");
    assert_int_equal(config_validate(&config, &err), 0);
    assert_int_equal(config_set(item, "open", "true", &err), 0);
    err = (struct error){0};
    assert_int_equal(config_validate(&config, &err), -1);
    assert_string_equal(err.text, "door: an open door needs no key");
    assert_int_equal(err.line, 0);
    assert_null(config_section_add(&config, "dor", &err));
    assert_string_equal(err.text, "unknown section 'dor'; did you mean 'door'?");
}

/* Where the error stands: at what a flag set there is no place in the text. */
static void test_places(void **state)
{
    (void)state;
    accept_text("door: {open: true}\n");
    struct config_item *item = config_section_item(&config, "door");
    assert_int_equal(config_set(item, "key", "abc", &err), 0);
    assert_int_equal(config_validate(&config, &err), -1);
    assert_int_equal(err.column, 14); /* `open` is to blame, and was written */
    assert_int_equal(config_set(item, "open", "true", &err), 0);
    err = (struct error){0};
    assert_int_equal(config_validate(&config, &err), -1);
    assert_string_equal(err.file, "");
    assert_int_equal(err.line, 0);
}

static struct error warned;
static unsigned warnings;

static void note_warning(const struct error *warning)
{
    warned = *warning;
    warnings++;
}

static void test_probe(void **state)
{
    (void)state;
    accept_text("inputs: [tcp]\ndoor: {key: x}\n");
    assert_int_equal(config_probe(&config, note_warning, note_warning, &err), 0);
    assert_int_equal(warnings, 0);
    accept_text("door:\n  locks: 2\n");
    assert_int_equal(config_probe(&config, note_warning, note_warning, &err), 0);
    assert_int_equal(warnings, 1);
    assert_string_equal(warned.text, "door: 2 locks");
    assert_string_equal(warned.file, "f");
    assert_int_equal(warned.line, 2);
    accept_text("door: {key: x, locks: 3}\n");
    assert_int_equal(config_probe(&config, note_warning, note_warning, &err), -1);
    assert_int_equal(warnings, 1);
    char line[1024];
    assert_string_equal(error_line(&err, line, sizeof line), "f:1:23: door: 3 locks");
}

/* In the order in which they are written; one may be there twice. There are none by default. */
static void test_stages(void **state)
{
    static const char *const paths[] = {"/b", "/a", "/c"};
    (void)state;
    accept_text(
        "stages:\n- sieve: {path: /b}\n- sieve: {path: /a, mode: 0600}\n- sieve: {path: /c}\n");
    assert_int_equal(config_defaults(&config, &err), 0);
    assert_int_equal(config.stages_at.line, 2);
    assert_int_equal(config.stage_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct wire *wire = config.stages[i].options;
        assert_string_equal(wire->path, paths[i]);
        assert_int_equal(wire->mode, i == 1 ? 0600 : 0660);
        assert_int_equal(config.stages[i].at.line, 2 + i);
    }
    accept_text("threads: 1\n");
    assert_int_equal(config_defaults(&config, &err), 0);
    assert_int_equal(config.stage_count, 0);
}

/* What nobody wrote has a default; what was written empty is empty. */
static void test_defaults(void **state)
{
    (void)state;
    accept_text("threads: 1\n");
    assert_int_equal(config_defaults(&config, &err), 0);
    assert_int_equal(config_defaults(&config, &err), 0); /* once */
    assert_int_equal(config.input_count, 1);
    assert_string_equal(config.inputs[0].module->name, "tcp");
    assert_int_equal(config.output_count, 1);
    assert_string_equal(config.outputs[0].module->name, "stdout");
    assert_int_equal(config_validate(&config, &err), 0);
    accept_text("inputs: [unix: {path: /x}]\noutputs: []\n");
    assert_int_equal(config_defaults(&config, &err), 0);
    assert_int_equal(config.input_count, 1);
    assert_int_equal(config.output_count, 0);
}

static void test_aliases(void **state)
{
    (void)state;
    accept_text("inputs:\n- tcp: &t {count: 5, names: &n [x, y]}\n- tcp: *t\n- tcp: {names: *n}\n");
    assert_int_equal(((const struct wire *)config.inputs[1].options)->count, 5);
    assert_int_equal(((const struct wire *)config.inputs[2].options)->names.count, 2);
    refuse("inputs: &a [*a]",
           "f:1:9: an item has names with values (name: value), not a list: take away the "
           "brackets, or the '-'");
    refuse("inputs:\n- tcp: &a {names: *a}",
           "f:2:8: 'names' is one value, not names with values (name: value)");
    refuse(
        "inputs: *b",
        "f:1:9: put quotes around a value that begins with *: YAML takes it for an alias of what "
        "has that name with &");
}

/* A configuration, and what is said of it. */
static const char *const mistakes[][2] = {
    {"thread: 2", "f:1:1: unknown key 'thread'; did you mean 'threads'?"},
    {"output: []", "f:1:1: unknown key 'output'; did you mean 'outputs'?"},
    {"elephant: 2",
     "f:1:1: unknown key 'elephant'; there are: inputs, stages, outputs, include, threads, "
     "frame-max, "
     "partial-max, gather-time, latency-entries, latency-window, shutdown-time, log-time, compat, "
     "compat-control, door, "
     "attic"},
    {"threads: 2\n\nthreads: 2\n", "f:3:1: 'threads' is given twice, first in line 1"},
    {"threads: 257", "f:1:10: threads: '257' is out of range: from 0 to 256"},
    {"threads: -1", "f:1:10: threads: '-1' is not a number, from 0 to 256"},
    {"threads:", "f:1:9: 'threads' has no value"},
    {"threads: ~", "f:1:10: 'threads' has no value"},
    {"threads: [1]",
     "f:1:10: 'threads' is one value, not a list: take away the brackets, or the '-'"},
    {"threads: !!int 1", "f:1:10: tags such as 'tag:yaml.org,2002:int' are not supported"},
    {"[1]: 2", "f:1:1: a name is one value, not a list: take away the brackets, or the '-'"},
    {"<<: {threads: 1}",
     "f:1:1: unknown key '<<'; there are: inputs, stages, outputs, include, threads, frame-max, "
     "partial-max, gather-time, latency-entries, latency-window, shutdown-time, log-time, compat, "
     "compat-control, door, "
     "attic"},
    {"- threads", "f:1:1: the configuration has names with values (name: value), not a list: take "
                  "away the brackets, or the '-'"},
    {"threads", "f:1:1: a ':' and a space are missing behind 'threads'"},
    {"inputs:\n", "f:1:8: 'inputs' has no value"},
    {"inputs: [tpc]", "f:1:10: unknown input 'tpc'; did you mean 'tcp'?"},
    {"inputs: [elephant]", "f:1:10: unknown input 'elephant'; there are: tcp, unix"},
    {"inputs: [stdout]", "f:1:10: unknown input 'stdout'; there are: tcp, unix"},
    {"inputs: ['']", "f:1:10: this item of the list is empty"},
    {"inputs: [[tcp]]",
     "f:1:10: an item has names with values (name: value), not a list: take away "
     "the brackets, or the '-'"},
    {"inputs: [{}]", "f:1:10: an item has one key, the module; its options stand below that "
                     "key, further to the right"},
    {"inputs:\n- tcp:\n  count: 1\n",
     "f:2:3: an item has one key, the module; its options stand below that key, further to the "
     "right"},
    {"inputs:\n- tcp: x",
     "f:2:8: behind 'tcp' stand options with their names, as in 'tcp: {listen: "
     "127.0.0.1:6000}'"},
    {"inputs:\n- tcp: {cuont: 1}", "f:2:9: tcp has no option 'cuont'; did you mean 'count'?"},
    {"inputs:\n- tcp: {format: text}",
     "f:2:9: tcp has no option 'format'; there are: listen, allow, names, count, size, time, loud, "
     "colour, tls, neighbours, name"},
    {"inputs:\n- tcp: {count: 1, loud: true, count: 2}",
     "f:2:31: 'count' is given twice, first in line 2"},
    {"inputs:\n- tcp: {count: 11}", "f:2:16: count: '11' is out of range: from 0 to 10"},
    {"inputs:\n- tcp: {loud: yes}", "f:2:15: loud: 'yes' is not true or false"},
    {"inputs:\n- tcp: {colour: blue}", "f:2:17: colour: 'blue' is not one of red, green"},
    {"inputs:\n- tcp: {allow: ['::1', 10.0.0.1/8]}",
     "f:2:24: allow: '10.0.0.1/8' has bits set behind its prefix length"},
    {"inputs:\n- tcp: {allow: [[a]]}",
     "f:2:17: 'allow' is one value, not a list: take away the brackets, or the '-'"},
    {"inputs:\n- tcp: {names: [a, ~]}", "f:2:20: 'names' has no value"},
    {"inputs:\n- tcp: {names: [\"a\\0b\"]}", "f:2:17: names: a NUL byte is not allowed in 'a?b'"},
    {"inputs: [tcp, \"tcp\\0\"]", "f:1:15: unknown input 'tcp?'; did you mean 'tcp'?"},
    {"stages: [siev]", "f:1:10: unknown stage 'siev'; did you mean 'sieve'?"},
    {"stages:\n- sieve: {path: /x, dor: 1}",
     "f:2:21: sieve has no option 'dor'; there are: path, mode, name"},
    {"stages:\n- sieve\n- tcp", "f:3:3: unknown stage 'tcp'; there are: sieve, mill"},
    {"stages: {sieve: {}, tcp: {}}", "f:1:9: 'stages' is a list, of which each item begins with '- "
                                     "', not names with values (name: value)"},
    {"sieve: {path: /x}",
     "f:1:1: 'sieve' is one of the stages: it stands below 'stages:', as '- sieve:'"},
    {"stages: [sieve]", "f:1:10: sieve needs the option 'path'"},
    {"inputs: [unix]", "f:1:10: unix needs the option 'path'"},
    {"outputs:\n- stdout\n- file: {mode: 0600}", "f:3:3: file needs the option 'path'"},
    {"outputs:\n- stdout: {format: txt}", "f:2:20: unknown format 'txt'; did you mean 'text'?"},
    {"outputs:\n- stdout:\n    fields: a,bad\n", "f:3:13: unknown field 'bad'"},
    {"compat: dnstap-receiver\noutputs:\n- stdout: {fields: a}",
     "f:3:20: the compatible format has no choice of fields"},
    {"outputs: [null: {format: text}]",
     "f:1:18: null has no option 'format'; there are: listen, allow, names, count, size, time, "
     "loud, colour, tls, neighbours, name"},
    {"outputs:\n- stdout: {when-full: bock}",
     "f:2:23: when-full: unknown value 'bock'; did you mean 'block'?"},
    {"dor: {}", "f:1:1: unknown key 'dor'; did you mean 'door'?"},
    {"door: {}\ndoor: {}", "f:2:1: 'door' is given twice, first in line 1"},
    {"door: {lock: 1}", "f:1:8: door has no option 'lock'; did you mean 'locks'?"},
    {"door: {format: text}", "f:1:8: door has no option 'format'; there are: key, locks, open"},
    {"door: {locks: 1, locks: 1}", "f:1:18: 'locks' is given twice, first in line 1"},
    {"door: true",
     "f:1:7: behind 'door' stand options with their names, as in 'door: {key: change me}'"},
    {"door: [key]",
     "f:1:7: what follows 'door' has names with values (name: value), not a list: take "
     "away the brackets, or the '-'"},
    {"door: {locks: 4}", "f:1:15: locks: '4' is out of range: from 0 to 3"},
    {"door: {key: a, open: true}", "f:1:22: door: an open door needs no key"},
    {"door: {key: 'a secret of many bytes'}", "f:1:13: key: '***' is longer than 16 bytes"},
    {"door: {key: '***'}",
     "f:1:13: key: '***' is what is shown in the place of a secret, as by `spile config show`: "
     "write the secret itself, or {file: PATH} or {env: NAME}"},
    {"threads: 1\nattic:\n", "f:2:1: attic needs the option 'path'"},
    {"inputs: []", "f:1:9: 'inputs' is empty, so nothing would be collected: name one, or leave "
                   "'inputs' out for tcp at 127.0.0.1:6000"},
    {"compat: dnstap-receiver\nthreads: 2",
     "f:2:10: threads: what is printed as dnstap-receiver does hangs on the order of arrival, so "
     "one worker does it all: leave it out, or set 1"},
    {"inputs:\n- unix: {path: /nowhere/x}\n- unix: {mode: 0600, path: /nowhere/x}",
     "f:3:28: unix: path: the unix in line 2 has this place already; each needs one of its own"},
    {"inputs: [unix: {path: /x}]\nattic: {path: /../x}",
     "f:2:15: attic: path: the unix in line 1 has this place already; each needs one of its own"},
    {"inputs: [door]", "f:1:10: unknown input 'door'; there are: tcp, unix"},
    {"outputs:\n- stdout: {queue-size: 255K}",
     "f:2:24: queue-size: '255K' is out of range: from 256K to 1T"},
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        refuse(mistakes[i][0], mistakes[i][1]);
}

/* What people write, and what it is said to be. */
static const char *const slips[][2] = {
    /* tabs */
    {"inputs:\n\t- tcp\n", "2:1: a tab stands here, which YAML does not take: indent with spaces"},
    {"outputs:\n- file:\n  \tpath: x\n", "3:3: a tab"},
    {"threads: 1\n\t# c\nweb:\n", "2:1: a tab"},
    {"inputs:\n-\ttcp\n", "2:2: a tab"},
    {"door:\n  key: a\n\tlocks: 1\n", "3:1: a tab"},
    /* indentation */
    {"door:\n  key: a\n    locks: 1\n",
     "3:5: wrong indentation: this line stands further to the right"},
    {"door:\n    key: a\n  locks: 1\n",
     "3:3: wrong indentation: this line begins in column 3, but what it could belong to begins in "
     "column 1 or 5"},
    {"inputs:\n  - tcp\n - tcp\n", "3:2: wrong indentation: this line begins in column 2"},
    {"inputs:\n  - tcp: {}\n    - tcp: {}\n", "3:5: wrong indentation"},
    {" threads: 1\ndoor:\n", "2:1: wrong indentation: this line stands further to the left"},
    {"threads: 1\n  door:\n", "2:3: wrong indentation"},
    {"outputs:\n- file:\n  path: x\n",
     "2:3: an item has one key, the module; its options stand below"},
    {"door:\n\xc2\xa0 key: x\n", "2:1: a no-break space stands here: indent with plain spaces"},
    /* colons, dashes, spaces */
    {"threads 1\n", "1:1: a ':' and a space are missing behind 'threads'"},
    {"threads: 1\n: 2\n", "2:1: a name is missing in front of this ':'"},
    {":\n", "1:1: a name is missing in front of this ':'"},
    {"threads: 1\ndoor\n", "2:1: a ':' and a space are missing behind the name"},
    {"door:\n  key abc:d\n", "2:3: a ':' and a space are missing behind 'key'"},
    {"inputs\n  - tcp\n", "1:1: a ':' and a space are missing behind 'inputs'"},
    {"threads:1\n", "1:1: a space is missing behind the ':' of 'threads:'"},
    {"threads: 1\nframe-max:1M\n", "2:1: a space is missing behind the ':'"},
    {"door: {key:abc}\n", "1:8: door has no option 'key:'; a space is missing behind its ':'"},
    {"door: {key=abc}\n",
     "1:8: door has no option 'key='; write a ':' and a space in the place of its '='"},
    {"door: {key: abc,d}\n",
     "1:17: door has no option '***'; where it belongs to the value before it, put quotes"},
    {"door: {key: abc,loks}\n", "1:17: door has no option '***'; where it belongs to"},
    {"door: {key: abc,d:e}\n", "1:17: door has no option '***'; a space is missing behind its"},
    {"inputs: [tcp: {tls: {key: abc,d}}]\n",
     "1:31: tls has no option '***'; where it belongs to the value before it, put quotes"},
    {"door:\n  key:abc=\n", "2:3: a space is missing behind the ':' of 'key:'"},
    {"door:\n  -key:abc\n", "2:3: a space is missing behind the '-' of '-key:'"},
    {"key=abc: 1\n", "1:1: unknown key 'key='; there are"},
    {"inputs:\n  -tcp\n", "2:3: a space is missing behind the '-' of '-tcp'"},
    {"inputs:\n  -tcp:\n    count: 1\n", "2:3: a space is missing behind the '-' of '-tcp'"},
    {"threads = 1\n", "1:1: 'threads =' has a '=': write a ':' and a space"},
    {"threads=1\n", "1:1: 'threads=' has a '=': write a ':' and a space"},
    {"inputs:\n-\n- tcp\n", "2:2: this item of the list is empty"},
    /* brackets and quotes */
    {"outputs: [stdout: {}\nthreads: 1\n", "1:10: the '[' that stands here has no ']'"},
    {"door: {key: abc\nthreads: 1\n", "1:7: the '{' that stands here has no '}'"},
    {"threads: [", "2:1: above this a '[' or '{' has no end"},
    {"door: {key: #abc}\n",
     "2:1: above this a '[' or '{' has no end; what stands behind a # is a comment"},
    {"outputs: [stdout]]\n", "1:18: this ']' closes nothing: take it away"},
    {"door: {key: ${TOK}}\n", "1:13: between braces or brackets put quotes around a value that has "
                              "${NAME} in it, as in \"${NAME}\""},
    {"door: {locks: 1,\n  key: a${TOK:-x}b}\n", "2:9: between braces or brackets put quotes"},
    {"inputs: [tcp: {names: [a, ${TOK}]}]\n", "1:27: between braces or brackets put quotes"},
    {"inputs: [tcp {}]\n", "1:14: before this a ',' is missing, or the ']' of the list"},
    {"door: {key: 'abc}\n",
     "1:13: the quote that begins here has no end: put a ' behind the value"},
    {"door:\n  key: \"abc\n",
     "2:8: the quote that begins here has no end: put a \" behind the value"},
    {"door: {key: 'it's'}\n",
     "1:17: the quotes end before this; inside of single quotes a ' is written twice"},
    {"threads: \"\\q\"",
     "1:11: between double quotes a \\ begins an escape, and this one is unknown"},
    /* what needs quotes */
    {"door: {key: @abc}\n",
     "1:13: put quotes around a value that begins with @: YAML has reserved it"},
    {"door: {key: `abc}\n", "1:13: put quotes around a value that begins with `"},
    {"door: {key: %abc}\n", "1:13: put quotes around a value that begins with %"},
    {"door: {key: *abc}\n",
     "1:13: put quotes around a value that begins with *: YAML takes it for an alias"},
    {"door: {key: &abc}\n",
     "1:13: put quotes around a value that begins with &: YAML takes it for an anchor"},
    {"door: {key: !abc}\n",
     "1:13: put quotes around a value that begins with !: YAML takes it for a tag"},
    {"door:\n  key: |abc\n", "2:8: put quotes around a value that begins with |"},
    {"door:\n  key: >abc\n", "2:8: put quotes around a value that begins with >"},
    {"door:\n  key: #abc\n",
     "2:7: what stands behind a # is a comment: put quotes around the value"},
    {"door:\n  key: a: b\n", "2:9: put quotes around a value that has ': ' in it"},
    {"inputs: [tcp: {allow: [::1]}]",
     "1:24: put quotes around what begins with ':' or '[', as in '[::1]:6000'"},
    {"inputs:\n- tcp:\n    listen: [::1]:6000\n",
     "3:14: put quotes around what begins with ':' or '['"},
    {"threads: 1\r\ndoor: {key: @}\r\n", "2:13: put quotes"},
    {"threads: 1\rdoor: {key: @}\r", "2:13: put quotes"},
    /* where there is a text of more than ASCII before it, places are counted in characters */
    {"door: {key: '\xc3\xa4\xc3\xb6', locks: @}\n",
     "1:26: put quotes around a value that begins with @"},
    /* lists and values */
    {"outputs:\n- stdout: {fields: a,b}\n", "2:22: stdout has no option 'b'; where it belongs to "
                                            "the value before it, put quotes around all "
                                            "of that, or brackets"},
    {"inputs:\n  tcp:\n    count: 1\n",
     "2:3: 'inputs' is a list, of which each item begins with '- ', not names with values"},
    {"threads: [2, 3]\n",
     "1:10: 'threads' is one value, not a list: take away the brackets, or the '-'"},
    {"threads:\n- 2\n", "2:1: 'threads' is one value, not a list"},
    {"door:\n- key: abc\n",
     "2:1: what follows 'door' has names with values (name: value), not a list"},
    {"inputs:\n- unix: /run/x\n",
     "2:9: behind 'unix' stand options with their names, as in 'unix: {path: /run/s.sock}'"},
    {"tcp: {count: 1}\n",
     "1:1: 'tcp' is one of the inputs: it stands below 'inputs:', as '- tcp:'"},
    {"outputs:\n- stdout: {fields: [a, [b]]}\n",
     "2:24: an item of the list is one value, not a list"},
    {"outputs:\n- stdout: {fields: []}\n", "2:20: fields: must not be empty"},
    {"inputs:\n- tcp:\n    allow: 10.0.0.0/8, ::1\n",
     "3:12: allow: '10.0.0.0/8, ::1' is not an address or prefix as in 192.0.2.0/24 or "
     "2001:db8::/32; several stand between brackets, as in [a, b]"},
    {"inputs: - tcp\n", "1:9: items of a list ('- ') stand in lines of their own below the name"},
    {"inputs:\n  - tcp\n  unix: {path: x}\n",
     "3:3: a '- ' is missing before this item of the list"},
    {"door {locks: 1}\n", "1:1: a ':' and a space are missing behind 'door'"},
    {"outputs:\n- stdout: text\n",
     "2:11: behind 'stdout' stand options with their names, as in 'stdout: {format: text}'"},
    {"outputs:\n- file: path: x\n",
     "2:13: put quotes around a value that has ': ' in it; options stand between { and }"},
    {"door:\n  key: \"a\"b\"\n", "2:11: the quotes end before this"},
    {"door:\n  key: 'a'b\n", "2:11: the quotes end before this; inside of single quotes a ' is "},
    {"door:\n  key: ,a\n", "2:8: put quotes around a value that begins with a ','"},
    /* characters and documents */
    {"threads: 1\n--- {}\n", "2:1: a configuration is one document; a second one begins here"},
    {"threads: 1\nx: \xff\n",
     "2:4: this is not UTF-8; save the file as UTF-8, or take the character away"},
    {"threads: 1\n\nx: \x01", "3:4: control characters are not allowed"},
};

static void test_slips(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof slips / sizeof *slips; i++) {
        char line[1024];
        err = (struct error){0};
        assert_int_equal(parse(slips[i][0], strlen(slips[i][0])), -1);
        error_line(&err, line, sizeof line);
        if (strncmp(line, "f:", 2) != 0 || strncmp(line + 2, slips[i][1], strlen(slips[i][1])) != 0)
            fail_msg("%s\nis said to be: %s\ninstead of:    %s", slips[i][0], line + 2,
                     slips[i][1]);
    }
    refuse_bytes("a: \0b", 5, "f:1:4: control characters are not allowed");
}

/* What means the same. */
static void test_taken(void **state)
{
    static const char *const lists[] = {"[a, b]", "\n    - a\n    - 'b'\n", "'a,b'", "a,b\n"};
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        char text[128];
        snprintf(text, sizeof text, "outputs:\n- stdout:\n    fields: %s", lists[i]);
        accept_text(text);
        assert_string_equal(common_of(0)->fields, "a,b");
    }
    accept_text("inputs: tcp\n"); /* a list of one */
    assert_int_equal(config.input_count, 1);
    accept_text("inputs: [tcp: {names: x, allow: 10.0.0.0/8}]\n");
    assert_int_equal(((const struct wire *)config.inputs[0].options)->names.count, 1);
    assert_int_equal(((const struct wire *)config.inputs[0].options)->allow.count, 1);
}

/* One text of `count` times the same between two others. */
static char *repeat(const char *before, const char *unit, size_t count, const char *after)
{
    size_t len = strlen(unit), head = strlen(before);
    char *text = malloc(head + len * count + strlen(after) + 1);
    assert_non_null(text);
    memcpy(text, before, head);
    for (size_t i = 0; i < count; i++)
        memcpy(text + head + i * len, unit, len);
    strcpy(text + head + len * count, after);
    return text;
}

static void refuse_repeated(const char *before, const char *unit, size_t count, const char *after,
                            const char *expected)
{
    char *text = repeat(before, unit, count, after);
    refuse(text, expected);
    free(text);
}

static void test_limits(void **state)
{
    (void)state;
    refuse_repeated("x: ", "[", 100000, "", "f:1:19: nested too deeply");
    refuse_repeated("", "- ", 100000, "", "f:1:33: nested too deeply");
    refuse_repeated("", "- &a x\n", 101, "", "f:101:3: too many anchors");
    refuse_repeated("#", "x", 256 << 10, "", "f: longer than 262144 bytes");
    refuse_repeated("inputs:\n", "- tcp\n", 1001, "", "f:1002:3: more than 1000 inputs");
    char *text = repeat("inputs:\n", "- tcp\n", 1000, "");
    accept_text(text);
    assert_int_equal(config.input_count, 1000);
    free(text);
    text = repeat("#", "x", (256 << 10) - 1, "");
    accept_text(text);
    free(text);
}

static void test_flags(void **state)
{
    (void)state;
    struct config_item *item = config_add(&config, MODULE_INPUT, "tcp", &err);
    assert_non_null(item);
    assert_int_equal(config_set(item, "count", "4", &err), 0);
    assert_int_equal(config_set(item, "names", "a", &err), 0);
    assert_int_equal(config_set(item, "names", "b", &err), 0);
    assert_int_equal(((const struct wire *)item->options)->names.count, 2);
    assert_int_equal(config_set(item, "count", "11", &err), -1);
    assert_string_equal(err.text, "tcp: count: '11' is out of range: from 0 to 10");
    assert_int_equal(config_set(item, "format", "text", &err), -1);
    assert_string_equal(err.text, "tcp has no option 'format'");
    assert_null(config_add(&config, MODULE_OUTPUT, "stdoot", &err));
    assert_string_equal(err.text, "unknown output 'stdoot'; did you mean 'stdout'?");
    item = config_add(&config, MODULE_OUTPUT, "stdout", &err);
    assert_non_null(item);
    assert_int_equal(config_set(item, "when-full", "block", &err), 0);
    assert_int_equal(config_set(item, "format", "jsn", &err), 0);
    err = (struct error){0};
    assert_int_equal(config_validate(&config, &err), -1);
    assert_string_equal(err.text, "unknown format 'jsn'; there are: text");
    assert_int_equal(err.line, 0); /* flags stand in no line */
    config_clear(&config, MODULE_OUTPUT);
    assert_int_equal(config.output_count, 0);
    assert_int_equal(config.input_count, 1);
    assert_int_equal(config_validate(&config, &err), 0);
}

static void test_files(void **state)
{
    (void)state;
    char path[] = "/tmp/spile-config-XXXXXX", line[1024];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "threads: 3\n", 11), 11);
    assert_int_equal(config_load(&config, path, &err), 0);
    assert_int_equal(config.settings.threads, 3);
    assert_string_equal(config.path, path);
    assert_int_equal(ftruncate(fd, 300000), 0);
    assert_int_equal(config_load(&config, path, &err), -1);
    assert_string_equal(err.text, "longer than 262144 bytes");
    close(fd);
    unlink(path);
    assert_int_equal(config_load(&config, "/nowhere/x", &err), -1);
    assert_string_equal(error_line(&err, line, sizeof line),
                        "/nowhere/x: No such file or directory");
    assert_int_equal(config_load(&config, "/", &err), -1);
    assert_string_equal(error_line(&err, line, sizeof line), "/: Is a directory");
}

static void test_example(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    config_example(out);
    fclose(out);
    accept_text(text);
    assert_int_equal(config.input_count, 1);
    assert_int_equal(config.output_count, 1);
    assert_non_null(strstr(text, "\n#threads: 0\n"));
    assert_non_null(strstr(text, "\n      # Where to listen.\n#      listen: 127.0.0.1:6000\n"));
    assert_non_null(strstr(text, "\n#      # Path of the socket.\n#      path: /run/s.sock\n"));
    assert_non_null(strstr(text, "[a, 'it''s', '- c']"));
    assert_non_null(strstr(text, "\n#stages:\n#  # Lets some through.\n#  - sieve:\n"));
    assert_int_equal(config.stage_count, 0);
    assert_non_null(strstr(text, "\n#      neighbours:\n#        -\n#          # Where it is.\n"
                                 "#          address: 192.0.2.1:179\n"));
    assert_non_null(
        strstr(text, "\n# A door.\n#door:\n#  # What opens it.\n#  key: 'change me'\n"));
    char *whole = malloc(len);
    assert_non_null(whole);
    assert_int_equal(read_text(whole, uncomment(text, whole)), 0);
    assert_int_equal(config.input_count, 2);
    assert_int_equal(config.stage_count, 2);
    assert_int_equal(config.output_count, 3);
    assert_int_equal(config.section_count, 2);
    assert_int_equal(wire_of(0)->names.count, 3);
    assert_string_equal(wire_of(0)->tls.key, "hush");
    const struct neighbour *neighbour = wire_of(0)->neighbours.items;
    assert_string_equal(neighbour->seal.cert, "/etc/cert.pem");
    free(whole);
    free(text);
}

static const char memory_text[] =
    "threads: ${SPILE_NONE:-2}\ncompat: none\n"
    "inputs:\n- unix: {path: /x}\n- tcp: {listen: '[::1]:1', names: [a, b], allow: ['::1', "
    "'::2'], tls: {cert: a, key: abc}, neighbours: [{address: 'a:1'}, {address: 'b:1'}]}\n"
    "outputs:\n- stdout\n- file: {path: /y, format: text, fields: [a, b]}\n- null: {names: c}\n"
    "stages:\n- sieve: {path: /s}\ndoor: {key: abc}\nattic: {path: /z}\n";

/* Whichever allocation fails, the load ends with an error and nothing is lost. */
static void test_memory(void **state)
{
    (void)state;
    char path[] = "/tmp/spile-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, memory_text, strlen(memory_text)), (ssize_t)strlen(memory_text));
    close(fd);
    char pattern[] = "/tmp/spile-config-part-XXXXXX";
    int part = mkstemp(pattern), whole = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(part >= 0 && whole >= 0);
    assert_true(dprintf(part, "outputs: [file: {path: /w, name: 'a'}]\n") > 0);
    assert_true(
        dprintf(whole, "include: [%s, '%.*s?']\n", pattern, (int)strlen(pattern) - 1, pattern) > 0);
    close(part);
    close(whole);
    unsigned n = 1;
    for (bool failed = true; failed; n++) {
        struct config fresh;
        failmalloc_start(n);
        int status = config_init(&fresh, &err) || config_load(&fresh, path, &err);
        failed = failmalloc_stop();
        assert_int_equal(status, failed ? 1 : 0);
        if (failed)
            assert_non_null(strstr(err.text, "out of memory"));
        config_free(&fresh);
    }
    assert_true(n > 30); /* it did fail, many times */
    unlink(path);
    unlink(pattern);
}

static void test_modules(void **state)
{
    (void)state;
    const struct module *own = module_find(MODULE_FORMAT, span_str("text"), NULL);
    assert_ptr_equal(own, &format_text_test);
    assert_ptr_equal(module_find(MODULE_FORMAT, span_str("text"), "other"), own);
    assert_ptr_equal(module_find(MODULE_FORMAT, span_str("text"), "dnstap-receiver"),
                     &format_compat_test);
    assert_null(module_find(MODULE_OUTPUT, span_str("text"), NULL));
    assert_null(module_find(MODULE_FORMAT, span_str("tex"), NULL));
    assert_ptr_equal(module_at(MODULE_FORMAT, 0), own);
    assert_null(module_at(MODULE_FORMAT, 1));
    assert_string_equal(module_nearest(MODULE_OUTPUT, span_str("stdot")), "stdout");
    assert_null(module_nearest(MODULE_OUTPUT, span_str("elephant")));
    assert_null(module_nearest(MODULE_OUTPUT, span_str("mule"))); /* half of "null" is too little */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_nothing),  CASE(test_whole),         CASE(test_aliases), CASE(test_mistakes),
        CASE(test_slips),    CASE(test_taken),         CASE(test_limits),  CASE(test_flags),
        CASE(test_files),    CASE(test_example),       CASE(test_memory),  CASE(test_modules),
        CASE(test_sections), CASE(test_section_flags), CASE(test_places),  CASE(test_probe),
        CASE(test_defaults), CASE(test_stages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
