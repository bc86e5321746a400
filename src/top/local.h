/* Statistics in this process as an origin: the API's own handlers, without a server between. */
#ifndef SPILE_TOP_LOCAL_H
#define SPILE_TOP_LOCAL_H

#include "api/route.h"
#include "top/gather.h"
#include "top/recording.h"

struct top_local {
    struct api_context context;
    struct top_recording *recording; /* NULL: what comes happens now */
};

/* Good as long as `local`. */
struct top_origin top_local(struct top_local *local);

#endif
