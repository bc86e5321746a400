/* Control frames: what decodes is encoded to the same bytes; and a sender that is answered
 * anything. */
#include <assert.h>

#include "fuzz.h"
#include "wire/fstrm.h"

static void check_control(struct span bytes)
{
    struct fstrm_control control;
    struct buf out = {0};
    if (fstrm_control_decode(bytes, &control) < 0)
        return;
    assert(control.type_count <= FSTRM_TYPES_MAX);
    assert(fstrm_control_encode(&control, &out) == 0);
    assert(out.len == bytes.len + 8 && memcmp(out.data + 8, bytes.ptr, bytes.len) == 0);
    buf_free(&out);
}

/* The answers come in two parts, cut anywhere. */
static void check_sender(struct span answers, size_t cut, bool stopped)
{
    struct fstrm_tx tx;
    struct buf out = {0};
    size_t used, more = 0;
    fstrm_tx_init(&tx, span_str(FSTRM_DNSTAP_TYPE), true);
    fstrm_tx_open(&tx, &out);
    if (stopped)
        fstrm_tx_stop(&tx, &out);
    size_t before = out.len;
    enum fstrm_tx_status status = fstrm_tx_feed(&tx, span_of(answers.ptr, cut), &used, &out);
    assert(used <= cut);
    if (status == FSTRM_TX_MORE)
        status = fstrm_tx_feed(&tx, span_of(answers.ptr + used, answers.len - used), &more, &out);
    assert(used + more <= answers.len);
    assert((status == FSTRM_TX_OPEN) == (out.len > before));
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return 0;
    struct span rest = span_of(bytes + 2, len - 2);
    check_control(rest);
    check_sender(rest, bytes[0] < rest.len ? bytes[0] : rest.len, bytes[1] & 1);
    return 0;
}
