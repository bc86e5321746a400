/* Files as they may be found: any bytes, compressed or not, in any number of streams. The first
 * byte says how much is read at a time. Every frame lies whole in the buffer, behind its own
 * length, and the end is reached. */
#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cursor.h"
#include "fuzz.h"
#include "io/frame_reader.h"

enum { FRAME_MAX = 4096, GREAT = 16 << 20 /* what a few bytes may unpack to, as far as we look */ };

static void read_frames(struct frame_reader *reader)
{
    struct error err = {0};
    struct span frame;
    enum frame_reader_status status;
    while ((status = frame_reader_fill(reader, &err)) > 0 && reader->bytes < GREAT) {
        while (frame_reader_next(reader, &frame)) {
            assert(frame.len > 0 && frame.len <= FRAME_MAX);
            assert(frame.ptr >= reader->buf + FRAME_WORD);
            assert(frame.ptr + frame.len <= reader->buf + reader->len);
            assert(load_be32(frame.ptr - FRAME_WORD) == frame.len);
        }
    }
    assert(status != FRAME_READER_FAILED || err.text[0]);
    assert(!frame_reader_note(reader, &err) || err.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct frame_reader reader;
    struct error err;
    char path[32];
    if (len == 0)
        return 0;
    int fd = memfd_create("recording", MFD_CLOEXEC);
    assert(fd >= 0 && write(fd, bytes + 1, len - 1) == (ssize_t)len - 1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert(frame_reader_open(&reader, path, 16u << bytes[0] % 12, FRAME_MAX, &err) == 0);
    read_frames(&reader);
    frame_reader_close(&reader);
    close(fd);
    return 0;
}
