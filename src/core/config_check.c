/*
 * Whether a configuration can work: what its options mean together (config_validate), and what the
 * system would say (config_probe). Starting and `spile config check` ask the same; whatever a
 * module knows of its own options it says in its `check` and `probe`.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/config.h"
#include "io/holder.h"
#include "io/place.h"

_Static_assert((int)MODULE_BUSY == (int)PLACE_BUSY, "a status is a verdict");

/* --- formats -------------------------------------------------------------------------------- */

/* Opens the item's format for a moment: it alone knows which field lists it takes. */
static int try_format(const struct config_item *item, const struct module *module,
                      struct error *err)
{
    const struct format_hooks *hooks = module->hooks;
    const struct format_spec spec = {.module = module, .fields = item->common.fields};
    void *state = NULL;
    uint32_t needs = 0;
    if (hooks->open && hooks->open(&spec, &state, &needs, err))
        return -1;
    if (hooks->close)
        hooks->close(state);
    return 0;
}

static int check_format(const struct config *config, const struct config_item *item,
                        struct error *err)
{
    if (!config_common_options(item->module))
        return 0;
    struct span name = span_str(item->common.format);
    const struct module *format =
        module_find(MODULE_FORMAT, name, settings_compat(&config->settings));
    if (!format) {
        module_unknown(MODULE_FORMAT, name, err);
        return config_error_at(config, item, "format", err);
    }
    if (try_format(item, format, err))
        return config_error_at(config, item, item->common.fields ? "fields" : "format", err);
    return 0;
}

/* --- places --------------------------------------------------------------------------------- */

/* An exclusive option that has a value. */
struct claim {
    const struct config_item *item;
    const struct option *row;
    const void *value; /* of the row's type */
};

/* The n-th item of the configuration, whatever its kind; NULL behind the last. */
static const struct config_item *item_at(const struct config *config, size_t n)
{
    if (n < config->input_count)
        return &config->inputs[n];
    n -= config->input_count;
    if (n < config->output_count)
        return &config->outputs[n];
    n -= config->output_count;
    return n < config->section_count ? &config->sections[n] : NULL;
}

static bool same_place(const struct claim *a, const struct claim *b, bool resolve)
{
    if (a->row->type != b->row->type)
        return false;
    if (a->row->type == OPTION_PATH)
        return place_same_file(*(char *const *)a->value, *(char *const *)b->value);
    const struct option_hostport *x = a->value, *y = b->value;
    return x->port == y->port && x->port != 0 && place_same_host(x->host, y->host, resolve);
}

static size_t item_count(const struct config *config)
{
    return config->input_count + config->output_count + config->section_count;
}

/* Appends the item's claim; a module has one exclusive option at most. */
static size_t add_claim(struct claim *claims, size_t count, const struct config_item *item)
{
    for (const struct option *row = item->module->options; row && row->name; row++) {
        if (row->exclusive && !option_is_absent(row, item->priv))
            claims[count++] = (struct claim){item, row, (const char *)item->priv + row->offset};
    }
    return count;
}

static int refuse_claim(const struct config *config, const struct claim *claim,
                        const struct claim *earlier, struct error *err)
{
    char line[32] = "";
    if (earlier->item->at.line)
        snprintf(line, sizeof line, " in line %u", earlier->item->at.line);
    error_set(err, "%s: %s: the %s%s has this place already; each needs one of its own",
              claim->item->module->name, claim->row->name, earlier->item->module->name, line);
    return config_error_at(config, claim->item, claim->row->name, err);
}

/* No two items at one place. Names of hosts are looked up when `resolve` says so. */
static int check_places(const struct config *config, bool resolve, struct error *err)
{
    const struct config_item *item;
    struct claim *claims = calloc(item_count(config) + 1, sizeof *claims);
    size_t count = 0;
    int status = claims ? 0 : error_set(err, "out of memory");
    for (size_t n = 0; status == 0 && (item = item_at(config, n)); n++) {
        size_t before = count;
        count = add_claim(claims, count, item);
        for (size_t i = 0; count > before && status == 0 && i < before; i++) {
            if (same_place(&claims[before], &claims[i], resolve))
                status = refuse_claim(config, &claims[before], &claims[i], err);
        }
    }
    free(claims);
    return status;
}

/* --- items ---------------------------------------------------------------------------------- */

static int check_required(const struct config *config, const struct config_item *item,
                          struct error *err)
{
    for (const struct option *row = item->module->options; row && row->name; row++) {
        if (row->required && option_is_absent(row, item->priv)) {
            error_set(err, "%s needs the option '%s'", item->module->name, row->name);
            return config_error_at(config, item, NULL, err);
        }
    }
    return 0;
}

/* What a module says of its options, with module and place. */
static enum module_verdict ask(const struct config *config, const struct config_item *item,
                               enum module_verdict (*hook)(const void *priv, const char **option,
                                                           struct error *err),
                               struct error *err)
{
    const char *option = NULL;
    struct error why = {0};
    enum module_verdict verdict = hook ? hook(item->priv, &option, &why) : MODULE_FINE;
    if (verdict == MODULE_FINE)
        return verdict;
    error_set(err, "%s: %s", item->module->name, why.text);
    config_error_at(config, item, option, err);
    return verdict;
}

/* --- settings ------------------------------------------------------------------------------- */

static int at_mark(const struct config *config, struct config_mark at, struct error *err)
{
    return error_at(err, at.line ? config->path : NULL, at.line, at.column);
}

static int check_settings(const struct config *config, struct error *err)
{
    const char *option = NULL;
    struct config_mark at = {0};
    if (settings_check(&config->settings, &option, err) == 0)
        return 0;
    for (size_t i = 0; settings_options[i].name; i++) {
        if (option && strcmp(settings_options[i].name, option) == 0)
            at = config->setting_places[i];
    }
    return at_mark(config, at, err);
}

static int check_lists(const struct config *config, struct error *err)
{
    if (config->input_count > 0 || config->inputs_at.line == 0)
        return 0;
    error_set(err, "'inputs' is empty, so nothing would be collected: name one, or leave 'inputs' "
                   "out for tcp at 127.0.0.1:6000");
    return at_mark(config, config->inputs_at, err);
}

/* -------------------------------------------------------------------------------------------- */

int config_validate(const struct config *config, struct error *err)
{
    const struct config_item *item;
    if (check_settings(config, err) < 0 || check_lists(config, err) < 0)
        return -1;
    for (size_t n = 0; (item = item_at(config, n)); n++) {
        if (check_required(config, item, err) < 0 || check_format(config, item, err) < 0 ||
            ask(config, item, item->module->check, err) == MODULE_REFUSES)
            return -1;
    }
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

static void add_busy(struct busy *busy, const struct config_item *item, const struct error *said)
{
    struct claim claim;
    struct holder holder = {0};
    if (add_claim(&claim, 0, item) > 0)
        holder = claim.row->type == OPTION_PATH
                     ? holder_of_socket(*(char *const *)claim.value)
                     : holder_of_port(((const struct option_hostport *)claim.value)->port);
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

int config_probe(const struct config *config, void (*warn)(const struct error *warning),
                 void (*note)(const struct error *notice), struct error *err)
{
    const struct config_item *item;
    struct busy busy = {.warn = warn, .note = note};
    for (size_t n = 0; (item = item_at(config, n)); n++) {
        struct error said = {0};
        enum module_verdict verdict = ask(config, item, item->module->probe, &said);
        if (verdict == MODULE_REFUSES) {
            *err = said;
            return -1;
        }
        if (verdict == MODULE_BUSY)
            add_busy(&busy, item, &said);
        else if (verdict == MODULE_WARNS)
            warn(&said);
    }
    tell_busy(&busy);
    return check_places(config, true, err);
}
