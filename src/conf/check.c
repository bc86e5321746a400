/*
 * Whether a configuration can work: what its options mean together (config_validate), and what the
 * system would say (config_probe). Starting and `spile config check` ask the same; whatever a
 * module knows of its own options it says in its `check` and `probe`.
 */
#include <stdio.h>
#include <stdlib.h>

#include "conf/config.h"
#include "io/holder.h"
#include "io/place.h"

_Static_assert((int)MODULE_BUSY == (int)PLACE_BUSY, "a status is a verdict");
_Static_assert((int)MODULE_LACKS == (int)PLACE_LACKS, "a status is a verdict");

/* --- places --------------------------------------------------------------------------------- */

/* A place that an option names: one that is to be the item's own, or a file that it reads. */
struct place_claim {
    const struct config_item *item;
    const struct option *row;
    const void *option;     /* the option's value in its struct */
    const void *value;      /* a char *, or a struct option_hostport, as the row says */
    struct place_file file; /* of a char *: looked at once, for all that it is compared with */
};

/* The n-th item of the configuration, whatever its kind; NULL behind the last. */
static const struct config_item *item_at(const struct config *config, size_t n)
{
    if (n < config->input_count)
        return &config->inputs[n];
    n -= config->input_count;
    if (n < config->stage_count)
        return &config->stages[n];
    n -= config->stage_count;
    if (n < config->output_count)
        return &config->outputs[n];
    n -= config->output_count;
    return n < config->section_count ? &config->sections[n] : NULL;
}

static bool is_stdin(const struct place_claim *claim)
{
    return claim->row->reads && strcmp(*(char *const *)claim->value, "-") == 0;
}

/* True when one of both would be in the other's way. */
static bool clash(const struct place_claim *a, const struct place_claim *b, bool resolve)
{
    if (is_stdin(a) || is_stdin(b))
        return is_stdin(a) && is_stdin(b);
    if (a->row->reads && b->row->reads)
        return false;
    bool host = a->row->type == OPTION_HOSTPORT;
    if (host != (b->row->type == OPTION_HOSTPORT))
        return false;
    if (!host)
        return place_same_file(&a->file, &b->file);
    const struct option_hostport *x = a->value, *y = b->value;
    return x->port == y->port && x->port != 0 && place_same_host(x->host, y->host, resolve);
}

/* How many places the row's value claims. */
static size_t places_of(const struct option *row, const void *base)
{
    return row->reads || row->exclusive ? option_count(row, base) : 0;
}

static struct place_claim claim_of(const struct option *row, const struct config_item *item,
                                   const void *base, size_t i)
{
    const void *option = (const char *)base + row->offset;
    const void *value = row->reads ? &((const struct option_strings *)option)->items[i] : option;
    struct place_claim claim = {item, row, option, value, {0}};
    if (row->type != OPTION_HOSTPORT && !is_stdin(&claim))
        claim.file = place_file(*(char *const *)value);
    return claim;
}

/* Appends the claims of one struct of the item's to `claims`, unless that is NULL; returns how many
 * there are then. */
static size_t add_claims(struct place_claim *claims, size_t count, const struct config_item *item,
                         const struct option *table, const void *base)
{
    for (const struct option *row = table; row && row->name; row++) {
        for (size_t i = 0; row->rows && i < option_count(row, base); i++)
            count = add_claims(claims, count, item, row->rows, option_nested(row, base, i));
        size_t places = places_of(row, base);
        for (size_t i = 0; claims && i < places; i++)
            claims[count + i] = claim_of(row, item, base, i);
        count += places;
    }
    return count;
}

static size_t add_item_claims(struct place_claim *claims, size_t count,
                              const struct config_item *item)
{
    return add_claims(claims, count, item, item->module->options, item->options);
}

int config_items_clash(const struct config_item *a, const struct config_item *b)
{
    size_t first = add_item_claims(NULL, 0, a), all = add_item_claims(NULL, first, b);
    struct place_claim *claims = calloc(all + 1, sizeof *claims);
    int found = claims ? 0 : -1;
    if (claims)
        add_item_claims(claims, add_item_claims(claims, 0, a), b);
    for (size_t i = 0; found == 0 && i < first; i++) {
        for (size_t j = first; found == 0 && j < all; j++)
            found = clash(&claims[i], &claims[j], false);
    }
    free(claims);
    return found;
}

/* Inputs come first, so what is read and written is read by the earlier one. What stays from before
 * cannot be blamed. */
static int refuse_claim(const struct place_claim *claim, const struct place_claim *earlier,
                        struct error *err)
{
    char line[CONFIG_WHERE_MAX] = "";
    if (claim->item->carried && !earlier->item->carried)
        return refuse_claim(earlier, claim, err);
    if (earlier->item->carried)
        snprintf(line, sizeof line, ", which stays until the next start,");
    else if (earlier->item->at.line)
        config_where(line, &earlier->item->at, &claim->item->at);
    const char *why = is_stdin(claim) ? "reads standard input already; it can be read only once"
                      : earlier->row->reads
                          ? "reads this very file; it cannot be read and written at once"
                          : "has this place already; each needs one of its own";
    error_set(err, "%s: %s: the %s%s %s", claim->item->module->name, claim->row->name,
              earlier->item->module->name, line, why);
    return config_error_at(claim->item, claim->option, err);
}

/* No two items at one place. Names of hosts are looked up when `resolve` says so. */
static int check_places(const struct config *config, bool resolve, struct error *err)
{
    const struct config_item *item;
    size_t most = 0, count = 0;
    for (size_t n = 0; (item = item_at(config, n)); n++)
        most = add_item_claims(NULL, most, item);
    struct place_claim *claims = calloc(most + 1, sizeof *claims);
    int status = claims ? 0 : error_set(err, "out of memory");
    for (size_t n = 0; status == 0 && (item = item_at(config, n)); n++)
        count = add_item_claims(claims, count, item);
    for (size_t i = 0; i < count && status == 0; i++) {
        for (size_t j = 0; j < i && status == 0; j++) {
            if (clash(&claims[i], &claims[j], resolve))
                status = refuse_claim(&claims[i], &claims[j], err);
        }
    }
    free(claims);
    return status;
}

/* --- items ---------------------------------------------------------------------------------- */

static bool is_written_group(const struct config_item *item, const void *value)
{
    const struct config_options own = config_own(item);
    return config_marks_written(&item->options_at, &own, value, true);
}

/* `owner` is what users know the struct by; `value` is to blame where something is absent. */
static int check_required(const struct config_item *item, const char *owner,
                          const struct option *table, const void *base, const void *value,
                          struct error *err)
{
    for (const struct option *row = table; row && row->name; row++) {
        const void *place = (const char *)base + row->offset;
        bool group = row->type == OPTION_GROUP;
        if (row->required && option_is_absent(row, base)) {
            error_set(err, "%s needs the option '%s'", owner, row->name);
            return config_error_at(item, value, err);
        }
        size_t count = group ? is_written_group(item, place) : option_count(row, base);
        for (size_t i = 0; row->rows && i < count; i++) {
            const void *nested = option_nested(row, base, i);
            if (check_required(item, row->name, row->rows, nested, nested, err))
                return -1;
        }
    }
    return 0;
}

static int check_common(const struct config *config, const struct config_item *item,
                        struct error *err)
{
    const struct option_group *common = item->module->common;
    const void *wrong = NULL;
    if (!common || !common->check || common->check(config, item, &wrong, err) == 0)
        return 0;
    return config_error_at(item, wrong, err);
}

/* What a module says of its options, with module and place. */
static enum module_verdict ask(const struct config_item *item,
                               enum module_verdict (*hook)(const void *options, const void **wrong,
                                                           struct error *err),
                               struct error *err)
{
    const void *wrong = NULL;
    struct error why = {0};
    enum module_verdict verdict = hook ? hook(item->options, &wrong, &why) : MODULE_FINE;
    if (verdict == MODULE_FINE)
        return verdict;
    error_set(err, "%s: %s", item->module->name, why.text);
    config_error_at(item, wrong, err);
    return verdict;
}

/* --- settings ------------------------------------------------------------------------------- */

static int check_settings(const struct config *config, struct error *err)
{
    const void *wrong = NULL;
    const struct config_options options = config_settings(config);
    if (settings_check(&config->settings, &wrong, err) == 0)
        return 0;
    const struct config_mark *at = config_marks_find(&config->settings_at, &options, wrong);
    return at ? error_at(err, at->file, at->line, at->column) : -1;
}

static int check_lists(const struct config *config, struct error *err)
{
    if (config->input_count > 0 || config->inputs_at.line == 0)
        return 0;
    error_set(err, "'inputs' is empty, so nothing would be collected: name one, or leave 'inputs' "
                   "out for tcp at 127.0.0.1:6000");
    return error_at(err, config->inputs_at.file, config->inputs_at.line, config->inputs_at.column);
}

/* -------------------------------------------------------------------------------------------- */

static int check_stages(const struct config *config, struct error *err)
{
    for (size_t i = 0; i < config->stage_count; i++) {
        const struct config_item *item = &config->stages[i];
        for (size_t j = 0; j < i && item->module->once; j++) {
            if (config->stages[j].module != item->module)
                continue;
            error_set(err, "%s: it is in the list already; there can be one", item->module->name);
            return config_error_at(item, NULL, err);
        }
    }
    return 0;
}

int config_validate(const struct config *config, struct error *err)
{
    const struct config_item *item;
    if (check_settings(config, err) < 0 || check_lists(config, err) < 0 ||
        check_stages(config, err) < 0)
        return -1;
    for (size_t n = 0; (item = item_at(config, n)); n++) {
        if (check_required(item, item->module->name, item->module->options, item->options, NULL,
                           err) < 0 ||
            check_common(config, item, err) < 0 ||
            ask(item, item->module->check, err) == MODULE_REFUSES)
            return -1;
    }
    if (config_check_names(config->inputs, config->input_count, err) < 0 ||
        config_check_names(config->stages, config->stage_count, err) < 0 ||
        config_check_names(config->outputs, config->output_count, err) < 0)
        return -1;
    return check_places(config, false, err);
}

enum { BUSY_END_MAX = 128 };

/* Places that one process has, or that nobody can tell who has. */
struct busy {
    struct error said; /* names them, with the line of the first */
    struct holder holder;
    bool any;
    void (*warn)(const struct error *warning);
    void (*note)(const struct error *notice);
};

static void append(struct error *said, const char *text)
{
    size_t len = strlen(said->text);
    snprintf(said->text + len, sizeof said->text - len, "%s", text);
}

/* Says in one line who has the places, and forgets them. */
static void tell_busy(struct busy *busy)
{
    const struct holder *holder = &busy->holder;
    bool spile = holder_is_spile(holder);
    char end[BUSY_END_MAX] =
        ": in use by another program, or by Spile itself if it is running already";
    if (spile)
        snprintf(end, sizeof end, ": Spile is running already, as process %d, and listens there",
                 holder->pid);
    else if (holder->pid)
        snprintf(end, sizeof end, ": in use by %s (process %d)", holder->name, holder->pid);
    append(&busy->said, end);
    if (busy->any)
        (spile ? busy->note : busy->warn)(&busy->said);
    busy->any = false;
}

/* Who has the place of the item's exclusive option: it has one, and it is not in a list. */
static struct holder holder_in(const struct option *table, const void *base)
{
    for (const struct option *row = table; row && row->name; row++) {
        const void *value = (const char *)base + row->offset;
        if (row->type == OPTION_GROUP) {
            struct holder holder = holder_in(row->rows, value);
            if (holder.pid)
                return holder;
        }
        if (row->exclusive && !option_is_absent(row, base))
            return row->type == OPTION_PATH
                       ? holder_of_socket(*(char *const *)value)
                       : holder_of_port(((const struct option_hostport *)value)->port);
    }
    return (struct holder){0};
}

static void add_busy(struct busy *busy, const struct config_item *item, const struct error *said)
{
    struct holder holder = holder_in(item->module->options, item->options);
    size_t len = strlen(busy->said.text) + strlen(said->text) + BUSY_END_MAX;
    if (busy->any && holder.pid == busy->holder.pid && len + 2 < sizeof busy->said.text) {
        append(&busy->said, ", ");
        append(&busy->said, said->text);
        return;
    }
    tell_busy(busy);
    busy->said = *said;
    busy->holder = holder;
    busy->any = true;
}

int config_probe_item(const struct config_item *item, struct error *err)
{
    struct error said = {0};
    enum module_verdict verdict = ask(item, item->module->probe, &said);
    if (verdict != MODULE_REFUSES && verdict != MODULE_LACKS)
        return 0;
    *err = said;
    return -1;
}

int config_probe(const struct config *config, void (*warn)(const struct error *warning),
                 void (*note)(const struct error *notice), struct error *err)
{
    const struct config_item *item;
    struct busy busy = {.warn = warn, .note = note};
    for (size_t n = 0; (item = item_at(config, n)); n++) {
        struct error said = {0};
        enum module_verdict verdict = ask(item, item->module->probe, &said);
        if (verdict == MODULE_REFUSES) {
            *err = said;
            return -1;
        }
        if (verdict == MODULE_BUSY)
            add_busy(&busy, item, &said);
        else if (verdict == MODULE_WARNS || verdict == MODULE_LACKS)
            warn(&said);
    }
    tell_busy(&busy);
    return check_places(config, true, err);
}
