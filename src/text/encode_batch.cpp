// encode_batch.cpp - workers claim texts one by one; each has an encoder of its own.
#include "text/encode_batch.h"

#include <algorithm>
#include <atomic>

#include "base/threads.h"
#include "text/encoder.h"

namespace inlay {
namespace {

// What one worker met first.
struct Failure {
  Status status = Status::ok;
  std::size_t text = 0;
  Error error{};
};

class Batch {
 public:
  Batch(const Tokenizer& tokenizer, std::span<const inlay_text> texts, std::uint32_t flags,
        Allocator& allocator)
      : tokenizer_(tokenizer),
        texts_(texts),
        flags_(flags),
        allocator_(allocator),
        results_(allocator),
        failures_(allocator) {}

  Status prepare(std::uint32_t workers) {
    INLAY_TRY(results_.reserve(texts_.size()));
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      INLAY_TRY(results_.push(Array<std::int32_t>(allocator_)));
    }
    return failures_.resize(workers);
  }

  // Worker `index`, until no text is left.
  void work(std::uint32_t index) {
    Encoder encoder(tokenizer_, allocator_);
    Failure& failure = failures_[index];
    for (;;) {
      const std::size_t i = next_.fetch_add(1, std::memory_order_relaxed);
      if (i >= texts_.size()) return;
      const inlay_text& text = texts_[i];
      Error error{};
      const Status status = encoder.run({text.bytes ? text.bytes : "", text.length}, flags_,
                                        results_[i], nullptr, error);
      if (!is_error(status)) continue;
      if (!is_error(failure.status)) failure = {status, i, error};
    }
  }

  Status collect(Array<std::int32_t>& ids, Array<std::uint64_t>& ends, Error& error) {
    const Failure* first = nullptr;
    for (const Failure& failure : failures_) {
      if (is_error(failure.status) && (!first || failure.text < first->text)) first = &failure;
    }
    if (first) {
      return fail(error, first->status, "text {}: {}", first->text,
                  std::string_view(first->error.text));
    }
    std::size_t total = 0;
    for (const Array<std::int32_t>& result : results_) total += result.size();
    ids.clear();
    ends.clear();
    if (is_error(ids.reserve(total)) || is_error(ends.reserve(texts_.size()))) {
      return fail_memory(error, "encoding texts");
    }
    for (const Array<std::int32_t>& result : results_) {
      INLAY_TRY(ids.append(result));
      INLAY_TRY(ends.push(ids.size()));
    }
    return Status::ok;
  }

 private:
  const Tokenizer& tokenizer_;
  std::span<const inlay_text> texts_;
  std::uint32_t flags_;
  Allocator& allocator_;
  Array<Array<std::int32_t>> results_;  // by text
  Array<Failure> failures_;             // by worker
  std::atomic<std::size_t> next_{0};
};

}  // namespace

Status encode_batch(const Tokenizer& tokenizer, std::span<const inlay_text> texts,
                    std::uint32_t flags, const inlay_jobs& jobs, std::uint32_t threads,
                    Allocator& allocator, Array<std::int32_t>& ids, Array<std::uint64_t>& ends,
                    Error& error) {
  std::uint32_t workers = jobs.run ? jobs.workers : threads ? threads : physical_cores();
  workers = std::min(workers, max_workers);
  workers = static_cast<std::uint32_t>(std::min<std::size_t>(workers, texts.size()));
  workers = std::max(workers, 1u);
  Batch batch(tokenizer, texts, flags, allocator);
  if (is_error(batch.prepare(workers))) return fail_memory(error, "encoding texts");
  const auto task = [](void* argument, std::uint32_t index) {
    static_cast<Batch*>(argument)->work(index);
  };
  if (workers == 1) {
    batch.work(0);
  } else if (jobs.run) {
    jobs.run(jobs.user, workers, task, &batch);
  } else {
    WorkerPool pool;
    INLAY_TRY(pool.start(allocator, workers, error));
    pool.run(task, &batch);
  }
  return batch.collect(ids, ends, error);
}

}  // namespace inlay
