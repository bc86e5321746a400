/* What the web server itself says no with, before any handler is asked. */
#ifndef SPILE_HTTP_REFUSAL_H
#define SPILE_HTTP_REFUSAL_H

#include "api/route.h"

/* How the server's own refusals are put: as those of handlers; as a line of text; or as
 * dnstap-receiver puts them, without the end of the line. */
enum http_manner { MANNER_JSON, MANNER_LINE, MANNER_BARE };

/* Makes the reply one of the server's own refusals: 400, 401, 403, 404, 405, 413 or 503. Constant,
 * so nothing of it can fail. */
void http_refuse(struct api_reply *reply, unsigned status, enum http_manner manner);

#endif
