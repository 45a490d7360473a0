// threads.cpp - worker threads and sleep over POSIX threads.
#include "base/threads.h"

#include <algorithm>

#include "base/cpu_quota.h"
#include "base/diagnostics.h"

#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#endif

namespace inlay {

#if INLAY_HAS_PTHREADS

namespace {

#if defined(__linux__)
std::size_t read_start(void*, const char* path, char* text, std::size_t capacity) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::size_t length = 0;
  while (length < capacity) {
    const ssize_t got = ::read(file, text + length, capacity - length);
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  ::close(file);
  return length;
}
#endif

}  // namespace

std::uint32_t physical_cores() {
  long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) cores = CPU_COUNT(&allowed);
  char active = '0';
  read_start(nullptr, "/sys/devices/system/cpu/smt/active", &active, 1);
  if (active == '1') cores = (cores + 1) / 2;
  cores = std::min<long>(cores, cpu_quota({nullptr, read_start}));
#endif
  if (cores < 1) return 1;
  return cores > static_cast<long>(max_workers) ? max_workers : static_cast<std::uint32_t>(cores);
}

Gate::~Gate() {
  ::pthread_cond_destroy(&changed_);
  ::pthread_mutex_destroy(&mutex_);
}

// A sleeper is counted before it looks at the word, and wake() looks at the count after the word
// has changed: in the one order of both, either it sees the new word or wake() sees the sleeper.
void Gate::wait(const std::atomic<std::uint64_t>& word, std::uint64_t old) {
  ::pthread_mutex_lock(&mutex_);
  sleepers_.fetch_add(1, std::memory_order_seq_cst);
  while (word.load(std::memory_order_seq_cst) == old) ::pthread_cond_wait(&changed_, &mutex_);
  sleepers_.fetch_sub(1, std::memory_order_relaxed);
  ::pthread_mutex_unlock(&mutex_);
}

void Gate::wake_sleepers() {
  ::pthread_mutex_lock(&mutex_);
  ::pthread_mutex_unlock(&mutex_);  // whoever was counted has looked, or sleeps
  ::pthread_cond_broadcast(&changed_);
}

struct WorkerPool::State {
  pthread_mutex_t mutex;
  pthread_cond_t wake;          // a new round, or the end
  pthread_cond_t idle;          // the last busy worker of a round is back
  std::uint32_t unclaimed = 0;  // calls of this round that no thread has taken
  std::uint32_t busy = 0;       // threads inside the task
  bool ending = false;
  Task task = nullptr;
  void* argument = nullptr;
  std::uint32_t started = 0;
  pthread_t threads[max_workers];
};

std::size_t WorkerPool::bytes(std::uint32_t workers) { return workers > 1 ? sizeof(State) : 0; }

void* WorkerPool::main(void* pointer) {
  State& s = *static_cast<State*>(pointer);
  ::pthread_mutex_lock(&s.mutex);
  for (;;) {
    while (!s.ending && s.unclaimed == 0) ::pthread_cond_wait(&s.wake, &s.mutex);
    if (s.ending) break;
    const std::uint32_t index = s.unclaimed--;
    ++s.busy;
    const Task task = s.task;
    void* argument = s.argument;
    ::pthread_mutex_unlock(&s.mutex);
    task(argument, index);
    ::pthread_mutex_lock(&s.mutex);
    if (--s.busy == 0) ::pthread_cond_signal(&s.idle);
  }
  ::pthread_mutex_unlock(&s.mutex);
  return nullptr;
}

Status WorkerPool::start(Allocator& allocator, std::uint32_t workers, Error& error) {
  stop();
  if (workers <= 1) return Status::ok;
  allocator_ = &allocator;
  state_ = create<State>(allocator);
  if (!state_) return fail_memory(error, "worker threads");
  ::pthread_mutex_init(&state_->mutex, nullptr);
  ::pthread_cond_init(&state_->wake, nullptr);
  ::pthread_cond_init(&state_->idle, nullptr);
  workers_ = workers;
  // Signals are for the host's own threads.
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  while (state_->started + 1 < workers &&
         ::pthread_create(&state_->threads[state_->started], nullptr, main, state_) == 0) {
    ++state_->started;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const std::uint32_t started = state_->started + 1;
  if (started == workers) return Status::ok;
  stop();
  return fail(error, Status::memory, "threads: {} of {} could be started", started, workers);
}

void WorkerPool::stop() {
  if (!state_) return;
  ::pthread_mutex_lock(&state_->mutex);
  state_->ending = true;
  ::pthread_cond_broadcast(&state_->wake);
  ::pthread_mutex_unlock(&state_->mutex);
  for (std::uint32_t i = 0; i < state_->started; ++i) ::pthread_join(state_->threads[i], nullptr);
  ::pthread_cond_destroy(&state_->wake);
  ::pthread_cond_destroy(&state_->idle);
  ::pthread_mutex_destroy(&state_->mutex);
  destroy(*allocator_, state_);
  state_ = nullptr;
  workers_ = 1;
}

void WorkerPool::run(Task task, void* argument) {
  if (!state_) return task(argument, 0);
  State& s = *state_;
  ::pthread_mutex_lock(&s.mutex);
  s.task = task;
  s.argument = argument;
  s.unclaimed = workers_ - 1;
  ::pthread_cond_broadcast(&s.wake);
  ::pthread_mutex_unlock(&s.mutex);
  task(argument, 0);
  ::pthread_mutex_lock(&s.mutex);
  s.unclaimed = 0;  // whoever is late has nothing to do any more
  while (s.busy != 0) ::pthread_cond_wait(&s.idle, &s.mutex);
  ::pthread_mutex_unlock(&s.mutex);
}

#else

std::uint32_t physical_cores() { return 1; }
Gate::~Gate() = default;
// The host's jobs may wait all the same: they give their core to others for a moment.
void Gate::wait(const std::atomic<std::uint64_t>&, std::uint64_t) {
#if defined(__unix__) || defined(__APPLE__)
  ::sched_yield();
#endif
}
void Gate::wake_sleepers() {}
struct WorkerPool::State {};
std::size_t WorkerPool::bytes(std::uint32_t) { return 0; }
void* WorkerPool::main(void*) { return nullptr; }
Status WorkerPool::start(Allocator&, std::uint32_t workers, Error& error) {
  if (workers <= 1) return Status::ok;
  return fail(error, Status::unsupported, "threads: this build has none; set 1 or give host jobs");
}
void WorkerPool::stop() {}
void WorkerPool::run(Task task, void* argument) { task(argument, 0); }

#endif

}  // namespace inlay
