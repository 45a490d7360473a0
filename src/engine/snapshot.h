// snapshot.h - the file of saved sequences: its records, byte for byte (docs/snapshot.md), and
// their checksum.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "base/sink.h"
#include "base/source.h"
#include "engine/fingerprint.h"
#include "engine/kv_cache.h"
#include "sample/stage.h"

namespace inlay {

inline constexpr char snapshot_magic[8] = {'I', 'N', 'L', 'A', 'Y', 'K', 'V', '\0'};
inline constexpr std::uint32_t snapshot_version = 2;
inline constexpr std::uint32_t oldest_snapshot_version =
    1;  // without MoreFields and what they count
// Of the order of sums (docs/architecture.md): keys and values of another order are other bits.
inline constexpr std::uint32_t order_version = 1;
inline constexpr std::size_t checksum_bytes = 8;

static_assert(std::endian::native == std::endian::little,
              "numbers are read and written as they are");

// A file is one `whole` record and any number of `more`.
enum class RecordKind : std::uint32_t {
  whole = 1,  // sequences 1, 2 ... of the file
  more = 2    // how one of them goes on
};

// A record: this, its sequences, checksum_bytes.
struct RecordHeader {
  char magic[8];
  std::uint32_t version;
  RecordKind kind;
  std::uint64_t bytes;  // of the whole record
  Fingerprint model;
  std::uint32_t order;
  std::uint32_t key_type, value_type;  // INLAY_KV_...
  std::uint32_t page_tokens;           // cells are grouped by pages of so many
  std::uint32_t slots;                 // of a page
  std::uint32_t sequences;
  std::uint64_t token_bytes;  // cells of one token
  std::uint64_t reserved;     // 0
};
static_assert(sizeof(RecordHeader) == 80);

enum : std::uint32_t { sequence_samples = 1, sequence_ignores_end = 2, known_sequence_flags = 3 };

// The sampler's options; all zero without a sampler.
struct SamplerFields {
  float temperature;
  std::uint32_t top_k;
  float top_p, min_p;
  float repeat_penalty, frequency_penalty, presence_penalty;
  std::uint32_t penalty_window;
  std::uint64_t seed, stream;
};
static_assert(sizeof(SamplerFields) == 48);

// From version 2 on: the other options of the sampler, all zero without one, and what a sequence
// tells as text. Behind them: stages, texts that break a repetition, lengths of the stop texts,
// their bytes, and the states of a sampler that steers, behind the tokens [states_begin, tokens).
struct MoreFields {
  float typical_p, top_n_sigma;
  float xtc_probability, xtc_threshold;
  float dry_multiplier, dry_base;
  std::uint32_t dry_allowed_length, dry_window;
  float dynatemp_range, dynatemp_exponent;
  std::uint32_t mirostat;
  float mirostat_tau, mirostat_eta;
  float adaptive_target, adaptive_decay;
  std::uint32_t infill;
  std::uint32_t logprobs, logprobs_of;
  std::uint32_t stages, breakers;        // how many
  std::uint32_t stop_texts, stop_bytes;  // how many
  std::uint32_t begun, text_begin;       // first token of the sampler's state, of the text
  std::uint32_t states_begin, reserved;
};
static_assert(sizeof(MoreFields) == 104);

// A text that breaks a repetition; bytes behind its length are zero.
struct BreakerField {
  std::uint8_t length;
  char bytes[ShortTexts::longest];
};
static_assert(sizeof(BreakerField) == 33);

// A sequence: this, stop tokens, biases (inlay_logit_bias), MoreFields and what they count, ids of
// the tokens [from, tokens), a bit
// for each token of [wanted_begin, tokens) whether its logits are wanted, the lowest bit first, and
// the cells of [from, computed): page by page, in it slot by slot, keys before values, head by
// head.
struct SequenceHeader {
  std::uint64_t id;    // counted from 1 in a `whole` record
  std::uint64_t base;  // whose first `from` tokens it has: an earlier sequence of the record,
                       // itself in `more`, 0 for none
  std::uint32_t from, computed, tokens;
  std::uint32_t flags;
  std::uint64_t earlier;      // token_sum of [0, from)
  std::uint64_t tokens_left;  // of a generation; UINT64_MAX: no limit; 0 without a sampler
  std::uint64_t dropped;      // tokens that the context policy forgot
  std::uint32_t policy, keep;
  std::uint32_t stops, biases;
  SamplerFields sampler;

  std::uint32_t wanted_begin() const { return base == id ? from : 0; }
};
static_assert(sizeof(SequenceHeader) == 120);

// A hash of the tokens [begin, end) at their positions; those of two neighbouring ranges add up.
std::uint64_t token_sum(const std::int32_t* ids, std::uint32_t begin, std::uint32_t end);

SamplerFields fields_of(const inlay_sampler_options& options);
// Those of the sampler's options that are numbers.
MoreFields more_fields_of(const inlay_sampler_options& options);
// What the fields say over the defaults; lists are empty.
inlay_sampler_options options_of(const SamplerFields& fields, const MoreFields* more);
// Bytes of what stands behind MoreFields.
std::uint64_t more_bytes(const MoreFields& more, std::uint32_t tokens);

// Bytes behind a SequenceHeader, but for MoreFields and what they count; false: more than a number
// can say.
bool body_bytes(const SequenceHeader& sequence, std::uint64_t token_bytes, std::uint64_t* bytes);

// What every record of a session has; `bytes`, `kind` and `sequences` are open.
RecordHeader describe(const Model& model, KvTypes types, std::span<const KvPlace> places);

// The header of the record at `offset`, which lies in the file as a whole, has the right checksum
// and fits `own`. Errors: FORMAT, UNSUPPORTED, IO, CANCELLED.
Status read_header(const Source& source, std::uint64_t offset, const RecordHeader& own,
                   RecordHeader* header, Error& error);

// Calls f(offset in the page, bytes of a row) for the rows of every slot, keys, values and head, in
// the order of the file, until it is an error.
template <class Function>
Status for_rows(std::span<const KvPlace> places, Function f) {
  for (const KvPlace& place : places) {
    for (const bool keys : {true, false}) {
      const std::uint64_t row = keys ? place.key_row : place.value_row;
      for (std::uint32_t head = 0; head < place.kv_heads; ++head) {
        INLAY_TRY(f((keys ? place.keys : place.values) + head * page_tokens * row, row));
      }
    }
  }
  return Status::ok;
}

// Writes one record to a sink and knows its checksum.
class RecordWriter {
 public:
  RecordWriter(Sink& sink, Error& error) : sink_(sink), error_(error) {}

  Status write(const void* data, std::size_t size) {
    hash_.add(data, size);
    return sink_.write(data, size, error_);
  }
  template <class T>
  Status write(const T& value) {
    return write(&value, sizeof value);
  }
  Status end() {
    const std::uint64_t checksum = hash_.result().low;
    return sink_.write(&checksum, sizeof checksum, error_);
  }

 private:
  Sink& sink_;
  Error& error_;
  ByteHash hash_;
};

}  // namespace inlay
