/*
 * Nanoseconds for DNS messages of captures: header and question decoded; the question's name as
 * text; records walked; records as text, by type. The best of some rounds, over messages in memory.
 */
#include <time.h>

#include "../support/messages.h"
#include "wire/dns.h"

enum { ROUNDS = 5, REPEAT = 2 };

static struct buf bytes;      /* all messages, one behind the other */
static struct span *messages; /* into bytes, once all are there */
static size_t count, capacity;
static uint64_t checksum; /* printed, so that no work can be left out */

static void collect(struct span msg, void *unused)
{
    (void)unused;
    if (count == capacity) {
        capacity = capacity ? 2 * capacity : 1024;
        messages = realloc(messages, capacity * sizeof *messages);
    }
    messages[count++] = span_of(NULL, msg.len);
    buf_put(&bytes, msg.ptr, msg.len);
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

/* One pass over all messages; returns how many things it did. */
typedef size_t pass(struct buf *out);

static size_t decode_questions(struct buf *out)
{
    uint8_t space[DNS_NAME_MAX];
    struct dns_header header;
    struct dns_question q;
    (void)out;
    for (size_t i = 0; i < count; i++) {
        if (dns_header_decode(messages[i], &header) &&
            dns_question_decode(messages[i], space, &q) == 0)
            checksum += q.name.len + q.type + header.flags;
    }
    return count;
}

static size_t put_names(struct buf *out)
{
    uint8_t space[DNS_NAME_MAX];
    struct dns_question q;
    for (size_t i = 0; i < count; i++) {
        if (dns_question_decode(messages[i], space, &q) < 0)
            continue;
        char *p = buf_reserve(out, DNS_NAME_TEXT_MAX);
        checksum += (size_t)(dns_name_put(p, q.name) - p);
    }
    return count;
}

static size_t walk_records(struct buf *out, bool put)
{
    struct dns_header header;
    struct dns_walk walk;
    struct dns_rr rr;
    size_t records = 0;
    for (size_t i = 0; i < count; i++) {
        if (!dns_header_decode(messages[i], &header) ||
            dns_walk_init(&walk, messages[i], &header) < 0)
            continue;
        out->len = 0;
        while (dns_walk_next(&walk, &rr)) {
            records++;
            checksum += rr.ttl;
            if (put)
                dns_rr_put(out, messages[i], &rr);
        }
        checksum += out->len;
    }
    return records;
}

static size_t walk_only(struct buf *out)
{
    return walk_records(out, false);
}

static size_t put_records(struct buf *out)
{
    return walk_records(out, true);
}

/* Over one type's records, collected so that nothing but dns_rr_put is measured. */
static struct {
    struct dns_rr rr;
    struct span msg;
} * chosen;
static size_t chosen_count;

static void choose(uint16_t type)
{
    struct dns_header header;
    struct dns_walk walk;
    struct dns_rr rr;
    chosen_count = 0;
    chosen = realloc(chosen, sizeof *chosen * 65536);
    for (size_t i = 0; i < count; i++) {
        if (!dns_header_decode(messages[i], &header) ||
            dns_walk_init(&walk, messages[i], &header) < 0)
            continue;
        while (dns_walk_next(&walk, &rr)) {
            if (rr.type != type || chosen_count == 65536)
                continue;
            chosen[chosen_count].rr = rr;
            chosen[chosen_count++].msg = messages[i];
        }
    }
}

static size_t put_chosen(struct buf *out)
{
    for (size_t i = 0; i < chosen_count; i++) {
        out->len = 0;
        dns_rr_put(out, chosen[i].msg, &chosen[i].rr);
        checksum += out->len;
    }
    return chosen_count;
}

static void measure(const char *what, pass *run)
{
    struct buf out = {0};
    double best = 1e99;
    size_t done = 0;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        done = 0;
        for (int i = 0; i < REPEAT; i++)
            done += run(&out);
        double took = now_ns() - start;
        best = took < best ? took : best;
    }
    if (done)
        printf("%-28s %8.1f ns   (%zu)\n", what, best / (double)done, done / REPEAT);
    buf_free(&out);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        messages_each(argv[i], collect, NULL);
    const uint8_t *at = bytes.data;
    for (size_t i = 0; i < count; i++) {
        messages[i].ptr = at;
        at += messages[i].len;
    }
    measure("header and question", decode_questions);
    measure("and its name as text", put_names);
    measure("record walked", walk_only);
    measure("record walked, as text", put_records);
    static const char *const types[] = {"A",  "AAAA", "CNAME", "NS",    "SOA",   "MX",    "TXT",
                                        "DS", "NSEC", "RRSIG", "NSEC3", "HTTPS", "DNSKEY"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char what[32];
        choose((uint16_t)dns_type_parse(span_str(types[i])));
        snprintf(what, sizeof what, "%s record as text", types[i]);
        measure(what, put_chosen);
    }
    printf("(%llu)\n", (unsigned long long)checksum);
    free(chosen);
    free(messages);
    buf_free(&bytes);
    return count == 0;
}
