/* All fields: those of the table, and those that modules contribute. */
#include <assert.h>
#include <strings.h>

#include "base/nearest.h"
#include "base/number.h"
#include "conf/module.h"
#include "event/field_rows.h"

/* The n-th of what modules contribute; NULL behind the last. */
static const struct field *contributed_at(size_t n)
{
    for (size_t i = 0; registry[i]; i++) {
        const struct field *field = registry[i]->fields;
        for (; field && field->name; field++) {
            if (n-- == 0)
                return field;
        }
    }
    return NULL;
}

const struct field *field_at(size_t n)
{
    return n < own_field_count ? &own_fields[n] : contributed_at(n - own_field_count);
}

bool field_is_contributed(const struct field *field)
{
    for (size_t i = 0; i < own_field_count; i++) {
        if (field == &own_fields[i])
            return false;
    }
    return true;
}

/* Names first, then keys. */
static const char *name_or_key(const void *ctx, size_t i)
{
    size_t count = *(const size_t *)ctx;
    return i < count ? field_at(i)->name : field_at(i - count)->key;
}

const struct field *field_find(struct span name, const char **hint)
{
    const struct field *field;
    size_t count = 0;
    for (; (field = field_at(count)); count++) {
        if (span_equal(name, span_str(field->name)) || span_equal(name, span_str(field->key)))
            return field;
    }
    if (hint)
        *hint = nearest_name(name, name_or_key, &count, 2 * count);
    return NULL;
}

bool field_code(const struct field *field, struct span word, uint64_t *code)
{
    enum { CODES = 65536 }; /* no registry of these has more; longer codes have no words */
    char text[FIELD_WORD_MAX];
    for (uint64_t i = 0; i < CODES && word.len > 0; i++) {
        size_t len = (size_t)(field->word(text, i) - text);
        if (len != word.len || strncasecmp(text, (const char *)word.ptr, len) != 0)
            continue;
        *code = i;
        return true;
    }
    return number_parse(word, UINT32_MAX, code);
}

struct event_slot *field_slot(struct event *ev, const struct field *field)
{
    struct event_slot *slot = ev->slots;
    while (slot < ev->slots + ev->slots_used && slot->field != field)
        slot++;
    if (slot == ev->slots + ev->slots_used) {
        assert(ev->slots_used < EVENT_SLOTS);
        *slot = (struct event_slot){.field = field};
        ev->slots_used++;
    }
    return slot;
}

bool field_slot_get(const struct field *self, const struct event *ev, struct field_value *value)
{
    for (unsigned i = 0; i < ev->slots_used; i++) {
        const struct event_slot *slot = &ev->slots[i];
        if (slot->field != self)
            continue;
        if (self->type == FIELD_TEXT || self->type == FIELD_ADDRESS)
            value->text = slot->text;
        else
            value->number = slot->number;
        return true;
    }
    return false;
}
