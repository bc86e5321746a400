#include "conf/expand.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/files.h"

enum {
    VARIABLE_MAX = 256,    /* bytes of a variable's name */
    SECRET_MAX = 64 << 10, /* bytes of a secret's file */
};

static struct span rest_of(struct span text, size_t used)
{
    return span_of(text.ptr + used, text.len - used);
}

/* How many bytes of the text are a variable's name. */
static size_t name_len(struct span text)
{
    size_t len = 0;
    while (len < text.len &&
           (isalpha(text.ptr[len]) || text.ptr[len] == '_' || (len > 0 && isdigit(text.ptr[len]))))
        len++;
    return len;
}

/* A shell may have it, and a program that runs has what it was started with. */
static int say_unset(const char *name, struct error *err)
{
    return error_set(err, "the variable %s is not set in the environment of this process", name);
}

/* `text` begins behind "${". Returns how much of it is used, the '}' included; 0: err. */
static size_t expand_one(struct span text, struct buf *out, struct error *err)
{
    char name[VARIABLE_MAX];
    const uint8_t *end = text.len ? memchr(text.ptr, '}', text.len) : NULL;
    size_t len = name_len(text), inside = end ? (size_t)(end - text.ptr) : 0;
    bool fallback = inside >= len + 2 && memcmp(text.ptr + len, ":-", 2) == 0;
    if (!end || len == 0 || len >= sizeof name || (inside != len && !fallback)) {
        error_set(err, "behind ${ stand a variable's name and a }, as in ${NAME} or "
                       "${NAME:-default}; a dollar is written $$");
        return 0;
    }
    memcpy(name, text.ptr, len);
    name[len] = '\0';
    const char *value = getenv(name);
    if (fallback && (!value || !value[0])) {
        buf_put(out, text.ptr + len + 2, inside - len - 2);
        return inside + 1;
    }
    if (!value) {
        say_unset(name, err);
        snprintf(err->text + strlen(err->text), sizeof err->text - strlen(err->text),
                 "; ${%s:-default} would do without", name);
        return 0;
    }
    buf_str(out, value);
    return inside + 1;
}

int config_expand(struct span text, struct buf *out, struct error *err)
{
    const uint8_t *dollar;
    while (text.len && (dollar = memchr(text.ptr, '$', text.len))) {
        size_t before = (size_t)(dollar - text.ptr), used = 1;
        struct span behind = rest_of(text, before + 1);
        char next = behind.len ? (char)behind.ptr[0] : '\0';
        buf_put(out, text.ptr, before);
        if (next == '{') {
            size_t taken = expand_one(rest_of(behind, 1), out, err);
            if (taken == 0)
                return -1;
            used += 1 + taken;
        } else {
            buf_byte(out, '$');
            used += next == '$';
        }
        text = rest_of(text, before + used);
    }
    buf_put(out, text.ptr, text.len);
    return out->failed ? error_set(err, "out of memory") : 0;
}

/* --- secrets -------------------------------------------------------------------------------- */

const char *const config_secrets[] = {
    [SECRET_FILE] = "file", [SECRET_ENV] = "env", [SECRET_CREDENTIAL] = "credential", NULL};

/* A relative path is told with the folder that it starts from. */
static int read_secret(const char *path, struct buf *out, struct error *err)
{
    char here[PATH_MAX];
    struct error why;
    if (config_file_read(path, CONFIG_READS_FILES, SECRET_MAX, out, &why) == 0)
        return 0;
    bool whole = path[0] == '/' || !getcwd(here, sizeof here);
    return error_set(err, "cannot read %s%s%s: %s", whole ? "" : here, whole ? "" : "/", path,
                     why.text);
}

static int read_credential(const char *name, struct buf *out, struct error *err)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    struct buf path = {0};
    if (!folder || !folder[0])
        return error_set(err, "there are no credentials: CREDENTIALS_DIRECTORY is not set, as "
                              "systemd does for a unit with LoadCredential=");
    if (!name[0] || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return error_set(err, "a credential has a name, not a path");
    buf_printf(&path, "%s/%s", folder, name);
    buf_byte(&path, '\0');
    int status = path.failed ? error_set(err, "out of memory")
                             : read_secret((const char *)path.data, out, err);
    buf_free(&path);
    return status;
}

static int read_variable(const char *name, struct buf *out, struct error *err)
{
    const char *value = getenv(name);
    if (!value)
        return say_unset(name, err);
    buf_str(out, value);
    return 0;
}

static int read_beside(const char *from, const char *path, struct buf *out, struct error *err)
{
    struct buf whole = {0};
    int status = config_path_beside(from, span_str(path), &whole, err);
    if (status == 0)
        status = read_secret((const char *)whole.data, out, err);
    buf_free(&whole);
    return status;
}

int config_secret(enum config_secret form, const char *where, const char *from, struct buf *out,
                  struct error *err)
{
    int status = form == SECRET_FILE  ? read_beside(from, where, out, err)
                 : form == SECRET_ENV ? read_variable(where, out, err)
                                      : read_credential(where, out, err);
    if (status)
        return -1;
    if (out->failed)
        return error_set(err, "out of memory");
    out->len -= out->len > 0 && out->data[out->len - 1] == '\n';
    return 0;
}
