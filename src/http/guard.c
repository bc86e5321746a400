#include "http/guard.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/address.h"
#include "base/encode.h"
#include "base/log.h"
#include "conf/files.h"
#include "http/target.h"
#include "io/place.h"

enum { KEY_MAX = 1024 /* bytes of an API key */, KEY_FILE_MAX = 64 << 10 };

/* Who logs in with the API key as the password, where no login is configured. */
static const char key_login[] = "spile";

/* Making it -------------------------------------------------------------------------------------
 */

static int copy_text(char **place, const char *text, struct error *err)
{
    if (!text)
        return 0;
    *place = strdup(text);
    return *place ? 0 : error_set(err, "out of memory");
}

static int make_basic(struct guard *guard, const char *login, const char *password,
                      struct error *err)
{
    char *pair;
    if (asprintf(&pair, "%s:%s", login, password) < 0)
        return error_set(err, "out of memory");
    guard->basic = malloc(base64_len(strlen(pair)) + 1);
    if (guard->basic)
        *put_base64(guard->basic, span_str(pair)) = '\0';
    free(pair);
    return guard->basic ? 0 : error_set(err, "out of memory");
}

/* The file's first line, or as much of it as key[KEY_MAX + 2] has room for; its length, or -1 and
 * why. */
static ssize_t read_line(const char *path, char *key, struct error *why)
{
    struct buf text = {0};
    size_t end = 0;
    int status = config_file_read(path, CONFIG_READS_FILES, KEY_FILE_MAX, &text, why);
    while (end < text.len && end <= KEY_MAX && text.data[end] != '\r' && text.data[end] != '\n')
        end++;
    if (end > 0)
        memcpy(key, text.data, end);
    if (text.data)
        explicit_bzero(text.data, text.len);
    buf_free(&text);
    return status < 0 ? -1 : (ssize_t)end;
}

static bool is_exposed(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (st.st_mode & S_IROTH);
}

/* No client could send these in a header; a NUL would end the key before its time. */
static bool has_controls(const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)key[i] < ' ' || key[i] == 0x7f)
            return true;
    }
    return false;
}

/* The key that the file holds, terminated. -1: err. */
static int read_key(const char *path, char key[KEY_MAX + 2], struct error *err)
{
    struct error why;
    memset(key, 0, KEY_MAX + 2);
    ssize_t len = read_line(path, key, &why);
    if (len < 0)
        return error_set(err, "api-key-file: %s: %s", path, why.text);
    if (len == 0 || len > KEY_MAX)
        return error_set(err, "api-key-file: %s: the first line has %s", path,
                         len ? "more than 1024 bytes" : "no key");
    if (has_controls(key, (size_t)len))
        return error_set(err,
                         "api-key-file: %s: the key has control characters: make it of "
                         "letters and digits",
                         path);
    key[len] = '\0';
    return 0;
}

int guard_probe(const struct http_settings *settings, struct error *err)
{
    char key[KEY_MAX + 2];
    if (!settings->api_key_file)
        return 0;
    int status = read_key(settings->api_key_file, key, err);
    explicit_bzero(key, sizeof key);
    return status;
}

static int init_key(struct guard *guard, const struct http_settings *settings, struct error *err)
{
    const char *path = settings->api_key_file;
    char key[KEY_MAX + 2];
    if (!path)
        return copy_text(&guard->api_key, settings->api_key, err);
    if (read_key(path, key, err) < 0)
        return -1;
    if (is_exposed(path))
        log_warning("web: %s can be read by everybody; chmod o-r would keep the key secret", path);
    int status = copy_text(&guard->api_key, key, err);
    explicit_bzero(key, sizeof key);
    return status;
}

static int init_basic(struct guard *guard, const struct http_settings *settings, struct error *err)
{
    if (settings->login)
        return make_basic(guard, settings->login, settings->password, err);
    return guard->api_key ? make_basic(guard, key_login, guard->api_key, err) : 0;
}

int guard_init(struct guard *guard, const struct http_settings *settings, struct error *err)
{
    *guard = (struct guard){0};
    if (init_key(guard, settings, err) < 0 || init_basic(guard, settings, err) ||
        copy_text(&guard->bearer, settings->bearer_token, err))
        return -1;
    return copy_text(&guard->host, settings->listen.host, err);
}

static void forget(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void guard_free(struct guard *guard)
{
    forget(guard->api_key);
    forget(guard->basic);
    forget(guard->bearer);
    free(guard->host);
    *guard = (struct guard){0};
}

bool guard_equal(const struct guard *a, const struct guard *b)
{
    return text_equal(a->api_key, b->api_key) && text_equal(a->basic, b->basic) &&
           text_equal(a->bearer, b->bearer) && text_equal(a->host, b->host);
}

bool guard_has_credentials(const struct guard *guard)
{
    return guard->api_key || guard->basic || guard->bearer;
}

/* Judging ---------------------------------------------------------------------------------------
 */

/* Takes a time that only the stranger's own length decides. Nothing equals what is not configured.
 */
static bool equals_secret(struct span given, const char *secret)
{
    size_t len = secret ? strlen(secret) : 0;
    if (len == 0)
        return false;
    volatile size_t different = given.len ^ len;
    for (size_t i = 0; i < given.len; i++)
        different |= (size_t)(given.ptr[i] ^ (uint8_t)secret[i % len]);
    return different == 0;
}

/* When the text is "scheme token" (RFC 9110 11.4: one space or more), the token; else absent. */
static struct span token_of(struct span text, const char *scheme)
{
    size_t at = strlen(scheme), end = text.len;
    if (text.len <= at || strncasecmp((const char *)text.ptr, scheme, at) != 0 ||
        text.ptr[at] != ' ')
        return span_of(NULL, 0);
    while (at < end && text.ptr[at] == ' ')
        at++;
    while (end > at && isspace(text.ptr[end - 1]))
        end--;
    return span_of(text.ptr + at, end - at);
}

static bool authorization_right(const struct guard *guard, struct span authorization)
{
    struct span basic = token_of(authorization, "Basic");
    struct span bearer = token_of(authorization, "Bearer");
    return (basic.ptr && equals_secret(basic, guard->basic)) ||
           (bearer.ptr && equals_secret(bearer, guard->bearer));
}

static bool credentials_right(const struct guard *guard, const struct guard_request *request)
{
    if (!request->api_key.ptr && !request->authorization.ptr)
        return false;
    bool wrong = request->api_key.ptr && !equals_secret(request->api_key, guard->api_key);
    wrong |= request->authorization.ptr && !authorization_right(guard, request->authorization);
    return !wrong;
}

static bool same_text(struct span a, const char *b)
{
    return a.len == strlen(b) && strncasecmp((const char *)a.ptr, b, a.len) == 0;
}

bool guard_is_loopback(const struct sockaddr *from)
{
    uint8_t address[ADDRESS_BYTES];
    return place_address(from, address) && address_is_loopback(address);
}

/* A name that no stranger's DNS can make mean us. A request without one comes from no browser. */
static bool names_us(const struct guard *guard, struct span authority)
{
    uint8_t address[ADDRESS_BYTES];
    struct span host = target_host(authority);
    if (host.len == 0 || same_text(host, "localhost") || same_text(host, guard->host))
        return true;
    return address_parse(address, host) && address_is_loopback(address);
}

/* True when a page of another site has its visitor's browser send this. Browsers say so; older ones
 * say only where the page is from. */
static bool from_other_site(const struct guard_request *request)
{
    if (request->site.ptr)
        return !same_text(request->site, "same-origin") && !same_text(request->site, "none");
    if (!request->origin.ptr)
        return false;
    const uint8_t *slashes = memmem(request->origin.ptr, request->origin.len, "://", 3);
    if (!slashes)
        return true;
    size_t scheme = (size_t)(slashes - request->origin.ptr) + 3;
    struct span from = span_of(request->origin.ptr + scheme, request->origin.len - scheme);
    return from.len == 0 || from.len != request->host.len ||
           strncasecmp((const char *)from.ptr, (const char *)request->host.ptr, from.len) != 0;
}

enum guard_verdict guard_judge(const struct guard *guard, const struct guard_request *request)
{
    if (request->changes && from_other_site(request))
        return GUARD_FOREIGN;
    if (guard_has_credentials(guard))
        return credentials_right(guard, request) ? GUARD_PASS : GUARD_UNKNOWN;
    return request->local && !request->commands && names_us(guard, request->host) ? GUARD_PASS
                                                                                  : GUARD_FOREIGN;
}
