/* The section `web` of the configuration; rows: web_section in http/section.c. */
#ifndef SPILE_HTTP_SETTINGS_H
#define SPILE_HTTP_SETTINGS_H

#include "api/route.h"
#include "conf/option.h"

enum http_legacy { HTTP_LEGACY_AUTO, HTTP_LEGACY_ON, HTTP_LEGACY_OFF };

struct http_settings {
    struct option_hostport listen;
    char *api_key;
    char *api_key_file;
    char *login;
    char *password;
    char *bearer_token;
    char *tls_cert;
    char *tls_key;
    int legacy_metrics;           /* enum http_legacy */
    uint64_t connections;         /* at most, in all */
    uint64_t connections_address; /* and from one address */
    uint64_t header_timeout_ns;   /* until a request's headers are complete */
    uint64_t idle_timeout_ns;     /* of a kept-alive connection */
    struct metrics_limits metrics;
};

#endif
