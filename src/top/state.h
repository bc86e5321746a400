/* What the user looks at, and the keys that change it. Keys are rows of a table, from which follow
 * what they do, the help and the last line of the screen. */
#ifndef SPILE_TOP_STATE_H
#define SPILE_TOP_STATE_H

#include "top/view.h"

enum { TOP_INTERVAL_MIN_MS = 100, TOP_INTERVAL_MAX_MS = 60000 };
enum { TOP_STEPS = 8, TOP_SEARCH_MAX = 64 };

/* What is looked at more closely, and where from. */
struct top_step {
    struct top_subject subject;
    int table, row, scroll; /* as they were before */
};

/* Zeroed and given to top_state_init. Owner: the painter. */
struct top_state {
    char stream[1024]; /* empty: all */
    enum stats_side side;
    enum stats_window_id window;
    struct top_step steps[TOP_STEPS];
    int step_count;
    bool typing; /* keys are letters of what the last step searches for */
    int table;   /* the one that keys act on */
    int by[TOP_TABLES];
    int row;    /* of it: the chosen one */
    int scroll; /* rows above the first that is shown */
    bool moved; /* keys have chosen another row; else the name is chosen, wherever it stands */
    char name[TOP_SUBJECT_MAX]; /* of the chosen row, where it stood last; empty: there is none */
    int page;                   /* rows that were shown last: layout.c */
    int found;                  /* rows of the table that keys act on */
    unsigned interval_ms;
    bool recording;  /* a file is read: views have its own times */
    unsigned resets; /* how often numbers were to be forgotten */
    bool asking;     /* whether they really are to be: the next key says it */
    bool paused;
    bool help;
    bool quit;
};

/* Keys without a character of their own; other keys are their characters. */
enum top_key_code {
    TOP_KEY_LEFT = 0x100,
    TOP_KEY_RIGHT,
    TOP_KEY_UP,
    TOP_KEY_DOWN,
    TOP_KEY_PAGE_UP,
    TOP_KEY_PAGE_DOWN,
    TOP_KEY_HOME,
    TOP_KEY_END,
    TOP_KEY_BACK_TAB,
    TOP_KEY_BACKSPACE,
};

/* Characters that mean something while a text is typed. */
enum { TOP_ENTER = '\n', TOP_ESCAPE = 0x1b };

/* One row; the table ends with one whose `act` is NULL. */
struct top_key {
    const char *characters;
    int code;         /* enum top_key_code that does the same; 0: none */
    const char *name; /* as help calls them; NULL: another row's doc speaks for this one, too */
    const char *doc;  /* begins in lower case and has no full stop */
    const char *hint; /* for the screen's last line; NULL: not there */
    bool live;        /* it is about now: while a recording is read it means nothing */
    void (*act)(struct top_state *state, const struct top_view *view, int code);
};
extern const struct top_key top_keys[];

void top_state_init(struct top_state *state, unsigned interval_ms);
/* What it is all about now: everything, while no step has been taken. */
const struct top_subject *top_subject_of(const struct top_state *state);
struct top_scene top_scene_of(const struct top_state *state);
/* Finds the chosen row in a view: where it stands now, its name, and how many rows there are. */
void top_state_settle(struct top_state *state, const struct top_view *view);
/* Whether the key means something as things are. */
bool top_key_is_there(const struct top_key *key, const struct top_state *state);
/* Does what the key means; false: it means nothing. */
bool top_key(struct top_state *state, const struct top_view *view, int code);
/* The place of a stream among the view's, by alphabet, from 1; 0: it is not there. */
int top_stream_number(const struct top_view *view, const char *name);

#endif
