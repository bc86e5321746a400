/* Who may ask the web server: every combination of what is configured and what is sent, names that
 * are ours and names that are not, other sites' pages, keys in files; and targets of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/encode.h"
#include "http/guard.h"
#include "http/target.h"

static struct guard guard;
static struct error err;

static int tear_down(void **state)
{
    (void)state;
    guard_free(&guard);
    guard_free(&guard); /* a second time does nothing */
    return 0;
}

/* A guard over settings in which absent texts are NULL. */
static void configure(const char *api_key, const char *login, const char *password,
                      const char *bearer)
{
    const struct http_settings settings = {.listen = {.host = (char *)"127.0.0.1"},
                                           .api_key = (char *)api_key,
                                           .login = (char *)login,
                                           .password = (char *)password,
                                           .bearer_token = (char *)bearer};
    guard_free(&guard);
    assert_int_equal(guard_init(&guard, &settings, &err), 0);
}

static struct span text(const char *string)
{
    return string ? span_str(string) : span_of(NULL, 0);
}

static enum guard_verdict judge(const char *api_key, const char *authorization)
{
    const struct guard_request request = {.api_key = text(api_key),
                                          .authorization = text(authorization),
                                          .host = span_str("elsewhere.example"),
                                          .local = false};
    return guard_judge(&guard, &request);
}

/* "Basic ..." of a login and password, in one of few buffers. */
static const char *basic(const char *pair)
{
    static char texts[4][200];
    static unsigned next;
    char *out = texts[next++ % 4];
    *put_base64(stpcpy(out, "Basic "), span_str(pair)) = '\0';
    return out;
}

/* Configured: key "key", "me:word", bearer "token". Sent: one of these in each header. */
static void test_matrix(void **state)
{
    static const struct {
        const char *sent;
        int right; /* -1: nothing is sent */
    } keys[] = {{NULL, -1}, {"key", 1}, {"KEY", 0}, {"", 0}, {"ke", 0}, {"keykey", 0}, {"key ", 0}};
    const struct {
        const char *sent;
        int right;
    } authorizations[] = {
        {NULL, -1},
        {basic("me:word"), 1},
        {"bAsIc bWU6d29yZA==", 1},
        {"Basic   bWU6d29yZA== ", 1},
        {"Bearer token", 1},
        {"bearer token", 1},
        {"Basic", 0},
        {"Basic ", 0},
        {"", 0},
        {"Basic bWU6d29yZA", 0},    /* not padded */
        {"Basic !!!!", 0},          /* not base64 */
        {"Basic bWU6d29yZA==x", 0}, /* more than that */
        {"Basic\tbWU6d29yZA==", 0},
        {"Bearer Token", 0},
        {"Bearer", 0},
        {"Basic token", 0},
        {"Bearer bWU6d29yZA==", 0},
        {"Digest bWU6d29yZA==", 0},
        {"bWU6d29yZA==", 0},
        {"key", 0},
    };
    (void)state;
    configure("key", "me", "word", "token");
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        for (size_t a = 0; a < sizeof authorizations / sizeof *authorizations; a++) {
            int key = keys[k].right, authorization = authorizations[a].right;
            bool pass = key != 0 && authorization != 0 && key + authorization > -2;
            if (judge(keys[k].sent, authorizations[a].sent) != (pass ? GUARD_PASS : GUARD_UNKNOWN))
                fail_msg("X-API-Key '%s' with Authorization '%s'", keys[k].sent,
                         authorizations[a].sent);
        }
    }
    assert_int_equal(judge(NULL, basic("me:wort")), GUARD_UNKNOWN);
    assert_int_equal(judge(NULL, basic("me:")), GUARD_UNKNOWN);
    assert_int_equal(judge(NULL, basic("spile:key")), GUARD_UNKNOWN); /* a login is configured */
}

/* What is not configured is never right, whatever is sent. */
static void test_parts(void **state)
{
    (void)state;
    configure("key", NULL, NULL, NULL);
    assert_true(guard_has_credentials(&guard));
    assert_int_equal(judge("key", NULL), GUARD_PASS);
    assert_int_equal(judge(NULL, basic("spile:key")), GUARD_PASS); /* a browser's way in */
    assert_int_equal(judge(NULL, basic("other:key")), GUARD_UNKNOWN);
    assert_int_equal(judge(NULL, "Bearer key"), GUARD_UNKNOWN);
    configure(NULL, "me", "word", NULL);
    assert_int_equal(judge(NULL, basic("me:word")), GUARD_PASS);
    assert_int_equal(judge("", NULL), GUARD_UNKNOWN);
    assert_int_equal(judge("word", NULL), GUARD_UNKNOWN);
    assert_int_equal(judge(NULL, "Bearer "), GUARD_UNKNOWN);
    configure(NULL, NULL, NULL, "token");
    assert_int_equal(judge(NULL, "Bearer token"), GUARD_PASS);
    assert_int_equal(judge(NULL, basic(":")), GUARD_UNKNOWN);
    assert_int_equal(judge("token", "Bearer token"), GUARD_UNKNOWN);
}

static enum guard_verdict judge_host(const char *host, bool local)
{
    return guard_judge(&guard, &(const struct guard_request){.host = text(host), .local = local});
}

/* Without credentials: from here, and by a name of ours. */
static void test_loopback(void **state)
{
    static const char *const ours[] = {
        "localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "127.9.8.7:2",
        "[::1]",     "[::1]:80",       "",          NULL,          "[::ffff:127.0.0.1]"};
    static const char *const others[] = {"example.org",
                                         "localhost.example.org",
                                         "127.0.0.1.example.org",
                                         "127.0.0.1x",
                                         "192.0.2.1",
                                         "192.0.2.1:80",
                                         "[2001:db8::1]:80",
                                         "[::1",
                                         "0.0.0.0",
                                         "localhost.",
                                         "[::ffff:192.0.2.1]",
                                         "x:127.0.0.1",
                                         "1270.0.1",
                                         "[localhost]x.example"};
    (void)state;
    configure(NULL, NULL, NULL, NULL);
    assert_false(guard_has_credentials(&guard));
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (judge_host(ours[i], true) != GUARD_PASS || judge_host(ours[i], false) != GUARD_FOREIGN)
            fail_msg("'%s' is ours", ours[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (judge_host(others[i], true) != GUARD_FOREIGN)
            fail_msg("'%s' is not ours", others[i]);
    }
    free(guard.host);
    guard.host = strdup("spile.lan");
    assert_int_equal(judge_host("spile.lan:8080", true), GUARD_PASS);
    assert_int_equal(judge_host("spile.la", true), GUARD_FOREIGN);
}

/* What changes something does not come from another site's page; reading cannot be told to it. */
static void test_sites(void **state)
{
    static const struct {
        const char *site, *origin;
        enum guard_verdict verdict;
    } cases[] = {
        {NULL, NULL, GUARD_PASS}, /* no browser */
        {"same-origin", "http://localhost:8080", GUARD_PASS},
        {"none", NULL, GUARD_PASS},
        {"cross-site", NULL, GUARD_FOREIGN},
        {"same-site", "http://localhost:8080", GUARD_FOREIGN},
        {"", NULL, GUARD_FOREIGN},
        {NULL, "http://localhost:8080", GUARD_PASS},
        {NULL, "HTTPS://LOCALHOST:8080", GUARD_PASS},
        {NULL, "http://localhost:8081", GUARD_FOREIGN},
        {NULL, "http://example.org", GUARD_FOREIGN},
        {NULL, "null", GUARD_FOREIGN},
        {NULL, "", GUARD_FOREIGN},
        {NULL, "http://", GUARD_FOREIGN},
    };
    (void)state;
    configure(NULL, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct guard_request request = {.host = span_str("localhost:8080"),
                                        .origin = text(cases[i].origin),
                                        .site = text(cases[i].site),
                                        .local = true,
                                        .changes = true};
        if (guard_judge(&guard, &request) != cases[i].verdict)
            fail_msg("site %s, origin %s", cases[i].site, cases[i].origin);
        request.changes = false;
        assert_int_equal(guard_judge(&guard, &request), GUARD_PASS);
    }
    /* A site without a name is not the same as a request without one. */
    const struct guard_request nameless = {
        .origin = span_str("http://"), .local = true, .changes = true};
    assert_int_equal(guard_judge(&guard, &nameless), GUARD_FOREIGN);
}

static void test_addresses(void **state)
{
    static const struct {
        const char *address;
        bool loopback;
    } cases[] = {{"127.0.0.1", true},         {"127.255.0.9", true},  {"128.0.0.1", false},
                 {"192.0.2.1", false},        {"::1", true},          {"::2", false},
                 {"::ffff:127.0.0.1", true},  {"2001:db8::1", false}, {"0.0.0.0", false},
                 {"::ffff:192.0.2.1", false}, {"::127.0.0.1", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool is_v6 = inet_pton(AF_INET6, cases[i].address, &v6.sin6_addr) == 1;
        if (!is_v6)
            assert_int_equal(inet_pton(AF_INET, cases[i].address, &v4.sin_addr), 1);
        const struct sockaddr *address = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
        if (guard_is_loopback(address) != cases[i].loopback)
            fail_msg("%s", cases[i].address);
    }
    assert_false(guard_is_loopback(&(struct sockaddr){.sa_family = AF_UNIX}));
}

/* A key file with these bytes; what guard_init says of it. */
static int init_with_file(const char *bytes, size_t len)
{
    char path[] = "/tmp/spile-key-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
    const struct http_settings settings = {
        .listen = {.host = (char *)"::1"}, .api_key = (char *)"not this one", .api_key_file = path};
    guard_free(&guard);
    err = (struct error){0};
    int status = guard_init(&guard, &settings, &err);
    unlink(path);
    return status;
}

static void test_key_files(void **state)
{
    static const char *const good[] = {"secret", "secret\n", "secret\r\n", "secret\nmore\n"};
    char large[1100];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(init_with_file(good[i], strlen(good[i])), 0);
        assert_string_equal(guard.api_key, "secret");
    }
    assert_int_equal(init_with_file("", 0), -1);
    assert_non_null(strstr(err.text, "the first line has no key"));
    assert_int_equal(init_with_file("\nsecret\n", 8), -1);
    memset(large, 'x', sizeof large);
    assert_int_equal(init_with_file(large, 1024), 0);
    assert_int_equal(init_with_file(large, 1025), -1);
    assert_non_null(strstr(err.text, "more than 1024 bytes"));
    assert_null(strstr(err.text, "xxx"));
    /* Random bytes: a NUL among them would leave a key of one letter. */
    assert_int_equal(init_with_file("s\0ecret\n", 8), -1);
    assert_int_equal(init_with_file("sec\033ret\n", 8), -1);
    assert_non_null(strstr(err.text, "control characters"));
    const struct http_settings nowhere = {.listen = {.host = (char *)"::1"},
                                          .api_key_file = (char *)"/nowhere/key"};
    guard_free(&guard);
    assert_int_equal(guard_init(&guard, &nowhere, &err), -1);
    assert_string_equal(err.text, "api-key-file: /nowhere/key: No such file or directory");
}

static void test_targets(void **state)
{
    static const struct {
        const char *uri, *path, *authority;
    } cases[] = {
        {"/metrics", "/metrics", NULL},
        {"/metrics?n=1?2", "/metrics", NULL},
        {"/?", "/", NULL},
        {"", "", NULL},
        {"*", "*", NULL},
        {"//metrics", "//metrics", NULL},
        {"/%2e%2e/metrics%00?x", "/%2e%2e/metrics%00", NULL},
        {"/metrics#top?x", "/metrics#top", NULL},
        {"http://h:80/metrics?n=http://x/", "/metrics", "h:80"},
        {"HTTPS://[::1]:1/a", "/a", "[::1]:1"},
        {"http://h", "/", "h"},
        {"http://h?x", "/", "h"},
        {"http:///metrics", "/metrics", ""},
        {"http:/metrics", "http:/metrics", NULL},
        {"ftp://h/metrics", "ftp://h/metrics", NULL},
        {"h:443", "h:443", NULL},
    };
    static const char *const hosts[][2] = {
        {"h", "h"}, {"h:80", "h"}, {"[::1]", "::1"}, {"[::1]:80", "::1"},  {"[::1", "[::1"},
        {"", ""},   {":80", ""},   {"::1", ""},      {"[::1]x", "[::1]x"}, {"[", "["},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_target target = target_split(span_str(cases[i].uri));
        if (!span_equal(target.path, span_str(cases[i].path)) ||
            !target.authority.ptr != !cases[i].authority ||
            !span_equal(target.authority, text(cases[i].authority)))
            fail_msg("%s", cases[i].uri);
    }
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        if (!span_equal(target_host(span_str(hosts[i][0])), span_str(hosts[i][1])))
            fail_msg("%s", hosts[i][0]);
    }
}

static void test_authorities(void **state)
{
    static const char *const good[] = {"",
                                       "h",
                                       "h:80",
                                       "h:",
                                       ":80",
                                       "192.0.2.1:1",
                                       "[::1]",
                                       "[::1]:80",
                                       "[fe80::1%25eth0]",
                                       "a_b.example.",
                                       "%41",
                                       "x!$&'()*+,;=~-"};
    static const char *const bad[] = {"a@h",   "u:p@h", "h ",     " h",     "h h",
                                      "h/",    "h?",    "h#",     "h:80x",  "h:-1",
                                      "::1",   "[::1",  "[]",     "[::1]x", "[h]]",
                                      "]",     "h\\",   "h\x7f",  "h\x01",  "b\xc3\xbc.example",
                                      "\"h\"", "<h>",   "h:80:80"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!target_is_authority(span_str(good[i])))
            fail_msg("%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (target_is_authority(span_str(bad[i])))
            fail_msg("%s", bad[i]);
    }
    assert_false(target_is_authority(span_of("a\0b", 3)));
    assert_false(target_is_authority(span_of("a\0", 2)));
    assert_true(target_is_authority(span_of(NULL, 0)));
}

#define CASE(name) cmocka_unit_test_teardown(name, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_matrix),    CASE(test_parts),     CASE(test_loopback), CASE(test_sites),
        CASE(test_addresses), CASE(test_key_files), CASE(test_targets),  CASE(test_authorities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
