// no_system_calls.h - runs work in a child process that the kernel ends at its first system call.
#pragma once

#if defined(__linux__) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define INLAY_TEST_SYSTEM_CALLS 1

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace inlay::test {

// From here on the kernel ends the process for every system call but the exit.
inline bool forbid_system_calls() {
  sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
  const sock_fprog program{sizeof rules / sizeof rules[0], rules};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum class Silence { kept = 0, failed = 1, no_filter = 2, broken = 3 };

// failed: `work` returned false. broken: it called the system.
template <class Work>
Silence run_silently(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    if (!forbid_system_calls()) _exit(static_cast<int>(Silence::no_filter));
    _exit(static_cast<int>(work() ? Silence::kept : Silence::failed));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? Silence::broken : static_cast<Silence>(WEXITSTATUS(status));
}

}  // namespace inlay::test

#endif
