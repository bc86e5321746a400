#include "top/remote.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "top/reply.h"

enum { CONNECT_MS = 3000, REQUEST_MS = 10000, KEY_MAX = 1024, URL_MAX = 2048 };

/* Owner: one thread at a time. */
struct top_remote {
    CURL *curl;
    struct curl_slist *headers;
    char base[URL_MAX]; /* without a slash at its end */
    char name[URL_MAX];
    char reason[CURL_ERROR_SIZE];
    const char *sent; /* what credentials are sent, as an error says it */
    atomic_bool cancelled;
};

bool top_remote_looks_like(const char *text)
{
    return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

struct span top_remote_login(const char *url)
{
    const char *host = strstr(url, "//") + 2;
    const char *at = memrchr(host, '@', strcspn(host, "/?#"));
    return span_of((const uint8_t *)host, at ? (size_t)(at - host) : 0);
}

/* "http://user:password@host/" is shown as "http://host/". */
static void set_name(struct top_remote *remote, const char *url)
{
    const char *host = strstr(url, "//") + 2;
    struct span login = top_remote_login(url);
    snprintf(remote->name, sizeof remote->name, "%.*s%s", (int)(host - url), url,
             host + login.len + (host[login.len] == '@'));
}

int top_remote_check(const char *url, struct error *err)
{
    CURLU *parts = curl_url();
    const char *host = strstr(url, "//");
    bool right = parts && top_remote_looks_like(url) && strcspn(host + 2, "/?#") > 0 &&
                 strlen(url) < URL_MAX - 1024 &&
                 curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(parts);
    return right ? 0 : error_set(err, "no URL: it should look like http://HOST:PORT/");
}

static int set_url(struct top_remote *remote, const char *url, struct error *err)
{
    size_t len = strcspn(url, "?#");
    while (len > 0 && url[len - 1] == '/')
        len--;
    if (top_remote_check(url, err) < 0)
        return -1;
    snprintf(remote->base, sizeof remote->base, "%.*s", (int)len, url);
    set_name(remote, url);
    if (top_remote_login(url).len > 0)
        remote->sent = "login";
    return 0;
}

/* A key, which `what` is, may not bring header lines of its own. NULL: there is none. */
static int set_key(struct top_remote *remote, const char *what, const char *header, const char *key,
                   struct error *err)
{
    char line[KEY_MAX + 32];
    if (!key)
        return 0;
    for (const char *p = key; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return error_set(err, "the %s has control characters", what);
    if (strlen(key) > KEY_MAX)
        return error_set(err, "the %s has more than %d bytes", what, KEY_MAX);
    snprintf(line, sizeof line, "%s%s", header, key);
    struct curl_slist *headers = curl_slist_append(remote->headers, line);
    if (!headers)
        return error_set(err, "no memory");
    remote->headers = headers;
    remote->sent = what;
    return 0;
}

static size_t receive(char *bytes, size_t one, size_t count, void *arg)
{
    struct buf *body = arg;
    if (body->len + one * count > REPLY_MAX)
        return 0;
    buf_put(body, bytes, one * count);
    return body->failed ? 0 : one * count;
}

/* curl asks about once a second. */
static int progress(void *arg, curl_off_t to_get, curl_off_t got, curl_off_t to_put, curl_off_t put)
{
    struct top_remote *remote = arg;
    (void)to_get, (void)got, (void)to_put, (void)put;
    return atomic_load(&remote->cancelled);
}

/* No redirects and no proxies: the key goes to the server that the user named, and nobody else. */
static void set_options(struct top_remote *remote, const char *ca_cert)
{
    CURL *curl = remote->curl;
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)REQUEST_MS);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, remote->reason);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, remote->headers);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "spile/" SPILE_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, remote);
    if (ca_cert)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca_cert);
}

struct top_remote *top_remote_new(const struct top_remote_options *options, struct error *err)
{
    struct top_remote *remote = calloc(1, sizeof *remote);
    if (!remote || curl_global_init(CURL_GLOBAL_DEFAULT) != 0 ||
        !(remote->curl = curl_easy_init())) {
        error_set(err, "no memory");
        free(remote);
        return NULL;
    }
    if (set_url(remote, options->url, err) < 0 ||
        set_key(remote, "API key", "X-API-Key: ", options->api_key, err) < 0 ||
        set_key(remote, "bearer token", "Authorization: Bearer ", options->bearer_token, err) < 0) {
        top_remote_free(remote);
        return NULL;
    }
    set_options(remote, options->ca_cert);
    return remote;
}

void top_remote_free(struct top_remote *remote)
{
    if (!remote)
        return;
    curl_slist_free_all(remote->headers);
    curl_easy_cleanup(remote->curl);
    free(remote);
}

const char *top_remote_name(const struct top_remote *remote)
{
    return remote->name;
}

/* --- requests ------------------------------------------------------------------------------- */

static int put_url(struct top_remote *remote, const char *path,
                   const struct top_parameter *parameters, struct buf *url)
{
    buf_printf(url, "%s%s", remote->base, path);
    for (int i = 0; parameters[i].name; i++) {
        struct span value = parameters[i].value;
        char *escaped = curl_easy_escape(remote->curl, (const char *)value.ptr, (int)value.len);
        buf_printf(url, "%c%s=%s", i ? '&' : '?', parameters[i].name, escaped ? escaped : "");
        curl_free(escaped);
    }
    buf_byte(url, '\0');
    return url->failed ? -1 : 0;
}

/* What the server says is wrong, if it is one of ours. */
static int refused(const struct top_remote *remote, long status, struct span body,
                   struct error *err)
{
    json_t *root = json_loadb((const char *)body.ptr, body.len, 0, NULL);
    const char *text = json_string_value(json_object_get(root, "error"));
    if (status == 401)
        error_set(err,
                  "%s wants %s%s: --api-key, --bearer-token, or a login as in "
                  "http://USER:PASSWORD@HOST/",
                  remote->name, remote->sent ? "another " : "",
                  remote->sent ? remote->sent : "credentials");
    else if (text)
        error_set(err, "%s: %.300s", remote->name, text);
    else
        error_set(err, "%s answers with status %ld: is it Spile's web server?", remote->name,
                  status);
    json_decref(root);
    return -1;
}

/* Says why there is no answer in words that help, as few of curl's do. */
static int unreachable(const struct top_remote *remote, CURLcode code, struct error *err)
{
    if (code == CURLE_COULDNT_CONNECT)
        return error_set(err, "%s: cannot connect: nobody listens there", remote->name);
    return error_set(err, "%s: %s", remote->name,
                     remote->reason[0] ? remote->reason : curl_easy_strerror(code));
}

static int perform(struct top_remote *remote, const char *url, struct buf *body, struct error *err)
{
    long status = 0;
    remote->reason[0] = '\0';
    curl_easy_setopt(remote->curl, CURLOPT_URL, url);
    curl_easy_setopt(remote->curl, CURLOPT_WRITEDATA, body);
    CURLcode code = curl_easy_perform(remote->curl);
    if (code != CURLE_OK)
        return unreachable(remote, code, err);
    curl_easy_getinfo(remote->curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 ? 0 : refused(remote, status, buf_span(body), err);
}

static int get(void *state, const char *path, const struct top_parameter *parameters,
               struct buf *body, struct error *err)
{
    struct buf url = {0};
    int result = put_url(state, path, parameters, &url);
    result = result < 0 ? error_set(err, "no memory")
                        : perform(state, (const char *)url.data, body, err);
    buf_free(&url);
    return result;
}

static int reset(void *state, enum stats_window_id window, struct error *err)
{
    struct top_remote *remote = state;
    const struct top_parameter parameters[] = {TOP_RESET_PARAMETER(window), {NULL, {0}}};
    struct buf body = {0};
    curl_easy_setopt(remote->curl, CURLOPT_CUSTOMREQUEST, "DELETE");
    int result = get(state, TOP_RESET_PATH, parameters, &body, err);
    curl_easy_setopt(remote->curl, CURLOPT_CUSTOMREQUEST, NULL);
    buf_free(&body);
    return result;
}

static void cancel(void *state)
{
    struct top_remote *remote = state;
    atomic_store(&remote->cancelled, true);
}

struct top_origin top_remote_origin(struct top_remote *remote)
{
    return (struct top_origin){.state = remote, .get = get, .reset = reset, .cancel = cancel};
}
