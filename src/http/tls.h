/* Certificate and key of the web server, and the library's words for them. */
#ifndef SPILE_HTTP_TLS_H
#define SPILE_HTTP_TLS_H

#include <microhttpd.h>

#include "http/settings.h"

/* Owner: the server. Zeroed: plain HTTP. Must not move while the library's server runs. */
struct tls {
    char *cert, *key; /* PEM, terminated */
    struct MHD_OptionItem options[4];
};

/* Reads the files that are configured, and fills `options`. Returns NULL, or the setting that is to
 * blame, with err. To be freed with tls_free, after an error, too. */
const void *tls_read(struct tls *tls, const struct http_settings *settings, struct error *err);
/* True when both have the same certificate and key. */
bool tls_equal(const struct tls *a, const struct tls *b);
/* Frees both, and overwrites the key. */
void tls_free(struct tls *tls);
/* Reads both files and lets the library try them, without listening anywhere. Returns as tls_read.
 */
const void *tls_probe(const struct http_settings *settings, struct error *err);
/* Sets err to what to say when the library does not take them. Returns -1. */
int tls_refuse(struct error *err);

#endif
