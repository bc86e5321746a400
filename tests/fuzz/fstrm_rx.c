/* A Frame Streams receiver: the first byte says in what reads the rest comes. However it is cut,
 * the same number of bytes in frames comes out, and the same end. */
#include <assert.h>
#include <stdlib.h>

#include "fuzz.h"
#include "wire/fstrm.h"

enum { FRAME_MAX = 4096, CAP = 16 };

struct result {
    size_t frames;
    size_t bytes;
    size_t replies;
    enum fstrm_status status;
};

/* All that can be taken of one read. */
static size_t take(struct fstrm_rx *rx, struct span left, struct result *result)
{
    struct span frames[CAP];
    size_t done = 0, count, used;
    do {
        struct span rest = span_of(left.ptr + done, left.len - done);
        result->status = fstrm_rx_feed(rx, rest, frames, CAP, &count, &used);
        assert(used <= rest.len && count <= CAP);
        for (size_t i = 0; i < count; i++) {
            assert(frames[i].len > 0 && frames[i].len <= FRAME_MAX);
            assert(frames[i].ptr >= rest.ptr && frames[i].ptr + frames[i].len <= rest.ptr + used);
            result->bytes += frames[i].len + frames[i].ptr[frames[i].len - 1];
        }
        result->frames += count;
        result->replies += rx->reply_len;
        done += used;
    } while (result->status >= 0 && used > 0);
    return done;
}

static struct result receive(struct span stream, size_t step, bool answers)
{
    struct result result = {0};
    struct fstrm_rx rx;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), FRAME_MAX, answers);
    size_t start = 0, end = 0;
    while (end < stream.len && result.status >= 0) {
        end += step < stream.len - end ? step : stream.len - end;
        start += take(&rx, span_of(stream.ptr + start, end - start), &result);
        uint64_t need = fstrm_rx_need(&rx, span_of(stream.ptr + start, end - start));
        assert(need <= 4 + FRAME_MAX);
    }
    if (result.status >= 0)
        result.status = fstrm_rx_end(&rx, stream.len - start);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len == 0)
        return 0;
    struct span stream = span_of(bytes + 1, len - 1);
    bool answers = bytes[0] & 1;
    struct result whole = receive(stream, stream.len, answers);
    struct result parts = receive(stream, 1 + bytes[0] / 2, answers);
    assert(whole.frames == parts.frames && whole.bytes == parts.bytes);
    assert(whole.replies == parts.replies && whole.status == parts.status);
    assert(fstrm_status_text(whole.status)[0]);
    return 0;
}
