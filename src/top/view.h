/*
 * What `spile top` shows: one moment of a collector's statistics, the model between where they come
 * from (reply.c reads JSON, whoever brought it) and what is drawn (layout.c). What can be shown
 * stands in three tables: numbers, lists, and the lists' columns.
 */
#ifndef SPILE_TOP_VIEW_H
#define SPILE_TOP_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "stats/stats.h"
#include "top/form.h"

/* The replies of the API that a view is made of. */
enum top_document {
    DOCUMENT_INDEX,
    DOCUMENT_STREAMS,
    DOCUMENT_STATISTICS, /* of the window that is shown; rates are those of now */
    DOCUMENT_UPSTREAM,   /* of that side alone */
    DOCUMENT_OUTPUTS,
    DOCUMENT_INPUTS,
    DOCUMENT_STATUS,
    DOCUMENT_NEW,     /* while its table is shown */
    DOCUMENT_SEARCH,  /* while something is searched for */
    DOCUMENT_EXPLAIN, /* while something is explained */
    DOCUMENT_TABLES,  /* one or many */
    TOP_DOCUMENTS,
};

/* A number of the summary. */
enum top_number {
    NUMBER_STARTED, /* Unix milliseconds, as the next */
    NUMBER_TIME,
    NUMBER_EXACT,       /* 1: the tables have evicted nothing */
    NUMBER_COUNTS_FROM, /* since when a window has what single streams sent, Unix milliseconds */
    NUMBER_COUNTS_LATE, /* by so much that is later than it begins */
    NUMBER_KEYS_FROM,   /* the same of their tables and distinct numbers */
    NUMBER_KEYS_LATE,
    NUMBER_CLIENTS_EXACT, /* 1: counted, as the next four; 0: estimated */
    NUMBER_SERVERS_EXACT,
    NUMBER_DOMAINS_EXACT,
    NUMBER_ASKED_EXACT,
    NUMBER_ANSWERED_EXACT,
    NUMBER_CLIENTS,
    NUMBER_SERVERS, /* asked upstream */
    NUMBER_DOMAINS,
    NUMBER_ASKED,
    NUMBER_ANSWERED,
    NUMBER_FRAMES, /* of all inputs since the start */
    NUMBER_QUERIES,
    NUMBER_QUERY_BYTES,
    NUMBER_QUERY_RATE,
    NUMBER_QUERY_RATE_1M,
    NUMBER_QUERY_RATE_15M,
    NUMBER_RESPONSES,
    NUMBER_RESPONSE_BYTES,
    NUMBER_RESPONSE_RATE,
    NUMBER_RESPONSE_RATE_1M,
    NUMBER_RESPONSE_RATE_15M,
    NUMBER_LATENCY_MEAN,
    NUMBER_LATENCY_P50,
    NUMBER_LATENCY_P90,
    NUMBER_LATENCY_P99,
    NUMBER_LATENCY_P999,
    NUMBER_NODATA, /* of answers, as the next */
    NUMBER_TRUNCATED,
    NUMBER_EDNS, /* of queries, as the next two */
    NUMBER_DO,
    NUMBER_AFTER_TRUNCATED,
    NUMBER_MALFORMED,
    NUMBER_UNLISTED,
    NUMBER_OTHER_STREAMS,
    NUMBER_DROPPED, /* by all outputs */
    NUMBER_FROM,    /* the first and the last time that messages say, Unix milliseconds */
    NUMBER_TO,
    NUMBER_ELSEWHEN,   /* 1: that is far from when they arrived */
    NUMBER_UNANSWERED, /* upstream's, as the next four */
    NUMBER_TIMEOUTS,
    NUMBER_RETRIES,
    NUMBER_CACHE, /* so much of the answers to clients needed no question */
    NUMBER_CACHE_ANSWERS,
    NUMBER_ROW_QUERIES, /* of what is explained, in the window, as the next five */
    NUMBER_ROW_RESPONSES,
    NUMBER_ROW_NXDOMAIN,
    NUMBER_ROW_FAILED,
    NUMBER_ROW_MEAN,
    NUMBER_ROW_FLOOR, /* where there is no row: so many queries and answers at most */
    NUMBER_LIVE_FROM, /* of what is explained, of live events, as all behind it */
    NUMBER_LIVE_SECONDS,
    NUMBER_LIVE_UNSEEN,
    NUMBER_LIVE_QUERIES,
    NUMBER_LIVE_QUERY_BYTES,
    NUMBER_LIVE_RESPONSES,
    NUMBER_LIVE_RESPONSE_BYTES,
    NUMBER_LIVE_P50,
    NUMBER_LIVE_P90,
    NUMBER_LIVE_P99,
    NUMBER_LIVE_MEAN,
    TOP_NUMBERS
};

struct top_number_row {
    enum top_document document;
    const char *path;
    enum top_form form;
};
extern const struct top_number_row top_numbers[TOP_NUMBERS];

/* Lists: those that have a table on the screen (in the order in which keys step through them), and
 * behind them those of the summary alone. */
enum top_list_id {
    LIST_ASKED,
    LIST_ANSWERED,
    LIST_NXDOMAIN,
    LIST_SERVFAIL,
    LIST_SLOWEST,
    LIST_REGISTRABLE,
    LIST_TLDS,
    LIST_CLIENTS,
    LIST_CLIENT_BYTES,
    LIST_NXDOMAIN_CLIENTS,
    LIST_SERVERS,
    LIST_SLOW_SERVERS,
    LIST_FAILING,
    LIST_NEW,
    LIST_RCODES,
    LIST_TYPES,
    LIST_TRANSPORT_TIMES,
    LIST_UDP_SIZES,
    LIST_EDNS_VERSIONS,
    LIST_STREAMS,
    LIST_OUTPUTS,
    LIST_FOUND_NAMES,
    LIST_FOUND_CLIENTS,
    LIST_FOUND_SERVERS,
    LIST_FOUND_STREAMS,
    LIST_ITS_CLIENTS, /* of what is explained, as all up to the last table */
    LIST_ITS_SERVERS,
    LIST_ITS_NAMES,
    LIST_UNDER,
    LIST_ITS_RCODES,
    LIST_ITS_TYPES,
    TOP_TABLES,
    LIST_TRANSPORTS = TOP_TABLES,
    LIST_FAMILIES,
    LIST_ITS_TRANSPORTS,
    LIST_PLACES, /* where DNS servers connect */
    LIST_HINTS,  /* what keeps them from being heard */
    TOP_LISTS
};

/* What a list looks like in the API's replies. */
enum top_kind {
    KIND_TABLE,   /* asked for by name, sorted by who answers */
    KIND_PAIR,    /* two objects {name: count} of the statistics: queries' and responses' */
    KIND_ROWS,    /* an array of objects that have a name */
    KIND_MEMBERS, /* an object of such objects by name */
    KIND_COUNTED, /* such an array as "rows" of an object, which says how many there are in all */
    KIND_FOUND,   /* the same of what was found: one of the objects in "tables" */
};

/* What the screen is about: everything; what has a text in it; or one name and what is below it, or
 * one client. Rows of tables are subjects: what is known of them can be asked for. */
enum top_subject_kind { SUBJECT_ALL, SUBJECT_SEARCH, SUBJECT_NAME, SUBJECT_CLIENT, SUBJECT_STREAM };
enum { TOP_SUBJECT_MAX = 1024 }; /* bytes of a name's text, the terminator included */
struct top_subject {
    enum top_subject_kind kind;
    char text[TOP_SUBJECT_MAX];
};

/* Where tables are: those of everything, of a search, or of what is explained. */
enum top_page { PAGE_ALL, PAGE_FOUND, PAGE_EXPLAINED };
static inline enum top_page top_page_of(enum top_subject_kind kind)
{
    return kind == SUBJECT_ALL ? PAGE_ALL : kind == SUBJECT_SEARCH ? PAGE_FOUND : PAGE_EXPLAINED;
}

enum { TOP_COLUMNS_MAX = 16, TOP_ROWS_MAX = 4096 };

/* Whose numbers have it. */
enum top_only { TOP_BOTH, TOP_CLIENT, TOP_UPSTREAM };
static inline bool top_has(enum top_only only, enum stats_side side)
{
    return only == TOP_BOTH || (only == TOP_UPSTREAM) == (side == STATS_UPSTREAM);
}

/* A column; a table ends with one whose title is NULL. The first ones are the most important. */
struct top_column {
    const char *title;
    const char *path; /* in the row; "a+b" is the sum of two. FORM_SHARE: what is a part of all
                         queries. KIND_PAIR: the object of that direction */
    const char *by;   /* KIND_TABLE: the API's word for it */
    enum top_form form;
    enum top_only only;
};

struct top_table {
    const char *title;
    enum top_kind kind;
    enum top_document document;
    const char *name; /* KIND_TABLE: the table's; KIND_PAIR: the objects'; KIND_ROWS: the array's;
                         KIND_MEMBERS: the path to the object */
    const struct top_column *columns;
    const char *by; /* the title of the column that it goes by first */
    const char
        *label; /* KIND_ROWS: where a row's name is, and what has none is no row; NULL: "name" */
    enum top_only only;
    enum top_page page;
    enum top_subject_kind rows; /* what its rows are; SUBJECT_ALL: nothing that is explained */
    enum top_subject_kind of;   /* of these alone; SUBJECT_ALL: of whatever its page is about */
};
extern const struct top_table top_tables[TOP_LISTS];

/* The number of columns of a list, and the one it goes by first. */
int top_column_count(enum top_list_id list);
int top_first_by(enum top_list_id list);

/* What decides which tables there are. */
struct top_scene {
    enum top_subject_kind subject;
    enum stats_side side;
};
/* The tables of a scene: how many there are, the one at a place (from 0; it goes on round the end)
 * and the place of one. */
int top_table_count(struct top_scene scene);
enum top_list_id top_table_at(struct top_scene scene, int place);
int top_table_place(struct top_scene scene, enum top_list_id list);

struct top_row {
    const char *name;               /* as it came: not fit for a terminal */
    size_t rank;                    /* its place in the list, from 1 */
    double values[TOP_COLUMNS_MAX]; /* NAN: not known */
};

struct top_list {
    bool known; /* it was read; rows may still be none */
    int by;     /* the column that it goes by */
    size_t count;
    double keys;     /* rows there are in all */
    bool estimated;  /* that is an estimate */
    double searched; /* so many of the heaviest were looked through; 0: all */
    double error;    /* the first row's true value may be larger by so much; 0: exact */
    /* Of single streams: since when it has what they sent, and which keys these had, Unix
     * milliseconds; 0: since the window began. */
    double counts_from, keys_from;
    struct top_row *rows;
};

/* Zeroed is empty. Immutable once it is filled. Owner: one thread at a time. */
struct top_view {
    char *stream; /* NULL: all */
    enum stats_side side;
    enum stats_window_id window;
    struct top_subject subject;
    double numbers[TOP_NUMBERS];
    struct top_list lists[TOP_LISTS];
    double taken; /* when, in seconds of clock_ns(); 0: the view is empty */
    struct {
        void *items[TOP_DOCUMENTS + TOP_TABLES]; /* json_t: rows' names are in them */
        size_t count;
    } held;
};

void top_view_free(struct top_view *view);
/* True when nothing has come yet, of any stream and on either side: then the view has LIST_PLACES
 * and LIST_HINTS, too. */
bool top_view_is_empty(const struct top_view *view);

/* Whether the view tells of the subject: all do of everything, and one that has searched for less
 * has all that is found. */
bool top_view_is_of(const struct top_view *view, const struct top_subject *subject);
/* Of a search only rows with its text in their names, whatever the case, are shown. */
bool top_row_matches(const struct top_row *row, const struct top_subject *subject);

/* What a view shall show. */
struct top_wish {
    char stream[1024]; /* empty: all */
    enum stats_side side;
    enum stats_window_id window;
    struct top_subject subject;
    unsigned resets; /* how often the window's numbers were to be forgotten */
    int rows;        /* of each table */
    int by[TOP_TABLES];
    bool tables[TOP_TABLES]; /* of those that must be asked for */
};

#endif
