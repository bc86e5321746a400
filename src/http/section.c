/* The section `web` of the configuration. */
#include "conf/module.h"
#include "http/guard.h"
#include "http/server.h"
#include "http/tls.h"
#include "io/place.h"

static const char *const legacy_choices[] = {"auto", "true", "false", NULL};

#define WEB(member) .offset = offsetof(struct http_settings, member)

static const struct option web_options[] = {
    {.name = "listen",
     .type = OPTION_HOSTPORT,
     WEB(listen),
     .fallback = "127.0.0.1:8080",
     .exclusive = true,
     .doc = "where to listen; beyond loopback credentials are needed"},
    {.name = "api-key",
     .type = OPTION_STRING,
     WEB(api_key),
     .secret = true,
     .min = 1,
     .max = 1024,
     .example = "change me",
     .doc = "lets in who sends it as X-API-Key; SPILE_API_KEY in the environment goes before it"},
    {.name = "api-key-file",
     .type = OPTION_PATH,
     WEB(api_key_file),
     .example = "/etc/spile/api-key",
     .doc = "a file (no pipe) that holds the API key in its first line, instead of api-key"},
    {.name = "login",
     .type = OPTION_STRING,
     WEB(login),
     .min = 1,
     .max = 255,
     .example = "admin",
     .doc = "with password: lets in who sends both (HTTP Basic), as browsers do; without it they "
            "log in as spile, with the API key as the password"},
    {.name = "password",
     .type = OPTION_STRING,
     WEB(password),
     .secret = true,
     .min = 1,
     .max = 255,
     .example = "change me",
     .doc = "goes with login"},
    {.name = "bearer-token",
     .type = OPTION_STRING,
     WEB(bearer_token),
     .secret = true,
     .min = 1,
     .max = 1024,
     .example = "change me",
     .doc = "lets in who sends it as Authorization: Bearer, as Prometheus can"},
    {.name = "tls-cert",
     .type = OPTION_PATH,
     WEB(tls_cert),
     .example = "/etc/spile/cert.pem",
     .doc = "with tls-key: HTTPS with this certificate and its chain, in PEM; TLS 1.2 or later, "
            "with forward secrecy"},
    {.name = "tls-key",
     .type = OPTION_PATH,
     WEB(tls_key),
     .example = "/etc/spile/key.pem",
     .doc = "its private key, in PEM"},
    {.name = "legacy-metrics",
     .type = OPTION_ENUM,
     WEB(legacy_metrics),
     .fallback = "auto",
     .choices = legacy_choices,
     .doc = "whether /metrics has the sample names of dnstap-receiver, too; auto: with "
            "compat: dnstap-receiver"},
    {.name = "connections",
     .type = OPTION_UINT,
     WEB(connections),
     .fallback = "512",
     .min = 8,
     .max = 16384,
     .doc = "at most so many connections; one more closes one that brought no credentials, or that "
            "waits "
            "or does not take its reply"},
    {.name = "connections-address",
     .type = OPTION_UINT,
     WEB(connections_address),
     .fallback = "64",
     .min = 1,
     .max = 16384,
     .doc =
         "at most so many from one address (of IPv6: from one /64), where one more closes another "
         "likewise; loopback has no such limit"},
    {.name = "header-timeout",
     .type = OPTION_DURATION,
     WEB(header_timeout_ns),
     .fallback = "5s",
     .min = 100000000,
     .max = 3600000000000,
     .doc = "how long a client may take to send its request"},
    {.name = "idle-timeout",
     .type = OPTION_DURATION,
     WEB(idle_timeout_ns),
     .fallback = "75s",
     .min = 1000000000,
     .max = 86400000000000,
     .doc = "how long a connection is kept for another request"},
    {.name = "metrics-streams",
     .type = OPTION_UINT,
     WEB(metrics.streams),
     .fallback = "100",
     .max = 10000,
     .doc = "at most so many identities have samples of their own on /metrics; those of all others "
            "are added up as other"},
    {.name = "metrics-types",
     .type = OPTION_UINT,
     WEB(metrics.types),
     .fallback = "40",
     .max = 320,
     .doc = "likewise of query types, the most frequent ones"},
    {.name = "metrics-top",
     .type = OPTION_UINT,
     WEB(metrics.top),
     .fallback = "0",
     .max = 1000,
     .doc = "so many of the most frequent domains, clients and servers are on /metrics, too"},
    {0},
};

static bool has_credentials(const struct http_settings *web)
{
    return web->api_key || web->api_key_file || web->login || web->bearer_token;
}

static enum module_verdict refuse(const void **wrong, const void *culprit, const char *text,
                                  struct error *err)
{
    *wrong = culprit;
    error_set(err, "%s", text);
    return MODULE_REFUSES;
}

static enum module_verdict check(const void *options, const void **wrong, struct error *err)
{
    const struct http_settings *web = options;
    if (!web->tls_cert != !web->tls_key)
        return refuse(wrong, web->tls_cert ? &web->tls_cert : &web->tls_key,
                      "tls-cert and tls-key go together", err);
    if (!web->login != !web->password)
        return refuse(wrong, web->login ? &web->login : &web->password,
                      "login and password go together", err);
    if (web->login && strchr(web->login, ':'))
        return refuse(wrong, &web->login, "login: HTTP Basic has no colon in it", err);
    if (has_credentials(web) || place_loopback(web->listen.host, false) != 0)
        return MODULE_FINE;
    *wrong = &web->listen;
    http_refuse_open(&web->listen, err);
    return MODULE_REFUSES;
}

static enum module_verdict probe(const void *options, const void **wrong, struct error *err)
{
    const struct http_settings *web = options;
    if (guard_probe(web, err) < 0) {
        *wrong = &web->api_key_file;
        return MODULE_REFUSES;
    }
    *wrong = tls_probe(web, err);
    if (*wrong)
        return MODULE_REFUSES;
    *wrong = &web->listen;
    int status = place_listen(web->listen.host, web->listen.port, err);
    if (status == 0 && !has_credentials(web) && place_loopback(web->listen.host, true) == 0)
        status = http_refuse_open(&web->listen, err);
    return module_verdict_of(status);
}

bool http_legacy_metrics(const struct http_settings *settings, bool compat)
{
    return settings->legacy_metrics == HTTP_LEGACY_AUTO
               ? compat
               : settings->legacy_metrics == HTTP_LEGACY_ON;
}

const struct module web_section = {
    .name = "web",
    .kind = MODULE_SECTION,
    .doc = "The web server: dashboard, API and Prometheus metrics. Without credentials (api-key, "
           "login and password, bearer-token) it is for this machine alone: only loopback may "
           "connect, under a name that is of loopback. A request has to bring one of the "
           "configured credentials, and none that is wrong.",
    .options_size = sizeof(struct http_settings),
    .options = web_options,
    .check = check,
    .probe = probe,
};
