/*
 * Steady traffic, as servers send it: a frame a write, at even distances.
 *
 *     steady SOCKET RATE CONNECTIONS SECONDS
 *
 * Connects so often to a unix socket, says "begun" once all streams have begun, and sends RATE
 * frames a second in all, the connections taking turns, for so many seconds; each is a query whose
 * time is that of its sending. Then prints "messages N", and "late N": how many were sent a
 * millisecond or more after their time, since this program had no processor.
 */
#include <sys/prctl.h>

#include "sender.h"

enum { CONNECTIONS_MAX = 4096 };

static int fds[CONNECTIONS_MAX];

static void sleep_until(double when)
{
    struct timespec t = {.tv_sec = (time_t)when};
    t.tv_nsec = (long)((when - (double)t.tv_sec) * 1e9);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void send_query(int fd, uint64_t number)
{
    char name[64];
    struct timespec t;
    uint8_t frame[FRAME_MAX];
    snprintf(name, sizeof name, "host%u.steady.example", (unsigned)(number % 1000));
    clock_gettime(CLOCK_REALTIME, &t);
    const struct exchange e = {.name = name,
                               .client = 10u << 24 | (uint32_t)(number % 5000),
                               .id = (uint16_t)number,
                               .seconds = (uint32_t)t.tv_sec,
                               .nanos = (uint32_t)t.tv_nsec};
    send_all(fd, frame, put_frame(frame, &e, false));
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    double rate = atof(argv[2]), seconds = atof(argv[4]);
    unsigned connections = (unsigned)atoi(argv[3]);
    if (rate <= 0 || connections == 0 || connections > CONNECTIONS_MAX)
        return 2;
    prctl(PR_SET_TIMERSLACK, 1000UL);
    for (unsigned i = 0; i < connections; i++)
        fds[i] = shake_hands(argv[1]);
    puts("begun");
    fflush(stdout);
    uint64_t all = (uint64_t)(rate * seconds), late = 0;
    double begin = now();
    for (uint64_t i = 0; i < all; i++) {
        double due = begin + (double)i / rate;
        if (now() < due)
            sleep_until(due);
        late += now() > due + 0.001;
        send_query(fds[i % connections], i);
    }
    for (unsigned i = 0; i < connections; i++)
        part(fds[i]);
    printf("messages %llu\nlate %llu\n", (unsigned long long)all, (unsigned long long)late);
    return 0;
}
