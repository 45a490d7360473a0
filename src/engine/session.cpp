// session.cpp - sequences, passes, events.
#include "engine/session.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/carver.h"
#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/flush_denormals.h"
#include "graph/plan.h"

namespace inlay {
namespace {

constexpr std::uint32_t max_context = 1u << 20;
constexpr std::uint32_t max_sequences = 1024;
constexpr std::uint32_t max_chunk = 8192;
constexpr std::uint32_t default_context = 4096;
constexpr std::uint32_t default_chunk = 256;
constexpr std::size_t block_alignment = 64;

// Refuses a second call into the session while one runs.
class BusyGuard {
 public:
  explicit BusyGuard(std::atomic<bool>& busy)
      : busy_(busy), owner_(!busy.exchange(true, std::memory_order_acquire)) {}
  ~BusyGuard() {
    if (owner_) busy_.store(false, std::memory_order_release);
  }
  explicit operator bool() const { return owner_; }

 private:
  std::atomic<bool>& busy_;
  bool owner_;
};

Status check_option(const char* name, std::uint64_t value, std::uint64_t limit, Error& error) {
  if (value <= limit) return Status::ok;
  return fail(error, Status::limit, "session: {} is {}, at most {}", name, value, limit);
}

Status busy(Error& error) {
  return fail(error, Status::state, "session: another call is running");
}

Status not_alive(std::uint64_t sequence, Error& error) {
  return fail(error, Status::state, "session: sequence {:#x} is not alive", sequence);
}

std::uint64_t bit_words(std::uint32_t bits) { return divide_up(bits, 64); }

}  // namespace

Status resolve(const Model& model, const inlay_session_options& options, SessionShape* shape,
               Error& error) {
  if (model.depth() < INLAY_OPEN_PROGRAM) {
    return fail(error, Status::state, "session: the model was opened for its metadata only");
  }
  INLAY_TRY(check_option("context", options.context, max_context, error));
  INLAY_TRY(check_option("sequences", options.sequences, max_sequences, error));
  INLAY_TRY(check_option("chunk", options.chunk, max_chunk, error));
  INLAY_TRY(check_option("threads", options.threads, max_workers, error));
  if (options.kv_type > INLAY_KV_F16) {
    return fail(error, Status::argument, "session: kv_type is {}, known are 0 to 2",
                options.kv_type);
  }
  const std::uint32_t trained = model.stated("context_length");
  SessionShape s{};
  s.context = options.context ? options.context
              : trained       ? std::min(trained, default_context)
                              : default_context;
  s.sequences = options.sequences ? options.sequences : 1;
  s.chunk = std::min<std::uint32_t>(options.chunk ? options.chunk : default_chunk,
                                    static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                        max_chunk, std::uint64_t{s.context} * s.sequences)));
  s.logits_rows =
      std::min(s.chunk, options.logits_rows ? options.logits_rows : s.sequences);
  const bool f32 = options.kv_type == INLAY_KV_F32 ||
                   (options.kv_type == INLAY_KV_AUTO && model.all_f32());
  s.kv_type = f32 ? CellType::f32 : CellType::f16;
  const inlay_jobs& jobs = model.host().jobs;
  if (jobs.run && (jobs.workers == 0 || jobs.workers > max_workers)) {
    return fail(error, Status::argument, "host: jobs.workers is {}, expected 1 to {}",
                jobs.workers, max_workers);
  }
  s.workers = jobs.run ? jobs.workers : options.threads ? options.threads : physical_cores();
  *shape = s;
  return Status::ok;
}

// ---- Memory --------------------------------------------------------------------------------------

// Measures when the carvers have no blocks (session null), else sets the session's pointers.
Status Session::lay_out(const Model& model, const SessionShape& shape, Session* session,
                        Carver& state, Carver& scratch, Error& error) {
  const Program& program = model.program();
  const std::uint64_t slots = shape.sequences, stride = shape.pages_per_sequence();
  const std::uint64_t pages = slots * stride, words = bit_words(shape.context);
  const std::uint64_t page_bytes = kv_layout(program, shape.kv_type, nullptr);
  std::uint64_t pool_bytes = 0;
  if (!checked_mul(pages, page_bytes, pool_bytes)) {
    return fail(error, Status::limit, "session: {} pages of {} bytes", pages, page_bytes);
  }
  state.take<Session>(1);
  auto* sequences = state.take<Sequence>(slots);
  auto* ids = state.take<std::int32_t>(slots * shape.context);
  auto* bits = state.take<std::uint64_t>(slots * words);
  auto* tables = state.take<std::uint32_t>(pages);
  auto* free_pages = state.take<std::uint32_t>(pages);
  auto* places = state.take<KvPlace>(program.kv_slots.size());
  auto* pool = state.take<std::byte>(pool_bytes);

  Array<std::uint64_t> placed(model.allocator());
  if (is_error(placed.resize(program.storages.size()))) return fail_memory(error, "memory plan");
  std::uint64_t arena_bytes = 0;
  const Status status = place(program, model.allocator(), shape.chunk, shape.logits_rows,
                              placed.data(), &arena_bytes);
  if (status == Status::memory) return fail_memory(error, "memory plan");
  if (is_error(status)) return fail(error, status, "session: chunk {} does not fit", shape.chunk);
  const std::size_t worker_bytes =
      worker_scratch_bytes(program, static_cast<std::uint32_t>(stride));
  const std::size_t sampler_bytes = Sampler::bytes(program.vocabulary);
  auto* offsets = scratch.take<std::uint64_t>(placed.size());
  auto* tile_counts = scratch.take<std::uint32_t>(program.code.size());
  Pass pass;
  pass.ids = scratch.take<std::int32_t>(shape.chunk);
  pass.positions = scratch.take<std::uint32_t>(shape.chunk);
  pass.sequences = scratch.take<std::uint32_t>(shape.chunk);
  pass.wanted_rows = scratch.take<std::uint32_t>(shape.logits_rows);
  auto* worker_scratch = scratch.take<std::byte>(std::uint64_t{shape.workers} * worker_bytes);
  auto* sampler_memory = scratch.take<std::byte>(sampler_bytes);
  auto* arena = scratch.take<std::byte>(arena_bytes);
  if (!state.fits() || !scratch.fits()) {
    return fail(error, Status::limit, "session: context {} x sequences {} does not fit",
                shape.context, shape.sequences);
  }
  if (!session) return Status::ok;

  for (std::uint64_t i = 0; i < slots; ++i) {
    Sequence* s = new (sequences + i) Sequence{};
    s->ids = ids + i * shape.context;
    s->all_logits = bits + i * words;
    s->table = tables + i * stride;
  }
  for (std::uint64_t i = 0; i < pages; ++i) {
    free_pages[i] = static_cast<std::uint32_t>(pages - 1 - i);
    tables[i] = 0;
  }
  kv_layout(program, shape.kv_type, places);
  std::copy(placed.begin(), placed.end(), offsets);
  session->sequences_ = sequences;
  session->free_pages_ = free_pages;
  session->free_count_ = static_cast<std::uint32_t>(pages);
  session->kv_ = KvPages{shape.kv_type, pool, page_bytes, places, tables,
                         static_cast<std::uint32_t>(stride)};
  session->pass_ = pass;
  session->offsets_ = offsets;
  session->tile_counts_ = tile_counts;
  session->arena_ = arena;
  session->worker_scratch_ = worker_scratch;
  session->worker_bytes_ = worker_bytes;
  session->sampler_memory_ = sampler_memory;
  return Status::ok;
}

Status Session::measure(const Model& model, const SessionShape& shape, SessionBytes* bytes,
                        Error& error) {
  Carver state, scratch;
  INLAY_TRY(lay_out(model, shape, nullptr, state, scratch, error));
  const bool own_threads = !model.host().jobs.run;
  bytes->state = state.size();
  bytes->scratch = scratch.size() + (own_threads ? WorkerPool::bytes(shape.workers) : 0);
  if (bytes->state > SIZE_MAX / 4 || bytes->scratch > SIZE_MAX / 4) {
    return fail(error, Status::limit, "session: {} + {} bytes are more than this machine has",
                bytes->state, bytes->scratch);
  }
  return Status::ok;
}

Status Session::open(Model& model, const SessionShape& shape, Session** session, Error& error) {
  if (model.depth() < INLAY_OPEN_WEIGHTS) {
    return fail(error, Status::state, "session: the model was opened without its weights");
  }
  const bool own_threads = !model.host().jobs.run;
  SessionBytes bytes{};
  INLAY_TRY(measure(model, shape, &bytes, error));
  if (own_threads) bytes.scratch -= WorkerPool::bytes(shape.workers);
  Allocator& allocator = model.allocator();
  void* state_block = allocator.allocate(bytes.state);
  if (!state_block) return fail_memory(error, "session state");
  auto* opened = new (state_block) Session(model, shape);
  model.retain();
  opened->bytes_ = bytes;
  opened->scratch_block_ = allocator.allocate(bytes.scratch);
  Status status = opened->scratch_block_ ? Status::ok : fail_memory(error, "session scratch");
  if (!is_error(status)) {
    Carver state(state_block), scratch(opened->scratch_block_);
    status = lay_out(model, shape, opened, state, scratch, error);
  }
  if (!is_error(status) && own_threads) {
    status = opened->pool_.start(allocator, shape.workers, error);
  }
  if (is_error(status)) {
    opened->close();
    return status;
  }
  opened->workers_ = Workers{model.host().jobs, &opened->pool_, shape.workers};
  opened->clock_ = model.host().clock.now ? model.host().clock : system_clock();
  *session = opened;
  return Status::ok;
}

void Session::close() {
  Model& model = model_;
  Allocator& allocator = model.allocator();
  const SessionBytes bytes = bytes_;
  void* scratch = scratch_block_;
  this->~Session();  // ends the threads
  allocator.release(scratch, bytes.scratch);
  allocator.release(this, bytes.state);
  model.release();
}

// ---- Sequences -----------------------------------------------------------------------------------

std::uint64_t Session::id_of(std::uint32_t slot) const {
  return std::uint64_t{sequences_[slot].generation} << 32 | (slot + 1);
}

Session::Sequence* Session::find(std::uint64_t id) const {
  const auto slot = static_cast<std::uint32_t>(id) - 1;
  if (slot >= shape_.sequences) return nullptr;
  Sequence& s = sequences_[slot];
  return s.alive() && s.generation == id >> 32 ? &s : nullptr;
}

Status Session::add(std::uint64_t* sequence, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return busy(error);
  for (std::uint32_t slot = 0; slot < shape_.sequences; ++slot) {
    Sequence& s = sequences_[slot];
    if (s.alive()) continue;
    ++s.generation;
    s.length = s.computed = s.again = s.pages = 0;
    s.sampling = s.event = false;
    s.pass_tokens = s.wanted = 0;
    *sequence = id_of(slot);
    return Status::ok;
  }
  return fail(error, Status::limit, "session: {} sequences exist, at most {}", shape_.sequences,
              shape_.sequences);
}

Status Session::drop(std::uint64_t sequence) {
  const BusyGuard guard(busy_);
  Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  if (s->pass_tokens) abandon_pass();
  s->length = s->computed = s->again = 0;
  give_back_pages(*s);
  s->event = false;
  s->wanted = 0;
  ++s->generation;
  return Status::ok;
}

Status Session::clear(std::uint64_t sequence) {
  const BusyGuard guard(busy_);
  Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  if (s->pass_tokens) abandon_pass();
  s->length = s->computed;
  s->again = 0;
  give_back_pages(*s);
  return Status::ok;
}

void Session::give_back_pages(Sequence& s) {
  const std::uint32_t needed = (s.length + page_tokens - 1) / page_tokens;
  while (s.pages > needed) free_pages_[free_count_++] = s.table[--s.pages];
}

// A pass holds rows of a sequence that ends or changes: its keys and values are written again later.
void Session::abandon_pass() {
  executor_.abandon();
  for (std::uint32_t i = 0; i < shape_.sequences; ++i) {
    sequences_[i].pass_tokens = sequences_[i].wanted = 0;
  }
}

// Every sequence owns pages for a full context, so that pages never run out here.
void Session::append(Sequence& s, std::span<const std::int32_t> ids, bool all_logits) {
  for (const std::int32_t id : ids) {
    const std::uint32_t at = s.length++;
    s.ids[at] = id;
    const std::uint64_t bit = std::uint64_t{1} << (at % 64);
    if (all_logits) {
      s.all_logits[at / 64] |= bit;
    } else {
      s.all_logits[at / 64] &= ~bit;
    }
    if (at / page_tokens >= s.pages) s.table[s.pages++] = free_pages_[--free_count_];
  }
}

Status Session::feed(std::uint64_t sequence, std::span<const std::int32_t> ids,
                     std::uint32_t flags, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return busy(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  const std::uint32_t vocabulary = model_.program().vocabulary;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && static_cast<std::uint32_t>(ids[i]) < vocabulary) continue;
    return fail(error, Status::argument, "feed: token {} is {}, the vocabulary has {}", i, ids[i],
                vocabulary);
  }
  if (ids.size() > shape_.context - s->length) {
    return fail(error, Status::limit, "feed: {} tokens + {} in the sequence, the context has {}",
                ids.size(), s->length, shape_.context);
  }
  if (s->sampling && !ids.empty()) s->event = false;  // the end to draw at has moved
  append(*s, ids, flags & INLAY_FEED_ALL_LOGITS);
  return Status::ok;
}

Status Session::generate(std::uint64_t sequence, const inlay_sampler_options* options,
                         std::uint64_t max_tokens, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return busy(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  if (!options) {
    s->sampling = false;
    s->again = 0;
    return Status::ok;
  }
  const std::uint32_t vocabulary = model_.program().vocabulary;
  INLAY_TRY(s->sampler.init(*options, vocabulary,
                            {sampler_memory_, Sampler::bytes(vocabulary)}, error));
  s->sampling = true;
  s->tokens_left = max_tokens ? max_tokens : UINT64_MAX;
  if (s->pending() == 0 && s->length > 0) {
    // Everything is computed: draw from the logits at hand, or compute the last token once more.
    s->event = s->wanted > 0 && s->wanted_end() == s->length && !executor_.running();
    if (s->event) {
      told_ = 0;
    } else {
      s->again = 1;
    }
  }
  return Status::ok;
}

Status Session::length(std::uint64_t sequence, std::uint32_t* computed,
                       std::uint32_t* pending) const {
  const BusyGuard guard(busy_);
  const Sequence* s = guard ? find(sequence) : nullptr;
  if (!s) return Status::state;
  if (computed) *computed = s->computed;
  if (pending) *pending = s->length - s->computed;
  return Status::ok;
}

const float* Session::logits_row(std::uint32_t row) const {
  const Program& p = model_.program();
  const std::uint16_t storage = p.values[p.logits].storage;
  return reinterpret_cast<const float*>(arena_ + offsets_[storage] +
                                        std::size_t{row} * p.storages[storage].row_bytes);
}

Status Session::logits(std::uint64_t sequence, LogitsView* view) const {
  const BusyGuard guard(busy_);
  const Sequence* s = guard ? find(sequence) : nullptr;
  if (!s || s->wanted == 0 || executor_.running()) return Status::state;
  *view = {logits_row(s->wanted_first), s->wanted, s->wanted_position};
  return Status::ok;
}

// ---- Passes --------------------------------------------------------------------------------------

// Rows of one sequence, from the first that is not computed on, until it has `limit` of them. The rows
// whose logits are wanted are neighbours, so that the host sees them as one matrix.
void Session::add_rows(std::uint32_t slot, std::uint32_t limit) {
  Sequence& s = sequences_[slot];
  while (s.pass_tokens < limit && s.pass_tokens < s.pending() && pass_.tokens < shape_.chunk) {
    const std::uint32_t position = s.begin() + s.pass_tokens;
    if (s.wants(position)) {
      if (pass_.wanted == shape_.logits_rows) return;
      if (s.wanted && position != s.wanted_end()) return;
      if (s.wanted == 0) {
        s.wanted_first = pass_.wanted;
        s.wanted_position = position;
      }
      ++s.wanted;
      pass_.wanted_rows[pass_.wanted++] = pass_.tokens;
    }
    pass_.ids[pass_.tokens] = s.ids[position];
    pass_.positions[pass_.tokens] = position;
    pass_.sequences[pass_.tokens] = slot;
    ++pass_.tokens;
    ++s.pass_tokens;
  }
}

// One sequence after the other has its turn, which surely moves it on. Then come those that wait for a
// single token, then the others, which share what is left evenly. Each adds its rows once.
bool Session::build_pass() {
  pass_.tokens = pass_.wanted = 0;
  std::uint32_t singles = 0, prompts = 0;
  for (std::uint32_t i = 0; i < shape_.sequences; ++i) {
    Sequence& s = sequences_[i];
    s.pass_tokens = s.wanted = 0;
    singles += s.pending() == 1;
    prompts += s.pending() > 1;
  }
  if (singles + prompts == 0) return false;
  while (sequences_[turn_].pending() == 0) turn_ = (turn_ + 1) % shape_.sequences;
  const std::uint32_t first = turn_;
  turn_ = (turn_ + 1) % shape_.sequences;
  const std::uint32_t left = shape_.chunk > singles ? shape_.chunk - singles : 0;
  add_rows(first, std::max(1u, prompts ? left / prompts : 1));
  if (sequences_[first].pending() > 1) --prompts;
  for (const bool single : {true, false}) {
    for (std::uint32_t i = 1; i < shape_.sequences; ++i) {
      const std::uint32_t slot = (first + i) % shape_.sequences;
      const std::uint32_t pending = sequences_[slot].pending();
      if (pending == 0 || (pending == 1) != single) continue;
      add_rows(slot, single ? 1 : std::max(1u, (shape_.chunk - pass_.tokens) / prompts--));
    }
  }
  return true;
}

void Session::begin_pass() {
  CpuPass pass;
  pass.program = &model_.program();
  pass.kernels = &model_.kernels();
  pass.weights = model_.weights();
  pass.arena = arena_;
  pass.offsets = offsets_;
  pass.batch = Batch{pass_.tokens,    pass_.wanted,    pass_.ids,
                     pass_.positions, pass_.sequences, pass_.wanted_rows};
  pass.kv = kv_;
  pass.worker_scratch = worker_scratch_;
  pass.worker_bytes = worker_bytes_;
  executor_.begin(pass, tile_counts_);
}

void Session::finish_pass() {
  for (std::uint32_t i = 0; i < shape_.sequences; ++i) {
    Sequence& s = sequences_[i];
    if (s.pass_tokens == 0) continue;
    s.computed = s.begin() + s.pass_tokens;
    s.pass_tokens = s.again = 0;
    // More may have been fed while the pass ran: then its last row was not the end after all.
    if (s.wanted && !s.wants(s.wanted_end() - 1)) --s.wanted;
    s.event = s.wanted && (!s.sampling || s.pending() == 0);
  }
  told_ = 0;
}

std::uint32_t Session::finish_of(const Sequence& s, std::int32_t token) const {
  const Tokenizer* tokenizer = model_.tokenizer();
  if (tokenizer && tokenizer->is_end(token)) return INLAY_FINISH_END;
  if (s.tokens_left == 0) return INLAY_FINISH_TOKENS;
  return s.length == shape_.context ? INLAY_FINISH_CONTEXT : INLAY_FINISH_NONE;
}

// Draws the next token; the last one of a generation is told, but not fed.
Status Session::sample(std::uint32_t slot, SessionEvent* event, Error& error) {
  Sequence& s = sequences_[slot];
  std::int32_t token = -1;
  const std::span<const float> logits{logits_row(s.wanted_first + s.wanted - 1),
                                      model_.program().vocabulary};
  event->sequence = id_of(slot);
  INLAY_TRY(s.sampler.sample(logits, {s.ids, s.length}, s.length, token, error));
  --s.tokens_left;
  event->token = token;
  event->finish = finish_of(s, token);
  if (event->finish == INLAY_FINISH_NONE) {
    append(s, {&token, 1}, false);
  } else {
    s.sampling = false;
  }
  return Status::ok;
}

// The next thing to tell of the latest pass; Status::ok when there is nothing.
Status Session::next_event(SessionEvent* event, Error& error) {
  for (; told_ < shape_.sequences; ++told_) {
    Sequence& s = sequences_[told_];
    if (!s.event) continue;
    s.event = false;
    if (!s.sampling) {
      event->sequence = id_of(told_);
      return Status::logits;
    }
    const std::uint32_t slot = told_++;
    if (const Status status = sample(slot, event, error); is_error(status)) {
      s.sampling = false;
      return status;
    }
    return Status::token;
  }
  return Status::ok;
}

Status Session::step(std::uint64_t budget, SessionEvent* event, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return busy(error);
  const FlushDenormals flush;  // sampling has the same floating-point mode as the tiles
  *event = {};
  std::uint64_t deadline = 0;
  if (budget && !checked_add(clock_.now(clock_.user), budget, deadline)) deadline = 0;  // no limit
  for (;;) {
    if (!executor_.running()) {
      if (const Status told = next_event(event, error); told != Status::ok) return told;
      if (!build_pass()) {
        executor_.take_stop();
        return Status::done;
      }
      begin_pass();
    }
    if (!executor_.run(workers_, clock_, deadline)) {
      executor_.take_stop();
      return Status::yield;
    }
    finish_pass();
    if (executor_.take_stop() || (deadline && clock_.now(clock_.user) >= deadline)) {
      return Status::yield;
    }
  }
}

}  // namespace inlay
