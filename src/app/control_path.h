/* Where the control socket is, for who makes it and who asks. */
#ifndef SPILE_APP_CONTROL_PATH_H
#define SPILE_APP_CONTROL_PATH_H

#define CONTROL_FOLDER "/run/spile"
#define CONTROL_USUAL CONTROL_FOLDER "/control.sock"
enum { CONTROL_PATH_MAX = 4096 };

/* The usual path: control.sock in $RUNTIME_DIRECTORY, which a service manager sets, else
 * CONTROL_USUAL. */
const char *control_path(char path[CONTROL_PATH_MAX]);

#endif
