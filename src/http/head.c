#include "http/head.h"

#include <string.h>
#include <strings.h>

#include "http/target.h"

/* The library's buffer, in which it has ended each key, value and line with NULs of its own, and
 * how far it has been looked at. */
struct head_scan {
    const char *from, *to;
    const char *last; /* where the header before this one ends; NULL: not in the buffer */
    unsigned hosts;
    bool wrong;
};

static bool lies_in(const struct head_scan *scan, const char *text, size_t len)
{
    return text >= scan->from && text <= scan->to && len <= (size_t)(scan->to - text);
}

/* Between a value and the next line there is what the end of the line has become: two NULs, or one
 * for who ends lines with LF alone. More than that, or text, was behind a NUL. */
static void look_between(struct head_scan *scan, const char *next, size_t most)
{
    size_t nuls = 0;
    if (!scan->last || !lies_in(scan, next, 0) || next < scan->last)
        return;
    for (const char *p = scan->last; p < next; p++) {
        nuls += *p == '\0' || *p == '\r' || *p == '\n';
        scan->wrong |= *p != '\0' && !strchr("\r\n \t", *p);
    }
    scan->wrong |= nuls > most;
}

static struct span trimmed(struct span text)
{
    while (text.len && strchr(" \t", text.ptr[text.len - 1]) && text.ptr[text.len - 1])
        text.len--;
    return text;
}

/* MHD_KeyValueIteratorN: headers come in their order. */
static enum MHD_Result look_at(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_len,
                               const char *value, size_t len)
{
    enum { LINE_END = 2 };
    struct head_scan *scan = cls;
    (void)kind;
    look_between(scan, key, LINE_END);
    if (strcasecmp(key, "Host") == 0) {
        scan->hosts++;
        scan->wrong |= !target_is_authority(trimmed(span_of(value, value ? len : 0)));
    }
    scan->last = !value ? key + key_len : lies_in(scan, value, len) ? value + len : NULL;
    return scan->wrong ? MHD_NO : MHD_YES;
}

bool head_is_sound(struct MHD_Connection *connection, const char *method)
{
    enum { HEAD_END = 4 };
    size_t size =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    struct head_scan scan = {.from = method, .to = method + size};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look_at, &scan);
    look_between(&scan, scan.to, HEAD_END);
    return !scan.wrong && scan.hosts <= 1;
}
