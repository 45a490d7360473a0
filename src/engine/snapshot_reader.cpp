// snapshot_reader.cpp - the records of a file of sequences, every number checked where it is read.
#include "engine/snapshot_reader.h"

#include <algorithm>
#include <cstring>

#include "engine/lone_sampler.h"

namespace inlay {

Status SnapshotReader::refuse(Status status, const Entry& e, const char* what, std::uint64_t value,
                              const char* relation, std::uint64_t bound) const {
  return fail(error_, status, "{}: sequence {}: {}: the file has {}, {} {}", name(), e.header.id,
              what, value, relation, bound);
}

Status SnapshotReader::open(const inlay_source& description) {
  // A mapped file that shrinks would end the process.
  INLAY_TRY(source_.open(session_.model_.allocator(), description, error_, Source::Access::read));
  own_ = describe(session_.model_, session_.shape_.kv_types, cache_.places());
  INLAY_TRY(read_header(source_, 0, own_, &first_, error_));
  if (first_.kind == RecordKind::whole) return Status::ok;
  return fail(error_, Status::format, "{}: begins with the continuation of a file", name());
}

Status SnapshotReader::read_record(const RecordHeader& header, std::uint64_t offset) {
  SourceReader in(source_, error_);
  INLAY_TRY(in.skip(offset + sizeof header, "record"));
  const std::uint64_t end = offset + header.bytes - checksum_bytes;
  for (std::uint32_t i = 0; i < header.sequences; ++i) {
    Entry e{in, end, {}, nullptr, nullptr, header.version, {}};
    INLAY_TRY(read_sequence(header.kind, e));
  }
  if (in.position() == end) return Status::ok;
  return fail(error_, Status::format, "{}: the record at {} has {} bytes behind its sequences",
              name(), offset, end - in.position());
}

Status SnapshotReader::read_sequence(RecordKind kind, Entry& e) {
  if (e.end - e.in.position() < sizeof e.header) {
    return fail(error_, Status::format, "{}: {} bytes at {} are no sequence", name(),
                e.end - e.in.position(), e.in.position());
  }
  INLAY_TRY(e.in.read(e.header, "sequence"));
  INLAY_TRY(check_lengths(e));
  INLAY_TRY(check_conduct(e));
  INLAY_TRY(check_context(e));
  INLAY_TRY(find_places(kind, e));
  INLAY_TRY(check_earlier(e));
  INLAY_TRY(read_conduct(e));
  INLAY_TRY(read_tokens(e));
  INLAY_TRY(read_wanted(e));
  return add_piece(e);
}

Status SnapshotReader::check_lengths(const Entry& e) const {
  const SequenceHeader& h = e.header;
  if (h.from > h.computed) {
    return refuse(Status::format, e, "tokens before the record", h.from, "at most", h.computed);
  }
  if (h.computed > h.tokens) {
    return refuse(Status::format, e, "computed tokens", h.computed, "at most", h.tokens);
  }
  if (h.stops > INLAY_STOP_MAX) {
    return refuse(Status::format, e, "stop tokens", h.stops, "at most", INLAY_STOP_MAX);
  }
  if (h.biases > Sampler::max_biases) {
    return refuse(Status::format, e, "biases", h.biases, "at most", Sampler::max_biases);
  }
  const std::uint64_t left = e.end - e.in.position();
  std::uint64_t body = UINT64_MAX;
  if (body_bytes(h, own_.token_bytes, &body) && body <= left) return Status::ok;
  return refuse(Status::format, e, "bytes of its lists and cells", body, "the record has", left);
}

Status SnapshotReader::check_conduct(const Entry& e) const {
  const SequenceHeader& h = e.header;
  if (h.flags & ~known_sequence_flags) {
    return refuse(Status::format, e, "flags", h.flags, "known are", known_sequence_flags);
  }
  if (h.policy > INLAY_CONTEXT_DROP) {
    return refuse(Status::format, e, "context policy", h.policy, "at most", INLAY_CONTEXT_DROP);
  }
  const bool samples = h.flags & sequence_samples;
  if (samples != (h.tokens_left > 0)) {
    return refuse(Status::format, e, "tokens left", h.tokens_left, "and its sampler flag is",
                  samples);
  }
  constexpr SamplerFields none{};
  if (samples || (h.biases == 0 && std::memcmp(&h.sampler, &none, sizeof none) == 0)) {
    return Status::ok;
  }
  return refuse(Status::format, e, "biases and options of a sampler", h.biases,
                "and its sampler flag is", 0);
}

Status SnapshotReader::check_context(const Entry& e) const {
  const SequenceHeader& h = e.header;
  const std::uint32_t context = session_.shape_.context;
  if (h.tokens > context) {
    return refuse(Status::limit, e, "tokens", h.tokens, "the context has", context);
  }
  if (h.keep >= context) {
    return refuse(Status::limit, e, "tokens to keep", h.keep, "the context has", context);
  }
  return Status::ok;
}

// Takes a free slot for a sequence of the first record, finds that of a later one, and the base.
Status SnapshotReader::find_places(RecordKind kind, Entry& e) {
  const SequenceHeader& h = e.header;
  const std::uint64_t count = restored_.size();
  if (kind == RecordKind::more) {
    if (h.id == 0 || h.id > count) return refuse(Status::format, e, "number", h.id, "known", count);
    if (h.base != h.id) return refuse(Status::format, e, "base", h.base, "expected", h.id);
    e.base = e.to = &restored_[h.id - 1];
    return Status::ok;
  }
  if (h.id != count + 1) return refuse(Status::format, e, "number", h.id, "expected", count + 1);
  if (h.base > count) return refuse(Status::format, e, "base", h.base, "at most", count);
  if (h.base) e.base = &restored_[h.base - 1];
  Sequence* s = session_.free_slot();
  if (!s) return session_.no_slot(error_);
  s->begin_life();
  static_cast<void>(
      restored_.push({s, e.base, h.from, UINT32_MAX, 0, 0, 0, no_piece}));  // has room
  e.to = &restored_.back();
  return Status::ok;
}

// The tokens before this record's are those that it was written behind.
Status SnapshotReader::check_earlier(const Entry& e) const {
  const SequenceHeader& h = e.header;
  const std::uint32_t held = e.base ? e.base->computed : 0;
  if (h.from > held) {
    return refuse(Status::format, e, "tokens before the record", h.from, "known are", held);
  }
  const std::uint64_t sum = e.base ? e.base->sum - token_sum(e.base->s->ids, h.from, held) : 0;
  if (h.earlier == sum) return Status::ok;
  return refuse(Status::format, e, "hash of the tokens before the record", h.earlier, "they have",
                sum);
}

Status SnapshotReader::read_conduct(Entry& e) {
  const SequenceHeader& h = e.header;
  Conduct& conduct = e.to->s->conduct;
  conduct = {};
  conduct.tokens_left = h.tokens_left;
  conduct.policy = h.policy;
  conduct.keep = h.keep;
  conduct.dropped = h.dropped;
  conduct.stop.count = h.stops;
  conduct.stop.ignore_end = h.flags & sequence_ignores_end;
  INLAY_TRY(read_ids(e, "stop token", conduct.stop.ids, h.stops));
  conduct.sampling = h.flags & sequence_samples;
  if (is_error(biases_.resize(h.biases))) return fail_memory(error_, "biases");
  if (!biases_.empty()) {
    INLAY_TRY(e.in.read(biases_.data(), biases_.size() * sizeof(inlay_logit_bias), "biases"));
  }
  INLAY_TRY(read_more(e));
  conduct.begun = e.more.begun;
  conduct.text_begin = e.more.text_begin;
  if (conduct.sampling) INLAY_TRY(read_sampler(e));
  return read_states(e);
}

// Version 1 has none of them: what was generated is taken for what the host fed.
Status SnapshotReader::read_more(Entry& e) {
  const SequenceHeader& h = e.header;
  MoreFields& more = e.more;
  if (e.version < 2) {
    more.begun = more.text_begin = more.states_begin = h.tokens;
    return Status::ok;
  }
  if (e.end - e.in.position() < sizeof more) {
    return refuse(Status::format, e, "bytes of its options", e.end - e.in.position(), "expected",
                  sizeof more);
  }
  INLAY_TRY(e.in.read(more, "options"));
  INLAY_TRY(check_more(e));
  if (more.stages) {
    INLAY_TRY(e.in.read(stages_, more.stages * sizeof *stages_, "stages"));
  }
  INLAY_TRY(read_breakers(e));
  return read_stop_texts(e);
}

Status SnapshotReader::check_more(const Entry& e) const {
  const SequenceHeader& h = e.header;
  const MoreFields& more = e.more;
  const auto at_most = [&](const char* what, std::uint64_t value, std::uint64_t most) {
    return value <= most ? Status::ok : refuse(Status::format, e, what, value, "at most", most);
  };
  INLAY_TRY(at_most("stages", more.stages, Sampler::max_stages));
  INLAY_TRY(at_most("texts that break a repetition", more.breakers, ShortTexts::most));
  INLAY_TRY(at_most("stop texts", more.stop_texts, INLAY_STOP_TEXT_MAX));
  INLAY_TRY(at_most("bytes of stop texts", more.stop_bytes, INLAY_STOP_TEXT_BYTES));
  INLAY_TRY(at_most("tokens before its sampler", more.begun, h.tokens));
  INLAY_TRY(at_most("tokens before its text", more.text_begin, h.tokens));
  INLAY_TRY(at_most("tokens before its states", more.states_begin, h.tokens));
  INLAY_TRY(at_most("reserved", more.reserved, 0));
  MoreFields none{};
  none.stop_texts = more.stop_texts;
  none.stop_bytes = more.stop_bytes;
  none.states_begin = h.tokens;
  if (!(h.flags & sequence_samples) && std::memcmp(&more, &none, sizeof none) != 0) {
    return refuse(Status::format, e, "further options of a sampler", 1, "and its sampler flag is",
                  0);
  }
  std::uint64_t body = UINT64_MAX;
  const std::uint64_t lists =
      h.stops * sizeof(std::int32_t) + std::uint64_t{h.biases} * sizeof(inlay_logit_bias);
  const std::uint64_t left = e.end - e.in.position();
  if (body_bytes(h, own_.token_bytes, &body) && body - lists <= left &&
      more_bytes(more, h.tokens) <= left - (body - lists)) {
    return Status::ok;
  }
  return refuse(Status::format, e, "bytes of its lists", more_bytes(more, h.tokens),
                "the record has", left);
}

Status SnapshotReader::read_breakers(const Entry& e) {
  for (std::uint32_t i = 0; i < e.more.breakers; ++i) {
    BreakerField& field = breaker_fields_[i];
    INLAY_TRY(e.in.read(field, "texts that break a repetition"));
    breakers_[i] = {field.bytes, field.length};  // how long it may be the sampler says
  }
  return Status::ok;
}

Status SnapshotReader::read_stop_texts(const Entry& e) {
  const MoreFields& more = e.more;
  StopTextsRef& texts = e.to->s->conduct.stop_texts;
  if (is_error(texts_.resize(more.stop_texts)) || is_error(bytes_.resize(more.stop_bytes))) {
    return fail_memory(error_, "stop texts");
  }
  std::uint64_t sum = 0;
  for (inlay_text_view& text : texts_) {
    std::uint32_t length = 0;
    INLAY_TRY(e.in.read(length, "stop texts"));
    text.length = length;
    sum += length;
  }
  if (sum != more.stop_bytes) {
    return refuse(Status::format, e, "bytes of stop texts", more.stop_bytes, "their lengths say",
                  sum);
  }
  if (!bytes_.empty()) INLAY_TRY(e.in.read(bytes_.data(), bytes_.size(), "stop texts"));
  std::size_t at = 0;
  for (inlay_text_view& text : texts_) {
    text.text = bytes_.data() + at;
    at += text.length;
  }
  Error why{};
  const Status status = texts.assign(session_.model_.allocator(), texts_, why);
  if (status == Status::memory) return fail_memory(error_, "stop texts");
  if (!is_error(status)) return status;
  return fail(error_, Status::format, "{}: sequence {}: {}", name(), e.header.id,
              std::string_view(why.text));
}

Status SnapshotReader::read_states(const Entry& e) const {
  const SequenceHeader& h = e.header;
  float* states = e.to->s->states;
  const std::uint32_t begin = e.base == e.to ? h.from : 0;
  std::fill(states + begin, states + h.tokens, 0.0f);
  if (e.more.states_begin == h.tokens) return Status::ok;
  float* const first = states + e.more.states_begin;
  const std::uint32_t count = h.tokens - e.more.states_begin;
  INLAY_TRY(e.in.read(first, count * sizeof(float), "states of its sampler"));
  for (std::uint32_t i = 0; i < count; ++i) {
    if (first[i] >= -1e6f && first[i] <= 1e6f) continue;
    return fail(error_, Status::format, "{}: sequence {}: state {} of its sampler: {}", name(),
                h.id, i, first[i]);
  }
  return Status::ok;
}

Status SnapshotReader::read_sampler(const Entry& e) {
  inlay_sampler_options options = options_of(e.header.sampler, e.version < 2 ? nullptr : &e.more);
  options.stages = stages_;
  options.stage_count = e.more.stages;
  options.dry_breakers = breakers_;
  options.dry_breaker_count = e.more.breakers;
  options.bias = biases_.data();
  options.bias_count = biases_.size();
  const std::uint32_t vocabulary = session_.model_.program().vocabulary;
  Error why{};
  const Status status = e.to->s->conduct.sampler.init(
      options, vocabulary, {session_.sampler_memory_, Sampler::bytes(vocabulary)}, why,
      token_view(session_.model_));
  if (!is_error(status)) return Status::ok;
  return fail(error_, Status::format, "{}: sequence {}: sampler: {}", name(), e.header.id,
              std::string_view(why.text));
}

Status SnapshotReader::read_ids(const Entry& e, const char* what, std::int32_t* ids,
                                std::uint32_t count) const {
  INLAY_TRY(e.in.read(ids, count * sizeof *ids, what));
  const std::uint32_t vocabulary = session_.model_.program().vocabulary;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (static_cast<std::uint32_t>(ids[i]) < vocabulary) continue;
    return refuse(Status::format, e, what, static_cast<std::uint32_t>(ids[i]), "the vocabulary has",
                  vocabulary);
  }
  return Status::ok;
}

Status SnapshotReader::read_tokens(const Entry& e) {
  const SequenceHeader& h = e.header;
  Restored& r = *e.to;
  std::int32_t* ids = r.s->ids;
  if (e.base && e.base != &r) std::copy_n(e.base->s->ids, h.from, ids);
  INLAY_TRY(read_ids(e, "token", ids + h.from, h.tokens - h.from));
  r.sum = h.earlier + token_sum(ids, h.from, h.computed);
  r.computed = h.computed;
  r.tokens = h.tokens;
  return Status::ok;
}

Status SnapshotReader::read_wanted(const Entry& e) const {
  const SequenceHeader& h = e.header;
  Sequence& s = *e.to->s;
  for (std::uint32_t at = h.wanted_begin(); at < h.tokens; at += 8) {
    std::uint8_t bits = 0;
    INLAY_TRY(e.in.read(bits, "wanted logits"));
    const std::uint32_t count = std::min(8u, h.tokens - at);
    if (bits >> count) {
      return refuse(Status::format, e, "wanted logits", bits, "expected under", 1u << count);
    }
    for (std::uint32_t i = 0; i < count; ++i) s.want(at + i, bits >> i & 1);
  }
  return Status::ok;
}

Status SnapshotReader::add_piece(const Entry& e) {
  const SequenceHeader& h = e.header;
  Restored& r = *e.to;
  std::size_t before = e.base ? e.base->piece : no_piece;
  while (before != no_piece && pieces_[before].from >= h.from) before = pieces_[before].before;
  r.piece = before;
  if (e.base == &r) r.kept = std::min(r.kept, h.from);
  if (h.computed == h.from) return Status::ok;
  if (is_error(pieces_.push({before, h.from, h.computed, e.in.position()}))) {
    return fail_memory(error_, "list of records");
  }
  r.piece = pieces_.size() - 1;
  return e.in.skip((h.computed - h.from) * own_.token_bytes, "cells");
}

}  // namespace inlay
