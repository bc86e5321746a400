/* Runs a fuzz target without libFuzzer: once for every file of the folders or files given. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

/* The target gets its input in memory of exactly that size, so that sanitizers see an overrun. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *whole = malloc(INPUT_MAX);
    if (!file || !whole) {
        perror(path);
        exit(1);
    }
    size_t len = fread(whole, 1, INPUT_MAX, file);
    if (ferror(file)) {
        perror(path);
        exit(1);
    }
    fclose(file);
    uint8_t *exact = realloc(whole, len ? len : 1);
    LLVMFuzzerTestOneInput(exact, len);
    free(exact);
    return 1;
}

static int replay_folder(const char *path, DIR *folder)
{
    int files = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        files += replay_file(name);
    }
    closedir(folder);
    return files;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        files += folder ? replay_folder(argv[i], folder) : replay_file(argv[i]);
    }
    printf("%d inputs\n", files);
    return files == 0; /* an empty corpus tests nothing */
}
