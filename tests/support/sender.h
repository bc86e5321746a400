/*
 * What programs that send dnstap to the program under test have in common: Frame Streams to a unix
 * socket, dnstap messages and DNS messages. It knows nothing of the program: what both have in
 * common is the protocol.
 */
#ifndef SPILE_TESTS_SENDER_H
#define SPILE_TESTS_SENDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_MAX = 256 };

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Seconds of the monotonic clock. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- Frame Streams -------------------------------------------------------------------------- */

static void send_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n <= 0)
            fail("write");
        bytes += n;
        len -= (size_t)n;
    }
}

static uint8_t *put32(uint8_t *p, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *p++ = (uint8_t)(value >> shift);
    return p;
}

enum { ACCEPT = 1, START, STOP, READY, FINISH };

static void send_control(int fd, uint32_t kind, const char *type)
{
    uint8_t frame[64], *p = put32(frame, 0);
    size_t len = strlen(type);
    p = put32(p, (uint32_t)(len ? 12 + len : 4));
    p = put32(p, kind);
    if (len) {
        p = put32(put32(p, 1), (uint32_t)len);
        memcpy(p, type, len);
        p += len;
    }
    send_all(fd, frame, (size_t)(p - frame));
}

static void expect_control(int fd, uint8_t kind)
{
    uint8_t frame[512];
    size_t have = 0, want = 8;
    while (have < want) {
        ssize_t n = read(fd, frame + have, want - have);
        if (n <= 0)
            fail("read");
        have += (size_t)n;
        if (have == 8)
            want += frame[7];
    }
    if (frame[11] != kind)
        fail("another answer was expected");
}

/* A connection whose stream has begun. */
static int shake_hands(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        fail(path);
    send_control(fd, READY, "protobuf:dnstap.Dnstap");
    expect_control(fd, ACCEPT);
    send_control(fd, START, "protobuf:dnstap.Dnstap");
    return fd;
}

static void part(int fd)
{
    send_control(fd, STOP, "");
    expect_control(fd, FINISH);
}

/* --- dnstap and DNS ------------------------------------------------------------------------- */

static uint8_t *put_bytes(uint8_t *p, uint8_t field, const void *bytes, size_t len)
{
    *p++ = (uint8_t)(field << 3 | 2);
    *p++ = (uint8_t)len;
    memcpy(p, bytes, len);
    return p + len;
}

static uint8_t *put_number(uint8_t *p, uint8_t field, uint32_t value)
{
    *p++ = (uint8_t)(field << 3);
    for (; value > 127; value >>= 7)
        *p++ = (uint8_t)(value | 128);
    *p++ = (uint8_t)value;
    return p;
}

static uint8_t *put_time(uint8_t *p, uint8_t field, uint32_t seconds, uint32_t nanos)
{
    p = put_number(p, field, seconds);
    *p++ = (uint8_t)((field + 1) << 3 | 5);
    memcpy(p, &nanos, 4); /* little endian */
    return p + 4;
}

/* One exchange's common facts. */
struct exchange {
    const char *name; /* "label.label.label", without final dot */
    uint32_t client;
    uint16_t id;
    uint8_t rcode;
    uint32_t seconds, nanos; /* when it was asked */
    uint32_t took_ns;        /* until it was answered, less than a second */
};

static size_t put_dns(uint8_t *out, const struct exchange *e, bool response)
{
    uint8_t *p = out, *label;
    *p++ = (uint8_t)(e->id >> 8);
    *p++ = (uint8_t)e->id;
    *p++ = response ? 0x81 : 0x01;
    *p++ = response ? 0x80 | e->rcode : 0;
    p = put32(put32(p, 1 << 16), 0);
    label = p++;
    for (const char *c = e->name; *c; c++) {
        if (*c == '.') {
            *label = (uint8_t)(p - label - 1);
            label = p++;
        } else {
            *p++ = (uint8_t)*c;
        }
    }
    *label = (uint8_t)(p - label - 1);
    *p++ = 0;
    return (size_t)(put32(p, 1 << 16 | 1) - out);
}

/* A frame with the query or the response. Returns its length; FRAME_MAX is enough for names of a
 * hundred bytes. */
static size_t put_frame(uint8_t *frame, const struct exchange *e, bool response)
{
    static const uint8_t server[4] = {192, 0, 2, 53};
    uint8_t dns[128], body[200], client[4], *p = body, *q = frame + 4;
    put32(client, e->client);
    p = put_number(p, 1, response ? 6 : 5);
    p = put_number(put_number(p, 2, 1), 3, 1);
    p = put_bytes(put_bytes(p, 4, client, 4), 5, server, 4);
    p = put_number(put_number(p, 6, 1024 + e->id % 60000), 7, 53);
    p = put_time(p, 8, e->seconds, e->nanos);
    if (response)
        p = put_time(p, 12, e->seconds, e->nanos + e->took_ns);
    p = put_bytes(p, response ? 14 : 10, dns, put_dns(dns, e, response));
    q = put_bytes(q, 1, "storm", 5);
    *q++ = 14 << 3 | 2;
    *q++ = (uint8_t)((p - body) & 127) | 128;
    *q++ = (uint8_t)((p - body) >> 7);
    memcpy(q, body, (size_t)(p - body));
    q = put_number(q + (p - body), 15, 1);
    put32(frame, (uint32_t)(q - frame - 4));
    return (size_t)(q - frame);
}

#endif
