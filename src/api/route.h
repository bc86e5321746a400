/*
 * Routes: what can be asked, by whom, and who answers. A route is one constant row; all rows
 * together stand in src/app/http_routes.c, which is to routes what src/app/registry.c is to
 * modules.
 *
 * Handlers run on the threads of who asks, as the web server's, several at once; they read
 * snapshots and counters, and never wait for the data path, but for those of rows that say so.
 */
#ifndef SPILE_API_ROUTE_H
#define SPILE_API_ROUTE_H

#include "base/account.h"
#include "base/buf.h"
#include "core/engine.h"
#include "stats/stats.h"

struct history;
struct http_record;
struct error;
struct live;
struct parameters;
struct watches;

/* Bounds of the page /metrics. */
struct metrics_limits {
    uint64_t streams; /* identities with samples of their own; all others together are "other" */
    uint64_t types;   /* query types likewise */
    uint64_t top;     /* domains and clients with samples of their own; 0: none */
};

struct api_context;

/* What the program around the engine is told by who may. Any thread; each waits for the main
 * thread, some seconds at most. -1: err. */
struct api_commands {
    void *arg;
    /* Reads the configuration again, and goes over to it unless it is `dry`. Both buffers get
     * lines: what changes, and what will at the next start alone. `by`: the context of who was
     * asked. */
    int (*reload)(void *arg, const struct api_context *by, bool dry, struct buf *changes,
                  struct buf *later, struct error *err);
    int (*stop)(void *arg, struct error *err);
};

/* What is known of the configuration. Owner: app/service.h. */
struct api_configured {
    const char *path;    /* as it was given; NULL: there are flags alone */
    atomic_bool refused; /* when it was last read again: what was in force before it still is */
};

/* What handlers look at. Each server has one of its own, which never changes. Owner: app/parts.c.
 */
struct api_context {
    struct stats *stats;
    struct engine *engine;
    struct history *history; /* NULL: off */
    struct live *live;
    struct watches *watches;             /* NULL: none */
    const struct http_record *web;       /* of the web servers; NULL: there can be none */
    const struct api_commands *commands; /* NULL: it takes none */
    const struct api_configured *configured;
    bool compat;                   /* --compat dnstap-receiver */
    bool legacy_metrics;           /* web: legacy-metrics */
    struct metrics_limits metrics; /* web: metrics-streams, -types, -top */
    int64_t started_ms;            /* wall clock */
    size_t descriptors; /* that the server may use for connections; 0: as the settings say */
};

enum { API_BODY_MAX = 64 << 10 };
enum api_method { API_GET, API_DELETE, API_POST, API_METHODS }; /* GET answers HEAD, too */

/* How a request that may not pass is answered. */
enum api_access {
    ACCESS_BROWSER, /* 401 with WWW-Authenticate: Basic */
    ACCESS_LEGACY,  /* as dnstap-receiver: an empty 401, application/octet-stream */
    ACCESS_OPEN,    /* needs no credentials: health and readiness */
};

/* One request, as a handler sees it. */
struct api_request {
    const struct api_context *context;
    const struct api_route *route;
    const struct parameters *parameters; /* api/parameters.h */
    /* NULL: there are none. */
    struct span (*header)(const struct api_request *request, const char *name);
    struct span path;
    struct span body;      /* absent: there is none, or an empty one */
    struct account client; /* whose it is, where something is shared out */
    void *priv;            /* of who asks: for `header` */
};
/* A parameter; absent (NULL ptr): not given, empty: given without value. When it is given more than
 * once, which only a route that ignores_unknown lets pass, the first counts. */
struct span api_parameter(const struct api_request *request, const char *name);
/* A header; absent: not sent. */
struct span api_header(const struct api_request *request, const char *name);

/* Filled by the handler; zeroed it is 200 with an empty body. */
struct api_reply {
    unsigned status;          /* 0: 200 */
    const char *content_type; /* NULL: application/json; charset=utf-8 */
    struct buf body;          /* freed by who asked */
    struct span fixed;        /* a constant body instead, never copied */
    const char *etag;         /* of `fixed`: answered with 304 when the client has it */
    const char *encoding; /* Content-Encoding of `fixed`, with Vary: Accept-Encoding; NULL: none */
    const char *cache;    /* Cache-Control; NULL: no-store */
    const char *csp;      /* Content-Security-Policy; NULL: default-src 'none' */
    /* Of the snapshot that it shows (struct stats_snapshot); 0: of none. Where the tables are not
     * of that version afterwards the handler is called again (api_answer), at last with `torn`. */
    uint64_t version;
    bool torn; /* it may show tables that do not go with the snapshot, and has to say so */
    /* Server-sent events instead of a body: called again and again for more bytes. See live.c. */
    struct api_endless *stream;
};

/* Who reads a stream to send it, and sleeps while there is nothing. */
struct api_waiter {
    void (*wake)(struct api_waiter *waiter); /* any thread; cheap when it does not sleep */
};

/* A body without end. Its source calls api_endless_wake when there is something to read. */
struct api_endless {
    /* Up to `size` bytes into `out`; 0: nothing now (the connection sleeps until the wake), -1: the
     * end. Never blocks. Server's thread. */
    long (*read)(struct api_endless *stream, char *out, size_t size);
    /* The client has gone, or the server stops. The last call: the stream is its source's again. */
    void (*close)(struct api_endless *stream);
    _Atomic(struct api_waiter *) waiter; /* the server's; NULL until the reply is being sent */
};
/* Any thread: there is something to read. */
void api_endless_wake(struct api_endless *stream);

/* A parameter for the documentation (OpenAPI). A table ends with a row whose name is NULL. */
struct api_parameter {
    const char *name;
    const char *type; /* JSON Schema: "integer", "string", "boolean" */
    const char *doc;
    bool required;
};

struct api_route {
    const char *path; /* exact */
    enum api_method method;
    enum api_access access;
    const char *doc;                        /* one sentence */
    const struct api_parameter *parameters; /* NULL: none */
    /* Set for routes that other programs' pages and scripts ask, and for files: a parameter that
     * the route does not know, such as a number against caches, is ignored. Elsewhere it is a 400,
     * as is a parameter given twice. */
    bool ignores_unknown;
    bool commands;   /* changes what the program does: over HTTP it needs credentials */
    bool waits;      /* its answer may take seconds */
    bool ends;       /* it ends the program: there is room for it where all wait that may */
    bool plain;      /* shows nothing of the statistics, which may be off */
    bool takes_body; /* of API_BODY_MAX bytes at most; elsewhere a request with a body is a 413 */
    const char *schema; /* the JSON reply's, in the notation of api/shape.h; NULL: text */
    void (*handle)(const struct api_request *request, struct api_reply *reply);
};

/* "GET", "DELETE", "POST". */
extern const char *const api_method_names[API_METHODS];
/* False for files of the dashboard, which are routes but nothing to program with. */
bool api_route_is_documented(const struct api_route *route);

/* All routes; ends with NULL. Defined in src/app/http_routes.c alone. */
extern const struct api_route *const api_routes[];
/* The first route of a path as it was sent, never decoded; the root of the API may have a slash at
 * its end. NULL: there is none. */
const struct api_route *api_route_find(struct span path);
/* The route of that path which takes the method, by name, as "GET" does "HEAD". NULL: none does. */
const struct api_route *api_route_for(const char *path, const char *method);

/* A JSON error: {"error": "..."}; printf. */
__attribute__((format(printf, 3, 4))) void api_fail(struct api_reply *reply, unsigned status,
                                                    const char *format, ...);

#define API_ROOT "/api/v1"
/* True for API_ROOT and all below it, whether there is such a route or not: errors are JSON
 * there. */
bool api_path_is_native(struct span path);

#endif
