#include "core/ledger.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One row a reason, in the order of enum drop_reason. */
static const char *const reason_names[DROP_REASONS] = {
    [DROP_MALFORMED] = "malformed", [DROP_SHORT] = "short",   [DROP_MEMORY] = "memory",
    [DROP_FULL] = "full",           [DROP_OLDEST] = "oldest", [DROP_WRITE] = "write",
    [DROP_SHUTDOWN] = "shutdown",
};

const char *drop_reason_name(enum drop_reason reason)
{
    return reason >= DROP_FIRST && reason < DROP_REASONS ? reason_names[reason] : "unknown";
}

struct ledger_shard *ledger_shards_new(size_t count)
{
    size_t size;
    if (__builtin_mul_overflow(count, sizeof(struct ledger_shard), &size))
        return NULL;
    struct ledger_shard *shards = aligned_alloc(_Alignof(struct ledger_shard), size);
    if (shards)
        memset(shards, 0, size);
    return shards;
}

void ledger_add(struct ledger *into, const struct ledger *from)
{
    counter_add(&into->received, counter_get(&from->received));
    counter_add(&into->delivered, counter_get(&from->delivered));
    counter_add(&into->filtered, counter_get(&from->filtered));
    counter_add(&into->truncated, counter_get(&from->truncated));
    counter_add(&into->bytes, counter_get(&from->bytes));
    for (int i = DROP_FIRST; i < DROP_REASONS; i++)
        counter_add(&into->dropped[i], counter_get(&from->dropped[i]));
}

uint64_t ledger_dropped(const struct ledger *ledger)
{
    uint64_t sum = 0;
    for (int i = DROP_FIRST; i < DROP_REASONS; i++)
        sum += counter_get(&ledger->dropped[i]);
    return sum;
}

static uint64_t accounted_for(const struct ledger *ledger)
{
    return counter_get(&ledger->delivered) + counter_get(&ledger->filtered) +
           ledger_dropped(ledger);
}

uint64_t ledger_waiting(const struct ledger *ledger)
{
    uint64_t received = counter_get(&ledger->received), known = accounted_for(ledger);
    return received > known ? received - known : 0;
}

void ledger_agree(struct ledger *ledger)
{
    uint64_t known = accounted_for(ledger);
    if (counter_get(&ledger->received) < known)
        counter_set(&ledger->received, known);
}

void ledger_settle(struct ledger *ledger)
{
    ledger_agree(ledger);
    counter_add(&ledger->dropped[DROP_SHUTDOWN], ledger_waiting(ledger));
}

/* printf behind what `out` already holds; what does not fit is cut. */
__attribute__((format(printf, 3, 4))) static void append(char *out, size_t size, const char *format,
                                                         ...)
{
    size_t len = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + len, size - len, format, args);
    va_end(args);
}

const char *ledger_line(const char *output, const struct ledger *ledger, char *out, size_t size)
{
    uint64_t dropped = ledger_dropped(ledger);
    out[0] = '\0';
    append(out, size, "ledger: %s received=%" PRIu64 " delivered=%" PRIu64, output,
           counter_get(&ledger->received), counter_get(&ledger->delivered));
    append(out, size, " filtered=%" PRIu64 " dropped=%" PRIu64, counter_get(&ledger->filtered),
           dropped);
    const char *before = " (";
    for (int i = DROP_FIRST; i < DROP_REASONS; i++) {
        uint64_t count = counter_get(&ledger->dropped[i]);
        if (count) {
            append(out, size, "%s%s=%" PRIu64, before, reason_names[i], count);
            before = " ";
        }
    }
    append(out, size, "%s in-flight=%" PRIu64, dropped ? ")" : "", ledger_waiting(ledger));
    if (counter_get(&ledger->truncated))
        append(out, size, " truncated=%" PRIu64, counter_get(&ledger->truncated));
    return out;
}

void ledger_json(struct json *j, const char *output, const struct ledger *ledger)
{
    json_object(j);
    json_put_str(j, "output", output);
    json_put_u64(j, "received", counter_get(&ledger->received));
    json_put_u64(j, "delivered", counter_get(&ledger->delivered));
    json_put_u64(j, "filtered", counter_get(&ledger->filtered));
    json_put_u64(j, "in-flight", ledger_waiting(ledger));
    json_put_u64(j, "bytes", counter_get(&ledger->bytes));
    json_put_u64(j, "truncated", counter_get(&ledger->truncated));
    json_key(j, "dropped");
    json_object(j);
    for (int i = DROP_FIRST; i < DROP_REASONS; i++)
        json_put_u64(j, reason_names[i], counter_get(&ledger->dropped[i]));
    json_object_end(j);
    json_object_end(j);
}
