/* Stands between a program and its disk, preloaded below SQLite.
 *
 * What is done to the files of the folder in which the program starts (but for those that are mapped
 * into memory) is written into the file that DISK_LOG names, in its order, together with the answers
 * that go out on sockets. A call can be made to fail:
 *
 *   DISK_FAULT=write:7:EIO     the seventh write fails (write, sync, truncate, open, remove, rename)
 *   DISK_FAULT=write:7:SHORT   the seventh write writes half of what it should
 *   DISK_FAULT=write:7:EIO:on  the seventh and every later one
 *   DISK_FULL=/some/file       while that file exists, there is no room for anything more
 *
 * A record is: kind (1 byte), length of the name (1), length of the data (4), inode (8), offset (8), name,
 * data. Records of this and of other processes are appended whole.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))
#define FILES_MAX 65536

enum { CREATE = 1, WRITE, TRUNCATE, SYNC, SYNC_FOLDER, RENAME, REMOVE, ANSWER };
enum { NONE, FILE_OF_OURS, FOLDER };

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char folder[PATH_MAX];
static int log_fd = -1;
static unsigned char watched[FILES_MAX];
static char fault_call[16];
static long fault_at, fault_seen;
static int fault_errno, fault_short, fault_on;
static const char *full;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    char error[16] = "", on[4] = "";
    const char *path = getenv("DISK_LOG"), *fault = getenv("DISK_FAULT");
    full = getenv("DISK_FULL");
    if (!getcwd(folder, sizeof folder)) abort();
    if (path) log_fd = REAL(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (path && log_fd < 0) abort();
    if (!fault) return;
    if (sscanf(fault, "%15[a-z]:%ld:%15[A-Z]:%3s", fault_call, &fault_at, error, on) < 3) abort();
    fault_errno = !strcmp(error, "EIO") ? EIO : !strcmp(error, "ENOSPC") ? ENOSPC
                  : !strcmp(error, "EINTR") ? EINTR : 0;
    fault_short = !strcmp(error, "SHORT");
    fault_on = !strcmp(on, "on");
    if (!fault_errno && !fault_short) abort();
}

/* The name below the folder, or NULL if it lies elsewhere or is mapped. */
static const char *below(const char *path) {
    size_t length = strlen(folder), whole = strlen(path);
    if (strncmp(path, folder, length) || path[length] != '/') return NULL;
    if (whole > 4 && !strcmp(path + whole - 4, "-shm")) return NULL;
    return path + length + 1;
}

static const char *absolute(const char *path, char *into) {
    if (path[0] == '/') return path;
    if (path[0] == '.' && path[1] == '/') path += 2;
    if (snprintf(into, PATH_MAX, "%s/%s", folder, path) >= PATH_MAX) abort();
    return into;
}

static int is_watched(int fd) {
    return fd >= 0 && fd < FILES_MAX && watched[fd] == FILE_OF_OURS;
}

static void note(int kind, uint64_t inode, uint64_t offset, const char *name, const void *data,
                 size_t length) {
    unsigned char head[22];
    uint32_t bytes = length;
    if (log_fd < 0) return;
    head[0] = kind;
    head[1] = name ? strlen(name) : 0;
    memcpy(head + 2, &bytes, 4);
    memcpy(head + 6, &inode, 8);
    memcpy(head + 14, &offset, 8);
    struct iovec parts[3] = {{head, sizeof head}, {(void *)name, head[1]}, {(void *)data, bytes}};
    if (REAL(writev)(log_fd, parts, 3) != (ssize_t)(sizeof head + head[1] + bytes)) abort();
}

static uint64_t inode(int fd) {
    struct stat stat;
    if (fstat(fd, &stat)) abort();
    return stat.st_ino;
}

/* Whether this call is the one that fails. 1: as a whole; 2: it does half. */
static int fails(const char *call) {
    if (full && (!strcmp(call, "write") || !strcmp(call, "truncate")) && !access(full, F_OK)) {
        errno = ENOSPC;
        return 1;
    }
    if (strcmp(call, fault_call)) return 0;
    fault_seen++;
    if (fault_seen != fault_at && !(fault_on && fault_seen > fault_at)) return 0;
    errno = fault_errno;
    return fault_short ? 2 : 1;
}

static int opened(const char *path, int flags, mode_t mode) {
    char whole[PATH_MAX];
    int is_folder = !strcmp(path, ".") || !strcmp(path, folder);
    const char *name = is_folder ? NULL : below(absolute(path, whole));
    if (!name && !is_folder) return REAL(open)(path, flags, mode);
    pthread_mutex_lock(&lock);
    int fd = -1, is_new = (flags & O_CREAT) && access(path, F_OK);
    if (!name || !fails("open")) fd = REAL(open)(path, flags, mode);
    if (fd >= 0 && fd < FILES_MAX) {
        watched[fd] = name ? FILE_OF_OURS : FOLDER;
        if (name && is_new) note(CREATE, inode(fd), 0, name, NULL, 0);
        if (name && !is_new && (flags & O_TRUNC)) note(TRUNCATE, inode(fd), 0, NULL, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return opened(path, flags | O_LARGEFILE, mode);
}

int close(int fd) {
    if (fd >= 0 && fd < FILES_MAX) watched[fd] = NONE;
    return REAL(close)(fd);
}

static ssize_t written(int fd, const void *data, size_t length, off_t offset, int moves) {
    pthread_mutex_lock(&lock);
    ssize_t done = -1;
    int how = fails("write");
    if (how != 1) {
        if (how == 2 && length > 1) length /= 2;
        if (moves) {
            int end = REAL(fcntl)(fd, F_GETFL) & O_APPEND;
            offset = lseek(fd, 0, end ? SEEK_END : SEEK_CUR);
        }
        note(WRITE, inode(fd), offset, NULL, data, length);
        done = moves ? REAL(write)(fd, data, length) : REAL(pwrite)(fd, data, length, offset);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

/* The answer that begins here goes out. Told by the port of the other side. */
static void answer(int fd, const void *data, size_t length) {
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    if (log_fd < 0 || length < 12 || memcmp(data, "HTTP/1.1 ", 9)) return;
    if (getpeername(fd, (struct sockaddr *)&peer, &size) || peer.sin_family != AF_INET) return;
    pthread_mutex_lock(&lock);
    note(ANSWER, 0, ntohs(peer.sin_port), NULL, (const char *)data + 9, 3);
    pthread_mutex_unlock(&lock);
}

ssize_t write(int fd, const void *data, size_t length) {
    if (is_watched(fd)) return written(fd, data, length, 0, 1);
    answer(fd, data, length);
    return REAL(write)(fd, data, length);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    if (is_watched(fd)) return written(fd, data, length, offset, 0);
    return REAL(pwrite)(fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    return pwrite(fd, data, length, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    /* None of the files is written in parts; if one ever is, this must learn how. */
    if (is_watched(fd)) abort();
    if (count > 0) answer(fd, parts[0].iov_base, parts[0].iov_len);
    return REAL(writev)(fd, parts, count);
}

ssize_t send(int fd, const void *data, size_t length, int flags) {
    answer(fd, data, length);
    return REAL(send)(fd, data, length, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    if (message->msg_iovlen > 0) answer(fd, message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
    return REAL(sendmsg)(fd, message, flags);
}

int ftruncate(int fd, off_t length) {
    if (!is_watched(fd)) return REAL(ftruncate)(fd, length);
    pthread_mutex_lock(&lock);
    int done = -1;
    if (!fails("truncate")) {
        note(TRUNCATE, inode(fd), length, NULL, NULL, 0);
        done = REAL(ftruncate)(fd, length);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

static int synced(int fd, int is_whole) {
    if (fd < 0 || fd >= FILES_MAX || watched[fd] == NONE) {
        return is_whole ? REAL(fsync)(fd) : REAL(fdatasync)(fd);
    }
    pthread_mutex_lock(&lock);
    int done = -1;
    if (!fails("sync")) {
        done = is_whole ? REAL(fsync)(fd) : REAL(fdatasync)(fd);
        if (!done) note(watched[fd] == FOLDER ? SYNC_FOLDER : SYNC, inode(fd), 0, NULL, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) { return synced(fd, 1); }

int fdatasync(int fd) { return synced(fd, 0); }

int rename(const char *from, const char *to) {
    char one[PATH_MAX], two[PATH_MAX];
    const char *old = below(absolute(from, one)), *new = below(absolute(to, two));
    if (!old || !new) return REAL(rename)(from, to);
    pthread_mutex_lock(&lock);
    int done = fails("rename") ? -1 : REAL(rename)(from, to);
    if (!done) note(RENAME, 0, 0, old, new, strlen(new));
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *path) {
    char whole[PATH_MAX];
    const char *name = below(absolute(path, whole));
    if (!name) return REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    int done = fails("remove") ? -1 : REAL(unlink)(path);
    if (!done) note(REMOVE, 0, 0, name, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}
