/*
 * Every record, as Spile and as ldns print it: over captures, over random damage to captures, and
 * over a zone file with samples of every type that ldns knows. And what Spile prints in the words
 * of a type, ldns must read back as the same record.
 *
 *     dns_ldns captures FILE...          no difference is allowed
 *     dns_ldns mutations FILE...         differences must have one of the reasons below
 *     dns_ldns zone FILE                 the same
 *
 * The comments that ldns writes behind a DNSKEY (";{id = ...") are no part of the record and are
 * switched off.
 */
#include <ldns/ldns.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/messages.h"
#include "../support/share.h"
#include "wire/dns.h"

enum { LINE_MAX_BYTES = 1 << 21 };

/* One record in both forms. */
struct pair {
    struct span msg;
    const struct dns_rr *rr;
    const ldns_rr *record; /* as ldns read it */
    bool printed;          /* ldns's printer did not give up */
    const char *ours;      /* the data's text */
    const char *theirs;
};

static bool is_generic(const char *text)
{
    return strncmp(text, "\\# ", 3) == 0;
}

/* "TYPE..." for what it does not know. */
static const char *ldns_name(uint16_t type)
{
    const char *name = ldns_rr_descript(type)->_name;
    return name ? name : "TYPE";
}

static bool type_is(const struct pair *pair, const char *types)
{
    char name[DNS_WORD_MAX + 2] = " ";
    char *end = dns_type_put(name + 1, pair->rr->type);
    memcpy(end, " ", 2);
    return strstr(types, name) != NULL;
}

/* How many bytes of the data the fields that ldns found account for. */
static size_t bytes_seen(const struct pair *pair)
{
    const uint8_t *data = pair->rr->rdata.ptr;
    size_t pos = 0;
    for (size_t i = 0; i < ldns_rr_rd_count(pair->record); i++) {
        const ldns_rdf *rdf = ldns_rr_rdf(pair->record, i);
        if (ldns_rdf_get_type(rdf) != LDNS_RDF_TYPE_DNAME) {
            pos += ldns_rdf_size(rdf);
            continue;
        }
        while (pos < pair->rr->rdata.len && data[pos] > 0 && data[pos] < 0xc0)
            pos += 1 + data[pos];
        pos += pos < pair->rr->rdata.len && data[pos] ? 2 : 1;
    }
    return pos;
}

/* The record's data without pointers. */
static ldns_buffer *wire_data(const ldns_rr *record)
{
    ldns_buffer *wire = ldns_buffer_new(4096);
    for (size_t i = 0; i < ldns_rr_rd_count(record); i++)
        ldns_rdf2buffer_wire(wire, ldns_rr_rdf(record, i));
    return wire;
}

/* Whether a text, read back by ldns, gives the same record. */
static bool reads_back(const struct pair *pair, const char *text)
{
    char *line;
    if (asprintf(&line, ". 0 IN %s %s", ldns_name(pair->rr->type), text) < 0)
        abort();
    ldns_rr *again = NULL;
    bool same = ldns_rr_new_frm_str(&again, line, 0, NULL, NULL) == LDNS_STATUS_OK;
    if (same) {
        ldns_buffer *a = wire_data(pair->record), *b = wire_data(again);
        same = ldns_buffer_position(a) == ldns_buffer_position(b) &&
               memcmp(ldns_buffer_begin(a), ldns_buffer_begin(b), ldns_buffer_position(a)) == 0;
        ldns_buffer_free(a);
        ldns_buffer_free(b);
    }
    ldns_rr_free(again);
    free(line);
    return same;
}

/* Follows a name as ldns does; true when it comes to a pointer that does not point to before the
 * labels that the pointer ends. */
static bool points_ahead(struct span msg, size_t pos)
{
    size_t start = pos;
    for (int steps = 0; steps < 1000 && pos + 1 < msg.len && msg.ptr[pos]; steps++) {
        if (msg.ptr[pos] < 0xc0) {
            pos += 1 + msg.ptr[pos];
            continue;
        }
        size_t target = load_be16(msg.ptr + pos) & 0x3fff;
        if (target >= start)
            return true;
        start = pos = target;
    }
    return false;
}

/* The reasons for which texts may differ. */

static bool ldns_gave_up(const struct pair *pair)
{
    return !pair->printed;
}

static bool ldns_lost_bytes(const struct pair *pair)
{
    return is_generic(pair->ours) &&
           (bytes_seen(pair) != pair->rr->rdata.len || !reads_back(pair, pair->theirs));
}

static bool ldns_unreadable(const struct pair *pair)
{
    return !reads_back(pair, pair->theirs) && reads_back(pair, pair->ours);
}

static bool of_another_class(const struct pair *pair)
{
    bool of_chaos = pair->rr->class == DNS_CLASS_CH && type_is(pair, " A ");
    return pair->rr->class != DNS_CLASS_IN && (of_chaos || is_generic(pair->ours)) &&
           type_is(pair, " A WKS NSAP NSAP-PTR PX AAAA EID NIMLOC SRV KX APL DHCID SVCB HTTPS ");
}

static bool not_valid(const struct pair *pair)
{
    return is_generic(pair->ours) && type_is(pair, " NSEC NSEC3 CSYNC SVCB HTTPS ");
}

static bool is_unknown(uint16_t type)
{
    return strncmp(ldns_name(type), "TYPE", 4) == 0;
}

static bool ldns_does_not_know(const struct pair *pair)
{
    return is_unknown(pair->rr->type);
}

static bool read_otherwise(const struct pair *pair)
{
    return type_is(pair, " NSAP-PTR NXT SINK ATMA ");
}

static bool date_follows_clock(const struct pair *pair)
{
    if (!type_is(pair, " SIG RRSIG TKEY ") || strlen(pair->ours) != strlen(pair->theirs))
        return false;
    const char *a = pair->ours, *b = pair->theirs;
    for (; *a && *a == *b; a++, b++)
        ;
    /* Theirs is then in the century before, and what differs are digits. */
    return strspn(a, "0123456789") >= 10 && *b == '1' + (b[-1] == '1' ? 8 : 0);
}

static bool port_has_a_name(const struct pair *pair)
{
    return type_is(pair, " WKS ");
}

static bool compressed_in_list(const struct pair *pair)
{
    return type_is(pair, " HIP ") && is_generic(pair->ours);
}

/* Whatever byte of the data the name begins at. */
static bool pointer_ahead(const struct pair *pair)
{
    bool ahead = false;
    size_t start = (size_t)(pair->rr->rdata.ptr - pair->msg.ptr);
    for (size_t i = 0; i < pair->rr->rdata.len; i++)
        ahead |= points_ahead(pair->msg, start + i);
    return ahead && is_generic(pair->ours);
}

/* Our words for keys that ldns has only as numbers. */
static bool names_new_key(const char *ours)
{
    static const char *const since[] = {"ohttp", "tls-supported-groups", "docpath", "pvd", "oots"};
    bool found = false;
    for (size_t i = 0; i < sizeof since / sizeof *since; i++)
        found |= strstr(ours, since[i]) != NULL;
    return found;
}

static bool key_since_registered(const struct pair *pair)
{
    return type_is(pair, " SVCB HTTPS ") && names_new_key(pair->ours);
}

static const struct {
    const char *name;
    bool (*holds)(const struct pair *pair);
    const char *reason;
} exceptions[] = {
    {"gave up", ldns_gave_up, "ldns reads the record, but returns an error when it prints it"},
    {"lost bytes", ldns_lost_bytes,
     "ldns leaves out what it found no place for (bytes behind the last field) or prints a record "
     "that is too short, or not valid, as if it were whole; ours shows all bytes in generic form"},
    {"new type", ldns_does_not_know, "registered after ldns 1.8.3, or not compiled into it"},
    {"other reading", read_otherwise,
     "NSAP-PTR holds a name (RFC 1706), ldns takes it for a string; NXT's bitmap is types (RFC "
     "2535), "
     "ldns prints it in a form that only ldns reads; of SINK's fields ldns prints the first alone; "
     "BIND takes ldns's form of ATMA for another address"},
    {"unreadable", ldns_unreadable, "ldns does not read back what it prints itself"},
    {"class", of_another_class, "ldns prints data of any class as that of class IN (RFC 3597 4)"},
    {"not valid", not_valid,
     "ldns prints bitmaps and service parameters that RFC 4034 4.1.2 and RFC 9460 2.2 call "
     "malformed"},
    {"date", date_follows_clock,
     "ldns reads dates relative to today (RFC 4034 3.1.5), so that the text of a record changes "
     "with "
     "the years; ours counts from 1970 to 2106"},
    {"port names", port_has_a_name, "ldns takes the names of WKS's ports from the machine's files"},
    {"pointers in a list", compressed_in_list,
     "HIP's servers may not be compressed (RFC 8005 5.6); expanded, one message could fill 30 MB"},
    {"pointer ahead", pointer_ahead,
     "a pointer must point to a prior occurrence of a name (RFC 1035 4.1.4); ldns follows any"},
    {"new key", key_since_registered, "SVCB keys 8 to 12 were registered after ldns 1.8.3"},
};

enum { EXCEPTIONS = sizeof exceptions / sizeof *exceptions };

static struct {
    unsigned long messages, names, records, refused, read_back, differences;
    unsigned long excepted[EXCEPTIONS];
    unsigned long of_type[65536];
} count;

/* Mnemonics that ldns does not know are TYPE123 there; and quotes in names stand there bare. */
static void normalise(char *out, const char *text)
{
    while (*text) {
        int number, used = 0;
        if (sscanf(text, "TYPE%5d%n", &number, &used) == 1 && used && number <= UINT16_MAX) {
            out = dns_type_put(out, (uint16_t)number);
            text += used;
        } else if (*text == '\\' && text[1]) {
            if (text[1] != '"')
                *out++ = *text;
            *out++ = text[1];
            text += 2;
        } else {
            *out++ = *text++;
        }
    }
    *out = '\0';
}

/* The text behind the fourth tab. */
static char *data_of(char *line)
{
    for (int tabs = 0; tabs < 4 && line; tabs++) {
        line = strchr(line, '\t');
        line += line != NULL;
    }
    return line;
}

/* In strings, ldns leaves a tab as it is; ours, like all other controls, is \009. */
static void escape_tabs(char *out, char *line)
{
    char *data = data_of(line);
    while (*line) {
        bool tab = *line == '\t' && data && line >= data;
        out += tab ? sprintf(out, "\\009") : sprintf(out, "%c", *line);
        line++;
    }
    *out = '\0';
}

static bool excepted(const struct pair *pair)
{
    for (int i = 0; i < EXCEPTIONS; i++) {
        if (exceptions[i].holds(pair)) {
            count.excepted[i]++;
            return true;
        }
    }
    return false;
}

/* Equal, or different for a reason where reasons are allowed. */
static bool agree(struct pair *pair, char *ours, char *theirs, bool strict)
{
    static char a[LINE_MAX_BYTES], b[4 * LINE_MAX_BYTES], escaped[4 * LINE_MAX_BYTES];
    escape_tabs(escaped, theirs);
    theirs = escaped;
    if (strcmp(ours, theirs) == 0)
        return true;
    char *our_data = data_of(ours), *their_data = data_of(theirs);
    if (strict || !our_data)
        return false;
    pair->ours = our_data;
    pair->theirs = their_data ? their_data : "";
    if (!pair->printed)
        return excepted(pair);
    if (!their_data)
        return false;
    normalise(a, our_data);
    normalise(b, their_data);
    return strcmp(a, b) == 0 || excepted(pair);
}

/* Whether a word of our text is a type that ldns does not know. */
static bool names_new_type(const struct pair *pair)
{
    bool found = false;
    for (const char *word = pair->ours; *word; word += strspn(word, " ")) {
        size_t len = strcspn(word, " ");
        int type = dns_type_parse(span_of(word, len));
        found |= type >= 0 && is_unknown((uint16_t)type) && strncmp(word, "TYPE", 4) != 0;
        word += len;
    }
    return found;
}

/* Whether ldns reads our words back as the record, or is known not to: it knows a type or a key not
 * at all, or has its own words for it, or no way to read it (TKEY and TSIG, which no zone holds).
 */
static bool readable(const struct pair *pair)
{
    if (is_unknown(pair->rr->type) || read_otherwise(pair) || type_is(pair, " TKEY TSIG ") ||
        names_new_type(pair) || names_new_key(pair->ours))
        return true;
    count.read_back++;
    return reads_back(pair, pair->ours);
}

static struct buf last_ours;

static void compare_record(struct span msg, const struct dns_rr *rr, bool strict)
{
    ldns_rr *record = NULL;
    size_t pos = rr->owner;
    if (ldns_wire2rr(&record, msg.ptr, msg.len, &pos, LDNS_SECTION_ANSWER) != LDNS_STATUS_OK) {
        count.refused++;
        count.differences += strict;
        return;
    }
    ldns_buffer *buffer = ldns_buffer_new(4096);
    struct pair pair = {.msg = msg, .rr = rr, .record = record};
    pair.printed =
        ldns_rr2buffer_str_fmt(buffer, ldns_output_format_nocomments, record) == LDNS_STATUS_OK;
    char *theirs = ldns_buffer_export2str(buffer);
    theirs[strcspn(theirs, "\n")] = '\0';
    last_ours.len = 0;
    dns_rr_put(&last_ours, msg, rr);
    buf_byte(&last_ours, 0);
    count.records++;
    count.of_type[rr->type]++;
    if (!agree(&pair, (char *)last_ours.data, theirs, strict)) {
        count.differences++;
        printf("ours: %s\nldns: %s\n", (char *)last_ours.data, theirs);
    }
    pair.ours = data_of((char *)last_ours.data);
    if (!is_generic(pair.ours) && !readable(&pair)) {
        count.differences++;
        printf("not read back: %s\n", (char *)last_ours.data);
    }
    free(theirs);
    ldns_buffer_free(buffer);
    ldns_rr_free(record);
}

static void compare_question(struct span msg)
{
    uint8_t space[DNS_NAME_MAX];
    struct dns_question q;
    ldns_rr *record = NULL;
    size_t pos = DNS_HEADER_LEN;
    if (dns_question_decode(msg, space, &q) < 0 ||
        ldns_wire2rr(&record, msg.ptr, msg.len, &pos, LDNS_SECTION_QUESTION) != LDNS_STATUS_OK)
        return;
    char text[DNS_NAME_TEXT_MAX + 1], ours[DNS_NAME_TEXT_MAX + 1];
    *dns_name_put(text, q.name) = '\0';
    normalise(ours, text);
    char *theirs = ldns_rdf2str(ldns_rr_owner(record));
    normalise(text, theirs);
    count.names++;
    if (strcmp(ours, text) != 0 || pos != q.end || q.type != ldns_rr_get_type(record) ||
        q.class != ldns_rr_get_class(record)) {
        count.differences++;
        printf("ours: %s (end %u)\nldns: %s (end %zu)\n", ours, q.end, theirs, pos);
    }
    free(theirs);
    ldns_rr_free(record);
}

static void compare_message(struct span msg, bool strict)
{
    struct dns_header header;
    struct dns_walk walk;
    struct dns_rr rr;
    count.messages++;
    compare_question(msg);
    if (!dns_header_decode(msg, &header) || dns_walk_init(&walk, msg, &header) < 0)
        return;
    while (dns_walk_next(&walk, &rr))
        compare_record(msg, &rr, strict);
    count.differences += strict && walk.failed;
}

static void compare_as_is(struct span msg, void *unused)
{
    (void)unused;
    compare_message(msg, true);
}

struct mutations {
    int rounds; /* for each message */
    uint64_t state;
};

/* Any generator does, so long as it is the same everywhere: xorshift64. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One to four bytes behind the header are overwritten. */
static void compare_mutated(struct span msg, void *context)
{
    struct mutations *m = context;
    if (msg.len <= DNS_HEADER_LEN)
        return;
    uint8_t *copy = malloc(msg.len);
    for (int round = 0; round < m->rounds; round++) {
        memcpy(copy, msg.ptr, msg.len);
        for (uint64_t n = 1 + next_random(&m->state) % 4; n > 0; n--) {
            uint64_t r = next_random(&m->state);
            uint8_t *byte = &copy[DNS_HEADER_LEN + (r >> 16) % (msg.len - DNS_HEADER_LEN)];
            *byte = r & 0x100 ? (uint8_t)r : *byte ^ (uint8_t)(1 << (r & 7));
        }
        compare_message(span_of(copy, msg.len), false);
    }
    free(copy);
}

/* Every type that ldns has a row for, but those that stand only in questions or messages' frames.
 */
static int untested_types(void)
{
    int missing = 0;
    for (unsigned type = 1; type <= UINT16_MAX; type++) {
        const char *name = ldns_name((uint16_t)type);
        bool meta = (type >= 251 && type <= 255) || type == LDNS_RR_TYPE_OPT;
        if (meta || strncmp(name, "TYPE", 4) == 0 || count.of_type[type] >= 2)
            continue;
        printf("fewer than two samples of %s\n", name);
        missing++;
    }
    return missing;
}

/* What a zone file says in the words of its type, ours must say so too. */
static void check_form(const char *line)
{
    const char *ours = data_of((char *)last_ours.data);
    if (!strstr(line, "\\# ") && (!ours || is_generic(ours))) {
        printf("generic: %s\n", line);
        count.differences++;
    }
}

static int compare_zone(const char *path)
{
    static char line[LINE_MAX_BYTES];
    FILE *zone = fopen(path, "r");
    if (!zone)
        return -1;
    while (fgets(line, sizeof line, zone)) {
        line[strcspn(line, "\n")] = '\0';
        if (*line == ';' || *line == '\0')
            continue;
        ldns_rr *rr = NULL;
        uint8_t *wire = NULL, msg[1 << 16] = {[7] = 1};
        size_t len = 0;
        if (ldns_rr_new_frm_str(&rr, line, 3600, NULL, NULL) == LDNS_STATUS_OK &&
            ldns_rr2wire(&wire, rr, LDNS_SECTION_ANSWER, &len) == LDNS_STATUS_OK) {
            memcpy(msg + DNS_HEADER_LEN, wire, len);
            compare_message(span_of(msg, DNS_HEADER_LEN + len), false);
            check_form(line);
        } else {
            printf("ldns does not read: %s\n", line);
            count.differences++;
        }
        free(wire);
        ldns_rr_free(rr);
    }
    fclose(zone);
    count.differences += (unsigned long)untested_types();
    return 0;
}

static int report(void)
{
    printf("%lu messages, %lu question names, %lu records (%lu refused by ldns)\n", count.messages,
           count.names, count.records, count.refused);
    for (int i = 0; i < EXCEPTIONS; i++) {
        if (count.excepted[i])
            printf("%8lu differ: %s (%s)\n", count.excepted[i], exceptions[i].name,
                   exceptions[i].reason);
    }
    printf("%lu records read back by ldns\n", count.read_back);
    printf("%lu differences without a reason\n", count.differences);
    return count.records == 0 || count.read_back == 0 || count.differences > 0;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "";
    struct mutations m = {.state = 88172645463325252};
    if (strcmp(mode, "zone") == 0)
        return compare_zone(argv[2]) < 0 || report();
    bool mutate = strcmp(mode, "mutations") == 0;
    if (!mutate && strcmp(mode, "captures") != 0)
        return 2;
    m.rounds = share_of_slow(8, 2); /* ldns takes most of the time */
    for (int i = 2; i < argc; i++) {
        if (messages_each(argv[i], mutate ? compare_mutated : compare_as_is, &m) < 0)
            return 2;
    }
    return report();
}
