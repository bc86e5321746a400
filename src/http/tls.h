/* Certificate and key of the web server, and the library's words for them. */
#ifndef SPILE_HTTP_TLS_H
#define SPILE_HTTP_TLS_H

#include <microhttpd.h>

#include "http/server.h"

/* Owner: the server. Zeroed: plain HTTP. Must not move while the library's server runs. */
struct tls {
    char *cert, *key; /* PEM, terminated */
    struct MHD_OptionItem options[4];
};

/* Reads both files and fills `options`, as far as they are configured. NULL, or the name of the
 * option that is to blame: err. After an error, too, tls_free is of use. */
const char *tls_read(struct tls *tls, const struct http_settings *settings, struct error *err);
/* Forgets the key. */
void tls_free(struct tls *tls);
/* Reads both, and has the library take them without listening anywhere. NULL, or the name of the
 * option that is to blame: err. */
const char *tls_probe(const struct http_settings *settings, struct error *err);
/* What to say when the library does not take them; -1. */
int tls_refuse(struct error *err);

#endif
