// session.h - many sequences over one model: feed tokens, step through passes, read or sample
// logits.
#pragma once

#include <atomic>
#include <span>

#include "base/carver.h"
#include "engine/executor.h"
#include "engine/model.h"
#include "sample/sampler.h"

namespace inlay {

// Options with every default resolved.
struct SessionShape {
  std::uint32_t context;  // tokens of one sequence
  std::uint32_t sequences;
  std::uint32_t chunk;        // T at most
  std::uint32_t logits_rows;  // R at most
  CellType kv_type;
  std::uint32_t workers;
  std::uint32_t pages_per_sequence() const { return (context + page_tokens - 1) / page_tokens; }
};

// Checks the options against the model. Errors: argument, limit, state (no program).
Status resolve(const Model& model, const inlay_session_options& options, SessionShape* shape,
               Error& error);

struct SessionBytes {
  std::uint64_t state;
  std::uint64_t scratch;
};

struct SessionEvent {
  std::uint64_t sequence = 0;
  std::int32_t token = -1;
  std::uint32_t finish = INLAY_FINISH_NONE;
};

struct LogitsView {
  const float* rows;  // (count, vocabulary)
  std::uint32_t count;
  std::uint32_t position;  // of the first row
};

// One owner at a time. Every call but cancel() refuses with Status::state while another one runs.
class Session {
 public:
  static Status measure(const Model& model, const SessionShape& shape, SessionBytes* bytes,
                        Error& error);
  // Takes a reference on the model.
  static Status open(Model& model, const SessionShape& shape, Session** session, Error& error);
  void close();

  Status add(std::uint64_t* sequence, Error& error);
  Status drop(std::uint64_t sequence);
  Status feed(std::uint64_t sequence, std::span<const std::int32_t> ids, std::uint32_t flags,
              Error& error);
  // nullptr takes the sampler away.
  Status generate(std::uint64_t sequence, const inlay_sampler_options* options,
                  std::uint64_t max_tokens, Error& error);
  Status step(std::uint64_t budget, SessionEvent* event, Error& error);
  void cancel() { executor_.stop(); }
  Status logits(std::uint64_t sequence, LogitsView* view) const;
  Status length(std::uint64_t sequence, std::uint32_t* computed, std::uint32_t* pending) const;
  Status clear(std::uint64_t sequence);
  // Squares of the inputs of every matrix in the passes that are finished, as an importance matrix.
  Status write_importance(const inlay_sink& sink, Error& error) const;

 private:
  struct Sequence {
    std::uint32_t generation;  // odd while alive
    std::uint32_t length;      // tokens fed
    std::uint32_t computed;    // tokens whose keys and values are in the cache
    std::uint32_t again;       // 1: the last computed token is computed once more, for its logits
    std::uint32_t pages;       // of its table in use
    bool sampling;
    bool event;                 // something of the last pass is to be told
    std::uint64_t tokens_left;  // of a generation
    // The latest pass:
    std::uint32_t pass_tokens;   // rows of it
    std::uint32_t wanted_first;  // row of the logits
    std::uint32_t wanted;        // rows of logits
    std::uint32_t wanted_position;
    std::int32_t* ids;          // (context)
    std::uint64_t* all_logits;  // (context) bits: logits of this token are wanted
    std::uint32_t* table;       // (pages_per_sequence)
    Sampler sampler;
    std::uint32_t begin() const { return computed - again; }  // of the next pass
    std::uint32_t pending() const { return length - begin(); }
    std::uint32_t wanted_end() const { return wanted_position + wanted; }
    bool alive() const { return generation & 1; }
    bool wants(std::uint32_t position) const {
      return position + 1 == length || (all_logits[position / 64] >> (position % 64) & 1);
    }
  };
  struct Pass {  // arrays of a batch
    std::int32_t* ids;
    std::uint32_t* positions;
    std::uint32_t* sequences;
    std::uint32_t* wanted_rows;
    std::uint32_t tokens = 0, wanted = 0;
  };

  Session(Model& model, const SessionShape& shape) : model_(model), shape_(shape) {}
  static Status lay_out(const Model& model, const SessionShape& shape, Session* session,
                        Carver& state, Carver& scratch, Error& error);
  Sequence* find(std::uint64_t id) const;
  std::uint64_t id_of(std::uint32_t slot) const;
  void append(Sequence& s, std::span<const std::int32_t> ids, bool all_logits);
  void give_back_pages(Sequence& s);
  bool build_pass();
  void add_rows(std::uint32_t slot, std::uint32_t limit);
  void begin_pass();
  void finish_pass();
  void abandon_pass();
  Status next_event(SessionEvent* event, Error& error);
  Status sample(std::uint32_t slot, SessionEvent* event, Error& error);
  std::uint32_t finish_of(const Sequence& s, std::int32_t token) const;
  const float* logits_row(std::uint32_t row) const;

  Model& model_;
  SessionShape shape_;
  mutable std::atomic<bool> busy_{false};
  Executor executor_;
  WorkerPool pool_;
  Workers workers_;
  inlay_clock clock_{};
  void* scratch_block_ = nullptr;
  SessionBytes bytes_{};

  Sequence* sequences_ = nullptr;        // (sequences)
  std::uint32_t* free_pages_ = nullptr;  // stack
  std::uint32_t free_count_ = 0;
  std::uint32_t turn_ = 0;  // whose turn it is first in the next pass
  std::uint32_t told_ = 0;  // slots before it have told their events
  KvPages kv_;
  // What the program observes: of the passes that are finished, and those and the one in flight,
  // which take turns: an abandoned pass leaves no trace.
  double* sums_ = nullptr;       // (program.observed_columns())
  double* next_sums_ = nullptr;  // as sums_
  std::uint64_t observed_tokens_ = 0;
  std::uint64_t observed_wanted_ = 0;  // rows of logits
  Pass pass_;
  std::uint64_t* offsets_ = nullptr;      // by storage
  std::uint32_t* tile_counts_ = nullptr;  // by instruction
  std::byte* arena_ = nullptr;
  std::byte* worker_scratch_ = nullptr;
  std::size_t worker_bytes_ = 0;
  std::byte* sampler_memory_ = nullptr;
};

}  // namespace inlay
