// session_save.cpp - sequences written to a file, as a record of their own or behind earlier ones.
#include <algorithm>
#include <cstring>

#include "base/diagnostics.h"
#include "engine/busy_guard.h"
#include "engine/session.h"
#include "engine/snapshot.h"

namespace inlay {

class SnapshotWriter {
 public:
  SnapshotWriter(Session& session, RecordKind kind)
      : session_(session), kind_(kind), saved_(session.model_.allocator()) {}

  // In the order in which the file will have them.
  Status add(Sequence& s, Error& error);
  Status write(const inlay_sink& sink, Error& error);

 private:
  struct Saved {
    Sequence* s;
    SequenceHeader header;
    MoreFields more;
    std::uint32_t logits_begin, logits_end;  // rows to be told, which are computed once more
  };

  void find_base(Saved& saved) const;
  std::uint32_t shared(const Saved& a, const Saved& b) const;
  static void fill_conduct(const Conduct& conduct, SequenceHeader& header);
  static void fill_more(const Sequence& s, const SequenceHeader& header, MoreFields& more);
  static Status write_more(RecordWriter& out, const Saved& saved);
  Status write_sequence(RecordWriter& out, const Saved& saved) const;
  Status write_wanted(RecordWriter& out, const Saved& saved) const;
  Status write_cells(RecordWriter& out, const Saved& saved) const;

  Session& session_;
  RecordKind kind_;
  Array<Saved> saved_;
};

// Tokens at the start that both have in the same pages.
std::uint32_t SnapshotWriter::shared(const Saved& a, const Saved& b) const {
  const std::uint32_t most = std::min(a.header.computed, b.header.computed);
  std::uint32_t pages = 0;
  while (pages * page_tokens < most && a.s->chain.table[pages] == b.s->chain.table[pages]) ++pages;
  return std::min(most, pages * page_tokens);
}

// The sequence before it that shares most with it.
void SnapshotWriter::find_base(Saved& saved) const {
  for (const Saved& other : saved_) {
    const std::uint32_t tokens = shared(other, saved);
    if (tokens <= saved.header.from) continue;
    saved.header.base = other.header.id;
    saved.header.from = tokens;
  }
}

Status SnapshotWriter::add(Sequence& s, Error& error) {
  Saved saved{&s, {}, {}, 0, 0};
  if (s.conduct.sampling && s.conduct.sampler.options().host_stage_count > 0) {
    return fail(
        error, Status::state,
        "save: the sampler of sequence {:#x} has stages of the host's, which no file can keep",
        session_.id_of(s));
  }
  SequenceHeader& h = saved.header;
  h.id = kind_ == RecordKind::more ? s.file_id : saved_.size() + 1;
  h.computed = s.computed;
  h.tokens = s.length();
  // Logits that the host has not heard of are not in the file: those tokens are still to be
  // computed.
  if (s.event && !s.conduct.sampling) {
    saved.logits_begin = s.wanted_position;
    saved.logits_end = s.wanted_end();
    h.computed = std::min(h.computed, saved.logits_begin);
  }
  if (kind_ == RecordKind::more) {
    h.base = h.id;
    h.from = std::min(s.saved, h.computed);
  } else {
    find_base(saved);
  }
  fill_more(s, h, saved.more);
  h.earlier = token_sum(s.ids, 0, h.from);
  fill_conduct(s.conduct, h);
  if (is_error(saved_.push(saved))) return fail_memory(error, "list of sequences");
  return Status::ok;
}

void SnapshotWriter::fill_conduct(const Conduct& conduct, SequenceHeader& h) {
  h.flags = (conduct.sampling ? sequence_samples : 0u) |
            (conduct.stop.ignore_end ? sequence_ignores_end : 0u);
  h.dropped = conduct.dropped;
  h.policy = conduct.policy;
  h.keep = conduct.keep;
  h.stops = conduct.stop.count;
  if (!conduct.sampling) return;
  const inlay_sampler_options options = conduct.sampler.options();
  h.tokens_left = conduct.tokens_left;
  h.biases = static_cast<std::uint32_t>(options.bias_count);
  h.sampler = fields_of(options);
}

void SnapshotWriter::fill_more(const Sequence& s, const SequenceHeader& h, MoreFields& more) {
  const Conduct& conduct = s.conduct;
  const Sampler& sampler = conduct.sampler;
  if (conduct.sampling) {
    more = more_fields_of(sampler.options());
    more.breakers = sampler.breakers().count;
    more.begun = std::min(conduct.begun, h.tokens);
    more.text_begin = std::min(conduct.text_begin, h.tokens);
  }
  more.states_begin = h.tokens;
  if (conduct.sampling && sampler.steers())
    more.states_begin = std::max(more.begun, h.wanted_begin());
  if (const StopTexts* texts = conduct.stop_texts.get()) {
    more.stop_texts = static_cast<std::uint32_t>(texts->count());
    more.stop_bytes = static_cast<std::uint32_t>(texts->byte_count());
  }
}

Status SnapshotWriter::write_more(RecordWriter& out, const Saved& saved) {
  const MoreFields& more = saved.more;
  const Conduct& conduct = saved.s->conduct;
  INLAY_TRY(out.write(more));
  INLAY_TRY(out.write(conduct.sampler.options().stages, more.stages * sizeof(std::uint32_t)));
  for (std::uint32_t i = 0; i < more.breakers; ++i) {
    const std::string_view text = conduct.sampler.breakers()[i];
    BreakerField field{};
    field.length = static_cast<std::uint8_t>(text.size());
    std::memcpy(field.bytes, text.data(), text.size());
    INLAY_TRY(out.write(field));
  }
  const StopTexts* texts = conduct.stop_texts.get();
  for (std::uint32_t i = 0; i < more.stop_texts; ++i) {
    INLAY_TRY(out.write(static_cast<std::uint32_t>(texts->text(i).size())));
  }
  for (std::uint32_t i = 0; i < more.stop_texts; ++i) {
    INLAY_TRY(out.write(texts->text(i).data(), texts->text(i).size()));
  }
  return out.write(saved.s->states + more.states_begin,
                   (saved.header.tokens - more.states_begin) * sizeof(float));
}

Status SnapshotWriter::write(const inlay_sink& sink, Error& error) {
  RecordHeader header =
      describe(session_.model_, session_.shape_.kv_types, session_.cache_.places());
  header.kind = kind_;
  header.sequences = static_cast<std::uint32_t>(saved_.size());
  header.bytes = sizeof header + checksum_bytes;
  for (const Saved& saved : saved_) {
    std::uint64_t body = 0;
    if (!body_bytes(saved.header, header.token_bytes, &body) ||
        !checked_add(body, sizeof saved.more + more_bytes(saved.more, saved.header.tokens), body) ||
        !checked_add(header.bytes, sizeof saved.header + body, header.bytes)) {
      return fail(error, Status::limit, "save: more bytes than a file can have");
    }
  }
  Sink to;
  INLAY_TRY(to.open(session_.model_.allocator(), sink, error));
  RecordWriter out(to, error);
  INLAY_TRY(out.write(header));
  for (const Saved& saved : saved_) INLAY_TRY(write_sequence(out, saved));
  INLAY_TRY(out.end());
  INLAY_TRY(to.close(error));
  for (const Saved& saved : saved_) {
    saved.s->saved = saved.header.computed;
    saved.s->in_file = true;
    saved.s->file_id = static_cast<std::uint32_t>(saved.header.id);
  }
  return Status::ok;
}

Status SnapshotWriter::write_sequence(RecordWriter& out, const Saved& saved) const {
  const SequenceHeader& h = saved.header;
  const Conduct& conduct = saved.s->conduct;
  INLAY_TRY(out.write(h));
  INLAY_TRY(out.write(conduct.stop.ids, h.stops * sizeof(std::int32_t)));
  INLAY_TRY(out.write(conduct.sampler.options().bias, h.biases * sizeof(inlay_logit_bias)));
  INLAY_TRY(write_more(out, saved));
  INLAY_TRY(out.write(saved.s->ids + h.from, (h.tokens - h.from) * sizeof(std::int32_t)));
  INLAY_TRY(write_wanted(out, saved));
  return write_cells(out, saved);
}

Status SnapshotWriter::write_wanted(RecordWriter& out, const Saved& saved) const {
  const auto wanted = [&](std::uint32_t at) {
    return saved.s->wants_all(at) || (at >= saved.logits_begin && at < saved.logits_end);
  };
  for (std::uint32_t at = saved.header.wanted_begin(); at < saved.header.tokens; at += 8) {
    const std::uint32_t end = std::min(at + 8, saved.header.tokens);
    std::uint8_t bits = 0;
    for (std::uint32_t i = at; i < end; ++i)
      bits |= static_cast<std::uint8_t>(wanted(i) << (i - at));
    INLAY_TRY(out.write(bits));
  }
  return Status::ok;
}

Status SnapshotWriter::write_cells(RecordWriter& out, const Saved& saved) const {
  const KvCache& cache = session_.cache_;
  for (std::uint32_t at = saved.header.from; at < saved.header.computed;) {
    const std::uint32_t page = at / page_tokens, cell = at % page_tokens;
    const std::uint32_t cells = std::min(saved.header.computed - at, page_tokens - cell);
    const std::byte* bytes = cache.page(saved.s->chain.table[page]);
    INLAY_TRY(for_rows(cache.places(), [&](std::uint64_t place, std::uint64_t row) {
      return out.write(bytes + place + cell * row, static_cast<std::size_t>(cells * row));
    }));
    at += cells;
  }
  return Status::ok;
}

Status Session::save(std::uint64_t sequence, std::uint32_t flags, const inlay_sink& sink,
                     Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  const bool appends = flags & INLAY_SAVE_APPEND;
  Sequence* one = sequence ? find(sequence) : nullptr;
  if (sequence && !one) {
    return fail(error, Status::state, "save: sequence {:#x} is not alive", sequence);
  }
  if (appends && !one) {
    return fail(error, Status::argument, "save: INLAY_SAVE_APPEND is of one sequence, not of all");
  }
  if (appends && !sink.write) {
    return fail(error, Status::argument,
                "save: INLAY_SAVE_APPEND needs a sink with a write function, a path is replaced");
  }
  if (appends && !one->in_file) {
    return fail(error, Status::state, "save: sequence {:#x} was never saved or restored", sequence);
  }
  SnapshotWriter writer(*this, appends ? RecordKind::more : RecordKind::whole);
  for (std::uint32_t i = 0; i < shape_.slots(); ++i) {
    Sequence& s = sequences_[i];
    if (s.alive() && (!one || one == &s)) INLAY_TRY(writer.add(s, error));
  }
  return writer.write(sink, error);
}

}  // namespace inlay
