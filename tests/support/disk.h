/* A disk of the test's own, for SQLite: it waits for no real one to have written (tests would take
 * minutes on a busy machine), and it can get stuck. */
#ifndef SPILE_TESTS_DISK_H
#define SPILE_TESTS_DISK_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>

/* Files of one kind: their real methods, and ours. */
struct disk_kind {
    const sqlite3_io_methods *real;
    sqlite3_io_methods ours;
};

enum disk_way { DISK_READS, DISK_WRITES, DISK_WAYS };

struct disk {
    sqlite3_vfs vfs, *real;
    struct disk_kind kinds[4];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stuck[DISK_WAYS];
    int waiting[DISK_WAYS]; /* so many are stuck */
};
static struct disk disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static inline void disk_set_stuck(enum disk_way way, bool stuck)
{
    pthread_mutex_lock(&disk.lock);
    disk.stuck[way] = stuck;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.lock);
}

/* Returns when so many are stuck. */
static inline void disk_await_stuck(enum disk_way way, int count)
{
    pthread_mutex_lock(&disk.lock);
    while (disk.waiting[way] < count)
        pthread_cond_wait(&disk.changed, &disk.lock);
    pthread_mutex_unlock(&disk.lock);
}

static inline void disk_pass(enum disk_way way)
{
    pthread_mutex_lock(&disk.lock);
    disk.waiting[way]++;
    while (disk.stuck[way]) {
        pthread_cond_broadcast(&disk.changed);
        pthread_cond_wait(&disk.changed, &disk.lock);
    }
    disk.waiting[way]--;
    pthread_mutex_unlock(&disk.lock);
}

static inline const sqlite3_io_methods *disk_real_of(const sqlite3_file *file)
{
    return ((const struct disk_kind *)(const void *)((const char *)file->pMethods -
                                                     offsetof(struct disk_kind, ours)))
        ->real;
}

static inline int disk_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at)
{
    disk_pass(DISK_READS);
    return disk_real_of(file)->xRead(file, bytes, len, at);
}

static inline int disk_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    disk_pass(DISK_WRITES);
    return disk_real_of(file)->xWrite(file, bytes, len, at);
}

static inline int disk_sync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    disk_pass(DISK_WRITES);
    return SQLITE_OK;
}

static inline int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                            int *out_flags)
{
    (void)vfs;
    int code = disk.real->xOpen(disk.real, name, file, flags, out_flags);
    struct disk_kind *kind = disk.kinds;
    if (!file->pMethods)
        return code;
    pthread_mutex_lock(&disk.lock);
    while (kind->real && kind->real != file->pMethods)
        kind++;
    if (!kind->real) {
        kind->ours = *file->pMethods;
        kind->ours.xRead = disk_read;
        kind->ours.xWrite = disk_write;
        kind->ours.xSync = disk_sync;
        kind->real = file->pMethods;
    }
    pthread_mutex_unlock(&disk.lock);
    file->pMethods = &kind->ours;
    return code;
}

/* From here on SQLite has its files on it. */
static inline void disk_use(void)
{
    if (disk.real)
        return;
    disk.real = sqlite3_vfs_find(NULL);
    disk.vfs = *disk.real;
    disk.vfs.zName = "test";
    disk.vfs.xOpen = disk_open;
    sqlite3_vfs_register(&disk.vfs, 1);
}

#endif
