// host_jobs.cpp - a program lends its own workers and its own memory to the library.
//
// An engine has a job system already, and wants no threads beside it; and it counts every byte. At
// the end: how often workers were called, the bytes planned and the bytes taken, and that no step
// asked for memory. The text is the same as with any other workers.
//
// Build: cmake --build build/release --target host_jobs_cpp
// Run:   build/release/bin/host_jobs_cpp model.gguf "Once upon a time"
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <inlay/inlay.hpp>
#include <iostream>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

// A small job system: threads that look for work in a list. Any number of callers may run at once.
class Jobs {
 public:
  explicit Jobs(std::uint32_t workers) : workers_(workers) {
    for (std::uint32_t i = 1; i < workers; ++i) threads_.emplace_back([this] { work(); });
  }
  ~Jobs() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  std::uint32_t workers() const { return workers_; }
  std::uint64_t runs() const { return runs_; }

  // Calls task(0) ... task(count - 1), the caller among the workers, and waits for all of them.
  void run(std::uint32_t count, inlay::Task task) {
    Batch batch{task, count, count};
    std::unique_lock lock(mutex_);
    ++runs_;
    batches_.push_back(&batch);
    changed_.notify_all();
    while (batch.waiting) take(batch, lock);
    changed_.wait(lock, [&] { return batch.unfinished == 0; });
  }

 private:
  struct Batch {
    inlay::Task task;
    std::uint32_t waiting;     // calls that nobody has begun
    std::uint32_t unfinished;  // calls that have not returned
  };

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return ended_ || !batches_.empty(); });
      if (ended_) return;
      take(*batches_.front(), lock);
    }
  }

  // Begins one call of a batch; the last one begun takes the batch off the list.
  void take(Batch& batch, std::unique_lock<std::mutex>& lock) {
    const std::uint32_t index = --batch.waiting;
    if (index == 0) batches_.erase(std::find(batches_.begin(), batches_.end(), &batch));
    lock.unlock();
    batch.task(index);
    lock.lock();
    if (--batch.unfinished == 0) changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Batch*> batches_;  // with calls that nobody has begun
  std::vector<std::thread> threads_;
  std::uint64_t runs_ = 0;
  std::uint32_t workers_;
  bool ended_ = false;
};

// The heap, counted. An allocation may fail: the library reports Status::memory and goes on.
struct CountingMemory {
  std::atomic<std::uint64_t> bytes{0};  // taken now
  std::atomic<std::uint64_t> calls{0};

  void* allocate(std::size_t size, std::size_t alignment) {
    ++calls;
    void* block = ::operator new(size, std::align_val_t(alignment), std::nothrow);
    if (block) bytes += size;
    return block;
  }
  void release(void* block, std::size_t size, std::size_t alignment) {
    bytes -= size;
    ::operator delete(block, std::align_val_t(alignment));
  }
};

template <class T>
static T must(inlay::Result<T> result) {
  if (result) return *std::move(result);
  std::cerr << result.error().text() << '\n';
  std::exit(1);
}

int main(int count, char** arguments) {
  Jobs jobs(std::clamp(std::thread::hardware_concurrency(), 1u, 8u));
  CountingMemory memory;
  inlay::Host host;  // jobs and memory live longer than the model below
  host.jobs(jobs, jobs.workers()).memory(memory);
  const inlay::Model model =
      must(inlay::Model::open(count > 1 ? arguments[1] : "model.gguf", {.host = &host}));
  const inlay::SessionOptions options{.context = 512};
  const inlay::Plan plan = must(model.plan(options));
  inlay::Session session = must(inlay::Session::open(model, options));
  const std::uint64_t taken = memory.bytes;

  const char* prompt = count > 2 ? arguments[2] : "Once upon a time";
  const inlay::Sequence sequence = must(session.add());
  const auto ids = must(model.tokenizer().encode(prompt));
  if (!session.feed(sequence, ids) || !session.generate(sequence, {}, 60)) return 1;
  inlay::TextStream text(model.tokenizer(), true);
  std::cout << prompt;
  const std::uint64_t calls = memory.calls;
  for (bool speaking = true; speaking;) {
    const inlay::Event event = must(session.step());
    speaking = event.status == inlay::Status::token && event.finish == inlay::Finish::none;
    if (event.finish != inlay::Finish::end) std::cout << must(text.push(event.token));
  }
  std::cout << "\n"
            << jobs.workers() << " workers, called together " << jobs.runs() << " times\n"
            << plan.total - plan.borrowed << " bytes planned, " << taken << " taken; "
            << memory.calls - calls << " requests for memory in all steps\n";
  return memory.calls == calls ? 0 : 1;
}
