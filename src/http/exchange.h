/* One request and its reply: libmicrohttpd's callbacks, and what happens between them. */
#ifndef SPILE_HTTP_EXCHANGE_H
#define SPILE_HTTP_EXCHANGE_H

#include <microhttpd.h>

#include "http/clients.h"
#include "http/failures.h"
#include "http/guard.h"
#include "http/pause.h"
#include "http/stream_reply.h"
#include "http/waits.h"

/* What all exchanges of a server share. Owner: the server. */
struct exchanges {
    const struct api_context *context;
    struct guard guard;
    struct clients *clients;
    struct failures *failures;
    struct stream_replies streams;
    struct pauses pauses;
    atomic_bool leaving; /* who is answered is to come again by another connection */
    struct waits waits;
    _Atomic size_t held; /* bytes of replies that clients have not taken yet */
};

/* MHD_NotifyConnectionCallback; cls: struct exchanges. */
void exchange_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                         enum MHD_ConnectionNotificationCode what);
/* MHD_OPTION_URI_LOG_CALLBACK: the target as it came. The result is the exchange. */
void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *connection);
/* MHD_AccessHandlerCallback. */
enum MHD_Result exchange_answer(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **request_context);
/* MHD_RequestCompletedCallback. */
void exchange_end(void *cls, struct MHD_Connection *connection, void **request_context,
                  enum MHD_RequestTerminationCode how);

#endif
