// lone_sampler.cpp - opening and closing a sampler of its own.
#include "engine/lone_sampler.h"

#include <new>

namespace inlay {

TokenView token_view(const Model& model) {
  const Tokenizer* tokenizer = model.tokenizer();
  if (!tokenizer) return {};
  return {
      tokenizer,
      [](const void* of, std::int32_t id) { return static_cast<const Tokenizer*>(of)->piece(id); },
      [](const void* of, std::int32_t id) { return static_cast<const Tokenizer*>(of)->is_end(id); },
      tokenizer->eos()};
}

Status LoneSampler::open(Model& model, const inlay_sampler_options& options, LoneSampler** sampler,
                         Error& error) {
  if (model.depth() < INLAY_OPEN_PROGRAM) {
    return fail(error, Status::state, "sampler: the model was opened for its metadata only");
  }
  const std::uint32_t vocabulary = model.program().vocabulary;
  const std::size_t head = (sizeof(LoneSampler) + 63) / 64 * 64;
  const std::size_t bytes = head + Sampler::bytes(vocabulary);
  void* block = model.allocator().allocate(bytes);
  if (!block) return fail_memory(error, "sampler");
  auto* opened = new (block) LoneSampler(model);
  opened->bytes_ = bytes;
  const Status status = opened->sampler_.init(
      options, vocabulary, {static_cast<std::byte*>(block) + head, Sampler::bytes(vocabulary)},
      error, token_view(model));
  if (is_error(status)) {
    model.allocator().release(block, bytes);
    return status;
  }
  model.retain();
  *sampler = opened;
  return Status::ok;
}

void LoneSampler::close() {
  Model& model = model_;
  const std::size_t bytes = bytes_;
  this->~LoneSampler();
  model.allocator().release(this, bytes);
  model.release();
}

}  // namespace inlay
