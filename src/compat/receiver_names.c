#include "compat/receiver_names.h"

static int add(struct receiver_names *names, struct span name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (span_equal(names->items[i], name))
            return 0;
    }
    if (names->count == RECEIVER_NAMES_MAX)
        return -1;
    names->items[names->count++] = name;
    return 0;
}

/* What stands before the comma, which is taken off `list`; at the end of the list its ptr is NULL.
 */
static struct span cut(struct span *list)
{
    const uint8_t *comma = list->len ? memchr(list->ptr, ',', list->len) : NULL;
    struct span item = span_of(list->ptr, comma ? (size_t)(comma - list->ptr) : list->len);
    *list = comma ? span_of(comma + 1, list->len - item.len - 1) : span_of(NULL, 0);
    return item;
}

int receiver_names_read(struct receiver_names *names, const char *const *fallback,
                        const struct api_request *request, struct api_reply *reply)
{
    int status = 0;
    names->count = 0;
    for (; *fallback; fallback++)
        status |= add(names, span_str(*fallback));
    struct span more = api_parameter(request, "more");
    if (more.len == 0)
        more.ptr = NULL;
    while (more.ptr && status == 0)
        status = add(names, cut(&more));
    if (status)
        api_fail(reply, 400, "more: at most %d names", RECEIVER_NAMES_MAX);
    return status;
}
