/* Where to: HOST:PORT, unix:PATH, tcp:HOST:PORT, from any text. What is taken is shown as what
 * would be taken for the same; what is refused has a reason. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hostport.h"
#include "fuzz.h"
#include "io/endpoint.h"
#include "top/remote.h"

static void check_hostport(struct span text)
{
    struct hostport parts = {0}, again;
    char host[HOSTPORT_HOST_MAX + 1], shown[HOSTPORT_TEXT_MAX];
    enum hostport_fault fault = hostport_parse(&parts, text);
    if (fault == HOSTPORT_BAD_HOST || fault == HOSTPORT_BAD_PORT)
        return;
    assert(parts.host.len > 0 && parts.host.len <= HOSTPORT_HOST_MAX);
    assert(parts.host.ptr >= text.ptr && parts.host.ptr + parts.host.len <= text.ptr + text.len);
    if (fault != HOSTPORT_FINE)
        return;
    memcpy(host, parts.host.ptr, parts.host.len);
    host[parts.host.len] = '\0';
    assert(strlen(host) == parts.host.len);
    assert(hostport_parse(&again, span_str(hostport_text(shown, host, parts.port))) ==
           HOSTPORT_FINE);
    assert(again.port == parts.port && span_equal(again.host, span_str(host)));
}

static void check_endpoint(const char *text)
{
    struct endpoint endpoint = {0}, again = {0};
    struct error err = {0};
    char shown[ENDPOINT_TEXT_MAX];
    if (endpoint_parse(&endpoint, text, &err) < 0) {
        assert(err.text[0]);
        return;
    }
    assert(endpoint_looks_like(text));
    assert(endpoint_parse(&again, endpoint_text(&endpoint, shown), &err) == 0);
    assert(again.kind == endpoint.kind && strcmp(again.address, endpoint.address) == 0);
    assert(endpoint.kind == ENDPOINT_UNIX || again.port == endpoint.port);
}

/* A password in a URL is not shown. */
static void check_url(const char *url)
{
    struct error err = {0};
    struct top_remote_options options = {.url = url};
    if (!top_remote_looks_like(url))
        return;
    struct top_remote *remote = top_remote_new(&options, &err);
    assert(remote || err.text[0]);
    const char *host = remote ? strstr(top_remote_name(remote), "//") : NULL;
    assert(!host || !memchr(host + 2, '@', strcspn(host + 2, "/?#")));
    top_remote_free(remote);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *text = malloc(len + 1);
    assert(text);
    memcpy(text, bytes, len);
    text[len] = '\0';
    check_hostport(span_of(bytes, len));
    check_endpoint(text);
    check_url(text);
    free(text);
    return 0;
}
