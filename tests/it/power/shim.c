/*
 * Writes down what a program does to the files of one directory, so that a test can tell what a disk
 * would hold after the power went: everything that was synced, and of the rest whatever it likes.
 *
 * Preloaded into the program. Each record is: kind (1 byte), length of the name (2), offset (8), length
 * of the data (4), name, data; all in the machine's byte order. It is in the log before the call
 * returns. Kinds: w write, t truncate (offset is the length), s sync, c create, u unlink, d directory sync.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096
static char *names[FDS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static const char *dir;
static size_t dir_length;

static void begin(void) {
    if (log_fd >= 0) return;
    const char *path = getenv("POWER_LOG");
    dir = getenv("POWER_DIR");
    if (!path || !dir) return;
    dir_length = strlen(dir);
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    log_fd = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void record(char kind, const char *name, uint64_t offset, const void *data, uint32_t length) {
    if (log_fd < 0) return;
    ssize_t (*real_writev)(int, const struct iovec *, int) = dlsym(RTLD_NEXT, "writev");
    uint16_t name_length = (uint16_t)strlen(name);
    struct iovec parts[6] = {
        {&kind, 1}, {&name_length, 2}, {&offset, 8}, {&length, 4}, {(void *)name, name_length},
        {(void *)data, length},
    };
    if (real_writev(log_fd, parts, length ? 6 : 5) < 0) abort();
}

/* Returns the name of a file below the directory, or of the directory itself (""), or nothing. */
static const char *inside(const char *path) {
    if (!dir || strncmp(path, dir, dir_length) != 0) return NULL;
    if (path[dir_length] == 0) return "";
    return path[dir_length] == '/' ? path + dir_length + 1 : NULL;
}

static void remember(int fd, const char *path, int flags, int was_there) {
    if (fd < 0 || fd >= FDS) return;
    char full[4096];
    const char *name = realpath(path, full) ? inside(full) : NULL;
    pthread_mutex_lock(&lock);
    free(names[fd]);
    names[fd] = name ? strdup(name) : NULL;
    if (name && *name) {
        if (!was_there) record('c', name, 0, NULL, 0);
        else if (flags & O_TRUNC) record('t', name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
}

#define OPENER(symbol)                                                            \
    int symbol(const char *path, int flags, ...) {                                \
        va_list list;                                                             \
        va_start(list, flags);                                                    \
        mode_t mode = (flags & O_CREAT) ? va_arg(list, mode_t) : 0;               \
        va_end(list);                                                             \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #symbol);          \
        begin();                                                                  \
        int was_there = access(path, F_OK) == 0;                                  \
        int fd = real(path, flags, mode);                                         \
        remember(fd, path, flags, was_there);                                     \
        return fd;                                                                \
    }
OPENER(open)
OPENER(open64)

int close(int fd) {
    int (*real)(int) = dlsym(RTLD_NEXT, "close");
    if (fd >= 0 && fd < FDS) {
        pthread_mutex_lock(&lock);
        free(names[fd]);
        names[fd] = NULL;
        pthread_mutex_unlock(&lock);
    }
    return real(fd);
}

static void note(char kind, int fd, uint64_t offset, const void *data, uint32_t length) {
    if (fd < 0 || fd >= FDS) return;
    pthread_mutex_lock(&lock);
    if (names[fd]) {
        if (*names[fd]) record(kind, names[fd], offset, data, length);
        else if (kind == 's') record('d', "", 0, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
}

#define WRITER(symbol)                                                            \
    ssize_t symbol(int fd, const void *data, size_t length, off_t offset) {       \
        ssize_t (*real)(int, const void *, size_t, off_t) =                       \
            dlsym(RTLD_NEXT, #symbol);                                            \
        ssize_t done = real(fd, data, length, offset);                            \
        if (done > 0) note('w', fd, (uint64_t)offset, data, (uint32_t)done);      \
        return done;                                                              \
    }
WRITER(pwrite)
WRITER(pwrite64)

ssize_t write(int fd, const void *data, size_t length) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    ssize_t done = real(fd, data, length);
    if (done > 0 && fd >= 0 && fd < FDS && names[fd] && *names[fd]) {
        off_t end = lseek(fd, 0, SEEK_CUR);
        note('w', fd, (uint64_t)(end - done), data, (uint32_t)done);
    }
    return done;
}

#define TRUNCATER(symbol)                                                         \
    int symbol(int fd, off_t length) {                                            \
        int (*real)(int, off_t) = dlsym(RTLD_NEXT, #symbol);                      \
        int done = real(fd, length);                                              \
        if (done == 0) note('t', fd, (uint64_t)length, NULL, 0);                  \
        return done;                                                              \
    }
TRUNCATER(ftruncate)
TRUNCATER(ftruncate64)

#define SYNCER(symbol)                                                            \
    int symbol(int fd) {                                                          \
        int (*real)(int) = dlsym(RTLD_NEXT, #symbol);                             \
        int done = real(fd);                                                      \
        if (done == 0) note('s', fd, 0, NULL, 0);                                 \
        return done;                                                              \
    }
SYNCER(fsync)
SYNCER(fdatasync)

int unlink(const char *path) {
    int (*real)(const char *) = dlsym(RTLD_NEXT, "unlink");
    char full[4096];
    const char *name = realpath(path, full) ? inside(full) : NULL;
    int done = real(path);
    if (done == 0 && name && *name) {
        pthread_mutex_lock(&lock);
        record('u', name, 0, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return done;
}
