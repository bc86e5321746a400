/* Frame Streams: the frames themselves, as they came or as a stage has changed them, in a file that
 * any dnstap tool reads. */
#include "wire/fstrm.h"

#include "base/cursor.h"
#include "core/format.h"

static int fstrm_open(const struct format_spec *spec, void **state, uint32_t *needs,
                      struct error *err)
{
    if (spec->fields)
        return error_set(err, "frames are kept whole: the format fstrm has no fields to choose");
    *state = NULL;
    *needs = 0;
    return 0;
}

/* What is not known of the frame stays in it. */
static int put_changed(const struct event *ev, struct buf *out)
{
    static const uint8_t length[4];
    size_t start = out->len;
    buf_put(out, length, sizeof length);
    dnstap_encode_over(&ev->tap, ev->frame, out);
    if (out->failed)
        return DROP_MEMORY;
    size_t len = out->len - start - sizeof length;
    store_be32(out->data + start, (uint32_t)len);
    return len > 0 ? FORMAT_WRITTEN : DROP_MALFORMED;
}

static int fstrm_event(void *state, struct event *ev, struct buf *out)
{
    (void)state;
    if (ev->changed)
        return put_changed(ev, out);
    if (ev->frame.len == 0)
        return DROP_MALFORMED; /* its length would be read as an escape */
    fstrm_data_encode(ev->frame, out);
    return out->failed ? DROP_MEMORY : FORMAT_WRITTEN;
}

static void fstrm_begin(struct buf *out)
{
    const struct fstrm_control start = {
        .type = FSTRM_START, .type_count = 1, .types = {span_str(FSTRM_DNSTAP_TYPE)}};
    fstrm_control_encode(&start, out);
}

static void fstrm_end(struct buf *out)
{
    const struct fstrm_control stop = {.type = FSTRM_STOP};
    fstrm_control_encode(&stop, out);
}

static const struct format_hooks hooks = {
    .whole = true,
    .open = fstrm_open,
    .event = fstrm_event,
    .begin = fstrm_begin,
    .end = fstrm_end,
};

const struct module fmt_fstrm = {
    .name = "fstrm",
    .kind = MODULE_FORMAT,
    .doc = "Frame Streams: the frames as they came, undecoded, or as a stage has changed them, in "
           "a file that any dnstap tool reads.",
    .hooks = &hooks,
};
