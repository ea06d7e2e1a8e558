// Loaded before a server (LD_PRELOAD): from when the file $NO_RANDOM_NUMBERS exists, the system has no random numbers
// for a uuid, which are 16 bytes asked for without flags.
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t getrandom(void *bytes, size_t length, unsigned flags) {
    const char *file = getenv("NO_RANDOM_NUMBERS");
    if (length == 16 && flags == 0 && file && access(file, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_getrandom, bytes, length, flags);
}
