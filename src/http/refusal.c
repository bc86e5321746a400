#include "http/refusal.h"

#define REFUSAL(code, phrase, why)                                                                 \
    {                                                                                              \
        code, #code ": " phrase "\n", "{\"error\":\"" why "\"}"                                    \
    }
static const struct {
    unsigned status;
    const char *line, *json;
} refusals[] = {
    REFUSAL(400, "Bad Request",
            "the header Host must be there once, as a name or an address with or without a port, "
            "and no header may have a NUL in it"),
    REFUSAL(401, "Unauthorized", "credentials are missing or wrong"),
    REFUSAL(403, "Forbidden",
            "not allowed from there: without credentials only this machine may ask, by a name of "
            "loopback, nobody may change more than statistics, and no page of another site "
            "anything"),
    REFUSAL(404, "Not Found", "there is no such path; " API_ROOT " lists those that there are"),
    REFUSAL(405, "Method Not Allowed", "this path does not take that method; see the header Allow"),
    REFUSAL(413, "Content Too Large",
            "this path takes no body, or none that is so long or comes in pieces"),
    REFUSAL(503, "Service Unavailable",
            "no memory for the reply, or too many replies wait for their readers"),
};

void http_refuse(struct api_reply *reply, unsigned status, enum http_manner manner)
{
    size_t i = 0;
    while (refusals[i].status != status)
        i++;
    *reply = (struct api_reply){.status = status};
    reply->fixed = span_str(manner == MANNER_JSON ? refusals[i].json : refusals[i].line);
    reply->fixed.len -= manner == MANNER_BARE;
    reply->content_type = manner == MANNER_JSON ? NULL : "text/plain; charset=utf-8";
}
