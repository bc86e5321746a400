/*
 * spile completion: a script for the shell that completes our command lines, from the tables. A
 * shell is a row: how its script begins, tells of one command, and ends.
 */
#include <stdio.h>

#include "cli/command.h"
#include "conf/module.h"
#include "conf/settings.h"

struct shell {
    const char *name;
    void (*begin)(FILE *out);
    void (*command)(FILE *out, const struct command *command);
    /* Behind all commands: the second words of the group that begins at commands[first]. NULL: its
     * commands have said them. */
    void (*group)(FILE *out, size_t first);
    void (*end)(FILE *out);
};

/* `text` between single quotes, as bash, zsh and fish agree on; characters of `marked` get a
 * backslash. */
static void put_quoted(FILE *out, const char *text, const char *marked)
{
    fputc('\'', out);
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fprintf(out, "%s%c", strchr(marked, *text) ? "\\" : "", *text);
    }
    fputc('\'', out);
}

static int first_word_len(const struct command *command)
{
    return (int)strcspn(command->name, " ");
}

/* The second word of a two-word name, or NULL. */
static const char *second_word(const struct command *command)
{
    const char *space = strchr(command->name, ' ');
    return space ? space + 1 : NULL;
}

/* True for the first listed command of its first word: groups stand together in the table. */
static bool begins_group(size_t i)
{
    size_t len = (size_t)first_word_len(commands[i]);
    return i == 0 || (size_t)first_word_len(commands[i - 1]) != len ||
           strncmp(commands[i - 1]->name, commands[i]->name, len) != 0;
}

static void put_words(FILE *out, const char *const *words)
{
    for (; words && *words; words++)
        fprintf(out, "%s ", *words);
}

/* Options whose words other tables know, whatever the command. */
static bool names_format(const struct option *row)
{
    return strcmp(row->name, "format") == 0;
}

static const char *const *fixed_words(const struct option *row)
{
    const char *name = row->name;
    return strcmp(name, "compat") == 0           ? compat_names
           : strcmp(name, "compat-control") == 0 ? compat_controls
                                                 : row->choices;
}

static bool has_words(const struct option *row)
{
    return names_format(row) || fixed_words(row);
}

/* The words that an option's value may be. */
static void put_choices(FILE *out, const struct option *row)
{
    const struct module *module;
    put_words(out, fixed_words(row));
    for (size_t i = 0; names_format(row) && (module = module_at(MODULE_FORMAT, i)); i++)
        fprintf(out, "%s ", module->name);
}

/* All first words of listed commands, with `end` behind each. */
static void put_commands(FILE *out, const char *end)
{
    for (size_t i = 0; commands[i]; i++) {
        if (!commands[i]->hidden && begins_group(i))
            fprintf(out, "%.*s%s", first_word_len(commands[i]), commands[i]->name, end);
    }
}

static void put_second_words(FILE *out, size_t first)
{
    const char *word;
    for (size_t i = first; commands[i] && (i == first || !begins_group(i)); i++) {
        if ((word = second_word(commands[i])))
            fprintf(out, "%s%s", i > first ? " " : "", word);
    }
}

/* True when an operand may be a place: then a path stands behind "unix:". */
static bool takes_places(const struct command *command)
{
    return command->operand_choices == command_places;
}

/* True for `help`, whose words the scripts' begin and end tell. */
static bool completes_commands(const struct command *command)
{
    return strcmp(command->name, "help") == 0;
}

/* bash ------------------------------------------------------------------------------------------
 *
 * COMP_WORDS are cut at '=' and ':', so --config=FILE is three words and unix:PATH, too.
 */

static void bash_begin(FILE *out)
{
    fputs("_spile()\n{\n"
          "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
          "    local line=\"${COMP_WORDS[*]:1:COMP_CWORD-1} \" words= files=\n"
          "    case \"$prev$cur\" in\n"
          "    --*=) cur= ;;\n"
          "    =*) prev=\"${COMP_WORDS[COMP_CWORD-2]}\" ;;\n"
          "    unix:) cur= prev=: ;;\n"
          "    esac\n"
          "    case \"$line\" in\n"
          "    \" \") words=\"",
          out);
    put_commands(out, " ");
    fputs("--help --version\" ;;\n    \"help \") words=\"", out);
    put_commands(out, " ");
    fputs("\" ;;\n", out);
}

static void bash_option(FILE *out, const struct option *row)
{
    if (row->type == OPTION_BOOL)
        return;
    fprintf(out, "        --%s", row->name);
    if (row->letter)
        fprintf(out, " | -%c", row->letter);
    fputs(")", out);
    if (has_words(row)) {
        fputs(" words=\"", out);
        put_choices(out, row);
        fputc('"', out);
    } else if (row->type == OPTION_PATH) {
        fputs(" files=1", out);
    }
    fputs(" ;;\n", out);
}

static void bash_command(FILE *out, const struct command *command)
{
    if (completes_commands(command))
        return;
    fprintf(out, "    \"%s \"*)\n        case \"$prev\" in\n", command->name);
    for (const struct option *row = command->options; row && row->name; row++)
        bash_option(out, row);
    if (takes_places(command))
        fputs("        :) files=1 ;;\n", out);
    fprintf(out, "        *)\n            case \"$cur\" in\n            %s) words=\"",
            command->operands ? "-*" : "*");
    for (const struct option *row = command->options; row && row->name; row++)
        fprintf(out, "--%s ", row->name);
    fputs("--help\" ;;\n            *) words=\"", out);
    put_words(out, command->operand_choices);
    fprintf(out, "\"%s ;;\n            esac ;;\n        esac ;;\n",
            command->operand_files ? " files=1" : "");
}

/* Behind the commands, for the first pattern that fits is taken. */
static void bash_group(FILE *out, size_t first)
{
    int len = first_word_len(commands[first]);
    const char *name = commands[first]->name;
    fprintf(out, "    \"%.*s \" | \"help %.*s \") words=\"", len, name, len, name);
    put_second_words(out, first);
    fputs("\" ;;\n", out);
}

static void bash_end(FILE *out)
{
    fputs("    esac\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "    [[ ${COMPREPLY-} == *: ]] && compopt -o nospace 2>/dev/null\n"
          "    if [[ $files ]]; then\n"
          "        [[ ${COMPREPLY-} ]] || compopt -o filenames 2>/dev/null\n"
          "        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "    fi\n"
          "}\n"
          "complete -F _spile spile\n",
          out);
}

/* zsh -------------------------------------------------------------------------------------------
 */

static void zsh_begin(FILE *out)
{
    fputs("#compdef spile\n\n"
          "_spile_place()\n{\n"
          "    if compset -P unix:; then\n        _files\n    else\n"
          "        [[ -n $1 ]] && _files\n        compadd -S '' -- ",
          out);
    put_words(out, command_places);
    fputs("\n    fi\n}\n\n"
          "_spile()\n{\n    local -a names\n    case \"${words[2,CURRENT-1]} \" in\n"
          "    ' ' | 'help ') names=(\n",
          out);
    for (size_t i = 0; commands[i]; i++) {
        char entry[256];
        if (commands[i]->hidden || !begins_group(i))
            continue;
        snprintf(entry, sizeof entry, "%.*s:%s", first_word_len(commands[i]), commands[i]->name,
                 commands[i]->summary);
        fputs("        ", out);
        put_quoted(out, entry, "");
        fputc('\n', out);
    }
    fputs("        )\n        _describe command names ;;\n", out);
}

/* What completes a value: the choices, a file, or nothing. */
static void zsh_value(FILE *out, const struct option *row)
{
    if (row->type == OPTION_BOOL)
        return;
    fputs("':value:", out);
    if (has_words(row)) {
        fputc('(', out);
        put_choices(out, row);
        fputc(')', out);
    } else {
        fputs(row->type == OPTION_PATH ? "_files" : " ", out);
    }
    fputc('\'', out);
}

static void zsh_option(FILE *out, const struct option *row)
{
    bool flag = row->type == OPTION_BOOL;
    for (int is_long = !row->letter; is_long < 2; is_long++) {
        fputs(" \\\n            ", out);
        if (is_long)
            fprintf(out, "--%s%s'['", row->name, flag ? "" : "=");
        else
            fprintf(out, "-%c%s'['", row->letter, flag ? "" : "+");
        put_quoted(out, row->doc, "[]:");
        fputs("']'", out);
        zsh_value(out, row);
    }
}

static void zsh_operands(FILE *out, const struct command *command)
{
    if (takes_places(command)) {
        fprintf(out, " '*:argument: _spile_place %s'", command->operand_files ? "files" : "");
    } else if (command->operand_choices) {
        fputs(" '*:argument:(", out);
        put_words(out, command->operand_choices);
        fputs(")'", out);
    } else if (command->operand_files) {
        fputs(" '*:argument:_files'", out);
    }
}

static void zsh_command(FILE *out, const struct command *command)
{
    int words = second_word(command) ? 2 : 1;
    if (completes_commands(command))
        return;
    fprintf(out,
            "    '%s '*)\n        shift %d words\n        (( CURRENT -= %d ))\n        _arguments",
            command->name, words, words);
    for (const struct option *row = command->options; row && row->name; row++)
        zsh_option(out, row);
    fputs(" \\\n            --help'[show help]'", out);
    zsh_operands(out, command);
    fputs(" ;;\n", out);
}

static void zsh_group(FILE *out, size_t first)
{
    int len = first_word_len(commands[first]);
    const char *name = commands[first]->name;
    fprintf(out, "    '%.*s ' | 'help %.*s ') names=(", len, name, len, name);
    put_second_words(out, first);
    fputs("); _describe command names ;;\n", out);
}

/* Autoloaded as _spile it is called at once; read by hand it is made known. */
static void zsh_end(FILE *out)
{
    fputs("    esac\n}\n\n"
          "if [[ $funcstack[1] == _spile ]]; then\n    _spile \"$@\"\n"
          "else\n    compdef _spile spile\nfi\n",
          out);
}

/* fish ------------------------------------------------------------------------------------------
 */

/* Files are offered where a command says so, and nowhere else. */
static void fish_begin(FILE *out)
{
    fputs("function __spile_places\n"
          "    if string match -q 'unix:*' -- (commandline -ct)\n"
          "        for path in (__fish_complete_path (string replace unix: '' -- (commandline "
          "-ct)))\n"
          "            echo unix:$path\n        end\n    else\n"
          "        printf '%s\\n' ",
          out);
    put_words(out, command_places);
    fputs("\n    end\nend\n\n"
          "complete -c spile -f\n"
          "complete -c spile -n __fish_use_subcommand -l version -d 'show the release'\n"
          "complete -c spile -l help -s h -d 'show help'\n"
          "complete -c spile -n '__fish_seen_subcommand_from help; and test (count (commandline "
          "-opc)) = 2' -a '",
          out);
    put_commands(out, " ");
    fputs("'\n", out);
}

/* The condition under which a command's own things are offered. */
static void fish_when(FILE *out, const struct command *command)
{
    const char *second = second_word(command);
    fprintf(out, "complete -c spile -n '__fish_seen_subcommand_from %.*s%s%s'",
            first_word_len(command), command->name,
            second ? "; and __fish_seen_subcommand_from " : "", second ? second : "");
}

/* Offers the command's own word: the first, or below its group the second. */
static void fish_name(FILE *out, const struct command *command)
{
    const char *second = second_word(command);
    int first = first_word_len(command);
    if (second) {
        fprintf(out, "complete -c spile -n __fish_use_subcommand -a %.*s\n", first, command->name);
        fprintf(out,
                "complete -c spile -n '__fish_seen_subcommand_from %.*s; and not "
                "__fish_seen_subcommand_from %s' -a %s -d ",
                first, command->name, second, second);
    } else {
        fprintf(out, "complete -c spile -n __fish_use_subcommand -a %s -d ", command->name);
    }
    put_quoted(out, command->summary, "");
    fputc('\n', out);
}

static void fish_operands(FILE *out, const struct command *command)
{
    if (command->operand_files) {
        fish_when(out, command);
        fputs(" -F\n", out);
    }
    if (!command->operand_choices)
        return;
    fish_when(out, command);
    if (takes_places(command)) {
        fputs(" -a '(__spile_places)'\n", out);
        return;
    }
    fputs(" -a '", out);
    put_words(out, command->operand_choices);
    fputs("'\n", out);
}

static void fish_command(FILE *out, const struct command *command)
{
    fish_name(out, command);
    fish_operands(out, command);
    for (const struct option *row = command->options; row && row->name; row++) {
        fish_when(out, command);
        fprintf(out, " -l %s", row->name);
        if (row->letter)
            fprintf(out, " -s %c", row->letter);
        if (row->type != OPTION_BOOL)
            fputs(row->type == OPTION_PATH ? " -r -F" : " -x", out);
        if (has_words(row)) {
            fputs(" -a '", out);
            put_choices(out, row);
            fputc('\'', out);
        }
        fputs(" -d ", out);
        put_quoted(out, row->doc, "");
        fputc('\n', out);
    }
}

static void fish_end(FILE *out)
{
    (void)out;
}

/* -----------------------------------------------------------------------------------------------
 */

static const char *const shell_names[] = {"bash", "zsh", "fish", NULL};

static const struct shell shells[] = {
    {"bash", bash_begin, bash_command, bash_group, bash_end},
    {"zsh", zsh_begin, zsh_command, zsh_group, zsh_end},
    {"fish", fish_begin, fish_command, NULL, fish_end},
};

static void put_script(FILE *out, const struct shell *shell)
{
    shell->begin(out);
    for (size_t i = 0; commands[i]; i++) {
        if (!commands[i]->hidden)
            shell->command(out, commands[i]);
    }
    for (size_t i = 0; shell->group && commands[i]; i++) {
        if (second_word(commands[i]) && begins_group(i))
            shell->group(out, i);
    }
    shell->end(out);
}

static int completion_run(struct command_call *call)
{
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shells[i].name, call->operands[0]) != 0)
            continue;
        put_script(stdout, &shells[i]);
        return COMMAND_OK;
    }
    return command_usage(call, "unknown shell '%s'; there are: bash, zsh, fish", call->operands[0]);
}

static const struct command_example completion_examples[] = {
    {"spile completion bash > /etc/bash_completion.d/spile", "for everybody who uses bash"},
    {"source <(spile completion bash)", "for this shell"},
    {0},
};

const struct command command_completion = {
    .name = "completion",
    .summary = "print a script that completes command lines in a shell",
    .operands = "bash|zsh|fish",
    .operand_min = 1,
    .operand_max = 1,
    .operand_choices = shell_names,
    .examples = completion_examples,
    .hidden = true,
    .run = completion_run,
};
