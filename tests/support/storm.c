/*
 * An attack with random subdomains, and the usual traffic beneath it, whose truth is known.
 *
 *     storm SOCKET ATTACKS EXCHANGES RATE
 *
 * Sends to a unix socket, by bidirectional Frame Streams in writes of 8 KiB: ATTACKS names that
 * come once and EXCHANGES of names that follow Zipf's law, mixed; each name is asked for (a query)
 * and answered (a response). At most RATE messages a second; 0: as many as can be.
 *
 * Then prints what was sent: "messages N", "names N", "clients N", and a line "NAME N" for each
 * name of the usual traffic, with how often it was asked for.
 *
 * It knows nothing of the program under test: what both have in common is the protocol.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 8192, FRAME_MAX = 256, USUAL = 20000, CLIENT_BITS = 24, ATTACKERS = 1 << 20 };

static int fd;
static uint8_t batch[WRITE + FRAME_MAX];
static size_t batched;
static uint64_t messages, names, clients, rate;
static uint32_t asked[USUAL];
static uint8_t client_seen[1 << (CLIENT_BITS - 3)];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t next_random(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- Frame Streams -------------------------------------------------------------------------- */

static void send_all(const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n <= 0)
            fail("write");
        bytes += n;
        len -= (size_t)n;
    }
}

static void flush(void)
{
    static double begin;
    if (begin == 0)
        begin = now();
    send_all(batch, batched);
    batched = 0;
    double early = rate ? begin + (double)messages / (double)rate - now() : 0;
    if (early > 0.001)
        usleep((useconds_t)(early * 1e6));
}

static uint8_t *put32(uint8_t *p, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *p++ = (uint8_t)(value >> shift);
    return p;
}

enum { ACCEPT = 1, START, STOP, READY, FINISH };

static void send_control(uint32_t kind, const char *type)
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
    send_all(frame, (size_t)(p - frame));
}

static void expect_control(uint8_t kind)
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

static void shake_hands(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        fail(path);
    send_control(READY, "protobuf:dnstap.Dnstap");
    expect_control(ACCEPT);
    send_control(START, "protobuf:dnstap.Dnstap");
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

static void put_frame(const struct exchange *e, bool response)
{
    static const uint8_t server[4] = {192, 0, 2, 53};
    uint8_t dns[128], body[200], client[4], *p = body;
    uint32_t seconds = 1750000000 + (uint32_t)(messages / 100000);
    put32(client, e->client);
    p = put_number(p, 1, response ? 6 : 5);
    p = put_number(put_number(p, 2, 1), 3, 1);
    p = put_bytes(put_bytes(p, 4, client, 4), 5, server, 4);
    p = put_number(put_number(p, 6, 1024 + e->id % 60000), 7, 53);
    p = put_time(p, 8, seconds, e->id * 1000u);
    if (response)
        p = put_time(p, 12, seconds, e->id * 1000u + e->client % 977 * 20000);
    p = put_bytes(p, response ? 14 : 10, dns, put_dns(dns, e, response));
    uint8_t *frame = batch + batched, *q = frame + 4;
    q = put_bytes(q, 1, "storm", 5);
    *q++ = 14 << 3 | 2;
    *q++ = (uint8_t)((p - body) & 127) | 128;
    *q++ = (uint8_t)((p - body) >> 7);
    memcpy(q, body, (size_t)(p - body));
    q = put_number(q + (p - body), 15, 1);
    put32(frame, (uint32_t)(q - frame - 4));
    batched = (size_t)(q - batch);
    messages++;
    if (batched >= WRITE)
        flush();
}

/* --- the traffic ---------------------------------------------------------------------------- */

static void send_exchange(const char *name, uint32_t client, uint8_t rcode)
{
    struct exchange e = {name, 10u << 24 | client, (uint16_t)next_random(), rcode};
    put_frame(&e, false);
    put_frame(&e, true);
    uint8_t *seen = &client_seen[client >> 3], bit = (uint8_t)(1 << (client & 7));
    clients += !(*seen & bit);
    *seen |= bit;
}

static void usual_name(char *name, uint32_t rank)
{
    sprintf(name, "host%05u.usual.example", rank);
}

static void send_usual(void)
{
    char name[64];
    double part = (double)(next_random() >> 11) / 9007199254740992.0;
    uint32_t rank = (uint32_t)pow(USUAL, part) - 1; /* as often as 1 / (rank + 1) */
    usual_name(name, rank);
    names += asked[rank]++ == 0;
    send_exchange(name, rank * 7 % 5000 + (uint32_t)(next_random() % 8), 0);
}

/* The n-th name: another for every n, since an odd factor makes others of 48 bits. */
static void send_attack(uint64_t n)
{
    static const char digits[] = "0123456789abcdef";
    char name[] = "............-.victim.example";
    uint64_t bits = (n + 1) * 0x9e3779b97f4b;
    for (int i = 0; i < 12; i++)
        name[i] = digits[bits >> 4 * i & 15];
    names++;
    send_exchange(name, (1 << (CLIENT_BITS - 1)) + (uint32_t)(next_random() % ATTACKERS), 3);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    uint64_t attacks = strtoull(argv[2], NULL, 10), usual = strtoull(argv[3], NULL, 10);
    rate = strtoull(argv[4], NULL, 10);
    shake_hands(argv[1]);
    for (uint64_t a = 0, u = 0; a + u < attacks + usual;) {
        if (next_random() % (attacks + usual - a - u) < attacks - a)
            send_attack(a++);
        else
            send_usual(), u++;
    }
    flush();
    send_control(STOP, "");
    expect_control(FINISH);
    printf("messages %llu\nnames %llu\nclients %llu\n", (unsigned long long)messages,
           (unsigned long long)names, (unsigned long long)clients);
    for (uint32_t rank = 0; rank < USUAL; rank++) {
        char name[64];
        usual_name(name, rank);
        if (asked[rank])
            printf("%s. %u\n", name, asked[rank]);
    }
    return 0;
}
