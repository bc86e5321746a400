/*
 * The registrable domain of a name is what libpsl says of it: for every rule of the list and the
 * names around it, for random names made of its labels, and for hostile ones, as keys in wire form
 * and as text; with the table and without.
 *
 * The table is held to the readable list, which it has not seen. In the compact one libpsl takes
 * the beginning of a letter beyond ASCII for the end of a rule: "m" for one with a wildcard.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gnutls/gnutls.h>
#include <libpsl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/random.h"
#include "../support/share.h"
#include "stats/suffix.h"

enum { NAMES = 40000, LABELS_MOST = 127, RULES_MAX = 1 << 16, LABEL_MAX = 63, HEADER = 16 };

static const struct stats_reader wire_reader = {.wire_keys = true}, text_reader = {0};
static const struct siphash_key key = {{3, 14}};

static struct suffix_list list;
static psl_ctx_t *readable, *compact; /* the same list, as libpsl knows it */
static char *rules[RULES_MAX];
static size_t rule_count, international;

/* What names are made of: bytes between dots, each label at most 63, the whole at most 253. */
struct name {
    uint8_t labels[LABELS_MOST][LABEL_MAX];
    uint8_t lens[LABELS_MOST];
    unsigned count;
    size_t len; /* in wire form, without the root */
};

/* Adds a label in front of the others, unless the name is full. */
static void add(struct name *name, const void *bytes, size_t len)
{
    len = len > LABEL_MAX ? LABEL_MAX : len;
    if (name->count == LABELS_MOST || len == 0 || name->len + len + 1 > SAMPLE_NAME_MAX - 1)
        return;
    memcpy(name->labels[name->count], bytes, len);
    name->lens[name->count++] = (uint8_t)len;
    name->len += len + 1;
}

static void add_text(struct name *name, const char *text)
{
    size_t end = strlen(text);
    for (size_t at = end; at-- > 0;) {
        if (at == 0 || text[at - 1] == '.') {
            add(name, text + at, end - at);
            end = at ? at - 1 : 0;
        }
    }
}

static struct name name_of(const char *text)
{
    struct name name = {0};
    add_text(&name, text);
    return name;
}

static struct span wire_of(const struct name *name, uint8_t *space)
{
    size_t len = 0;
    for (unsigned i = name->count; i-- > 0;) {
        space[len++] = name->lens[i];
        memcpy(space + len, name->labels[i], name->lens[i]);
        len += name->lens[i];
    }
    space[len++] = 0;
    return span_of(space, len);
}

/* Labels between dots; `safe`: what no rule has, and dots in labels, as underscores. */
static size_t text_of(const struct name *name, bool safe, char *text)
{
    size_t len = 0;
    for (unsigned i = name->count; i-- > 0;) {
        for (unsigned b = 0; b < name->lens[i]; b++) {
            uint8_t byte = name->labels[i][b];
            bool plain = byte > ' ' && byte <= '~' && byte != '.';
            text[len++] = (char)(plain || !safe ? byte : '_');
        }
        text[len++] = '.';
    }
    return len;
}

/* How many labels the registrable domain has by libpsl; `len` with the final dot. */
static unsigned by_libpsl(const psl_ctx_t *psl, const char *text, size_t len)
{
    char domain[SAMPLE_NAME_MAX + 1];
    for (size_t i = 0; i < len; i++) /* no text has a zero in it, and rules are ASCII here */
        domain[i] = text[i] > ' ' && text[i] <= '~' ? text[i] : '_';
    domain[len - 1] = '\0';
    const char *found = psl_registrable_domain(psl, domain);
    unsigned labels = found != NULL;
    for (; found && *found; found++)
        labels += *found == '.';
    return labels;
}

/* The text is the name's; libpsl itself is asked of one with an empty label. */
static void check_key(const struct stats_reader *reader, struct span name, const char *text,
                      size_t len)
{
    struct suffix_list slow = list;
    slow.words = NULL;
    bool gap = text[0] == '.' || memmem(text, len, "..", 2);
    unsigned by_compact = by_libpsl(compact, text, len);
    unsigned expected = gap ? by_compact : by_libpsl(readable, text, len);
    assert_int_equal(suffix_registrable(&slow, reader, name), by_compact);
    assert_int_equal(suffix_registrable(&list, reader, name), expected);
    struct span domain = suffix_of(reader, name, expected);
    assert_true((domain.ptr == NULL) == (expected == 0));
    assert_true(!domain.ptr || domain.ptr + domain.len == name.ptr + name.len);
}

static void check(const struct name *name)
{
    uint8_t wire[SAMPLE_NAME_MAX];
    char text[SAMPLE_NAME_MAX];
    if (name->count == 0)
        return;
    size_t len = text_of(name, true, text);
    check_key(&wire_reader, wire_of(name, wire), text, len);
    len = text_of(name, false, text);
    check_key(&text_reader, span_of(text, len), text, len);
}

/* --- the list ------------------------------------------------------------------------------- */

static void add_rule(const char *text)
{
    gnutls_datum_t ascii;
    size_t len = strlen(text);
    assert_true(rule_count < RULES_MAX);
    assert_int_equal(gnutls_idna_map(text, (unsigned)len, &ascii, 0), 0);
    international += strcmp((char *)ascii.data, text) != 0;
    rules[rule_count++] = (char *)ascii.data;
}

static void read_rules(const char *path)
{
    char line[512];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, " \t\r\n")] = '\0';
        if (line[0] != '\0' && strncmp(line, "//", 2) != 0)
            add_rule(line + (line[0] == '!' ? 1 : line[0] == '*' ? 2 : 0));
    }
    fclose(file);
    assert_true(rule_count > 5000 && international > 100);
}

/* The readable list lies beside the compact one. */
static int set_up(void **state)
{
    (void)state;
    char path[PATH_MAX];
    const char *installed = psl_dist_filename(), *end = installed ? strrchr(installed, '.') : NULL;
    if (!end || access(installed, R_OK) < 0)
        return 0;
    snprintf(path, sizeof path, "%.*s.dat", (int)(end - installed), installed);
    compact = psl_load_file(installed);
    readable = psl_load_file(path);
    suffix_list_init(&list, &key);
    read_rules(path);
    return compact && readable ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    suffix_list_free(&list);
    psl_free(compact);
    psl_free(readable);
    while (rule_count > 0)
        gnutls_free(rules[--rule_count]);
    return 0;
}

static void need_list(void)
{
    if (!compact) {
        print_message("publicsuffix is not installed\n");
        skip();
    }
    assert_non_null(list.words);
    assert_true(list.used <= (list.mask + 1) / 2);
}

/* --- names ---------------------------------------------------------------------------------- */

static struct name shout(struct name name)
{
    for (unsigned i = 0; i < name.count; i++) {
        for (unsigned b = 0; b < name.lens[i]; b++)
            name.labels[i][b] &= name.labels[i][b] >= 'a' ? ~0x20 : ~0;
    }
    return name;
}

static void check_around(const char *rule)
{
    struct name name = name_of(rule), other;
    check(&name);
    other = shout(name);
    check(&other);
    other = name_of(strchr(rule, '.') ? strchr(rule, '.') + 1 : rule);
    check(&other);
    add_text(&other, "sibling");
    check(&other);
    other = name_of(strrchr(rule, '.') ? strrchr(rule, '.') + 1 : rule);
    add(&other, rule, strlen(rule)); /* dots in one label */
    check(&other);
    other = name;
    other.labels[other.count - 1][other.lens[other.count - 1] - 1] ^= 1;
    check(&other);
    for (int i = 0; i < 3; i++) {
        add_text(&name, i == 1 ? "www" : "sub");
        check(&name);
    }
    other = name_of("junk");
    add_text(&other, rule); /* behind the TLD */
    check(&other);
}

static void every_rule(void **state)
{
    (void)state;
    need_list();
    size_t suffixes = 0;
    for (size_t i = 0; i < rule_count; i++) {
        check_around(rules[i]);
        suffixes += psl_is_public_suffix(readable, rules[i]) != 0;
    }
    assert_true(suffixes > rule_count - 50); /* all but exceptions */
}

static const char *random_rule(struct random *random)
{
    return rules[random_below(random, rule_count)];
}

/* A label as rules have them, or one that nobody would expect. */
static void add_random(struct name *name, struct random *random)
{
    static const char odd[] = "ab.-_ \x01\xff*!";
    uint8_t bytes[LABEL_MAX];
    size_t len = 1 + random_below(random, random_below(random, 8) ? 12 : LABEL_MAX);
    switch (random_below(random, 4)) {
    case 0:
        random_bytes(random, bytes, len);
        add(name, bytes, len);
        break;
    case 1:
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)odd[random_below(random, sizeof odd)]; /* its zero, too */
        add(name, bytes, len);
        break;
    case 2:
        add(name, "a", 1);
        break;
    default: {
        const char *rule = random_rule(random), *dot = strchr(rule, '.');
        add(name, rule, dot ? (size_t)(dot - rule) : strlen(rule));
    }
    }
}

static void random_names(void **state)
{
    (void)state;
    need_list();
    struct random random = {20261130};
    for (int i = share_of(NAMES); i > 0; i--) {
        struct name name = {0};
        if (random_below(&random, 3))
            add_text(&name, random_rule(&random));
        size_t more = random_below(&random, random_below(&random, 20) ? 6 : LABELS_MOST + 1);
        while (more-- > 0)
            add_random(&name, &random);
        check(&name);
    }
}

/* Text keys that no name in wire form has: all that can be made of few letters. */
static void dots_everywhere(void **state)
{
    (void)state;
    need_list();
    static const char *const parts[] = {".", "com", "ck", "www", "co", "uk", "-", " "};
    struct random random = {42};
    for (int i = 0; i < NAMES; i++) {
        char text[64];
        size_t len = 0;
        for (size_t more = random_below(&random, 10); more > 0; more--) {
            const char *part = parts[random_below(&random, 2) ? random_below(&random, 8) : 0];
            len += (size_t)snprintf(text + len, sizeof text - len, "%s", part);
        }
        text[len++] = '.';
        check_key(&text_reader, span_of(text, len), text, len);
    }
}

/* --- files ---------------------------------------------------------------------------------- */

static void check_own(const char *path)
{
    struct suffix_list own;
    suffix_list_load(&own, &key, path);
    assert_null(own.words);
    static const char *const names[] = {"a.b.co.uk.", "www.ck.", "a.b.example.com.", "com.",
                                        "x.y."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i]);
        assert_int_equal(suffix_registrable(&own, &text_reader, span_of(names[i], len)),
                         by_libpsl(psl_builtin(), names[i], len));
    }
    suffix_list_free(&own);
}

static uint8_t *read_file(const char *path, size_t *len)
{
    struct stat st;
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &st), 0);
    *len = (size_t)st.st_size;
    uint8_t *bytes = malloc(*len);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *len, file), *len);
    fclose(file);
    return bytes;
}

/* A copy of the list that tests may spoil. */
struct copy {
    int fd;
    char path[64];
    uint8_t *bytes;
    size_t len;
};

static void copy_begin(struct copy *copy)
{
    copy->bytes = read_file(psl_dist_filename(), &copy->len);
    copy->fd = memfd_create("list", MFD_CLOEXEC);
    assert_true(copy->fd >= 0);
    snprintf(copy->path, sizeof copy->path, "/proc/self/fd/%d", copy->fd);
}

static void copy_write(const struct copy *copy, size_t len)
{
    assert_int_equal(ftruncate(copy->fd, 0), 0);
    assert_int_equal(pwrite(copy->fd, copy->bytes, len, 0), len);
}

static void copy_end(struct copy *copy)
{
    close(copy->fd);
    free(copy->bytes);
}

/* Whatever is no whole list, or one older than libpsl's, leaves libpsl's. */
static void other_files(void **state)
{
    (void)state;
    need_list();
    struct copy copy;
    struct random random = {7};
    copy_begin(&copy);
    check_own(NULL);
    check_own("/nonexistent");
    for (int i = 0; i < 200; i++) {
        copy_write(&copy, random_below(&random, i % 2 ? copy.len : 64));
        check_own(copy.path);
    }
    copy_write(&copy, copy.len);
    struct timespec old = {.tv_sec = psl_builtin_file_time() - 1};
    assert_int_equal(futimens(copy.fd, (struct timespec[2]){old, old}), 0);
    check_own(copy.path);
    old.tv_sec++;
    assert_int_equal(futimens(copy.fd, (struct timespec[2]){old, old}), 0);
    struct suffix_list same;
    suffix_list_load(&same, &key, copy.path);
    assert_non_null(same.words);
    assert_int_equal(same.used, list.used);
    suffix_list_free(&same);
    copy_end(&copy);
}

/* A list with other rules in it is one, and one that goes round in circles or on and on is none. */
static void broken_files(void **state)
{
    (void)state;
    need_list();
    struct copy copy;
    struct random random = {8};
    copy_begin(&copy);
    for (int i = 0; i < 300; i++) {
        struct suffix_list broken;
        size_t at = HEADER + random_below(&random, i % 2 ? 64 : copy.len - HEADER);
        uint8_t before = copy.bytes[at];
        copy.bytes[at] = (uint8_t)random_u64(&random);
        copy_write(&copy, copy.len);
        copy.bytes[at] = before;
        suffix_list_load(&broken, &key, copy.path);
        assert_true(!broken.words || broken.used <= (broken.mask + 1) / 2);
        unsigned labels = suffix_registrable(&broken, &text_reader, span_str("a.b.co.uk."));
        assert_true(labels == 0 || (labels >= 2 && labels <= 4));
        suffix_list_free(&broken);
    }
    memset(copy.bytes + HEADER, 0x41, copy.len - HEADER); /* links beyond the end */
    copy_write(&copy, copy.len);
    check_own(copy.path);
    memset(copy.bytes + HEADER, 0, copy.len - HEADER); /* links to themselves */
    copy_write(&copy, copy.len);
    check_own(copy.path);
    /* From each node, an "a", there is a way to the next, and one by way of a "b": 2^60 rules. */
    enum { DEEP = 60 };
    size_t len = HEADER;
    copy.bytes[len++] = 0x81;
    for (int i = 0; i < DEEP; i++, len += 4)
        memcpy(copy.bytes + len,
               "\xe1\x02\x81"
               "b",
               4);
    copy.bytes[len++] = 0x80;
    memset(copy.bytes + len, 0, 4);
    copy_write(&copy, len + 4);
    check_own(copy.path);
    copy_end(&copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule),      cmocka_unit_test(random_names),
        cmocka_unit_test(dots_everywhere), cmocka_unit_test(other_files),
        cmocka_unit_test(broken_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
