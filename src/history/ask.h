/*
 * Questions are answered on threads of their own, so that whoever asks (a thread of the web server,
 * which has others to serve) is not held up by a disk that does not answer.
 */
#ifndef SPILE_HISTORY_ASK_H
#define SPILE_HISTORY_ASK_H

#include "history/history_state.h"

/* A question, and where the answer goes. */
struct ask {
    struct history *history;
    struct history_question question;
    size_t n;                      /* rows of each list */
    struct history_reader *reader; /* NULL: none is needed */
    uint64_t until_ns;             /* when the answer must be there */
};
/* Answers: appends to `out`. -1: err, and `out` is as it was. */
typedef int ask_answer(const struct ask *ask, struct buf *out, struct error *err);

/* Has a question answered, and waits for it: at most for two seconds. Any thread. -1: err. */
int ask_question(struct history *history, const struct history_question *question, size_t n,
                 ask_answer *answer, struct buf *out, struct error *err);
/* Returns when all threads have ended. */
void ask_end(struct history *history);

#endif
