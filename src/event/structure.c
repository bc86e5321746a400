#include "event/structure.h"

#include "base/put.h"

enum { OPTION_CLIENT_SUBNET = 8 }; /* RFC 7871 */

/* A mapping of the rows that follow a row as its parts: "edns.version" becomes "version". */
static void put_parts(const struct field *self, struct event *ev, struct tree *t)
{
    size_t prefix = strlen(self->name) + 1;
    tree_open_map(t);
    for (const struct field *part = self + 1; part->name && part->part; part++) {
        tree_key(t, part->name + prefix);
        field_put(part, ev, t);
    }
    tree_close_map(t);
}

bool structure_list(const struct field *self, struct event *ev, struct tree *t)
{
    struct field_walk walk = {.at = 0};
    struct field_value value;
    char word[FIELD_WORD_MAX];
    bool may_be_long = self->needs & FACET_RECORDS;
    if (!self->get(self, ev, &value))
        return false;
    tree_open_list(t);
    while (self->next(self, ev, &walk, &value)) {
        if (may_be_long)
            tree_item_kept(t);
        else
            tree_item(t);
        if (self->of == FIELD_WORD)
            tree_word(t, span_of(word, (size_t)(self->word(word, value.number) - word)));
        else if (tree_scalar(t, field_value_max(self->of, &value)))
            t->p = field_form_put(t->p, self->of, self, &value, tree_style(t), NULL);
        if (may_be_long && !tree_keep(t))
            break;
    }
    tree_close_list(t);
    return true;
}

/* Bits that nobody has named yet are shown as they are, one by one: "0x2000". */
char *structure_edns_flag(char *p, uint64_t bit)
{
    const uint8_t bytes[] = {(uint8_t)(bit >> 8), (uint8_t)bit};
    if (bit == 0 || bit > UINT16_MAX || bit & (bit - 1))
        return p;
    if (bit == EVENT_EDNS_DO)
        return PUT_LIT(p, "do");
    if (bit == EVENT_EDNS_CO)
        return PUT_LIT(p, "co");
    return put_hex(PUT_LIT(p, "0x"), bytes, sizeof bytes);
}

static void put_edns_flags(const struct event *ev, struct tree *t)
{
    char word[FIELD_WORD_MAX];
    tree_open_list(t);
    for (uint32_t left = ev->edns.flags, bit; left; left ^= bit) {
        bit = UINT32_C(0x80000000) >> __builtin_clz(left);
        tree_item(t);
        tree_word(t, span_of(word, (size_t)(structure_edns_flag(word, bit) - word)));
    }
    tree_close_list(t);
}

/* The owner's name. Most owners are a pointer to the question's name, which is known already. */
static struct dns_name owner_name(const struct event *ev, const struct dns_rr *rr, uint8_t *space)
{
    static const uint8_t to_question[2] = {0xc0, DNS_HEADER_LEN};
    struct dns_name owner = {0};
    size_t end;
    if (ev->question.name.len > 0 && memcmp(ev->dns.ptr + rr->owner, to_question, 2) == 0)
        return ev->question.name;
    return dns_name_decode(ev->dns, rr->owner, space, &owner, &end) == 0 ? owner
                                                                         : (struct dns_name){0};
}

static void put_record(struct tree *t, const struct event *ev, const struct dns_rr *rr)
{
    uint8_t space[DNS_NAME_MAX];
    char word[FIELD_WORD_MAX];
    tree_open_map(t);
    tree_key(t, "name");
    tree_name(t, owner_name(ev, rr, space));
    tree_key(t, "type");
    tree_word(t, span_of(word, (size_t)(dns_type_put(word, rr->type) - word)));
    tree_key(t, "class");
    tree_word(t, span_of(word, (size_t)(dns_class_put(word, rr->class) - word)));
    tree_key(t, "ttl");
    tree_uint(t, rr->ttl);
    tree_key(t, "rdata");
    tree_rdata(t, ev->dns, rr);
    tree_close_map(t);
}

/* All records of a section that can be read, but OPT, which is no record: `edns` has the first of
 * them, and `malformed` tells of others. */
static bool put_section(struct event *ev, struct tree *t, enum dns_section section)
{
    struct dns_walk walk;
    struct dns_rr rr;
    if (!event_section(ev, section, &walk))
        return false;
    tree_open_list(t);
    while (dns_walk_next(&walk, &rr)) {
        if (rr.type == DNS_TYPE_OPT)
            continue;
        tree_item_kept(t);
        put_record(t, ev, &rr);
        if (!tree_keep(t))
            break;
    }
    tree_close_list(t);
    return true;
}

bool structure_answers(const struct field *self, struct event *ev, struct tree *t)
{
    (void)self;
    return put_section(ev, t, DNS_ANSWER);
}

bool structure_authority(const struct field *self, struct event *ev, struct tree *t)
{
    (void)self;
    return put_section(ev, t, DNS_AUTHORITY);
}

bool structure_additional(const struct field *self, struct event *ev, struct tree *t)
{
    (void)self;
    return put_section(ev, t, DNS_ADDITIONAL);
}

static void put_option(struct tree *t, const struct dns_edns_option *option)
{
    const char *name = dns_edns_option_name(option->code);
    tree_open_map(t);
    tree_key(t, "code");
    tree_uint(t, option->code);
    tree_key(t, "name");
    if (name)
        tree_word(t, span_str(name));
    else
        tree_null(t);
    tree_key(t, "data");
    tree_edns_option(t, option);
    tree_close_map(t);
}

bool structure_edns_options(const struct field *self, struct event *ev, struct tree *t)
{
    (void)self;
    if (!ev->edns.present)
        return false;
    struct cursor options = cursor_of(ev->edns.options);
    struct dns_edns_option option;
    tree_open_list(t);
    while (dns_edns_option_next(&options, &option)) {
        tree_item_kept(t);
        put_option(t, &option);
        if (!tree_keep(t))
            break;
    }
    tree_close_list(t);
    return true;
}

bool structure_find_subnet(const struct event *ev, struct dns_edns_option *option)
{
    struct cursor options = cursor_of(ev->edns.options);
    while (ev->edns.present && dns_edns_option_next(&options, option)) {
        if (option->code == OPTION_CLIENT_SUBNET)
            return true;
    }
    return false;
}

bool structure_client_subnet(const struct field *self, struct event *ev, struct tree *t)
{
    struct dns_edns_option option;
    (void)self;
    if (!structure_find_subnet(ev, &option))
        return false;
    tree_edns_option(t, &option);
    return true;
}

/* All parts, as the rows edns.* have them one by one; written out, for most messages have EDNS. */
bool structure_edns(const struct field *self, struct event *ev, struct tree *t)
{
    const struct dns_edns *edns = &ev->edns;
    char word[FIELD_WORD_MAX];
    if (!ev->edns.present)
        return false;
    tree_open_map(t);
    tree_key(t, "version");
    tree_uint(t, edns->version);
    tree_key(t, "udp-size");
    tree_uint(t, edns->udp_size);
    tree_key(t, "do");
    tree_bool(t, edns->flags & EVENT_EDNS_DO);
    tree_key(t, "flags");
    put_edns_flags(ev, t);
    tree_key(t, "rcode");
    tree_word(t, span_of(word, (size_t)(field_rcode(word, edns->rcode) - word)));
    tree_key(t, "client-subnet");
    if (!structure_client_subnet(self, ev, t))
        tree_null(t);
    tree_key(t, "options");
    structure_edns_options(self, ev, t);
    tree_close_map(t);
    return true;
}

bool structure_policy(const struct field *self, struct event *ev, struct tree *t)
{
    if (ev->bad & FACET_POLICY || !(ev->tap.has & DNSTAP_HAS_POLICY))
        return false;
    put_parts(self, ev, t);
    return true;
}

/* False: there is no room for another. */
static bool put_unknown(struct tree *t, const char *in, uint32_t field, struct span encoded)
{
    tree_item_kept(t);
    tree_open_map(t);
    tree_key(t, "in");
    tree_word(t, span_str(in));
    tree_key(t, "field");
    tree_uint(t, field);
    tree_key(t, "hex");
    tree_hex(t, encoded);
    tree_close_map(t);
    return tree_keep(t);
}

bool structure_unknown(const struct field *self, struct event *ev, struct tree *t)
{
    (void)self;
    bool in_policy = !(ev->bad & FACET_POLICY) && ev->policy.has & DNSTAP_POLICY_HAS_UNKNOWN;
    if (!(ev->tap.has & DNSTAP_HAS_UNKNOWN) && !in_policy)
        return false;
    struct dnstap_unknown walk = {0};
    struct cursor policy = cursor_of(in_policy ? ev->tap.policy : (struct span){0});
    uint32_t field;
    struct span encoded;
    tree_open_list(t);
    bool room = true;
    while (room && dnstap_unknown_next(ev->frame, &walk))
        room = put_unknown(t, walk.in_message ? "message" : "dnstap", walk.field, walk.encoded);
    while (room && dnstap_policy_unknown_next(&policy, &field, &encoded))
        room = put_unknown(t, "policy", field, encoded);
    tree_close_list(t);
    return true;
}
