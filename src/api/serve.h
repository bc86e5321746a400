/* From a request to its reply, for whoever asks: the web server, and those who need none. */
#ifndef SPILE_API_SERVE_H
#define SPILE_API_SERVE_H

#include "api/parameters.h"
#include "api/route.h"

/* Has the handler of the request's route answer, so that all it shows of statistics is of one
 * moment: again, if the tables have got more meanwhile, but not for ever. */
void api_answer(const struct api_request *request, struct api_reply *reply);

/* The same for a request without parameters, which are read from a query string, in its place; what
 * the route does not take is refused. Whether the request may pass is the caller's to judge. */
void api_serve(struct api_request *request, char *query, size_t len, struct api_reply *reply);
/* The reply to a request that brings more parameters than parameters_fit lets it. */
void api_refuse_many(struct api_reply *reply);

#endif
