// Loaded before a server (LD_PRELOAD): while the file $AN_HOUR_LATER exists, it is an hour later.
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    const char *file = getenv("AN_HOUR_LATER");
    if (!failed && clock == CLOCK_REALTIME && file && access(file, F_OK) == 0) now->tv_sec += 3600;
    return failed;
}
