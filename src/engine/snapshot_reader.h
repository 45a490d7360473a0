// snapshot_reader.h - what reads a file of sequences, which may be cut, damaged or forged.
#pragma once

#include "base/diagnostics.h"
#include "engine/session.h"
#include "engine/snapshot.h"

namespace inlay {

// Reads record after record what the sequences are in the end, into free slots, then fills their
// pages. A record is used when its checksum is right; still every number in it is checked where it
// is read. Nothing of the session's own is touched, and what was added goes again on an error.
class SnapshotReader {
 public:
  SnapshotReader(Session& session, Error& error)
      : session_(session),
        cache_(session.cache_),
        error_(error),
        restored_(session.model_.allocator()),
        pieces_(session.model_.allocator()),
        path_(session.model_.allocator()),
        biases_(session.model_.allocator()),
        texts_(session.model_.allocator()),
        bytes_(session.model_.allocator()) {}
  ~SnapshotReader();

  // The first record is sound and for this session.
  Status open(const inlay_source& description);
  std::uint32_t count() const { return first_.sequences; }
  Status read(bool linked);
  // The sequences are the session's from now on.
  void keep(std::span<std::uint64_t> sequences);

 private:
  // Where the cells [from, computed) of a sequence lie in the file; those before: in piece
  // `before`.
  struct Piece {
    std::size_t before;
    std::uint32_t from, computed;
    std::uint64_t cells;
  };
  static constexpr std::size_t no_piece = SIZE_MAX;
  struct Restored {
    Sequence* s;
    const Restored* base;
    std::uint32_t shared;  // tokens at the start that the base has as well
    std::uint32_t kept;    // tokens at the start that no later record has replaced
    std::uint32_t computed, tokens;
    std::uint64_t sum;  // token_sum of [0, computed)
    std::size_t piece;  // the last one
  };
  // A sequence of a record.
  struct Entry {
    SourceReader& in;
    std::uint64_t end;  // of the record's sequences
    SequenceHeader header;
    Restored* to;
    const Restored* base;
    std::uint32_t version;
    MoreFields more;
  };

  Status read_record(const RecordHeader& header, std::uint64_t offset);
  Status read_sequence(RecordKind kind, Entry& e);
  Status check_lengths(const Entry& e) const;
  Status check_conduct(const Entry& e) const;
  Status check_context(const Entry& e) const;
  Status find_places(RecordKind kind, Entry& e);
  Status check_earlier(const Entry& e) const;
  Status read_conduct(Entry& e);
  Status read_sampler(const Entry& e);
  Status read_more(Entry& e);
  Status check_more(const Entry& e) const;
  Status read_breakers(const Entry& e);
  Status read_stop_texts(const Entry& e);
  Status read_states(const Entry& e) const;
  Status read_tokens(const Entry& e);
  Status read_ids(const Entry& e, const char* what, std::int32_t* ids, std::uint32_t count) const;
  Status read_wanted(const Entry& e) const;
  Status add_piece(const Entry& e);
  Status build(const Restored& r, bool linked);
  Status add_cells(Sequence& s, const Piece& piece, std::uint32_t end, bool linked);
  Status read_cells(const Piece& piece, std::uint32_t at, std::uint32_t cells, std::byte* page);
  Status refuse(Status status, const Entry& e, const char* what, std::uint64_t value,
                const char* relation, std::uint64_t bound) const;
  Shown name() const { return Shown(short_path(source_.name())); }

  Session& session_;
  KvCache& cache_;
  Error& error_;
  Source source_;
  RecordHeader own_{}, first_{};
  bool kept_ = false;
  Array<Restored> restored_;  // does not grow: bases are pointed to
  Array<Piece> pieces_;
  Array<std::size_t> path_;  // the pieces of one sequence, last one first
  Array<inlay_logit_bias> biases_;
  Array<inlay_text_view> texts_;  // of one sequence, in bytes_
  Array<char> bytes_;
  std::uint32_t stages_[Sampler::max_stages];
  BreakerField breaker_fields_[ShortTexts::most];
  inlay_text_view breakers_[ShortTexts::most];
};

}  // namespace inlay
