// mix.h - which type each tensor of a model gets for a name such as "Q4_K_M"; mixes.inc is the
// list.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "format/manifest.h"

namespace inlay {

// A line of mixes.inc. The types are names: a build may lack one of them.
struct Mix {
  const char* name;
  std::uint32_t file_type;  // general.file_type
  const char* base;
  const char* output;
  const char* embedding;
  bool is_plain() const;  // one type for all: no rule applies
};

// By its name, in upper or lower case; nullptr when there is none.
const Mix* find_mix(std::string_view name);
// The mixes whose types this build has; nullptr past the end.
const Mix* mix_at(std::uint32_t index);
// What "auto" tries, best first; nullptr past the end.
const Mix* mix_rung(std::uint32_t index);

// A type by its name, in upper or lower case.
bool find_type(std::string_view name, Type* type);

// The bytes of a row of k elements; 0 when k is no multiple of the type's block.
std::uint64_t row_bytes(Type type, std::uint64_t k);

// `pattern` against the whole of `text`: * stands for any text, ? for one character.
bool matches(std::string_view pattern, std::string_view text);

struct MixOptions {
  std::span<const inlay_keep> keep;  // the first that matches a matrix's name wins
  bool importance = false;           // there is an importance file
  inlay_log log{};                   // is told of every tensor that gets another type than meant
};

// The type of each tensor of `manifest`, in its order, to `types`. Vectors of halves become F32,
// integers stay. Errors: UNSUPPORTED (a type that this build lacks), ARGUMENT (`keep` names no type
// that floats can be encoded to), LIMIT (rows of 2^32 elements and more).
Status choose_types(const Manifest& manifest, const Mix& mix, const MixOptions& options,
                    std::span<Type> types, Error& error);

}  // namespace inlay
