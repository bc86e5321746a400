/*
 * Frame Streams. Lengths are compared, never added up before they were compared: a length word of
 * 0xfffffffc once sent another receiver round for ever.
 *
 * Senders are allowed whatever costs nothing: START without READY, a READY that is repeated, a new
 * stream behind STOP, FINISH in place of STOP (elixir_dnstap), control frames of unknown types.
 * Data before START is refused: nobody has said then that the bytes are dnstap. Files have a few
 * liberties more (fstrm_rx_init).
 */
#include "wire/fstrm.h"

#include <assert.h>

#include "base/cursor.h"

enum { LENGTH_WORD = 4, CONTROL_HEADER = 8 /* escape and length word */, FIELD_CONTENT_TYPE = 1 };

enum rx_state {
    RX_FRESH, /* nothing came yet */
    RX_READY, /* ACCEPT was sent; START is due */
    RX_DATA,
    RX_STOPPED, /* the peer may begin anew */
    RX_DEAD,
};

/* --- control frames ------------------------------------------------------------------------- */

static bool known(uint32_t type)
{
    return type >= FSTRM_ACCEPT && type <= FSTRM_FINISH;
}

/* How many content types a control frame may carry. */
static uint32_t types_max(uint32_t type)
{
    static const uint32_t most[] = {[FSTRM_ACCEPT] = FSTRM_TYPES_MAX,
                                    [FSTRM_START] = 1,
                                    [FSTRM_STOP] = 0,
                                    [FSTRM_READY] = FSTRM_TYPES_MAX,
                                    [FSTRM_FINISH] = 0};
    return known(type) ? most[type] : FSTRM_TYPES_MAX;
}

int fstrm_control_decode(struct span in, struct fstrm_control *control)
{
    if (in.len > FSTRM_CONTROL_MAX)
        return -1;
    struct cursor c = cursor_of(in);
    struct fstrm_control decoded;
    decoded.type = cursor_be32(&c);
    decoded.type_count = 0;
    while (cursor_left(&c) > 0) {
        uint32_t field = cursor_be32(&c);
        struct span value = cursor_take(&c, cursor_be32(&c));
        if (c.failed || field != FIELD_CONTENT_TYPE || value.len > FSTRM_CONTENT_TYPE_MAX ||
            decoded.type_count == types_max(decoded.type))
            return -1;
        decoded.types[decoded.type_count++] = value;
    }
    if (c.failed)
        return -1;
    control->type = decoded.type;
    control->type_count = decoded.type_count;
    memcpy(control->types, decoded.types, decoded.type_count * sizeof *decoded.types);
    return 0;
}

static char *put_be32(char *p, uint32_t value)
{
    store_be32((uint8_t *)p, value);
    return p + 4;
}

int fstrm_control_encode(const struct fstrm_control *control, struct buf *out)
{
    size_t len = 4;
    if (control->type_count > types_max(control->type))
        return -1;
    for (uint32_t i = 0; i < control->type_count; i++) {
        if (control->types[i].len > FSTRM_CONTENT_TYPE_MAX)
            return -1;
        len += 8 + control->types[i].len;
    }
    char *p = len > FSTRM_CONTROL_MAX ? NULL : buf_reserve(out, CONTROL_HEADER + len);
    if (!p)
        return -1;
    p = put_be32(put_be32(put_be32(p, 0), (uint32_t)len), control->type);
    for (uint32_t i = 0; i < control->type_count; i++) {
        struct span type = control->types[i];
        p = put_be32(put_be32(p, FIELD_CONTENT_TYPE), (uint32_t)type.len);
        if (type.len > 0)
            memcpy(p, type.ptr, type.len);
        p += type.len;
    }
    buf_commit(out, p);
    return 0;
}

int fstrm_data_encode(struct span frame, struct buf *out)
{
    if (frame.len == 0 || frame.len > UINT32_MAX)
        return -1;
    char *p = buf_reserve(out, LENGTH_WORD + frame.len);
    if (!p)
        return -1;
    memcpy(put_be32(p, (uint32_t)frame.len), frame.ptr, frame.len);
    buf_commit(out, p + LENGTH_WORD + frame.len);
    return 0;
}

/* --- receiving ------------------------------------------------------------------------------ */

void fstrm_rx_init(struct fstrm_rx *rx, struct span content_type, uint32_t frame_max, bool answers)
{
    *rx =
        (struct fstrm_rx){.frame_max = frame_max, .content_type = content_type, .answers = answers};
}

/* True when our content type is among the frame's; a frame without content types goes with any. */
static bool acceptable(const struct fstrm_rx *rx, const struct fstrm_control *control)
{
    for (uint32_t i = 0; i < control->type_count; i++) {
        if (span_equal(control->types[i], rx->content_type))
            return true;
    }
    return control->type_count == 0;
}

/* Writes a control frame into `reply`, with a content type unless that is absent. */
static enum fstrm_status reply(struct fstrm_rx *rx, uint32_t type, struct span content_type)
{
    uint8_t *p = rx->reply;
    size_t types_len = content_type.ptr ? 8 + content_type.len : 0;
    store_be32(p, 0);
    store_be32(p + 4, (uint32_t)(4 + types_len));
    store_be32(p + 8, type);
    if (content_type.ptr) {
        store_be32(p + 12, FIELD_CONTENT_TYPE);
        store_be32(p + 16, (uint32_t)content_type.len);
        memcpy(p + 20, content_type.ptr, content_type.len);
    }
    rx->reply_len = (uint8_t)(12 + types_len);
    return FSTRM_REPLY;
}

static enum fstrm_status on_ready(struct fstrm_rx *rx, const struct fstrm_control *control)
{
    if (rx->state == RX_DATA)
        return FSTRM_ERR_SEQUENCE;
    if (!acceptable(rx, control))
        return FSTRM_ERR_CONTENT_TYPE;
    rx->state = RX_READY;
    return reply(rx, FSTRM_ACCEPT, rx->content_type);
}

static enum fstrm_status on_start(struct fstrm_rx *rx, const struct fstrm_control *control)
{
    if (rx->state == RX_DATA && rx->answers)
        return FSTRM_ERR_SEQUENCE;
    if (!acceptable(rx, control))
        return FSTRM_ERR_CONTENT_TYPE;
    rx->started = true;
    rx->restarts += rx->state == RX_DATA && rx->restarts < UINT32_MAX;
    rx->bidirectional = rx->state == RX_READY;
    rx->state = RX_DATA;
    return FSTRM_OK;
}

static enum fstrm_status on_stop(struct fstrm_rx *rx, const struct fstrm_control *control)
{
    if (rx->state != RX_DATA)
        return FSTRM_ERR_SEQUENCE;
    rx->state = RX_STOPPED;
    if (rx->bidirectional && control->type == FSTRM_STOP)
        reply(rx, FSTRM_FINISH, (struct span){0});
    return FSTRM_STOPPED;
}

/* The control frames that only the two sides of a socket say to each other. */
static bool handshake(uint32_t type)
{
    return type == FSTRM_READY || type == FSTRM_ACCEPT || type == FSTRM_FINISH;
}

static enum fstrm_status on_control(struct fstrm_rx *rx, struct span in)
{
    struct fstrm_control control;
    if (in.len >= 4 && !known(load_be32(in.ptr)))
        return FSTRM_OK;
    if (fstrm_control_decode(in, &control) < 0)
        return FSTRM_ERR_CONTROL;
    if (!rx->answers && rx->state != RX_DATA && handshake(control.type))
        return FSTRM_OK;
    switch (control.type) {
    case FSTRM_READY:
        return on_ready(rx, &control);
    case FSTRM_START:
        return on_start(rx, &control);
    case FSTRM_STOP:
    case FSTRM_FINISH:
        return on_stop(rx, &control);
    default:
        return FSTRM_ERR_SEQUENCE;
    }
}

/* The control frame at the front, if it is whole. */
static enum fstrm_status take_control(struct fstrm_rx *rx, struct span in, size_t *used)
{
    if (in.len < CONTROL_HEADER)
        return FSTRM_OK;
    uint32_t len = load_be32(in.ptr + 4);
    if (len > FSTRM_CONTROL_MAX)
        return FSTRM_ERR_CONTROL;
    if (in.len - CONTROL_HEADER < len)
        return FSTRM_OK;
    *used += CONTROL_HEADER + len;
    return on_control(rx, span_of(in.ptr + CONTROL_HEADER, len));
}

/* Data frames off the front of `in`, until a control frame, a cut or refused frame, or `cap`. */
static size_t take_data(const struct fstrm_rx *rx, struct span in, struct span *frames, size_t cap,
                        size_t *used)
{
    const uint8_t *p = in.ptr, *end = in.ptr + in.len;
    size_t n = 0;
    while (n < cap && (size_t)(end - p) >= LENGTH_WORD) {
        size_t len = load_be32(p);
        if (len == 0 || len > rx->frame_max || (size_t)(end - p) - LENGTH_WORD < len)
            break;
        frames[n++] = span_of(p + LENGTH_WORD, len);
        p += LENGTH_WORD + len;
    }
    *used += (size_t)(p - in.ptr);
    return n;
}

/* A stream that does not begin as one: the senders that are mistaken in a known way are told so.
 * `in` has at least four bytes. */
static enum fstrm_status no_start(struct span in)
{
    static const struct {
        uint8_t len;
        char bytes[4];
        enum fstrm_status status;
    } rows[] = {
        {2, "\x16\3", FSTRM_ERR_TLS}, /* a handshake record, RFC 8446 5.1 */
        {4, "GET ", FSTRM_ERR_HTTP},
        {4, "HEAD", FSTRM_ERR_HTTP},
        {4, "POST", FSTRM_ERR_HTTP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (memcmp(in.ptr, rows[i].bytes, rows[i].len) == 0)
            return rows[i].status;
    }
    return FSTRM_ERR_NO_START;
}

/* What take_data leaves: a control frame, or a data frame that is cut or refused. */
static enum fstrm_status take_other(struct fstrm_rx *rx, struct span in, size_t *used)
{
    if (in.len < LENGTH_WORD)
        return FSTRM_OK;
    uint32_t len = load_be32(in.ptr);
    if (len == 0)
        return take_control(rx, in, used);
    if (rx->state != RX_DATA)
        return rx->state == RX_FRESH ? no_start(in) : FSTRM_ERR_SEQUENCE;
    if (len <= rx->frame_max)
        return FSTRM_OK;
    rx->failed_length = len;
    return FSTRM_ERR_FRAME_SIZE;
}

enum fstrm_status fstrm_rx_feed(struct fstrm_rx *rx, struct span in, struct span *frames,
                                size_t cap, size_t *count, size_t *used)
{
    *count = *used = 0;
    rx->reply_len = 0;
    if (rx->state == RX_DEAD)
        return FSTRM_ERR_SEQUENCE;
    while (in.len - *used >= LENGTH_WORD) {
        size_t before = *used;
        struct span rest = span_of(in.ptr + before, in.len - before);
        if (rx->state == RX_DATA)
            *count += take_data(rx, rest, frames + *count, cap - *count, used);
        if (*count == cap)
            break;
        rest = span_of(in.ptr + *used, in.len - *used);
        enum fstrm_status status = take_other(rx, rest, used);
        if (status < 0)
            rx->state = RX_DEAD;
        if (status != FSTRM_OK)
            return status;
        if (*used == before)
            break;
    }
    return FSTRM_OK;
}

void fstrm_rx_resume(struct fstrm_rx *rx)
{
    rx->state = RX_STOPPED;
}

uint64_t fstrm_rx_need(const struct fstrm_rx *rx, struct span in)
{
    if (in.len < LENGTH_WORD)
        return 0;
    uint64_t len = load_be32(in.ptr);
    if (len > 0)
        return LENGTH_WORD + (len < rx->frame_max ? len : rx->frame_max);
    if (in.len < CONTROL_HEADER)
        return 0;
    len = load_be32(in.ptr + 4);
    return CONTROL_HEADER + (len < FSTRM_CONTROL_MAX ? len : FSTRM_CONTROL_MAX);
}

enum fstrm_status fstrm_rx_end(const struct fstrm_rx *rx, size_t left)
{
    if (left > 0)
        return FSTRM_ERR_TRUNCATED;
    if (rx->state == RX_FRESH || rx->state == RX_READY)
        return FSTRM_ERR_NO_START;
    return rx->state == RX_STOPPED ? FSTRM_STOPPED : FSTRM_ERR_NO_STOP;
}

size_t fstrm_find_start(struct span in)
{
    static const char start[] = "\0\0\0\0\0\0\0\x22\0\0\0\2\0\0\0\1\0\0\0\x16" FSTRM_DNSTAP_TYPE;
    static_assert(sizeof start - 1 == FSTRM_START_BYTES, "the type's length is in the frame");
    if (in.len < FSTRM_START_BYTES)
        return in.len;
    const uint8_t *found = memmem(in.ptr, in.len, start, FSTRM_START_BYTES);
    return found ? (size_t)(found - in.ptr) : in.len;
}

const char *fstrm_status_text(enum fstrm_status status)
{
    switch (status) {
    case FSTRM_OK:
    case FSTRM_REPLY:
        return "in order";
    case FSTRM_STOPPED:
        return "stopped";
    case FSTRM_ERR_FRAME_SIZE:
        return "a data frame longer than the limit (frame-max)";
    case FSTRM_ERR_CONTROL:
        return "a malformed control frame";
    case FSTRM_ERR_CONTENT_TYPE:
        return "no content type that is known here: " FSTRM_DNSTAP_TYPE " is";
    case FSTRM_ERR_SEQUENCE:
        return "a frame out of order";
    case FSTRM_ERR_TRUNCATED:
        return "truncated in the middle of a frame";
    case FSTRM_ERR_NO_STOP:
        return "ends without STOP";
    case FSTRM_ERR_NO_START:
        return "not Frame Streams: no START at its beginning";
    case FSTRM_ERR_TLS:
        return "not Frame Streams but TLS: have the sender do without it (unbound: dnstap-tls: no)";
    case FSTRM_ERR_HTTP:
        return "not Frame Streams but an HTTP request: the web server has a port of its own (web:)";
    }
    return "unknown";
}

/* --- sending -------------------------------------------------------------------------------- */

enum tx_state { TX_FRESH, TX_READY, TX_OPEN, TX_STOPPED, TX_FINISHED };

void fstrm_tx_init(struct fstrm_tx *tx, struct span content_type, bool bidirectional)
{
    *tx = (struct fstrm_tx){.content_type = content_type, .bidirectional = bidirectional};
}

static void put_control(uint32_t type, struct span content_type, struct buf *out)
{
    struct fstrm_control control = {.type = type};
    if (content_type.ptr)
        control.types[control.type_count++] = content_type;
    fstrm_control_encode(&control, out);
}

void fstrm_tx_open(struct fstrm_tx *tx, struct buf *out)
{
    put_control(tx->bidirectional ? FSTRM_READY : FSTRM_START, tx->content_type, out);
    tx->state = tx->bidirectional ? TX_READY : TX_OPEN;
}

void fstrm_tx_stop(struct fstrm_tx *tx, struct buf *out)
{
    put_control(FSTRM_STOP, (struct span){0}, out);
    tx->state = TX_STOPPED;
}

static enum fstrm_tx_status on_accept(struct fstrm_tx *tx, const struct fstrm_control *control,
                                      struct buf *out)
{
    bool ours = control->type_count == 0;
    for (uint32_t i = 0; i < control->type_count; i++)
        ours = ours || span_equal(control->types[i], tx->content_type);
    if (!ours)
        return FSTRM_TX_REFUSED;
    put_control(FSTRM_START, tx->content_type, out);
    tx->state = TX_OPEN;
    return FSTRM_TX_OPEN;
}

static enum fstrm_tx_status on_answer(struct fstrm_tx *tx, struct span in, struct buf *out)
{
    struct fstrm_control control;
    if (in.len >= 4 && !known(load_be32(in.ptr)))
        return FSTRM_TX_MORE;
    if (fstrm_control_decode(in, &control) < 0)
        return FSTRM_TX_BROKEN;
    if (control.type == FSTRM_ACCEPT && tx->state == TX_READY)
        return on_accept(tx, &control, out);
    if (control.type != FSTRM_FINISH || tx->state != TX_STOPPED)
        return FSTRM_TX_BROKEN;
    tx->state = TX_FINISHED;
    return FSTRM_TX_FINISHED;
}

enum fstrm_tx_status fstrm_tx_feed(struct fstrm_tx *tx, struct span in, size_t *used,
                                   struct buf *out)
{
    *used = 0;
    enum fstrm_tx_status status = FSTRM_TX_MORE;
    while (status == FSTRM_TX_MORE) {
        struct span rest = span_of(in.ptr + *used, in.len - *used);
        if (rest.len < CONTROL_HEADER)
            return FSTRM_TX_MORE;
        uint32_t len = load_be32(rest.ptr + 4);
        if (load_be32(rest.ptr) != 0 || len > FSTRM_CONTROL_MAX)
            return FSTRM_TX_BROKEN;
        if (rest.len - CONTROL_HEADER < len)
            return FSTRM_TX_MORE;
        *used += CONTROL_HEADER + len;
        status = on_answer(tx, span_of(rest.ptr + CONTROL_HEADER, len), out);
    }
    return status;
}
