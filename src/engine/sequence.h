// sequence.h - one sequence of a session: its tokens, how far they are computed, how it goes on.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

#include "engine/kv_cache.h"
#include "engine/watch.h"
#include "sample/sampler.h"
#include "text/text_watch.h"

namespace inlay {

// Which drawn tokens end a generation, besides the model's own ends.
struct StopRules {
  std::int32_t ids[INLAY_STOP_MAX];
  std::uint32_t count = 0;
  bool ignore_end = false;
  bool has(std::int32_t token) const {
    for (std::uint32_t i = 0; i < count; ++i) {
      if (ids[i] == token) return true;
    }
    return false;
  }
};

// What a sequence does, apart from its tokens: copied by fork, kept by snapshots.
struct Conduct {
  bool sampling = false;
  std::uint64_t tokens_left = 0;  // of a generation; UINT64_MAX: no limit
  std::uint32_t policy = INLAY_CONTEXT_STOP;
  std::uint32_t keep = 0;     // first tokens that are never dropped
  std::uint64_t dropped = 0;  // tokens that the policy forgot so far
  StopRules stop;
  Sampler sampler;
  std::uint32_t begun = 0;  // tokens before the first one that the sampler steers by
  // The text of the tokens from `text_begin` on, which is told, and what ends it.
  std::uint32_t text_begin = 0;
  TextState text{};
  StopTextsRef stop_texts;
};

// Small, since every pass looks at all of them; what is large stands elsewhere.
struct Sequence {
  Conduct& conduct;
  std::uint32_t generation = 0;  // odd while alive
  bool leaving = false;          // dropped, but rows of it are in flight
  bool waits = false;            // for cells that another sequence computes
  std::uint32_t leader = 0;      // slot of the one that it waited for last
  bool event = false;            // something of the last pass is to be told
  std::uint32_t computed = 0;    // tokens whose keys and values are in the cache
  std::uint32_t again = 0;       // 1: the last computed token is computed once more, for its logits
  std::uint32_t saved = 0;       // first tokens that its file has
  bool in_file = false;          // it was saved or restored
  std::uint32_t file_id = 0;     // which sequence of its file it is, from 1
  Chain chain{};
  Watch watch{};                        // the grammar of what it says, if there is one
  std::int32_t* ids = nullptr;          // (context)
  std::uint64_t* all_logits = nullptr;  // (context) bits: logits of this token are wanted
  float* states = nullptr;              // (context) of a sampler that steers, behind each token
  // The latest pass:
  std::uint32_t pass_tokens = 0;   // rows of it
  std::uint32_t wanted_first = 0;  // row of the logits
  std::uint32_t wanted = 0;        // rows of logits
  std::uint32_t wanted_position = 0;

  // Empty, with its memory; the chain holds nothing.
  void begin_life() {
    watch.end();
    begin_life_watched();
  }
  // With the watch that it has.
  void begin_life_watched() {
    ++generation;
    leaving = event = in_file = false;
    computed = again = saved = pass_tokens = wanted = 0;
    conduct = {};
  }
  bool alive() const { return generation & 1; }
  std::uint32_t length() const { return chain.tokens; }
  std::uint32_t begin() const { return computed - again; }  // of the next pass
  std::uint32_t pending() const { return length() - begin(); }
  bool ready() const { return pending() > 0 && !waits; }
  // Of the sampler, behind the last token.
  float state() const {
    return length() > conduct.begun ? states[length() - 1] : conduct.sampler.first_state();
  }
  std::uint32_t wanted_end() const { return wanted_position + wanted; }
  std::span<const std::int32_t> tokens() const { return {ids, length()}; }
  bool wants_all(std::uint32_t position) const {  // was fed so
    return all_logits[position / 64] >> (position % 64) & 1;
  }
  bool wants(std::uint32_t position) const {
    return position + 1 == length() || wants_all(position);
  }
  // From `position` on, at most 64 further.
  std::uint32_t first_wanted(std::uint32_t position) const {
    const std::uint64_t bits = all_logits[position / 64] >> (position % 64);
    const std::uint32_t end = bits ? position + static_cast<std::uint32_t>(std::countr_zero(bits))
                                   : position / 64 * 64 + 64;
    return std::min(end, length() - 1);
  }
  void want(std::uint32_t position, bool all) {
    const std::uint64_t bit = std::uint64_t{1} << (position % 64);
    std::uint64_t& word = all_logits[position / 64];
    word = all ? word | bit : word & ~bit;
  }
};

}  // namespace inlay
