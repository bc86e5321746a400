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
 */
#include <math.h>

#include "sender.h"

enum { WRITE = 8192, USUAL = 20000, CLIENT_BITS = 24, ATTACKERS = 1 << 20 };

static int fd;
static uint8_t batch[WRITE + FRAME_MAX];
static size_t batched;
static uint64_t messages, names, clients, rate;
static uint32_t asked[USUAL];
static uint8_t client_seen[1 << (CLIENT_BITS - 3)];

static uint64_t next_random(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void flush(void)
{
    static double begin;
    if (begin == 0)
        begin = now();
    send_all(fd, batch, batched);
    batched = 0;
    double early = rate ? begin + (double)messages / (double)rate - now() : 0;
    if (early > 0.001)
        usleep((useconds_t)(early * 1e6));
}

static void send_frame(const struct exchange *e, bool response)
{
    batched += put_frame(batch + batched, e, response);
    messages++;
    if (batched >= WRITE)
        flush();
}

/* --- the traffic ---------------------------------------------------------------------------- */

static void send_exchange(const char *name, uint32_t client, uint8_t rcode)
{
    struct exchange e = {
        .name = name, .client = 10u << 24 | client, .id = (uint16_t)next_random(), .rcode = rcode};
    e.nanos = e.id * 1000u;
    e.took_ns = e.client % 977 * 20000;
    for (int response = 0; response < 2; response++) {
        e.seconds = 1750000000 + (uint32_t)(messages / 100000);
        send_frame(&e, response);
    }
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
    fd = shake_hands(argv[1]);
    for (uint64_t a = 0, u = 0; a + u < attacks + usual;) {
        if (next_random() % (attacks + usual - a - u) < attacks - a)
            send_attack(a++);
        else
            send_usual(), u++;
    }
    flush();
    part(fd);
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
