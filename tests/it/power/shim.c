/* Stands between the server and libc: a clock that is behind, a network or a name service that
 * isn't there, a disk that is full or read-only, and a kill at the n-th step of what is written
 * to the state directory. Each is a file with a number in the folder that POWER_CONTROL names,
 * read anew at every call, so that a test can change it while the server runs. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The number in a control file; -1 if there is none. */
static long control(const char *name)
{
    char path[512], text[32];
    snprintf(path, sizeof path, "%s/%s", getenv("POWER_CONTROL"), name);
    int file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
    if (file < 0)
        return -1;
    long n = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    text[n > 0 ? n : 0] = 0;
    return atol(text);
}

static int is_state(const char *path)
{
    const char *state = getenv("POWER_STATE");
    return strncmp(path, state, strlen(state)) == 0;
}

static int is_state_file(int file)
{
    char link[64], path[512];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    long n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    return is_state(path);
}

/* A step in the state directory: dies here if it is the one, or fails as the disk does. */
static int step(void)
{
    static long steps;
    long last = control("kill");
    if (last >= 0 && __atomic_fetch_add(&steps, 1, __ATOMIC_SEQ_CST) >= last)
        kill(getpid(), SIGKILL);
    long fault = control("disk");
    if (fault <= 0)
        return 0;
    errno = fault;
    return -1;
}

int clock_gettime(clockid_t which, struct timespec *now)
{
    long result = syscall(SYS_clock_gettime, which, now);
    long behind = which == CLOCK_REALTIME ? control("behind") : -1;
    if (behind > 0)
        now->tv_sec -= behind;
    return result;
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    int mode = va_arg(rest, int);
    va_end(rest);
    if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && is_state(path) && step())
        return -1;
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

ssize_t write(int file, const void *bytes, size_t count)
{
    if (!is_state_file(file))
        return syscall(SYS_write, file, bytes, count);
    if (step())
        return -1;
    ssize_t half = syscall(SYS_write, file, bytes, count / 2);
    if (half < 0 || step())
        return -1;
    return half + syscall(SYS_write, file, (const char *)bytes + half, count - half);
}

int fsync(int file)
{
    if (is_state_file(file) && step())
        return -1;
    return syscall(SYS_fsync, file);
}

int ftruncate64(int file, off64_t length)
{
    if (is_state_file(file) && step())
        return -1;
    return syscall(SYS_ftruncate, file, length);
}

int rename(const char *from, const char *to)
{
    if (is_state(to) && step())
        return -1;
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    if (is_state(path) && step())
        return -1;
    return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int connect(int socket, const struct sockaddr *to, socklen_t length)
{
    int port = to->sa_family == AF_INET ? ntohs(((const struct sockaddr_in *)to)->sin_port) : 0;
    long fault = control("route");
    if (fault > 0 && port == atoi(getenv("POWER_PORT"))) {
        errno = fault;
        return -1;
    }
    return syscall(SYS_connect, socket, to, length);
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (control("names") > 0)
        return EAI_AGAIN;
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(host, service, hints, found);
}
