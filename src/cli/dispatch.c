#include "cli/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/help.h"

/* True when "--help" or "-h" stands among the words, as an option. */
static bool asks_for_help(char **words)
{
    for (; *words && strcmp(*words, "--") != 0; words++) {
        if (strcmp(*words, "--help") == 0 || strcmp(*words, "-h") == 0)
            return true;
    }
    return false;
}

static int usage_error(const char *text)
{
    log_error("%s", text);
    return COMMAND_USAGE;
}

static int run_command(char **words)
{
    struct error err = {0};
    int used;
    const struct command *command = command_find(words, &used, &err);
    if (!command)
        return usage_error(err.text);
    struct command_call call = {.command = command};
    if (asks_for_help(words + used)) {
        help_command(stdout, command);
        return COMMAND_OK;
    }
    if (command_parse(command, words + used, &call, &err))
        return command_usage(&call, "%s", err.text);
    int status = command->run(&call);
    command_free(&call);
    return status;
}

/* What may stand in the place of a command, alone. */
static const struct {
    const char *name;
    void (*print)(FILE *out);
} words_alone[] = {
    {"--version", help_version},
    {"-V", help_version},
    {"--help", help_all},
    {"-h", help_all},
};

static int dispatch(char **words)
{
    if (!words[0])
        return usage_error("a command is missing; try: spile help");
    for (size_t i = 0; i < sizeof words_alone / sizeof *words_alone; i++) {
        if (strcmp(words[0], words_alone[i].name) != 0)
            continue;
        if (words[1]) {
            log_error("unexpected argument '%s' behind %s (see: spile help)", words[1], words[0]);
            return COMMAND_USAGE;
        }
        words_alone[i].print(stdout);
        return COMMAND_OK;
    }
    if (words[0][0] == '-') {
        log_error("unknown option %s before a command (see: spile help)", words[0]);
        return COMMAND_USAGE;
    }
    return run_command(words);
}

/* Descriptors 0 to 2 must be taken before anything is opened, or a socket would become "standard
 * output". Whatever was closed is opened for the wrong direction, so that using it still fails. */
static void guard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
            _exit(COMMAND_FAILED);
    }
}

/* Whoever read standard output has left. */
static bool is_unread(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

/* What stdio still holds must arrive, or the program has failed; a reader that left is no failure.
 * A command that has flushed by itself may have lost the error's number. */
static int flush_stdout(int status)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno == EPIPE || (errno == 0 && is_unread()))
        return status;
    log_error("standard output: %s", errno ? strerror(errno) : "write error");
    return status == COMMAND_OK ? COMMAND_FAILED : status;
}

/* What a command prints goes out at its end by one write, whose error then says what went wrong. */
static void gather_stdout(void)
{
    static char buffer[512 * 1024];
    if (!isatty(STDOUT_FILENO))
        setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
}

int command_main(int argc, char **argv)
{
    guard_descriptors();
    gather_stdout();
    signal(SIGPIPE, SIG_IGN);
    return flush_stdout(dispatch(argc > 0 ? argv + 1 : argv));
}
