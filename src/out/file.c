/*
 * Output `file`: records appended to a file, which is rotated by size and by time.
 *
 * What becomes of the bytes is the appender's part (out/appender.h), what becomes of the files that
 * were rotated is the janitor's (out/janitor.h); here is decided when to rotate.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/place.h"
#include "out/appender.h"
#include "out/emit.h"
#include "out/janitor.h"
#include "out/rotated.h"
#include "out/trouble.h"

/* So often is looked after what others do to the file. */
#define LOOK_NS CLOCK_SECOND_NS
/* After a rotation failed, records go on into the same file for so long. */
#define ROTATE_AGAIN_NS (60 * CLOCK_SECOND_NS)

struct file_output_options {
    char *path;
    mode_t mode;
    uint64_t rotate_size;
    uint64_t rotate_every_ns;
    uint64_t keep;
    int compress; /* enum compression */
};

struct file {
    const struct file_output_options *options;
    struct appender appender;
    struct janitor janitor;
    struct trouble trouble;
    bool stale;         /* SIGHUP came: to be opened anew */
    int64_t period;     /* of rotate_every_ns, that the file's records belong to */
    bool set_back;      /* the clock was, since the last rotation by time ... */
    uint64_t turned_ns; /* ... which was then, by clock_ns(); 0: none yet */
    uint64_t rotate_not_before_ns;
    uint64_t look_ns; /* when to look after the file */
};

static const struct option file_rows[] = {
    {.name = "path",
     .type = OPTION_PATH,
     .offset = offsetof(struct file_output_options, path),
     .required = true,
     .exclusive = true,
     .max = PATH_MAX - ROTATED_EXTRA - 1,
     .doc = "where to; what is there already stays and is appended to",
     .example = "/var/log/spile/dns.json"},
    {.name = "mode",
     .type = OPTION_MODE,
     .offset = offsetof(struct file_output_options, mode),
     .fallback = "0644",
     .doc = "permissions of a file that is made"},
    {.name = "rotate-size",
     .type = OPTION_SIZE,
     .offset = offsetof(struct file_output_options, rotate_size),
     .fallback = "off",
     .doc = "rotate before the file would grow past this, say 100M; only a single larger "
            "record may exceed it",
     .example = "100M"},
    {.name = "rotate-every",
     .type = OPTION_DURATION,
     .offset = offsetof(struct file_output_options, rotate_every_ns),
     .fallback = "off",
     .min = CLOCK_SECOND_NS,
     .off = true,
     .doc =
         "rotate at the multiples of this on the clock, in UTC: 1h at full hours, 1d at midnight; "
         "an empty file is left alone",
     .example = "1h"},
    {.name = "keep",
     .type = OPTION_UINT,
     .offset = offsetof(struct file_output_options, keep),
     .fallback = "10",
     .doc =
         "rotated files to keep, named PATH.20261121T085042.992Z.000017: the moment of rotation, "
         "and a number that alone says which are newer, whatever the clock did; those with the "
         "lowest go, first of all those without one, of earlier versions; where others may make "
         "files, theirs neither count nor go; 0 keeps all; under compat, and uncompressed, PATH.1 "
         "(the newest), PATH.2, and so on, as dnstap-receiver has them"},
    {.name = "compress",
     .type = OPTION_ENUM,
     .offset = offsetof(struct file_output_options, compress),
     .fallback = "none",
     .choices = compress_names,
     .doc = "how rotated files are compressed, in the background; .gz or .zst is added to their "
            "names"},
    {0},
};

/* By errno. */
static int trouble_with(struct output *out, const char *action)
{
    struct file *file = out->state;
    trouble_say(&file->trouble, out, action, file->options->path, strerror(errno));
    return -1;
}

static int appender_trouble(struct output *out)
{
    struct file *file = out->state;
    trouble_say(&file->trouble, out, file->appender.failed, file->options->path,
                file->appender.why.text);
    return -1;
}

static int64_t period_of(const struct file *file, struct timespec when)
{
    int64_t every = (int64_t)(file->options->rotate_every_ns / CLOCK_MS_NS), ms = clock_in_ms(when);
    return every ? ms / every - (ms % every < 0) : 0;
}

/* Names that shift cannot be compressed meanwhile. */
static void tidy(struct file *file)
{
    if (!file->appender.rotated.shifts)
        janitor_call(&file->janitor);
}

/* Opens the file; 0, or -1 as appender_open. */
static int attach(struct file *file)
{
    struct appender *a = &file->appender;
    if (appender_open(a))
        return -1;
    file->period = period_of(file, a->has_records ? a->modified : clock_wall());
    if (a->put_aside)
        tidy(file);
    a->put_aside = false;
    return 0;
}

/* Ends the file, renames it, and begins a new one. When it cannot be renamed, the same file is
 * continued. -1: there is no file to write to just now. */
static int rotate(struct output *out)
{
    struct file *file = out->state;
    char to[PATH_MAX];
    int64_t period = file->period;
    if (appender_finish(&file->appender))
        return appender_trouble(out);
    int failed = rotated_aside(&file->appender.rotated, to);
    if (failed)
        trouble_say(&file->trouble, out, "rotate", file->options->path, folder_rename_fault(errno));
    else
        tidy(file);
    if (attach(file))
        return appender_trouble(out);
    if (failed) {
        file->rotate_not_before_ns = clock_after(ROTATE_AGAIN_NS);
        file->period = period; /* still to be rotated */
    }
    return 0;
}

/* True when there is a file to write to: the old one, or one opened now. */
static bool ready(struct output *out)
{
    struct file *file = out->state;
    if (file->stale && file->appender.fd >= 0 && appender_finish(&file->appender)) {
        appender_trouble(out);
        return false;
    }
    file->stale = false;
    if (file->appender.fd < 0 && attach(file))
        appender_trouble(out);
    return file->appender.fd >= 0;
}

/* True while the file has not been opened, as nothing may be changed before all has begun. */
static bool is_claimed(const struct file *file)
{
    return file->appender.old != OUTPUT_CONTINUES && file->appender.fd < 0;
}

/* Makes anew the file that was removed, and puts into it what was written since it was last seen.
 * What cannot be kept so is lost. */
static void replace(struct output *out)
{
    struct file *file = out->state;
    struct appender *a = &file->appender;
    struct appender_remains remains = appender_leave(a);
    uint64_t bytes = remains.to - remains.from;
    log_warning("%s: %s was removed while it was written to: it is made anew", out->name,
                file->options->path);
    appender_restore_folder(a);
    int rc = attach(file), error = errno;
    if (rc)
        appender_trouble(out);
    else if (bytes > 0 && (rc = appender_rescue(a, &remains)) != 0)
        error = errno;
    close(remains.fd);
    if (rc == 0 || bytes == 0)
        return;
    out->lost += remains.records;
    log_warning(
        "%s: %llu events (%llu bytes), the last ones written to the removed %s, are lost: %s",
        out->name, (unsigned long long)remains.records, (unsigned long long)bytes,
        file->options->path, strerror(error));
}

/* Follows what others did to the file. False: it is another one now, or there is none. */
static bool look_after(struct output *out)
{
    struct file *file = out->state;
    file->look_ns = clock_after(LOOK_NS);
    switch (appender_look(&file->appender)) {
    case APPENDER_CUT:
        log_info("%s: %s was cut by somebody: continued at its new end", out->name,
                 file->options->path);
        appender_close(&file->appender);
        break;
    case APPENDER_MOVED:
        if (!file->stale) /* not again while its end cannot be written */
            log_info("%s: %s was moved or replaced by somebody: opened anew", out->name,
                     file->options->path);
        file->stale = true;
        break;
    case APPENDER_REMOVED:
        replace(out);
        return false;
    default:
        return true;
    }
    ready(out);
    return false;
}

static bool may_rotate(const struct file *file)
{
    const struct appender *a = &file->appender;
    return a->fd >= 0 && a->regular && a->has_records && a->torn == 0 &&
           clock_ns() >= file->rotate_not_before_ns;
}

/* How far the chunk's records fit into the file: at least one when it must not be rotated. */
static uint32_t fitting(const struct file *file, const struct chunk *chunk, uint32_t first)
{
    const struct appender *a = &file->appender;
    size_t start = chunk_start(chunk, first);
    uint64_t used = a->size + a->end.len;
    uint64_t room = file->options->rotate_size > used ? file->options->rotate_size - used : 0;
    if (!file->options->rotate_size || chunk_len(chunk) - start <= room)
        return chunk->records;
    uint32_t end = emit_records(chunk, first, start + room);
    return end == first && !may_rotate(file) ? first + 1 : end;
}

static enum output_status judge(struct output *out, enum output_status status)
{
    struct file *file = out->state;
    if (status == OUTPUT_OK) {
        trouble_over(&file->trouble, out->name);
        return status;
    }
    if (errno != EINTR && !(status == OUTPUT_CLOSED && out->gives_up))
        trouble_with(out, "write");
    if (status != OUTPUT_CLOSED)
        return status;
    /* A FIFO's reader went away: another may come. */
    appender_close(&file->appender);
    return out->gives_up ? OUTPUT_CLOSED : OUTPUT_RETRY;
}

static enum output_status file_write(struct output *out, const struct chunk *chunk, uint32_t first,
                                     uint32_t *done)
{
    struct file *file = out->state;
    enum output_status status = OUTPUT_OK;
    *done = first;
    while (status == OUTPUT_OK && *done < chunk->records) {
        if (!ready(out))
            return OUTPUT_RETRY;
        uint32_t end = fitting(file, chunk, *done);
        if (end > *done)
            status = judge(out, appender_write(&file->appender, chunk, done, end));
        else if (look_after(out) && rotate(out))
            return OUTPUT_RETRY;
    }
    return status;
}

/* True when the clock goes to and fro: it was set back since the last rotation by time, and more
 * than that one in half of `rotate-every` would have `keep` remove what is hardly older. */
static bool unsteady(const struct file *file)
{
    return file->set_back && file->turned_ns &&
           clock_ns() - file->turned_ns < file->options->rotate_every_ns / 2;
}

/* It is that period now. When the clock was set back, the file goes on into the earlier one. */
static void turn(struct output *out, int64_t period)
{
    struct file *file = out->state;
    if (period == file->period)
        return;
    if (period < file->period || unsteady(file) || !file->appender.has_records) {
        file->set_back |= period < file->period;
        file->period = period;
    } else if (may_rotate(file) && look_after(out) && rotate(out) == 0 && file->period == period) {
        file->set_back = false;
        file->turned_ns = clock_ns();
    }
}

static void file_tick(struct output *out)
{
    struct file *file = out->state;
    if (file->stale || (is_claimed(file) && atomic_load(&out->begun)))
        ready(out);
    if (clock_ns() >= file->look_ns)
        look_after(out);
    turn(out, period_of(file, clock_wall()));
}

static void file_reopen(struct output *out)
{
    struct file *file = out->state;
    file->stale = true;
    ready(out);
}

static void file_rotate(struct output *out)
{
    if (ready(out) && may_rotate(out->state) && look_after(out))
        rotate(out);
}

static const char *file_path(const struct output *out)
{
    return ((const struct file_output_options *)out->options)->path;
}

/* Those of dnstap-receiver, which neither compressed nor kept all. */
static bool has_old_names(const struct output *out)
{
    const struct file *file = out->state;
    return out->settings && settings_compat(out->settings) &&
           file->options->compress == COMPRESS_NONE && file->options->keep;
}

static enum folder_use use_of(const struct file_output_options *file)
{
    return file->rotate_size || file->rotate_every_ns ? FOLDER_ROTATES : FOLDER_APPENDS;
}

static int file_open(struct output *out, struct error *err)
{
    struct file *file = out->state;
    struct appender *a = &file->appender;
    struct error note;
    file->options = out->options;
    file->janitor = (struct janitor){.out = out,
                                     .rotated = &a->rotated,
                                     .keep = file->options->keep,
                                     .how = (enum compression)file->options->compress};
    appender_init(a, out, file->options->path, file->options->mode);
    if (has_old_names(out))
        a->rotated.shifts = file->options->keep;
    if (out->old == OUTPUT_CONTINUES ? attach(file) : appender_claim(a)) {
        error_set(err, "cannot %s %.300s: %s", a->failed, file->options->path, a->why.text);
        janitor_end(&file->janitor);
        appender_free(a);
        return -1;
    }
    if (folder_note(&a->folder, file->options->path, use_of(file->options), &note))
        log_warning("%s: %s", out->name, note.text);
    if (use_of(file->options) == FOLDER_ROTATES)
        tidy(file); /* what an earlier run left to do */
    return 0;
}

/* A pipe has a reader. */
static bool file_seen(const struct output *out)
{
    const struct file *file = out->state;
    return emit_is_seen(file->appender.fd);
}

static void file_close(struct output *out)
{
    struct file *file = out->state;
    if (!is_claimed(file))
        look_after(out);
    else if (atomic_load(&out->begun) && !ready(out))
        out->unended = true;
    if (file->appender.fd >= 0 && appender_finish(&file->appender)) {
        appender_trouble(out);
        out->unended = true;
    }
    janitor_end(&file->janitor); /* it works under the appender's lock */
    appender_free(&file->appender);
}

static enum module_verdict file_probe(const void *options, const void **wrong, struct error *err)
{
    const struct file_output_options *file = options;
    *wrong = &file->path;
    return module_verdict_of(place_append(file->path, use_of(file), err));
}

static const struct output_hooks file_hooks = {
    .open = file_open,
    .seen = file_seen,
    .write = file_write,
    .tick = file_tick,
    .reopen = file_reopen,
    .rotate = file_rotate,
    .path = file_path,
    .close = file_close,
};

const struct module output_file = {
    .name = "file",
    .kind = MODULE_OUTPUT,
    .doc = "Appends records to a file. The file is rotated when it is large or old enough; rotated "
           "files are counted and compressed in the background. On SIGHUP it is opened anew, so "
           "that other programs may rotate it as well; a file that they move, remove or cut is "
           "noticed within seconds.",
    .options_size = sizeof(struct file_output_options),
    .options = file_rows,
    .state_size = sizeof(struct file),
    .common = &output_queued,
    .hooks = &file_hooks,
    .probe = file_probe,
};
