// matcher.h - one regular expression, run by PCRE2 with its memory from our allocator.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/allocator.h"
#include "base/diagnostics.h"

namespace inlay {

// Immutable and thread-safe after compile(); movable.
class Matcher {
 public:
  Matcher() = default;
  Matcher(Matcher&& other) noexcept { swap(other); }
  Matcher& operator=(Matcher&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Matcher();

  // A pattern in PCRE2's syntax. UNSUPPORTED: it is none, or this build has no PCRE2; MEMORY.
  Status compile(std::string_view pattern, Allocator& allocator, Error& error);
  explicit operator bool() const { return code_ != nullptr; }
  // Whether it matches no text at all somewhere.
  bool matches_nothing() const;

 private:
  friend class Search;
  void swap(Matcher& other) {
    std::swap(context_, other.context_);
    std::swap(code_, other.code_);
  }

  void* context_ = nullptr;  // pcre2_general_context
  void* code_ = nullptr;     // pcre2_code
};

// What running patterns needs; one for each thread that does.
class Search {
 public:
  Search() = default;
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;
  ~Search();

  // The next match of at least a byte in `text` (valid UTF-8) at or after `from`; `found` false:
  // none. LIMIT: it needs more steps than any known pattern does; MEMORY.
  Status find(const Matcher& matcher, std::string_view text, std::size_t from, bool& found,
              std::size_t& begin, std::size_t& end, Error& error);

 private:
  Status open(const Matcher& matcher, std::size_t size, Error& error);

  void* limits_ = nullptr;  // pcre2_match_context
  void* data_ = nullptr;    // pcre2_match_data
  std::size_t size_ = 0;    // of the text that the limits are for
};

}  // namespace inlay
