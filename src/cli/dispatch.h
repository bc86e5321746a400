/* The dispatcher: from the program's words to a command's run, and what the program's status is. */
#ifndef SPILE_CLI_DISPATCH_H
#define SPILE_CLI_DISPATCH_H

/* The program: what main() does. */
int command_main(int argc, char **argv);

#endif
