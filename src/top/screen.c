#include "top/screen.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <term.h>
#include <unistd.h>

#include "base/clock.h"
#include "top/layout.h"

enum { TICK_MS = 1000, NOTE_SECONDS = 10, CTRL_L = 'L' & 0x1f };

/* Owner: the thread that runs the screen. */
struct painter {
    const struct top_screen *screen;
    struct top_feed *feed;
    SCREEN *terminal;
    FILE *tty; /* the keys, where standard input is something else */
    int signals;
    bool colours;
    bool utf8;
    struct top_state state;
    struct top_view view;
    struct top_trend trend;
    struct canvas canvas;
    struct error problem; /* empty: none */
    uint64_t note_ns;     /* when the note was new; 0: there is none */
    bool ended;
};

/* --- signals -------------------------------------------------------------------------------- */

static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};

static sigset_t handled_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++)
        sigaddset(&set, handled[i]);
    return set;
}

void top_screen_block_signals(void)
{
    sigset_t set = handled_set();
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* A terminal may say up to 65535. ncurses keeps sizes in shorts and dies of greater ones, and of
 * large ones memory would be taken for every place. */
static void fit_terminal(void)
{
    enum { ROWS_MAX = 1000, COLUMNS_MAX = 2500 };
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(least(size.ws_row, ROWS_MAX), least(size.ws_col, COLUMNS_MAX));
    clearok(curscr, TRUE);
}

static void take_signals(struct painter *p)
{
    struct signalfd_siginfo info;
    while (read(p->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGWINCH)
            fit_terminal();
        else
            p->state.quit = true;
    }
}

/* --- keys ----------------------------------------------------------------------------------- */

static int code_of(int key)
{
    static const struct {
        int key, code;
    } keys[] = {
        {KEY_LEFT, TOP_KEY_LEFT},  {KEY_RIGHT, TOP_KEY_RIGHT},   {KEY_UP, TOP_KEY_UP},
        {KEY_DOWN, TOP_KEY_DOWN},  {KEY_PPAGE, TOP_KEY_PAGE_UP}, {KEY_NPAGE, TOP_KEY_PAGE_DOWN},
        {KEY_HOME, TOP_KEY_HOME},  {KEY_END, TOP_KEY_END},       {KEY_BTAB, TOP_KEY_BACK_TAB},
        {'\b', TOP_KEY_BACKSPACE}, {0x7f, TOP_KEY_BACKSPACE},    {KEY_BACKSPACE, TOP_KEY_BACKSPACE},
        {'\r', TOP_ENTER},         {KEY_ENTER, TOP_ENTER},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i].key == key)
            return keys[i].code;
    return key < 0x80 ? key : 0;
}

static void take_keys(struct painter *p)
{
    for (int key; (key = getch()) != ERR;) {
        if (key == KEY_RESIZE) /* fit_terminal's own echo */
            continue;
        p->note_ns = 0; /* the last row is that of the keys again */
        if (key == CTRL_L)
            clearok(curscr, TRUE);
        else
            top_key(&p->state, &p->view, code_of(key));
    }
}

/* --- news ----------------------------------------------------------------------------------- */

static bool same_stream(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void take_news(struct painter *p)
{
    char *before = p->view.stream ? strdup(p->view.stream) : NULL;
    enum top_news news = top_feed_take(p->feed, &p->view, &p->problem);
    if (news == TOP_VIEW || news == TOP_LAST_VIEW) {
        p->problem.text[0] = '\0';
        p->ended = news == TOP_LAST_VIEW;
        if (!same_stream(before, p->view.stream))
            p->trend.count = 0;
        top_trend_add(&p->trend, p->view.numbers[NUMBER_QUERY_RATE]);
    }
    free(before);
}

/* A note goes after some seconds. The last one is the ledger of what was lost, and stays for who
 * comes back later, until a key is pressed. */
static void take_notes(struct painter *p)
{
    if (stash_read(p->screen->stash))
        p->note_ns = clock_ns();
    if (p->note_ns && !p->ended && clock_ns() - p->note_ns > NOTE_SECONDS * CLOCK_SECOND_NS)
        p->note_ns = 0;
}

/* --- painting ------------------------------------------------------------------------------- */

static const struct {
    attr_t attributes;
    short colour; /* of the text; -1: the terminal's own */
} looks[STYLES] = {
    [STYLE_PLAIN] = {A_NORMAL, -1},
    [STYLE_TITLE] = {A_REVERSE, -1},
    [STYLE_LABEL] = {A_NORMAL, COLOR_CYAN},
    [STYLE_VALUE] = {A_BOLD, -1},
    [STYLE_HEAD] = {A_UNDERLINE, -1},
    [STYLE_FOCUS] = {A_REVERSE | A_BOLD, -1},
    [STYLE_CHOSEN] = {A_REVERSE, -1},
    [STYLE_SORTED] = {A_BOLD, -1},
    [STYLE_DIM] = {A_DIM, -1},
    [STYLE_GOOD] = {A_NORMAL, COLOR_GREEN},
    [STYLE_BAD] = {A_BOLD | A_REVERSE, COLOR_RED},
};

static void start_colours(struct painter *p)
{
    const char *unwanted = getenv("NO_COLOR");
    p->colours = has_colors() && !(unwanted && *unwanted) && start_color() == OK &&
                 use_default_colors() == OK;
    for (short i = 0; p->colours && i < STYLES; i++)
        init_pair((short)(i + 1), looks[i].colour, -1);
}

static void set_style(const struct painter *p, unsigned style)
{
    short pair = p->colours ? (short)(style + 1) : 0;
    attr_set(looks[style].attributes, pair, NULL);
}

static void put_cell(const struct painter *p, int x, int y, uint8_t glyph)
{
    static const char plain[] = " ...:::||";
    if (glyph > CANVAS_BARS)
        mvaddch(y, x, glyph);
    else if (p->utf8)
        mvaddnwstr(y, x, (const wchar_t[]){0x2580 + glyph}, 1); /* U+2581 is one eighth */
    else
        mvaddch(y, x, (chtype)plain[glyph]);
}

static void paint(struct painter *p)
{
    int height, width;
    getmaxyx(stdscr, height, width);
    if (p->canvas.width != width || p->canvas.height != height) {
        canvas_free(&p->canvas);
        if (canvas_init(&p->canvas, width, height) < 0)
            return;
    }
    struct top_frame frame = {
        .target = p->screen->target,
        .problem = p->problem.text[0] ? p->problem.text : NULL,
        .note = p->note_ns ? p->screen->stash->last : NULL,
        .trend = &p->trend,
        .now = (double)clock_ns() / 1e9,
        .ended = p->ended,
    };
    canvas_clear(&p->canvas);
    top_layout(&p->canvas, &p->view, &p->state, &frame);
    for (int y = 0; y < p->canvas.height; y++) {
        for (int x = 0; x < p->canvas.width; x++) {
            const struct canvas_cell *cell = canvas_at(&p->canvas, x, y);
            set_style(p, cell->style);
            put_cell(p, x, y, cell->glyph);
        }
    }
    refresh();
}

/* --- the loop ------------------------------------------------------------------------------- */

static void wish(struct painter *p)
{
    struct top_wish wish;
    int height, width;
    getmaxyx(stdscr, height, width);
    top_layout_wish(width, height, &p->state, &wish);
    top_feed_wish(p->feed, &wish, p->state.paused || p->ended ? 0 : p->state.interval_ms);
}

static void loop(struct painter *p)
{
    struct pollfd fds[] = {
        {.fd = fileno(p->tty), .events = POLLIN},
        {.fd = top_feed_fd(p->feed), .events = POLLIN},
        {.fd = p->signals, .events = POLLIN},
        {.fd = p->screen->stash->fd, .events = POLLIN},
    };
    while (!p->state.quit) {
        wish(p);
        paint(p);
        if (poll(fds, sizeof fds / sizeof *fds, TICK_MS) < 0 && errno != EINTR)
            return;
        take_signals(p);
        take_keys(p);
        take_news(p);
        take_notes(p);
        if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
            return;
    }
}

static int open_terminal(struct painter *p, struct error *err)
{
    sigset_t set = handled_set();
    setlocale(LC_CTYPE, "");
    p->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    p->tty = isatty(STDIN_FILENO) ? stdin : fopen("/dev/tty", "re");
    if (!p->tty)
        return error_set(err, "there is no terminal for keys: %s; --once needs none",
                         strerror(errno));
    p->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (p->signals < 0)
        return error_set(err, "signals cannot be read: %s", strerror(errno));
    p->terminal = newterm(NULL, stdout, p->tty);
    if (!p->terminal || !tigetstr("cup"))
        return error_set(err, "this terminal (TERM=%s) cannot show it; --once can",
                         getenv("TERM") ? getenv("TERM") : "");
    cbreak();
    noecho();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    start_colours(p);
    return 0;
}

static void close_all(struct painter *p)
{
    if (p->terminal) {
        endwin();
        delscreen(p->terminal);
    }
    if (p->tty && p->tty != stdin)
        fclose(p->tty);
    if (p->signals >= 0)
        close(p->signals);
    top_view_free(&p->view);
    canvas_free(&p->canvas);
}

int top_screen_run(const struct top_screen *screen, struct top_feed *feed, struct error *err)
{
    struct painter p = {.screen = screen, .feed = feed, .signals = -1, .state = screen->state};
    int result = open_terminal(&p, err);
    if (result == 0)
        loop(&p);
    close_all(&p);
    return result;
}
