/* Field values as text, by kind. */
#include "event/field.h"

size_t field_value_max(enum field_kind kind, const struct field_value *value)
{
    static const uint16_t most[FIELD_KINDS] = {
        [FIELD_WORD] = FIELD_WORD_MAX + SCALAR_QUOTES,
        [FIELD_TEXT] = SCALAR_QUOTES,
        [FIELD_NAME] = SCALAR_NAME_MAX,
        [FIELD_ADDRESS] = SCALAR_ADDRESS_MAX,
        [FIELD_UINT] = PUT_U64_MAX,
        [FIELD_LENGTH] = PUT_U64_MAX + 1,
        [FIELD_BOOL] = 5,
        [FIELD_TIME] = SCALAR_TIME_MAX,
        [FIELD_EPOCH] = SCALAR_EPOCH_MAX,
        [FIELD_LATENCY] = SCALAR_LATENCY_MAX,
    };
    return most[kind] + (kind == FIELD_TEXT ? value->text.len * SCALAR_TEXT_MAX : 0);
}

char *field_code_put(char *p, const struct field *field, uint64_t code, enum scalar_style style)
{
    char word[FIELD_WORD_MAX];
    return scalar_word(p, span_of(word, (size_t)(field->word(word, code) - word)), style);
}

void field_put(const struct field *field, struct event *ev, struct tree *tree)
{
    struct field_value value;
    struct put_time_cache cache;
    cache.len = 0;
    if (field->kind == FIELD_TREE) {
        event_need(ev, field->needs);
        if (!field->put(field, ev, tree))
            tree_null(tree);
        return;
    }
    if (!field_get(field, ev, &value)) {
        tree_null(tree);
        return;
    }
    enum field_kind kind = field->kind == FIELD_DATA ? value.as : field->kind;
    if (tree_scalar(tree, field_value_max(kind, &value)))
        tree->p = field_value_put(tree->p, field, &value, tree_style(tree), &cache);
}
