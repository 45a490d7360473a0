// session_restore.cpp - sequences of a file become sequences of a session: slots and pages.
#include "engine/snapshot_reader.h"

#include <algorithm>

#include "engine/busy_guard.h"

namespace inlay {

SnapshotReader::~SnapshotReader() {
  if (kept_) return;
  for (const Restored& r : restored_) {
    cache_.forget(r.s->chain);
    r.s->conduct.stop_texts = {};
    ++r.s->generation;
  }
}

Status SnapshotReader::read(bool linked) {
  const std::uint32_t room = session_.shape_.sequences - session_.alive();
  if (first_.sequences > room) {
    return fail(error_, Status::limit, "{}: {} sequences, the session has room for {}", name(),
                first_.sequences, room);
  }
  if (is_error(restored_.reserve(first_.sequences))) {
    return fail_memory(error_, "list of sequences");
  }
  INLAY_TRY(read_record(first_, 0));
  for (std::uint64_t offset = first_.bytes; offset < source_.size();) {
    RecordHeader header;
    INLAY_TRY(read_header(source_, offset, own_, &header, error_));
    if (header.kind != RecordKind::more || header.sequences != 1) {
      return fail(error_, Status::format,
                  "{}: the record at {} is of kind {} with {} sequences, expected kind 2 with 1",
                  name(), offset, static_cast<std::uint32_t>(header.kind), header.sequences);
    }
    INLAY_TRY(read_record(header, offset));
    offset += header.bytes;
  }
  for (const Restored& r : restored_) INLAY_TRY(build(r, linked));
  return Status::ok;
}

Status SnapshotReader::build(const Restored& r, bool linked) {
  Sequence& s = *r.s;
  const std::uint32_t shared = r.base ? std::min({r.shared, r.kept, r.base->kept}) : 0;
  if (shared) {
    cache_.share(r.base->s->chain, s.chain);
    cache_.cut(s.chain, shared);
  }
  path_.clear();
  for (std::size_t at = r.piece; at != no_piece && r.computed > shared; at = pieces_[at].before) {
    if (is_error(path_.push(at))) return fail_memory(error_, "list of records");
    if (pieces_[at].from <= shared) break;
  }
  for (std::size_t i = path_.size(); i-- > 0;) {
    const std::uint32_t end = i > 0 ? pieces_[path_[i - 1]].from : r.computed;
    INLAY_TRY(add_cells(s, pieces_[path_[i]], end, linked));
  }
  if (session_.extend(s.chain, {s.ids + r.computed, r.tokens - r.computed})) return Status::ok;
  return session_.no_pages("restore", error_);
}

// From the end of the chain to the token `end`, page by page.
Status SnapshotReader::add_cells(Sequence& s, const Piece& piece, std::uint32_t end, bool linked) {
  while (s.chain.tokens < end) {
    const std::uint32_t at = s.chain.tokens;
    const std::uint32_t cells = std::min(end - at, page_tokens - at % page_tokens);
    const std::span<const std::int32_t> ids{s.ids + at, cells};
    std::uint32_t page = cache_.append_computed(s.chain, ids, linked);
    if (page == no_page && session_.leaving_ > 0) {  // the pass in flight holds pages for nobody
      session_.abandon_pass();
      page = cache_.append_computed(s.chain, ids, linked);
    }
    if (page == no_page) return session_.no_pages("restore", error_);
    INLAY_TRY(read_cells(piece, at, cells, cache_.page(page)));
  }
  return Status::ok;
}

// The file has the cells of a page that the piece has, side by side; of them, some are wanted.
Status SnapshotReader::read_cells(const Piece& piece, std::uint32_t at, std::uint32_t cells,
                                  std::byte* page) {
  const std::uint32_t first = at / page_tokens * page_tokens;
  const std::uint32_t begin = std::max(first, piece.from);
  const std::uint32_t end = std::min(first + page_tokens, piece.computed);
  SourceReader in(source_, error_);
  INLAY_TRY(in.skip(piece.cells + (begin - piece.from) * own_.token_bytes, "cells"));
  return for_rows(cache_.places(), [&](std::uint64_t place, std::uint64_t row) {
    INLAY_TRY(in.skip((at - begin) * row, "cells"));
    INLAY_TRY(
        in.read(page + place + (at - first) * row, static_cast<std::size_t>(cells * row), "cells"));
    return in.skip((end - at - cells) * row, "cells");
  });
}

void SnapshotReader::keep(std::span<std::uint64_t> sequences) {
  for (std::size_t i = 0; i < restored_.size(); ++i) {
    Sequence& s = *restored_[i].s;
    s.computed = s.saved = restored_[i].computed;
    s.in_file = true;
    s.file_id = static_cast<std::uint32_t>(i + 1);
    if (s.conduct.sampling) session_.rebuild_text(s);
    session_.skip_computed(s);
    session_.draw_from_last(s);
    sequences[i] = session_.id_of(s);
  }
  kept_ = true;
}

Status Session::restore(const inlay_source& source, std::uint32_t flags,
                        std::span<std::uint64_t> sequences, std::size_t* count, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  SnapshotReader reader(*this, error);
  INLAY_TRY(reader.open(source));
  *count = reader.count();
  if (sequences.size() < reader.count()) {
    return fail(error, Status::limit, "restore: {} sequences, the list has room for {}",
                reader.count(), sequences.size());
  }
  INLAY_TRY(reader.read(flags & INLAY_RESTORE_SHARE));
  reader.keep(sequences);
  return Status::ok;
}

}  // namespace inlay
