/* Field values as text, by form. */
#include "event/field.h"

size_t field_value_max(unsigned form, const struct field_value *value)
{
    static const uint16_t most[FIELD_FORMS] = {
        [FIELD_WORD] = FIELD_WORD_MAX + SCALAR_QUOTES,
        [FIELD_TEXT] = SCALAR_QUOTES,
        [FIELD_NAME] = SCALAR_NAME_MAX,
        [FIELD_ADDRESS] = SCALAR_ADDRESS_MAX,
        [FIELD_PREFIX] = SCALAR_PREFIX_MAX,
        [FIELD_UINT] = PUT_U64_MAX,
        [SHOWN_LENGTH] = PUT_U64_MAX + 1,
        [FIELD_BOOL] = 5,
        [FIELD_TIME] = SCALAR_TIME_MAX,
        [SHOWN_EPOCH] = SCALAR_EPOCH_MAX,
        [FIELD_DURATION] = SCALAR_LATENCY_MAX,
    };
    return most[form] + (form == FIELD_TEXT ? value->text.len * SCALAR_TEXT_MAX : 0);
}

char *field_code_put(char *p, const struct field *field, uint64_t code, enum scalar_style style)
{
    char word[FIELD_WORD_MAX];
    return scalar_word(p, span_of(word, (size_t)(field->word(word, code) - word)), style);
}

char *field_rcode(char *p, uint64_t code)
{
    const char *name = dns_rcode_name((unsigned)code);
    return name ? put_str(p, name) : put_u64(put_str(p, "RCODE"), code);
}

void field_put(const struct field *field, struct event *ev, struct tree *tree)
{
    struct field_value value;
    struct put_time_cache cache;
    cache.len = 0;
    if (field->put) {
        event_need(ev, field->needs);
        if (!field->put(field, ev, tree))
            tree_null(tree);
        return;
    }
    if (!field_get(field, ev, &value)) {
        tree_null(tree);
        return;
    }
    unsigned form = field->type == FIELD_DATA ? (unsigned)value.as : field_form(field);
    if (tree_scalar(tree, field_value_max(form, &value)))
        tree->p = field_form_put(tree->p, form, field, &value, tree_style(tree), &cache);
}
