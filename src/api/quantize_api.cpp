// quantize_api.cpp - C interface: models written in other types.
#include "api/checks.h"
#include "api/handles.h"
#include "api/options.h"
#include "engine/quantize.h"

using namespace inlay;

namespace {

Status resolve(const inlay_quantize_options& given, const inlay_source* importance,
               QuantizeOptions* options, Error& error) {
  if (!given.type) return fail(error, Status::argument, "quantize options: type is NULL");
  if (!given.keep && given.keep_count) {
    return fail(error, Status::argument, "quantize options: keep is NULL, keep_count is {}",
                given.keep_count);
  }
  if (given.threads > max_workers) {
    return fail(error, Status::argument, "quantize options: threads is {}, expected 0 to {}",
                given.threads, max_workers);
  }
  options->mix = find_mix(given.type);
  if (!options->mix) {
    return fail(error, Status::argument, "quantize options: type: \"{}\" is no type or mix",
                Shown(given.type));
  }
  options->keep = {given.keep, given.keep_count};
  options->importance = importance;
  options->threads = given.threads;
  options->progress = given.progress;
  return Status::ok;
}

}  // namespace

void inlay_quantize_options_init(inlay_quantize_options* options, size_t size) {
  give_options(inlay_quantize_options{}, options, size);
}

inlay_status inlay_model_quantize(const inlay_model* model, const inlay_sink* sink,
                                  const inlay_quantize_options* options, inlay_error* error) {
  CallError call(error);
  if (!model) return null_argument(call, "model");
  if (!sink) return null_argument(call, "sink");
  if (!options) return null_argument(call, "options");
  inlay_sink to;
  inlay_quantize_options given;
  inlay_quantize_options_defaults(&given);
  inlay_source importance;
  QuantizeOptions inner;
  Status status = read_sink(sink, &to, call);
  if (!is_error(status)) status = copy_options(options, &given, "quantize options", call);
  if (!is_error(status)) {
    status = read_source(given.importance, &importance, call);
  }
  if (!is_error(status)) {
    status = resolve(given, given.importance ? &importance : nullptr, &inner, call);
  }
  if (!is_error(status)) status = quantize(*unwrap(model), to, inner, call);
  return code(status);
}

const char* inlay_quantize_type_name(uint32_t index) {
  const Mix* mix = mix_at(index);
  return mix ? mix->name : nullptr;
}
