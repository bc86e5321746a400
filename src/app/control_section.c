/* The section `control` of the configuration. */
#include <sys/un.h>

#include "app/control.h"
#include "conf/module.h"
#include "io/ids.h"
#include "io/place.h"

#define CONTROL(member) .offset = offsetof(struct control_settings, member)

static const struct option control_options[] = {
    {.name = "enabled",
     .type = OPTION_BOOL,
     CONTROL(enabled),
     .fallback = "true",
     .doc = "false: there is no socket, and `spile ctl` has nobody to ask"},
    {.name = "path",
     .type = OPTION_PATH,
     CONTROL(path),
     .exclusive = true,
     .max = sizeof((struct sockaddr_un){0}.sun_path) - 1,
     .example = "/run/spile/control.sock",
     .doc = "path of the socket; without it control.sock in $RUNTIME_DIRECTORY, which a service "
            "manager sets, else in /run/spile: where that cannot be had, a warning says so, and "
            "there is none"},
    {.name = "mode",
     .type = OPTION_MODE,
     CONTROL(mode),
     .fallback = "0660",
     .doc = "mode of the socket file"},
    {.name = "group",
     .type = OPTION_STRING,
     CONTROL(group),
     .example = "adm",
     .doc = "group of the socket file, a name or a number: its members may do all"},
    {0},
};

static enum module_verdict probe(const void *options, const void **wrong, struct error *err)
{
    const struct control_settings *control = options;
    gid_t gid;
    if (!control->enabled)
        return MODULE_FINE;
    *wrong = &control->group;
    if (ids_group(control->group, &gid, err) < 0 || ids_may_give((uid_t)-1, gid, err) < 0)
        return MODULE_REFUSES;
    *wrong = &control->path;
    return control->path ? module_verdict_of(place_socket(control->path, err)) : MODULE_FINE;
}

const struct module control_section = {
    .name = "control",
    .kind = MODULE_SECTION,
    .doc = "The socket by which `spile ctl` asks and commands a program that `spile run` has "
           "started. It is there without this section, too. Root, the user that the program runs "
           "as, and the members of the group may do all, others nothing.",
    .options_size = sizeof(struct control_settings),
    .options = control_options,
    .probe = probe,
};
