#include "app/control_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *control_path(char path[CONTROL_PATH_MAX])
{
    const char *folder = getenv("RUNTIME_DIRECTORY");
    int len = folder && *folder ? (int)strcspn(folder, ":") : 0; /* the first of several */
    if (len > 0)
        snprintf(path, CONTROL_PATH_MAX, "%.*s/control.sock", len, folder);
    else
        snprintf(path, CONTROL_PATH_MAX, CONTROL_USUAL);
    return path;
}
