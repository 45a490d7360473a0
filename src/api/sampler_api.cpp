// sampler_api.cpp - C interface: functions of rows of logits, and samplers without a session.
#include <algorithm>
#include <cmath>
#include <limits>

#include "api/checks.h"
#include "api/handles.h"
#include "api/options.h"
#include "base/flush_denormals.h"
#include "engine/lone_sampler.h"

using namespace inlay;

namespace {

inlay_sampler* handle(LoneSampler* sampler) { return reinterpret_cast<inlay_sampler*>(sampler); }
LoneSampler* unwrap(inlay_sampler* sampler) { return reinterpret_cast<LoneSampler*>(sampler); }

// A row with its log-sum-exp. Errors: FORMAT, STATE.
Status sum_row(const char* what, std::span<const float> row, double* sum, Error& error) {
  constexpr float most = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] <= most) continue;
    return fail(error, Status::format, "{}: logit of token {}: {}", what, i, row[i]);
  }
  *sum = log_sum_exp(row);
  if (std::isfinite(*sum)) return Status::ok;
  return fail(error, Status::state, "{}: all {} logits are -inf", what, row.size());
}

}  // namespace

const char* inlay_sampler_stage_name(uint32_t stage) { return stage_name(stage); }

inlay_status inlay_logits_top(const float* logits, size_t vocabulary, inlay_logprob* top,
                              size_t count, size_t* written, inlay_error* error) {
  CallError call(error);
  if (!logits) return null_argument(call, "logits");
  if (!top && count) return null_argument(call, "top");
  if (!written) return null_argument(call, "written");
  double sum = 0;
  const std::span<const float> row{logits, vocabulary};
  const Status status = sum_row("logits", row, &sum, call);
  if (is_error(status)) return code(status);
  *written = top_logprobs(row, sum, {top, std::min(count, vocabulary)});
  return INLAY_OK;
}

inlay_status inlay_logits_guide(const float* logits, const float* negative, size_t vocabulary,
                                float scale, float* out, inlay_error* error) {
  CallError call(error);
  if (!logits) return null_argument(call, "logits");
  if (!negative) return null_argument(call, "negative");
  if (!out) return null_argument(call, "out");
  if (!std::isfinite(scale)) {
    return code(
        fail(call, Status::argument, "guide: scale is {}, expected a finite number", scale));
  }
  double sum = 0, negative_sum = 0;
  Status status = sum_row("logits", {logits, vocabulary}, &sum, call);
  if (!is_error(status)) {
    status = sum_row("negative", {negative, vocabulary}, &negative_sum, call);
  }
  if (is_error(status)) return code(status);
  guide(logits, sum, negative, negative_sum, scale, {out, vocabulary});
  return INLAY_OK;
}

inlay_status inlay_sampler_open(inlay_model* model, const inlay_sampler_options* options,
                                inlay_sampler** sampler, inlay_error* error) {
  CallError call(error);
  if (!model) return null_argument(call, "model");
  if (!sampler) return null_argument(call, "sampler");
  inlay_sampler_options resolved;
  LoneSampler* opened = nullptr;
  Status status = read_sampler_options(options, &resolved, call);
  if (!is_error(status)) status = LoneSampler::open(*unwrap(model), resolved, &opened, call);
  if (is_error(status)) return code(status);
  *sampler = handle(opened);
  return INLAY_OK;
}

void inlay_sampler_close(inlay_sampler* sampler) {
  if (sampler) unwrap(sampler)->close();
}

inlay_status inlay_sampler_draw(inlay_sampler* sampler, const float* logits, size_t vocabulary,
                                const int32_t* tokens, size_t token_count, uint64_t position,
                                int32_t* token, inlay_error* error) {
  CallError call(error);
  if (!sampler) return null_argument(call, "sampler");
  if (!logits) return null_argument(call, "logits");
  if (!tokens && token_count) return null_argument(call, "tokens");
  if (!token) return null_argument(call, "token");
  const FlushDenormals flush;
  return code(
      unwrap(sampler)->sample({logits, vocabulary}, {tokens, token_count}, position, token, call));
}
