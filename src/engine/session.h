// session.h - many sequences over one model: feed tokens, step through passes, read or sample
// logits.
#pragma once

#include <atomic>
#include <span>

#include "base/carver.h"
#include "engine/executor.h"
#include "engine/kv_cache.h"
#include "engine/model.h"
#include "engine/sequence.h"
#include "engine/trace.h"

namespace inlay {

// Options with every default resolved.
struct SessionShape {
  std::uint32_t context;  // tokens of one sequence
  std::uint32_t sequences;
  std::uint32_t chunk;        // T at most
  std::uint32_t logits_rows;  // R at most
  KvTypes kv_types;
  std::uint32_t pages;
  bool reuse;
  std::uint32_t trace_events;  // of one worker
  std::uint32_t workers;
  std::uint32_t pages_per_sequence() const { return (context + page_tokens - 1) / page_tokens; }
  // A dropped sequence with rows in flight keeps its slot until the pass is over.
  std::uint32_t slots() const { return 2 * sequences; }
};

// Checks the options against the model. Errors: argument, limit, state (no program).
Status resolve(const Model& model, const inlay_session_options& options, SessionShape* shape,
               Error& error);

struct SessionBytes {
  std::uint64_t state;
  std::uint64_t scratch;
};

// How long a step may take.
struct Budget {
  std::uint64_t nanoseconds = 0;  // 0: no limit
  std::uint64_t tiles = UINT64_MAX;
};

struct SessionEvent {
  std::uint64_t sequence = 0;
  std::int32_t token = -1;
  std::uint32_t finish = INLAY_FINISH_NONE;
  std::uint32_t dropped = 0;
  std::uint32_t stop_text = 0;
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
  Status fork(std::uint64_t sequence, std::uint64_t* copy, Error& error);
  Status rewind(std::uint64_t sequence, std::uint32_t length, Error& error);
  Status clear(std::uint64_t sequence);
  Status feed(std::uint64_t sequence, std::span<const std::int32_t> ids, std::uint32_t flags,
              Error& error);
  // nullptr takes the sampler away.
  Status generate(std::uint64_t sequence, const inlay_sampler_options* options,
                  std::uint64_t max_tokens, Error& error);
  // nullptr takes the grammar away. `first`: where its text begins.
  Status constrain(std::uint64_t sequence, BoundGrammar* grammar, const grammar::Trigger& trigger,
                   std::uint32_t first, Error& error);
  // Feeds what the grammar leaves no choice about; ids has room for it.
  Status jump(std::uint64_t sequence, std::span<std::int32_t> ids, std::size_t* count,
              Error& error);
  Status set_context_policy(std::uint64_t sequence, std::uint32_t policy, std::uint32_t keep,
                            Error& error);
  Status set_stop(std::uint64_t sequence, std::span<const std::int32_t> ids, std::uint32_t flags,
                  Error& error);

  Status set_stop_texts(std::uint64_t sequence, std::span<const inlay_text_view> texts,
                        Error& error);

  Status step(const Budget& budget, SessionEvent* event, Error& error);
  void cancel() { executor_.stop(); }

  Status logits(std::uint64_t sequence, LogitsView* view) const;
  // Of the token that was told last.
  Status text(std::uint64_t sequence, std::string_view* text) const;
  Status logprobs(std::uint64_t sequence, const LogProbs** logprobs) const;
  Status length(std::uint64_t sequence, std::uint32_t* computed, std::uint32_t* pending) const;
  Status tokens(std::uint64_t sequence, std::span<std::int32_t> ids, std::size_t* count) const;
  Status info(inlay_session_info* info) const;

  // All alive sequences for 0.
  Status save(std::uint64_t sequence, std::uint32_t flags, const inlay_sink& sink, Error& error);
  Status restore(const inlay_source& source, std::uint32_t flags,
                 std::span<std::uint64_t> sequences, std::size_t* count, Error& error);

  // Squares of the inputs of every matrix in the passes that are finished, as an importance matrix.
  Status write_importance(const inlay_sink& sink, Error& error) const;
  Status write_trace(const inlay_sink& sink, Error& error) const;

 private:
  struct Pass {  // arrays of a batch
    std::int32_t* ids;
    std::uint32_t* positions;
    std::uint32_t* sequences;
    std::uint8_t* stores;
    std::uint32_t* wanted_rows;
    std::uint32_t tokens = 0, wanted = 0;
    std::uint32_t waiting = 0;           // rows of sequences that wait for one token alone
    std::uint64_t kv_cells = 0;          // that attention looks at
    std::uint64_t begun_ns = 0, ns = 0;  // time of the caller's thread in it
  };
  struct Ready {                     // sequences that have tokens to compute
    std::uint32_t singles, prompts;  // one token; more
    bool none() const { return singles + prompts == 0; }
  };
  struct Counters {
    std::uint64_t passes, computed, reused, drawn, dropped;
    std::uint64_t prefill_ns, decode_ns, sample_ns;
    std::uint64_t weight_bytes, kv_bytes;
  };

  Session(Model& model, const SessionShape& shape) : model_(model), shape_(shape) {}
  static Status lay_out(const Model& model, const SessionShape& shape, Session* session,
                        Carver& state, Carver& scratch, Error& error);

  // session.cpp
  Sequence* find(std::uint64_t id) const;
  std::uint64_t id_of(const Sequence& s) const;
  Sequence* free_slot() const;  // nullptr: `sequences` of them are alive
  std::uint32_t alive() const;
  static Status not_alive(std::uint64_t sequence, Error& error);
  Status no_slot(Error& error) const;
  Status no_pages(const char* what, Error& error) const;
  void remove(Sequence& s);
  void release(Sequence& s);

  // session_grammar.cpp
  Status forced_ids(Sequence& s, Array<std::int32_t>& ids, Error& error);

  // session_tokens.cpp
  Status check_ids(const char* what, std::span<const std::int32_t> ids, Error& error) const;
  // Adds to the tokens of s. False: no page is free; nothing has changed.
  bool append(Sequence& s, std::span<const std::int32_t> ids, bool all_logits);
  bool extend(Chain& chain, std::span<const std::int32_t> ids);
  bool drop_middle(Sequence& s, std::uint32_t count, std::uint32_t adding);
  void go_back(Sequence& s, std::uint32_t length);
  void draw_from_last(Sequence& s);

  // session_pass.cpp
  bool has_leader(Sequence& s) const;
  bool borrow(std::uint64_t deadline);
  Ready count_ready() const;
  bool build_pass(std::uint64_t deadline);
  std::uint32_t share_rows(std::uint32_t first, std::uint32_t begin, std::uint32_t prompts);
  void skip_computed(Sequence& s);
  void add_rows(std::uint32_t slot, std::uint32_t limit);
  void begin_pass();
  bool run_pass(Limits* limits);
  void finish_pass();
  void abandon_pass();
  void count_pass();
  std::uint64_t weight_bytes_of_pass() const;
  void end_leaving();

  // session_step.cpp
  bool is_late(std::uint64_t deadline) const;
  bool has_time_to_draw(std::uint64_t deadline, bool worked) const;
  Status next_event(std::uint64_t deadline, bool worked, SessionEvent* event, Error& error);
  std::uint64_t left_of(const Sequence& s) const;
  Status sample(Sequence& s, SessionEvent* event, Error& error);
  std::uint32_t finish_of(const Sequence& s, std::int32_t token) const;
  void feed_drawn(Sequence& s, SessionEvent* event);
  const float* logits_row(std::uint32_t row) const;

  // session_text.cpp
  void begin_text(Sequence& s, std::uint32_t begin);
  void rebuild_text(Sequence& s);
  void end_text(Sequence& s);
  Status tell_token(Sequence& s, TextWatch& watch, SessionEvent* event, Error& error);

  // session_save.cpp, snapshot_reader.cpp
  friend class SnapshotWriter;
  friend class SnapshotReader;

  Model& model_;
  SessionShape shape_;
  mutable std::atomic<bool> busy_{false};
  Executor executor_;
  WorkerPool pool_;
  Workers workers_;
  inlay_clock clock_{};
  void* scratch_block_ = nullptr;
  SessionBytes bytes_{};

  KvCache cache_;
  Sequence* sequences_ = nullptr;    // (slots)
  std::uint32_t* tables_ = nullptr;  // (slots, pages_per_sequence)
  std::uint32_t leaving_ = 0;        // sequences that wait for the end of the pass
  std::uint32_t turn_ = 0;           // whose turn it is first in the next pass
  std::uint32_t told_ = 0;           // slots before it have told their events
  std::uint64_t draw_ns_ = 0;        // the last draw of a token took so long
  Counters counters_{};
  Trace trace_;
  // What the program observes: of the passes that are finished, and those and the one in flight,
  // which take turns: an abandoned pass leaves no trace.
  double* sums_ = nullptr;       // (program.observed_columns())
  double* next_sums_ = nullptr;  // as sums_
  std::uint64_t observed_tokens_ = 0;
  std::uint64_t observed_wanted_ = 0;  // rows of logits
  Pass pass_{};
  std::uint64_t* offsets_ = nullptr;      // by storage
  std::uint32_t* tile_counts_ = nullptr;  // by instruction
  std::byte* arena_ = nullptr;
  std::byte* worker_scratch_ = nullptr;
  std::size_t worker_bytes_ = 0;
  std::byte* sampler_memory_ = nullptr;
  // Of the token that was told last, and whose they are; 0: nobody's.
  TextRoom text_room_{};
  std::string_view text_;
  std::uint64_t text_of_ = 0, logprobs_of_ = 0;
  LogProbs logprobs_;
};

}  // namespace inlay
