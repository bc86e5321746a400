#include "http/tls.h"

#include <stdlib.h>
#include <string.h>

#include "conf/files.h"

enum { PEM_MAX = 1 << 20 };

/* The whole file, terminated; NULL: err. */
static char *read_pem(const char *option, const char *path, struct error *err)
{
    struct buf text = {0};
    struct error why;
    int status = config_file_read(path, CONFIG_READS_FILES, PEM_MAX, &text, &why);
    if (status == 0 && text.len == 0)
        status = error_set(&why, "not a PEM file");
    buf_byte(&text, '\0');
    if (status == 0 && !text.failed)
        return (char *)text.data;
    buf_free(&text);
    error_set(err, "%s: %s: %s", option, path, status < 0 ? why.text : "out of memory");
    return NULL;
}

const void *tls_read(struct tls *tls, const struct http_settings *settings, struct error *err)
{
    /* Without RSA key exchange: whoever got the key later could read what was said before. */
    static char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA";
    *tls = (struct tls){.options[0].option = MHD_OPTION_END};
    if (!settings->tls_cert)
        return NULL;
    tls->cert = read_pem("tls-cert", settings->tls_cert, err);
    if (!tls->cert)
        return &settings->tls_cert;
    tls->key = read_pem("tls-key", settings->tls_key, err);
    if (!tls->key)
        return &settings->tls_key;
    tls->options[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, tls->cert};
    tls->options[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key};
    tls->options[2] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, priorities};
    tls->options[3] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    return NULL;
}

bool tls_equal(const struct tls *a, const struct tls *b)
{
    return text_equal(a->cert, b->cert) && text_equal(a->key, b->key);
}

void tls_free(struct tls *tls)
{
    if (tls->key)
        explicit_bzero(tls->key, strlen(tls->key));
    free(tls->key);
    free(tls->cert);
    *tls = (struct tls){0};
}

int tls_refuse(struct error *err)
{
    return error_set(err, "tls-cert and tls-key are not a PEM certificate and its own key");
}

static enum MHD_Result answer_none(void *cls, struct MHD_Connection *connection, const char *url,
                                   const char *method, const char *version, const char *data,
                                   size_t *size, void **connection_cls)
{
    (void)cls, (void)connection, (void)url, (void)method;
    (void)version, (void)data, (void)size, (void)connection_cls;
    return MHD_NO;
}

const void *tls_probe(const struct http_settings *settings, struct error *err)
{
    struct tls tls;
    const void *wrong = tls_read(&tls, settings, err);
    if (!wrong && tls.cert) {
        struct MHD_Daemon *daemon =
            MHD_start_daemon(MHD_USE_TLS | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, answer_none,
                             NULL, MHD_OPTION_ARRAY, tls.options, MHD_OPTION_END);
        if (daemon) {
            MHD_stop_daemon(daemon);
        } else {
            wrong = &settings->tls_cert;
            tls_refuse(err);
        }
    }
    tls_free(&tls);
    return wrong;
}
