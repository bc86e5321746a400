/* How numbers look to people: short, and exact as long as they are small. */
#ifndef SPILE_TOP_FORM_H
#define SPILE_TOP_FORM_H

enum top_form {
    FORM_COUNT, /* 1234567; from a thousand million on 1.23G */
    FORM_BYTES, /* the same, then in powers of 1024 */
    FORM_RATE,  /* a second: 0.5, 12.3, 1234 */
    FORM_TIME,  /* seconds, short ones: 420us, 42.1ms, 1.25s */
    FORM_SPAN,  /* seconds, long ones: 45s, 12m 33s, 3h 02m, 5d 07h */
    FORM_SHARE, /* a part of 1 in percent: 98.1%, <0.1% */
    FORM_DATE,  /* Unix seconds: 2026-11-21T15:12:22Z */
    FORM_CLOCK, /* Unix milliseconds, of a moment within a day: 15:12:22Z */
};

enum { FORM_MAX = 24 };

/* The number as text into `out` of FORM_MAX bytes; "-" for one that is not known (NAN). */
const char *form_text(enum top_form form, double value, char *out);
/* A share in percent: "98.1 %", "<0.1 %"; "-" of nothing. */
const char *form_share(double part, double whole, char *out);

#endif
