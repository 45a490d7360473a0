// step_test.cpp - a step allocates nothing and makes no system call.
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/demo.h"
#include "support/model.h"

using namespace inlay::test;

TEST_CASE("feeding and stepping allocate nothing", "[silence]") {
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  const TestModel model(demo_path(), nullptr, INLAY_OPEN_WEIGHTS, &host);
  auto options = TestSession::options();
  options.context = 128;
  TestSession session(model, options);
  const std::uint64_t before = memory.calls;
  REQUIRE(before > 0);
  CHECK(greedy(session, some_ids(80), 20).size() > 0);
  CHECK(memory.calls == before);
}

#if defined(__linux__) && defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// From here on the kernel ends the process for every system call but the exit.
bool forbid_system_calls() {
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

enum Outcome { fine = 0, wrong = 1, no_filter = 2, killed = 3 };

// Runs `work` in a child that may not call the system.
template <class Work>
Outcome run_silently(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    if (!forbid_system_calls()) _exit(no_filter);
    _exit(work() ? fine : wrong);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? killed : static_cast<Outcome>(WEXITSTATUS(status));
}

}  // namespace

TEST_CASE("feeding and stepping make no system call", "[silence]") {
  const TestModel model(demo_path());
  auto options = TestSession::options();
  options.context = 128;
  TestSession session(model, options);
  const inlay_sequence sequence = session.add();
  const auto ids = some_ids(80);
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);

  if (run_silently([] { return true; }) == no_filter) {
    print_skipped("this kernel has no seccomp filters");
    return;
  }
  REQUIRE(run_silently([] { return getppid() != 0; }) == killed);  // the filter works
  const Outcome outcome = run_silently([&] {
    inlay_event event{};
    event.struct_size = sizeof event;
    if (inlay_session_feed(session.handle, sequence, ids.data(), ids.size(), 0, nullptr) < 0 ||
        inlay_session_generate(session.handle, sequence, &sampler, 20, nullptr) < 0) {
      return false;
    }
    for (int tokens = 0;;) {
      const inlay_status status = inlay_session_step(session.handle, 100000, &event, nullptr);
      if (status < 0) return false;
      if (status == INLAY_TOKEN) ++tokens;
      if (status == INLAY_DONE) return tokens > 0;
    }
  });
  CHECK(outcome == fine);
}

#endif
