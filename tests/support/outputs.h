/* One output by hand, without an engine: options from text, a format without events. */
#ifndef SPILE_TESTS_OUTPUTS_H
#define SPILE_TESTS_OUTPUTS_H

#include <stdlib.h>

#include "chunks.h"
#include "core/output.h"

/* Two kinds of formats, as outputs see them: lines, and what has a beginning and an end. */
static inline void outputs_begin(struct buf *out)
{
    buf_str(out, "<begin>\n");
}

static inline void outputs_end(struct buf *out)
{
    buf_str(out, "<end>\n");
}

static const struct format_hooks outputs_lines = {0};
static const struct format_hooks outputs_framed = {.begin = outputs_begin, .end = outputs_end};

/* Sets the options ("name=value", ... NULL) and opens, with the settings that *out has (else
 * zeroed). Returns what `open` returns, -1 with err. */
static inline int outputs_open(struct output *out, const struct module *module,
                               const struct format_hooks *format, const char *const *settings,
                               struct error *err)
{
    void *options = calloc(1, module->options_size + 1);
    *out = (struct output){.settings = out->settings,
                           .module = module,
                           .hooks = module->hooks,
                           .options = options,
                           .state = calloc(1, module->state_size + 1),
                           .name = "test",
                           .format = format};
    if (module->options && options_init(module->options, options, err))
        return -1;
    for (; *settings; settings++) {
        const char *equals = strchr(*settings, '=');
        const struct option *row =
            option_find(module->options, span_of(*settings, (size_t)(equals - *settings)), NULL);
        if (!row || option_parse(row, options, span_str(equals + 1), err))
            return -1;
    }
    return out->hooks->open(out, err);
}

/* Frees options and state; to be called after the output's close hook, or after a failed open. */
static inline void outputs_free(struct output *out)
{
    options_free(out->module->options, (void *)out->options);
    free((void *)out->options);
    free(out->state);
}

static inline void outputs_close(struct output *out)
{
    out->hooks->close(out);
    outputs_free(out);
}

/* Writes a chunk of records of `len` bytes numbered from `serial`, as the writer thread does it.
 * Returns the status of the last call; *done as of that call. */
static inline enum output_status outputs_write(struct output *out, unsigned serial,
                                               unsigned records, size_t len, uint32_t *done)
{
    struct chunk *chunk = chunks_make(0, serial, records, len);
    *done = 0;
    if (out->hooks->tick)
        out->hooks->tick(out);
    enum output_status status = out->hooks->write(out, chunk, 0, done);
    chunk_release(chunk);
    return status;
}

#endif
