/*
 * Our dnstap decoder against protobuf-c over a schema of its own: the frames of the captures as
 * they are, damaged, and random messages. Both must take or refuse a frame alike, and agree on
 * every field, on unknown ones, and on the names of enum values. Where they differ, the reason must
 * be one of:
 *
 *   group      protobuf-c knows no groups; the format has them, and other decoders pass over them
 *   wire type  protobuf-c refuses a known field of another wire type; the format says: unknown
 * field required   protobuf-c insists on required fields; a telemetry reader must not policy
 * protobuf-c refuses a frame for a malformed policy; ours refuses the policy alone tag protobuf-c
 * takes field number 0 and tags of more than 32 bits; the format has neither repeated   of a
 * repeated policy ours keeps the last, protobuf-c merges (no sender repeats it); protobuf-c drops
 * the unknown fields of messages that it merges length     protobuf-c cuts text at a zero byte
 *
 *     differential-dnstap_protobuf_c FILE...
 */
#include <stdio.h>
#include <stdlib.h>

#include "../support/dnstap_random.h"
#include "../support/messages.h"
#include "dnstap.pb-c.h"

enum reason {
    REASON_GROUP = 1 << 0,
    REASON_WIRE = 1 << 1,
    REASON_REQUIRED = 1 << 2,
    REASON_TAG = 1 << 3,
    REASON_MESSAGES = 1 << 4,
    REASON_POLICIES = 1 << 5,
    REASON_POLICY = 1 << 6,
};

static struct {
    unsigned long frames, both_took, both_refused, excused, differ;
} tally;

/* --- why the two may differ: a third walk, by hand and slow --------------------------------- */

static const ProtobufCMessageDescriptor *const levels[] = {
    &dnstap__dnstap__descriptor, &dnstap__message__descriptor, &dnstap__policy__descriptor};

static unsigned wire_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_FIXED32:
        return PB_FIXED32;
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return PB_BYTES;
    default:
        return PB_VARINT;
    }
}

static unsigned reasons(struct span bytes, size_t level);

/* What one field gives cause to; sets its bit in `seen` when it is known and sound. */
static unsigned reasons_of_field(struct cursor *c, size_t level, uint32_t *seen)
{
    uint64_t tag = pb_varint(c);
    if (c->failed)
        return 0;
    if (tag > UINT32_MAX || (tag & UINT32_MAX) >> 3 == 0) {
        cursor_fail(c);
        return REASON_TAG;
    }
    unsigned wire = tag & 7, found = wire == PB_GROUP ? REASON_GROUP : 0;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(levels[level], (unsigned)(tag >> 3));
    struct cursor value = *c;
    pb_skip(c, (uint32_t)tag);
    if (!field || c->failed)
        return found;
    if (wire_of(field) != wire)
        return found | REASON_WIRE;
    bool again = *seen >> field->id & 1;
    *seen |= UINT32_C(1) << field->id;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return found;
    if (again)
        found |= level == 0 ? REASON_MESSAGES : REASON_POLICIES;
    return found | reasons(pb_bytes(&value), level + 1);
}

static unsigned reasons(struct span bytes, size_t level)
{
    struct cursor c = cursor_of(bytes);
    uint32_t seen = 0;
    unsigned found = 0;
    while (cursor_left(&c) > 0)
        found |= reasons_of_field(&c, level, &seen);
    if (level == 0 && !(seen >> 15 & 1))
        found |= REASON_REQUIRED;
    if (level == 1 && !(seen >> 1 & 1))
        found |= REASON_REQUIRED;
    if (level == 2 && c.failed)
        found |= REASON_POLICY;
    return found;
}

/* --- comparing ------------------------------------------------------------------------------ */

struct pair {
    uint32_t field; /* number in the schema */
    uint32_t bit;
    size_t at; /* in our struct */
};

#define AT(holder, member) offsetof(struct holder, member)

static const struct pair dnstap_pairs[] = {
    {1, DNSTAP_HAS_IDENTITY, AT(dnstap, identity)},
    {2, DNSTAP_HAS_VERSION, AT(dnstap, version)},
    {3, DNSTAP_HAS_EXTRA, AT(dnstap, extra)},
    {15, DNSTAP_HAS_TYPE, AT(dnstap, type)},
};

static const struct pair message_pairs[] = {
    {1, DNSTAP_HAS_MESSAGE_TYPE, AT(dnstap, message_type)},
    {2, DNSTAP_HAS_FAMILY, AT(dnstap, family)},
    {3, DNSTAP_HAS_PROTOCOL, AT(dnstap, protocol)},
    {4, DNSTAP_HAS_QUERY_ADDRESS, AT(dnstap, query_address)},
    {5, DNSTAP_HAS_RESPONSE_ADDRESS, AT(dnstap, response_address)},
    {6, DNSTAP_HAS_QUERY_PORT, AT(dnstap, query_port)},
    {7, DNSTAP_HAS_RESPONSE_PORT, AT(dnstap, response_port)},
    {8, DNSTAP_HAS_QUERY_SEC, AT(dnstap, query_sec)},
    {9, DNSTAP_HAS_QUERY_NSEC, AT(dnstap, query_nsec)},
    {10, DNSTAP_HAS_QUERY_MESSAGE, AT(dnstap, query_message)},
    {11, DNSTAP_HAS_QUERY_ZONE, AT(dnstap, query_zone)},
    {12, DNSTAP_HAS_RESPONSE_SEC, AT(dnstap, response_sec)},
    {13, DNSTAP_HAS_RESPONSE_NSEC, AT(dnstap, response_nsec)},
    {14, DNSTAP_HAS_RESPONSE_MESSAGE, AT(dnstap, response_message)},
    {16, DNSTAP_HAS_HTTP_PROTOCOL, AT(dnstap, http_protocol)},
};

static const struct pair policy_pairs[] = {
    {1, DNSTAP_POLICY_HAS_TYPE, AT(dnstap_policy, type)},
    {2, DNSTAP_POLICY_HAS_RULE, AT(dnstap_policy, rule)},
    {3, DNSTAP_POLICY_HAS_ACTION, AT(dnstap_policy, action)},
    {4, DNSTAP_POLICY_HAS_MATCH, AT(dnstap_policy, match)},
    {5, DNSTAP_POLICY_HAS_VALUE, AT(dnstap_policy, value)},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool present(const ProtobufCFieldDescriptor *field, const void *theirs)
{
    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return *(char *const *)((const char *)theirs + field->offset) != NULL;
    return *(const protobuf_c_boolean *)((const char *)theirs + field->quantifier_offset);
}

static bool same_value(const ProtobufCFieldDescriptor *field, const void *theirs, const void *ours)
{
    const void *their = (const char *)theirs + field->offset;
    const ProtobufCBinaryData *bytes = their;
    const struct span *span = ours;
    const char *text;
    switch (field->type) {
    case PROTOBUF_C_TYPE_BYTES:
        return span_equal(*span, span_of(bytes->data, bytes->len));
    case PROTOBUF_C_TYPE_STRING:
        text = *(char *const *)their;
        return strlen(text) == strnlen((const char *)span->ptr, span->len) &&
               memcmp(text, span->ptr, strlen(text)) == 0;
    case PROTOBUF_C_TYPE_UINT64:
        return *(const uint64_t *)their == *(const uint64_t *)ours;
    default:
        return *(const uint32_t *)their == *(const uint32_t *)ours;
    }
}

/* An empty field that protobuf-c may have lost when it merged two messages. */
static bool lost_in_merge(const ProtobufCFieldDescriptor *field, const void *ours, unsigned why)
{
    return why & REASON_MESSAGES && field->type == PROTOBUF_C_TYPE_BYTES &&
           ((const struct span *)ours)->len == 0;
}

static const char *compare(const struct pair *pairs, size_t count,
                           const ProtobufCMessageDescriptor *schema, const void *theirs,
                           const void *ours, uint32_t has, unsigned why)
{
    for (size_t i = 0; i < count; i++) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(schema, pairs[i].field);
        bool there = has & pairs[i].bit;
        if (there && lost_in_merge(field, (const char *)ours + pairs[i].at, why))
            continue;
        if (there != present(field, theirs) ||
            (there && !same_value(field, theirs, (const char *)ours + pairs[i].at)))
            return field->name;
    }
    return NULL;
}

/* Unknown fields of both levels in the order of the wire; the data of protobuf-c's lacks the tag.
 */
static const char *compare_unknown(struct span frame, const ProtobufCMessage *outer,
                                   const ProtobufCMessage *message)
{
    struct dnstap_unknown walk = {0};
    unsigned seen[2] = {0};
    while (dnstap_unknown_next(frame, &walk)) {
        const ProtobufCMessage *theirs = walk.in_message ? message : outer;
        unsigned n = seen[walk.in_message]++;
        if (!theirs || n >= theirs->n_unknown_fields)
            return "an unknown field too many";
        const ProtobufCMessageUnknownField *field = &theirs->unknown_fields[n];
        size_t skip = walk.encoded.len - field->len;
        if (field->tag != walk.field || field->len > walk.encoded.len ||
            memcmp(walk.encoded.ptr + skip, field->data, field->len) != 0)
            return "an unknown field";
    }
    if (seen[0] != outer->n_unknown_fields || (message && seen[1] != message->n_unknown_fields))
        return "an unknown field missing";
    return NULL;
}

static const char *compare_policy(const struct dnstap *ours, const Dnstap__Message *message,
                                  unsigned why)
{
    struct dnstap_policy policy;
    if (why & (REASON_POLICIES | REASON_MESSAGES))
        return NULL;
    if ((message->policy != NULL) != ((ours->has & DNSTAP_HAS_POLICY) != 0))
        return "policy";
    if (!message->policy)
        return NULL;
    if (dnstap_policy_decode(ours->policy, &policy) < 0)
        return why & REASON_TAG ? NULL : "policy refused";
    return compare(policy_pairs, COUNT(policy_pairs), &dnstap__policy__descriptor, message->policy,
                   &policy, policy.has, why);
}

static const char *compare_all(struct span frame, const Dnstap__Dnstap *theirs,
                               const struct dnstap *ours, unsigned why)
{
    const Dnstap__Message *message = theirs->message;
    const char *wrong = compare(dnstap_pairs, COUNT(dnstap_pairs), &dnstap__dnstap__descriptor,
                                theirs, ours, ours->has, why);
    if (!wrong && (message != NULL) != ((ours->has & DNSTAP_HAS_MESSAGE) != 0))
        wrong = "message";
    if (!wrong && message)
        wrong = compare(message_pairs, COUNT(message_pairs), &dnstap__message__descriptor, message,
                        ours, ours->has, why);
    if (!wrong && message)
        wrong = compare_policy(ours, message, why);
    if (!wrong && !(why & REASON_MESSAGES))
        wrong = compare_unknown(frame, &theirs->base, message ? &message->base : NULL);
    return wrong;
}

static void report(struct span frame, const char *what)
{
    if (tally.differ++ >= 10)
        return;
    printf("differ: %s:", what);
    for (size_t i = 0; i < frame.len; i++)
        printf(" %02x", frame.ptr[i]);
    printf("\n");
}

static void check(struct span frame)
{
    struct dnstap ours;
    bool took = dnstap_decode(frame, &ours) == 0;
    Dnstap__Dnstap *theirs = dnstap__dnstap__unpack(NULL, frame.len, frame.ptr);
    unsigned why = reasons(frame, 0);
    const char *wrong = NULL;
    tally.frames++;
    if (took && theirs) {
        tally.both_took++;
        wrong = compare_all(frame, theirs, &ours, why);
    } else if (!took && !theirs) {
        tally.both_refused++;
    } else if (took ? why & (REASON_GROUP | REASON_WIRE | REASON_REQUIRED | REASON_POLICY)
                    : why & REASON_TAG) {
        tally.excused++;
    } else {
        wrong = took ? "only we took it" : "only protobuf-c took it";
    }
    if (wrong)
        report(frame, wrong);
    if (theirs)
        dnstap__dnstap__free_unpacked(theirs, NULL);
}

/* --- what is compared ----------------------------------------------------------------------- */

static void check_damaged(struct random *r, struct span frame, int times)
{
    uint8_t *copy = malloc(frame.len + 8);
    for (int i = 0; i < times; i++) {
        size_t len = frame.len;
        memcpy(copy, frame.ptr, len);
        for (size_t n = 1 + random_below(r, 4); n > 0; n--)
            len = random_damage(r, copy, len);
        check(span_of(copy, len));
    }
    free(copy);
}

static void check_capture(const char *path, struct random *r)
{
    struct buf file = messages_load(path);
    struct span left = buf_span(&file), frames[64];
    struct fstrm_rx rx;
    size_t count, used;
    fstrm_rx_init(&rx, span_str(FSTRM_DNSTAP_TYPE), FSTRM_FRAME_MAX, false);
    enum fstrm_status status;
    do {
        status = fstrm_rx_feed(&rx, left, frames, 64, &count, &used);
        for (size_t i = 0; i < count; i++) {
            check(frames[i]);
            check_damaged(r, frames[i], 8);
        }
        left = span_of(left.ptr + used, left.len - used);
    } while (status == FSTRM_OK && used > 0);
    if (status != FSTRM_STOPPED)
        report(span_str(path), fstrm_status_text(status));
    buf_free(&file);
}

static void check_random(struct random *r, int times)
{
    struct buf frame = {0};
    for (int i = 0; i < times; i++) {
        frame.len = 0;
        dnstap_random_fields(r, LEVEL_DNSTAP, &frame);
        check(buf_span(&frame));
        if (frame.len > 0)
            check_damaged(r, buf_span(&frame), 2);
    }
    buf_free(&frame);
}

static void check_names(const ProtobufCEnumDescriptor *schema, const char *(*name)(uint32_t))
{
    for (int value = -1; value < 300; value++) {
        const ProtobufCEnumValue *theirs = protobuf_c_enum_descriptor_get_value(schema, value);
        const char *ours = name((uint32_t)value);
        tally.frames++;
        if ((theirs != NULL) != (ours != NULL) || (ours && strcmp(ours, theirs->name) != 0))
            report(span_str(schema->name), "a name");
    }
}

int main(int argc, char **argv)
{
    struct random r = {1};
    check_names(&dnstap__dnstap__type__descriptor, dnstap_type_name);
    check_names(&dnstap__message__type__descriptor, dnstap_message_type_name);
    check_names(&dnstap__socket_family__descriptor, dnstap_family_name);
    check_names(&dnstap__socket_protocol__descriptor, dnstap_protocol_name);
    check_names(&dnstap__http_protocol__descriptor, dnstap_http_protocol_name);
    check_names(&dnstap__policy__action__descriptor, dnstap_policy_action_name);
    check_names(&dnstap__policy__match__descriptor, dnstap_policy_match_name);
    for (int i = 1; i < argc; i++)
        check_capture(argv[i], &r);
    check_random(&r, 200000);
    printf("%lu checks: %lu taken by both, %lu refused by both, %lu differ for a known reason, "
           "%lu differ\n",
           tally.frames, tally.both_took, tally.both_refused, tally.excused, tally.differ);
    return tally.differ > 0 || tally.both_took < 100000 || tally.both_refused < 10000;
}
