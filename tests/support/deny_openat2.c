// Runs a program without openat2: a seccomp filter makes that system call fail, as with old container profiles (EPERM) and
// old kernels (ENOSYS).
//
//     deny_openat2 EPERM|ENOSYS PROGRAM ARGUMENTS…
//
// Ends with 99 when it cannot, or when the call is not denied.

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __NR_openat2
#define __NR_openat2 437
#endif

int main(int argc, char **argv) {
    if (argc < 3 || (strcmp(argv[1], "EPERM") && strcmp(argv[1], "ENOSYS"))) {
        fputs("deny_openat2: EPERM|ENOSYS PROGRAM ARGUMENTS...\n", stderr);
        return 99;
    }
    int error = strcmp(argv[1], "EPERM") ? ENOSYS : EPERM;
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
        perror("deny_openat2: prctl");
        return 99;
    }
    // These arguments are invalid, so without the filter the error would be another one.
    if (syscall(__NR_openat2, -1, NULL, NULL, 0) != -1 || errno != error) {
        fputs("deny_openat2: openat2 is not denied\n", stderr);
        return 99;
    }
    execv(argv[2], argv + 2);
    perror(argv[2]);
    return 99;
}
