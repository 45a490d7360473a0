// session_memory.cpp - what a session takes: options resolved, two blocks laid out, opened and
// closed.
#include <algorithm>
#include <iterator>
#include <new>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "engine/kv_type.h"
#include "engine/session.h"
#include "graph/plan.h"

namespace inlay {
namespace {

constexpr std::uint32_t max_context = 1u << 20;
constexpr std::uint32_t max_sequences = 1024;
constexpr std::uint32_t max_chunk = 8192;
constexpr std::uint32_t max_pages = 1u << 24;
constexpr std::uint32_t max_trace_events = 1u << 22;
constexpr std::uint32_t default_context = 4096;
constexpr std::uint32_t default_chunk = 256;

Status check_option(const char* name, std::uint64_t value, std::uint64_t limit, Error& error) {
  if (value <= limit) return Status::ok;
  return fail(error, Status::limit, "session: {} is {}, at most {}", name, value, limit);
}

// Bytes of text, wherever the token stands.
std::size_t longest_token(const Model& model) {
  const Tokenizer* tokenizer = model.tokenizer();
  std::size_t longest = 0;
  for (std::uint32_t id = 0; tokenizer && id < tokenizer->size(); ++id) {
    for (bool at_start : {false, true}) {
      const auto text =
          tokenizer->next_text(static_cast<std::int32_t>(id), INLAY_DECODE_SPECIAL, at_start);
      longest = std::max(longest, text.size());
    }
  }
  return longest;
}

std::uint64_t bit_words(std::uint32_t bits) { return divide_up(bits, 64); }

Status read_kv(const char* name, std::uint32_t number, CellType automatic, CellType* cells,
               Error& error) {
  const KvType* type = find_kv_type(number);
  *cells = type ? type->cells : automatic;
  if (type || number == INLAY_KV_AUTO) return Status::ok;
  return fail(error, Status::argument, "session: {} is {}, known are 0 to {}", name, number,
              std::size(kv_list));
}

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
  INLAY_TRY(
      check_option("kv_tokens", options.kv_tokens, max_pages * std::uint64_t{page_tokens}, error));
  INLAY_TRY(check_option("trace_events", options.trace_events, max_trace_events, error));
  const std::uint32_t trained = model.stated("context_length");
  SessionShape s{};
  s.context = options.context ? options.context
              : trained       ? std::min(trained, default_context)
                              : default_context;
  s.sequences = options.sequences ? options.sequences : 1;
  s.chunk = std::min<std::uint32_t>(options.chunk ? options.chunk : default_chunk,
                                    static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                        max_chunk, std::uint64_t{s.context} * s.sequences)));
  s.logits_rows = std::min(s.chunk, options.logits_rows ? options.logits_rows : s.sequences);
  const CellType automatic = model.all_f32() ? CellType::f32 : CellType::f16;
  KvTypes& kv = s.kv_types;
  INLAY_TRY(read_kv("kv_type", options.kv_type, automatic, &kv.keys, error));
  INLAY_TRY(read_kv("value_type", options.value_type, kv.keys, &kv.values, error));
  s.pages = static_cast<std::uint32_t>(options.kv_tokens
                                           ? divide_up(options.kv_tokens, page_tokens)
                                           : std::uint64_t{s.sequences} * s.pages_per_sequence());
  // An importance matrix is of all tokens that were fed.
  s.reuse = options.reuse && model.program().observed_columns() == 0;
  s.trace_events = options.trace_events;
  const inlay_jobs& jobs = model.host().jobs;
  s.workers = jobs.run ? jobs.workers : options.threads ? options.threads : physical_cores();
  *shape = s;
  return Status::ok;
}

// Measures when the carvers have no blocks (session null), else sets the session's pointers.
Status Session::lay_out(const Model& model, const SessionShape& shape, Session* session,
                        Carver& state, Carver& scratch, Error& error) {
  const Program& program = model.program();
  const std::uint64_t slots = shape.slots(), stride = shape.pages_per_sequence();
  const std::uint64_t words = bit_words(shape.context);
  const std::uint64_t page_bytes = kv_layout(program, shape.kv_types, nullptr);
  state.take<Session>(1);
  auto* sequences = state.take<Sequence>(slots);
  auto* conducts = state.take<Conduct>(slots);
  auto* ids = state.take<std::int32_t>(slots * shape.context);
  auto* bits = state.take<std::uint64_t>(slots * words);
  auto* states = state.take<float>(slots * shape.context);
  auto* tables = state.take<std::uint32_t>(slots * stride);
  auto* places = state.take<KvPlace>(program.kv_slots.size());
  KvCache* cache = session ? &session->cache_ : nullptr;
  if (!KvCache::lay_out(state, shape.pages, page_bytes, cache)) {
    return fail(error, Status::limit, "session: {} pages of {} bytes", shape.pages, page_bytes);
  }
  const std::uint64_t columns = program.observed_columns();
  auto* sums = state.take<double>(columns);
  auto* next_sums = state.take<double>(columns);

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
  Pass pass{};
  pass.ids = scratch.take<std::int32_t>(shape.chunk);
  pass.positions = scratch.take<std::uint32_t>(shape.chunk);
  pass.sequences = scratch.take<std::uint32_t>(shape.chunk);
  pass.stores = scratch.take<std::uint8_t>(shape.chunk);
  pass.wanted_rows = scratch.take<std::uint32_t>(shape.logits_rows);
  auto* worker_scratch = scratch.take<std::byte>(std::uint64_t{shape.workers} * worker_bytes);
  auto* sampler_memory = scratch.take<std::byte>(sampler_bytes);
  const std::size_t longest = longest_token(model);
  auto* characters = scratch.take<char>(TextRoom::character_bytes(longest));
  auto* text = scratch.take<char>(TextRoom::text_bytes(longest));
  const std::uint32_t events = shape.trace_events;
  auto* trace = scratch.take<std::byte>(events ? Trace::bytes(shape.workers, events) : 0);
  auto* arena = scratch.take<std::byte>(arena_bytes);
  if (!state.fits() || !scratch.fits()) {
    return fail(error, Status::limit, "session: context {} x sequences {} does not fit",
                shape.context, shape.sequences);
  }
  if (!session) return Status::ok;

  for (std::uint64_t i = 0; i < slots; ++i) {
    Sequence* s = new (sequences + i) Sequence{.conduct = *new (conducts + i) Conduct{}};
    s->ids = ids + i * shape.context;
    s->all_logits = bits + i * words;
    s->states = states + i * shape.context;
    s->chain.table = tables + i * stride;
  }
  kv_layout(program, shape.kv_types, places);
  session->cache_.init({places, program.kv_slots.size()}, shape.reuse);
  if (events) session->trace_.open(trace, shape.workers, events);
  std::copy(placed.begin(), placed.end(), offsets);
  session->sequences_ = sequences;
  session->tables_ = tables;
  std::fill_n(sums, columns, 0.0);
  session->sums_ = sums;
  session->next_sums_ = next_sums;
  session->pass_ = pass;
  session->offsets_ = offsets;
  session->tile_counts_ = tile_counts;
  session->arena_ = arena;
  session->worker_scratch_ = worker_scratch;
  session->worker_bytes_ = worker_bytes;
  session->sampler_memory_ = sampler_memory;
  session->text_room_ = {{characters, TextRoom::character_bytes(longest)},
                         {text, TextRoom::text_bytes(longest)}};
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
  tell(model.host().log, INLAY_LOG_INFO,
       "session: {} x {} tokens, {} pages of {} bytes, {} tokens a pass, {} workers",
       shape.sequences, shape.context, shape.pages, opened->cache_.page_bytes(), shape.chunk,
       shape.workers);
  *session = opened;
  return Status::ok;
}

void Session::close() {
  Model& model = model_;
  Allocator& allocator = model.allocator();
  const SessionBytes bytes = bytes_;
  void* scratch = scratch_block_;
  // Where the session could not be laid out there are none yet.
  if (sequences_) {
    for (std::uint32_t i = 0; i < shape_.slots(); ++i) {
      sequences_[i].watch.end();
      sequences_[i].conduct.~Conduct();
    }
  }
  this->~Session();  // ends the threads
  allocator.release(scratch, bytes.scratch);
  allocator.release(this, bytes.state);
  model.release();
}

}  // namespace inlay
