// snapshot_random_test.cpp - files written by a second writer of the format, from random numbers:
// what is restored is what they say.
#include <random>

#include "base/hash_map.h"
#include "engine/snapshot.h"
#include "support/snapshots.h"

using namespace inlay::test;
using namespace inlay::test::snapshots;

namespace {

constexpr std::uint32_t most_tokens = 300;
constexpr std::uint32_t heads = 2;  // of keys and values in a layer of the model

// What a sequence is after the records so far. A cell is a number, from which its bytes follow.
struct Expected {
  Ids ids;
  std::vector<std::uint64_t> cells;  // (computed)
  std::uint32_t computed() const { return static_cast<std::uint32_t>(cells.size()); }
};

// A writer that shares nothing with the library's but the structs.
class RandomFile {
 public:
  // `like`: a record of the session that is to restore the file.
  RandomFile(const Bytes& like, std::mt19937& random) : random_(random) {
    std::memcpy(&header_, like.data(), sizeof header_);
    header_.version = 1 + below(inlay::snapshot_version);
    row_bytes_ = static_cast<std::uint32_t>(header_.token_bytes / (2 * header_.slots * heads));
    rows_ = 2 * header_.slots * heads;
    sequences_.resize(1 + below(4));
    write_whole();
    for (std::uint32_t more = below(7); more > 0; --more) write_more();
  }

  const Bytes& bytes() const { return bytes_; }
  const std::vector<Expected>& sequences() const { return sequences_; }
  std::size_t token_bytes() const { return header_.token_bytes; }

  // Page by page, in it row by row, in it token by token.
  void put_cells(const Expected& s, std::uint32_t from, std::uint32_t to, Bytes& out) const {
    for (std::uint32_t at = from, end = 0; at < to; at = end) {
      end = std::min(to, (at / 64 + 1) * 64);
      for (std::uint32_t row = 0; row < rows_; ++row) {
        for (std::uint32_t token = at; token < end; ++token) {
          const std::uint64_t cell = s.cells[token] << 32 | row << 16;
          for (std::uint32_t i = 0; i < row_bytes_; ++i) {
            out.push_back(static_cast<std::uint8_t>(inlay::hash_of(cell | i)));
          }
        }
      }
    }
  }

 private:
  std::uint32_t below(std::uint32_t bound) { return random_() % bound; }
  std::uint32_t some_length() {
    const std::uint32_t lengths[] = {below(12), 64 * below(3) + below(3), below(150)};
    return lengths[below(3)];
  }

  void put(const void* data, std::size_t size) {
    const auto* from = static_cast<const std::uint8_t*>(data);
    bytes_.insert(bytes_.end(), from, from + size);
  }

  std::size_t begin_record(inlay::RecordKind kind, std::size_t sequences) {
    const std::size_t at = bytes_.size();
    header_.kind = kind;
    header_.sequences = static_cast<std::uint32_t>(sequences);
    put(&header_, sizeof header_);
    return at;
  }
  void end_record(std::size_t at) {
    const std::uint64_t size = bytes_.size() - at + 8;
    std::memcpy(bytes_.data() + at + offsetof(inlay::RecordHeader, bytes), &size, sizeof size);
    inlay::ByteHash hash;
    hash.add(bytes_.data() + at, bytes_.size() - at);
    const std::uint64_t sum = hash.result().low;
    put(&sum, sizeof sum);
  }

  void write_whole() {
    const std::size_t at = begin_record(inlay::RecordKind::whole, sequences_.size());
    for (std::uint32_t i = 0; i < sequences_.size(); ++i) {
      const std::uint32_t base = below(i + 1);  // 0: none
      Expected& s = sequences_[i];
      if (base) s = sequences_[base - 1];
      std::uint32_t from = below(s.computed() + 1);
      if (below(2)) from = from / 64 * 64;
      write_sequence(i + 1, base, from, s);
    }
    end_record(at);
  }
  void write_more() {
    const std::size_t at = begin_record(inlay::RecordKind::more, 1);
    const std::uint32_t i = below(static_cast<std::uint32_t>(sequences_.size()));
    Expected& s = sequences_[i];
    const std::uint32_t from = below(3) ? s.computed() : below(s.computed() + 1);
    write_sequence(i + 1, i + 1, from, s);
    end_record(at);
  }

  // The first `from` tokens of s stay, others come behind them.
  void write_sequence(std::uint32_t number, std::uint32_t base, std::uint32_t from, Expected& s) {
    const std::uint32_t tokens = std::min(most_tokens, from + some_length());
    const std::uint32_t computed = below(2) ? tokens : from + below(tokens - from + 1);
    s.ids.resize(from);
    s.cells.resize(from);
    while (s.ids.size() < tokens) s.ids.push_back(static_cast<std::int32_t>(3 + below(40)));
    while (s.cells.size() < computed) s.cells.push_back(++last_cell_);
    inlay::SequenceHeader h{};
    h.id = number;
    h.base = base;
    h.from = from;
    h.computed = computed;
    h.tokens = tokens;
    h.earlier = inlay::token_sum(s.ids.data(), 0, from);
    put(&h, sizeof h);
    if (header_.version >= 2) {
      inlay::MoreFields more{};
      more.states_begin = tokens;
      put(&more, sizeof more);
    }
    put(s.ids.data() + from, (tokens - from) * sizeof(std::int32_t));
    const std::uint32_t wanted = tokens - (base == number ? from : 0);
    bytes_.resize(bytes_.size() + (wanted + 7) / 8);
    put_cells(s, from, computed, bytes_);
  }

  std::mt19937& random_;
  inlay::RecordHeader header_;
  std::uint32_t row_bytes_ = 0, rows_ = 0;  // of all slots, heads, keys and values
  std::uint64_t last_cell_ = 0;
  std::vector<Expected> sequences_;
  Bytes bytes_;
};

}  // namespace

TEST_CASE("random files of another writer become what they say", "[api][snapshot]") {
  const TestModel model(tiny());
  TestSession session(model, roomy(5));
  const inlay_sequence witness = session.add();
  session.feed(witness, ids(30, 1));
  next(session);
  const Bytes like = save(session, witness);
  std::mt19937 random(5);
  for (int round = 0; round < 60; ++round) {
    INFO("round " << round);
    const RandomFile file(like, random);
    const auto restored = restore(session, file.bytes(), random() % 2);
    REQUIRE(restored.size() == file.sequences().size());
    for (std::size_t i = 0; i < restored.size(); ++i) {
      const Expected& expected = file.sequences()[i];
      REQUIRE(tokens_of(session, restored[i]) == expected.ids);
      const Bytes whole = save(session, restored[i]);
      inlay::SequenceHeader h;
      std::memcpy(&h, whole.data() + sizeof(inlay::RecordHeader), sizeof h);
      REQUIRE(h.computed >= expected.computed());  // more: another of the file has them
      const std::uint32_t pages_end = expected.computed() / 64 * 64;
      const std::uint32_t same = h.computed == expected.computed() ? h.computed : pages_end;
      Bytes cells;
      file.put_cells(expected, 0, same, cells);
      const std::size_t at = whole.size() - 8 - h.computed * file.token_bytes();
      REQUIRE(
          std::equal(cells.begin(), cells.end(), whole.begin() + static_cast<std::ptrdiff_t>(at)));
    }
    // Going back and forking on pages that are shared, then all in one file.
    for (const inlay_sequence q : restored) {
      const auto length = static_cast<std::uint32_t>(tokens_of(session, q).size());
      if (random() % 3 == 0) {
        REQUIRE(inlay_session_rewind(session.handle, q, random() % (length + 1), nullptr) == 0);
      }
    }
    TestSession other(model, roomy(5));
    const auto again = restore(other, save(session, 0));
    REQUIRE(again.size() == restored.size() + 1);
    for (const inlay_sequence q : restored) {
      const Ids expected = tokens_of(session, q);
      CHECK(std::any_of(again.begin(), again.end(),
                        [&](inlay_sequence copy) { return tokens_of(other, copy) == expected; }));
      REQUIRE(inlay_session_drop(session.handle, q) == INLAY_OK);
    }
  }
  CHECK((save(session, witness) == like));
}
