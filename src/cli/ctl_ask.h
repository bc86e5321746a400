/* Asking a program that runs, by its control socket (app/control.h). */
#ifndef SPILE_CLI_CTL_ASK_H
#define SPILE_CLI_CTL_ASK_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"

/* Owner: who asks. Zeroed with fd -1: nothing is asked. */
struct ctl_reply {
    int fd;
    unsigned status;
    bool endless;    /* what comes is read by ctl_more */
    struct buf body; /* of one that has an end; else what has come of it */
    size_t taken;    /* of that: the line before */
};

/* Sends "METHOD TARGET", and takes the reply. -1: err, there is none. To be freed in any case. */
int ctl_ask(struct ctl_reply *reply, const char *socket, const char *method, const char *target,
            struct error *err);
/* The next line of an endless reply, terminated, good until the next call; NULL behind the last. */
const char *ctl_next_line(struct ctl_reply *reply);
void ctl_free(struct ctl_reply *reply);

#endif
