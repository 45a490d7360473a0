// lone_sampler.h - a sampler without a session, with the memory it needs.
#pragma once

#include "engine/model.h"
#include "sample/sampler.h"

namespace inlay {

// What stages may ask about the model's tokens, as long as the model lives.
TokenView token_view(const Model& model);

class LoneSampler {
 public:
  // Takes a reference on the model. Errors: STATE (no program), ARGUMENT, MEMORY.
  static Status open(Model& model, const inlay_sampler_options& options, LoneSampler** sampler,
                     Error& error);
  void close();
  Status sample(std::span<const float> logits, std::span<const std::int32_t> tokens,
                std::uint64_t position, std::int32_t* token, Error& error) {
    return sampler_.sample(logits, tokens, position, *token, error);
  }

 private:
  explicit LoneSampler(Model& model) : model_(model) {}

  Model& model_;
  std::size_t bytes_ = 0;  // of the block that this object begins
  Sampler sampler_;
};

}  // namespace inlay
