/* What a service manager is told, by a socket that the test reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "io/notify.h"

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/spile-notify-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    return rmdir(folder);
}

/* A manager's socket of that name; '@' stands for the NUL of an abstract one. */
static int manager(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, name, len);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

/* The datagram that has been sent, whole. */
static const char *told(int fd)
{
    static char text[256];
    ssize_t len = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    text[len > 0 ? len : 0] = '\0';
    return text;
}

static void check_manager(const char *name)
{
    int fd = manager(name);
    assert_true(notify_send(NOTIFY_READY));
    assert_true(notify_send(NOTIFY_STOPPING));
    assert_string_equal(told(fd), "READY=1");
    assert_string_equal(told(fd), "STOPPING=1");
    assert_string_equal(told(fd), "");
    close(fd);
    assert_false(notify_send(NOTIFY_READY));
}

static void test_path(void **state)
{
    char path[100];
    (void)state;
    snprintf(path, sizeof path, "%s/manager", folder);
    check_manager(path);
    assert_int_equal(unlink(path), 0);
}

static void test_abstract(void **state)
{
    char name[100], longest[sizeof((struct sockaddr_un *)NULL)->sun_path];
    (void)state;
    snprintf(name, sizeof name, "@spile-notify-%d", (int)getpid());
    check_manager(name);
    memset(longest, 'x', sizeof longest);
    memcpy(longest, name, strlen(name));
    longest[sizeof longest - 1] = '\0';
    check_manager(longest);
}

/* The moment is of the clock that systemd means: it compares it with that of its own request. */
static void test_reloading(void **state)
{
    char name[100];
    unsigned long long us = 0;
    struct timespec before, after;
    (void)state;
    snprintf(name, sizeof name, "@spile-notify-%d", (int)getpid());
    int fd = manager(name);
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_true(notify_reloading());
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_int_equal(sscanf(told(fd), "RELOADING=1\nMONOTONIC_USEC=%llu", &us), 1);
    assert_true(us >= (unsigned long long)before.tv_sec * 1000000 + before.tv_nsec / 1000);
    assert_true(us <= (unsigned long long)after.tv_sec * 1000000 + after.tv_nsec / 1000);
    close(fd);
}

static void test_nobody(void **state)
{
    static const char *const names[] = {
        "", "@", "/", "relative", "vsock:2:1234", "/nobody/is/here"};
    char longer[200];
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_false(notify_send(NOTIFY_READY));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        assert_false(notify_send(NOTIFY_READY));
    }
    memset(longer, '/', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    setenv("NOTIFY_SOCKET", longer, 1);
    assert_false(notify_send(NOTIFY_READY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_abstract, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reloading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
