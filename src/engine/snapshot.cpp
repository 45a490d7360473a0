// snapshot.cpp - what all records have in common: their header, the checks of it, their checksum.
#include "engine/snapshot.h"

#include <algorithm>
#include <cstring>

#include "base/diagnostics.h"
#include "base/hash_map.h"
#include "engine/kv_type.h"
#include "engine/model.h"

namespace inlay {
namespace {

// The checks of one header, with its file and place in every text.
class HeaderCheck {
 public:
  HeaderCheck(const Source& source, std::uint64_t offset, const RecordHeader& header, Error& error)
      : source_(source), offset_(offset), header_(header), error_(error) {}

  // What stays as it is in every version of the format.
  Status check_outside() const {
    if (std::memcmp(header_.magic, snapshot_magic, sizeof snapshot_magic) != 0) {
      return fail(error_, Status::format, "{}: no record of a snapshot begins at {}", name(),
                  offset_);
    }
    if (header_.version < oldest_snapshot_version || header_.version > snapshot_version) {
      return fail(error_, Status::unsupported, "{}: version: the file has {}, known are {} to {}",
                  name(), header_.version, oldest_snapshot_version, snapshot_version);
    }
    const std::uint64_t left = source_.size() - offset_;
    if (header_.bytes >= sizeof header_ + checksum_bytes && header_.bytes <= left)
      return Status::ok;
    return fail(error_, Status::format, "{}: the record at {} has {} bytes, the file has {} left",
                name(), offset_, header_.bytes, left);
  }

  Status check_sum() const {
    ByteHash hash;
    std::byte piece[8192];
    const std::uint64_t end = offset_ + header_.bytes - checksum_bytes;
    for (std::uint64_t at = offset_; at < end;) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(sizeof piece, end - at));
      INLAY_TRY(source_.read(at, piece, size, error_));
      hash.add(piece, size);
      at += size;
    }
    std::uint64_t stored = 0;
    INLAY_TRY(source_.read(end, &stored, sizeof stored, error_));
    const std::uint64_t computed = hash.result().low;
    if (stored == computed) return Status::ok;
    return fail(error_, Status::format,
                "{}: the record at {} is damaged: its checksum is {:#x}, that of its bytes {:#x}",
                name(), offset_, stored, computed);
  }

  Status check_inside(const RecordHeader& own) const {
    INLAY_TRY(same("order of sums", header_.order, own.order));
    if (header_.model != own.model) {
      return fail(
          error_, Status::unsupported,
          "{}: saved with another model: its fingerprint is {:016x}{:016x}, that of this one "
          "{:016x}{:016x}",
          name(), header_.model.high, header_.model.low, own.model.high, own.model.low);
    }
    INLAY_TRY(same("type of keys (INLAY_KV_...)", header_.key_type, own.key_type));
    INLAY_TRY(same("type of values (INLAY_KV_...)", header_.value_type, own.value_type));
    INLAY_TRY(same("tokens of a page", header_.page_tokens, own.page_tokens));
    INLAY_TRY(same("layers in the cache", header_.slots, own.slots));
    INLAY_TRY(same("bytes of a token", header_.token_bytes, own.token_bytes));
    INLAY_TRY(same("reserved", header_.reserved, 0));
    if (header_.kind == RecordKind::whole || header_.kind == RecordKind::more) return Status::ok;
    return fail(error_, Status::unsupported,
                "{}: the record at {} is of kind {}, known are 1 and 2", name(), offset_,
                static_cast<std::uint32_t>(header_.kind));
  }

 private:
  Shown name() const { return Shown(short_path(source_.name())); }

  Status same(const char* what, std::uint64_t file, std::uint64_t own) const {
    if (file == own) return Status::ok;
    return fail(error_, Status::unsupported, "{}: {}: the file has {}, expected {}", name(), what,
                file, own);
  }

  const Source& source_;
  std::uint64_t offset_;
  const RecordHeader& header_;
  Error& error_;
};

}  // namespace

std::uint64_t token_sum(const std::int32_t* ids, std::uint32_t begin, std::uint32_t end) {
  std::uint64_t sum = 0;
  for (std::uint32_t i = begin; i < end; ++i) {
    sum += hash_of(std::uint64_t{i} << 32 | static_cast<std::uint32_t>(ids[i]));
  }
  return sum;
}

SamplerFields fields_of(const inlay_sampler_options& o) {
  return {
      o.temperature,      o.top_k,          o.top_p, o.min_p, o.repeat_penalty, o.frequency_penalty,
      o.presence_penalty, o.penalty_window, o.seed,  o.stream};
}

MoreFields more_fields_of(const inlay_sampler_options& o) {
  MoreFields f{};
  f.typical_p = o.typical_p;
  f.top_n_sigma = o.top_n_sigma;
  f.xtc_probability = o.xtc_probability;
  f.xtc_threshold = o.xtc_threshold;
  f.dry_multiplier = o.dry_multiplier;
  f.dry_base = o.dry_base;
  f.dry_allowed_length = o.dry_allowed_length;
  f.dry_window = o.dry_window;
  f.dynatemp_range = o.dynatemp_range;
  f.dynatemp_exponent = o.dynatemp_exponent;
  f.mirostat = o.mirostat;
  f.mirostat_tau = o.mirostat_tau;
  f.mirostat_eta = o.mirostat_eta;
  f.adaptive_target = o.adaptive_target;
  f.adaptive_decay = o.adaptive_decay;
  f.infill = o.infill;
  f.logprobs = o.logprobs;
  f.logprobs_of = o.logprobs_of;
  f.stages = static_cast<std::uint32_t>(o.stage_count);
  return f;
}

namespace {

void take_more(const MoreFields& f, inlay_sampler_options& o) {
  o.typical_p = f.typical_p;
  o.top_n_sigma = f.top_n_sigma;
  o.xtc_probability = f.xtc_probability;
  o.xtc_threshold = f.xtc_threshold;
  o.dry_multiplier = f.dry_multiplier;
  o.dry_base = f.dry_base;
  o.dry_allowed_length = f.dry_allowed_length;
  o.dry_window = f.dry_window;
  o.dynatemp_range = f.dynatemp_range;
  o.dynatemp_exponent = f.dynatemp_exponent;
  o.mirostat = f.mirostat;
  o.mirostat_tau = f.mirostat_tau;
  o.mirostat_eta = f.mirostat_eta;
  o.adaptive_target = f.adaptive_target;
  o.adaptive_decay = f.adaptive_decay;
  o.infill = f.infill;
  o.logprobs = f.logprobs;
  o.logprobs_of = f.logprobs_of;
}

}  // namespace

std::uint64_t more_bytes(const MoreFields& f, std::uint32_t tokens) {
  return (std::uint64_t{f.stages} + f.stop_texts) * sizeof(std::uint32_t) +
         std::uint64_t{f.breakers} * sizeof(BreakerField) + f.stop_bytes +
         std::uint64_t{tokens - f.states_begin} * sizeof(float);
}

inlay_sampler_options options_of(const SamplerFields& f, const MoreFields* more) {
  inlay_sampler_options o;
  inlay_sampler_options_defaults(&o);
  o.dry_breakers = nullptr;
  o.dry_breaker_count = 0;
  if (more) take_more(*more, o);
  o.temperature = f.temperature;
  o.top_k = f.top_k;
  o.top_p = f.top_p;
  o.min_p = f.min_p;
  o.repeat_penalty = f.repeat_penalty;
  o.frequency_penalty = f.frequency_penalty;
  o.presence_penalty = f.presence_penalty;
  o.penalty_window = f.penalty_window;
  o.seed = f.seed;
  o.stream = f.stream;
  return o;
}

bool body_bytes(const SequenceHeader& s, std::uint64_t token_bytes, std::uint64_t* bytes) {
  const std::uint64_t lists = std::uint64_t{s.stops} * sizeof(std::int32_t) +
                              std::uint64_t{s.biases} * sizeof(inlay_logit_bias) +
                              std::uint64_t{s.tokens - s.from} * sizeof(std::int32_t) +
                              divide_up(s.tokens - s.wanted_begin(), 8);
  std::uint64_t cells = 0;
  return checked_mul(s.computed - s.from, token_bytes, cells) && checked_add(lists, cells, *bytes);
}

RecordHeader describe(const Model& model, KvTypes types, std::span<const KvPlace> places) {
  RecordHeader h{};
  std::memcpy(h.magic, snapshot_magic, sizeof snapshot_magic);
  h.version = snapshot_version;
  h.model = fingerprint_of(model);
  h.order = order_version;
  h.key_type = kv_number(types.keys);
  h.value_type = kv_number(types.values);
  h.page_tokens = page_tokens;
  h.slots = static_cast<std::uint32_t>(places.size());
  for (const KvPlace& place : places) {
    h.token_bytes += std::uint64_t{place.kv_heads} * (place.key_row + place.value_row);
  }
  return h;
}

Status read_header(const Source& source, std::uint64_t offset, const RecordHeader& own,
                   RecordHeader* header, Error& error) {
  const std::uint64_t left = source.size() - offset;
  if (left < sizeof *header + checksum_bytes) {
    return fail(error, Status::format, "{}: at {}: {} bytes are no record of a snapshot",
                Shown(short_path(source.name())), offset, left);
  }
  INLAY_TRY(source.read(offset, header, sizeof *header, error));
  const HeaderCheck check(source, offset, *header, error);
  INLAY_TRY(check.check_outside());
  INLAY_TRY(check.check_sum());
  return check.check_inside(own);
}

}  // namespace inlay
