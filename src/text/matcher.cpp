// matcher.cpp - calls PCRE2; without it every pattern is refused.
#include "text/matcher.h"

#include <algorithm>
#include <cstring>

#include "inlay/config.h"

#if INLAY_WITH_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif

namespace inlay {

#if INLAY_WITH_PCRE2
namespace {

// PCRE2 does not say how large a block it gives back; the size is kept before it.
constexpr std::size_t header = 16;

void* pattern_allocate(std::size_t size, void* user) {
  if (size > SIZE_MAX - header) return nullptr;
  void* block = static_cast<Allocator*>(user)->allocate(size + header, header);
  if (!block) return nullptr;
  std::memcpy(block, &size, sizeof size);
  return static_cast<char*>(block) + header;
}

void pattern_release(void* memory, void* user) {
  if (!memory) return;
  char* block = static_cast<char*>(memory) - header;
  std::size_t size = 0;
  std::memcpy(&size, block, sizeof size);
  static_cast<Allocator*>(user)->release(block, size + header, header);
}

pcre2_general_context* general(void* context) {
  return static_cast<pcre2_general_context*>(context);
}
pcre2_match_data* data_of(void* data) { return static_cast<pcre2_match_data*>(data); }

Status match_failed(int code, Error& error) {
  switch (code) {
    case PCRE2_ERROR_NOMEMORY: return fail_memory(error, "matching a pre-tokenizer pattern");
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_HEAPLIMIT:
      return fail(error, Status::limit, "a pre-tokenizer pattern took too many steps");
    default: return fail(error, Status::internal, "pre-tokenizer pattern: error {}", code);
  }
}

}  // namespace

Matcher::~Matcher() {
  pcre2_code_free(static_cast<pcre2_code*>(code_));
  pcre2_general_context_free(general(context_));
}

Status Matcher::compile(std::string_view pattern, Allocator& allocator, Error& error) {
  context_ = pcre2_general_context_create(pattern_allocate, pattern_release, &allocator);
  if (!context_) return fail_memory(error, "pre-tokenizer");
  pcre2_compile_context* options = pcre2_compile_context_create(general(context_));
  if (!options) return fail_memory(error, "pre-tokenizer");
  pcre2_set_newline(options, PCRE2_NEWLINE_LF);
  int code = 0;
  std::size_t offset = 0;
  code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                        PCRE2_UTF | PCRE2_UCP, &code, &offset, options);
  pcre2_compile_context_free(options);
  if (code_) return Status::ok;
  if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED) {
    return fail_memory(error, "pre-tokenizer pattern");
  }
  return fail(error, Status::unsupported, "pattern '{}': error {} at byte {}", Shown(pattern), code,
              offset);
}

bool Matcher::matches_nothing() const {
  std::uint32_t nothing = 0;
  pcre2_pattern_info(static_cast<const pcre2_code*>(code_), PCRE2_INFO_MATCHEMPTY, &nothing);
  return nothing != 0;
}

Search::~Search() {
  pcre2_match_data_free(data_of(data_));
  pcre2_match_context_free(static_cast<pcre2_match_context*>(limits_));
}

Status Search::open(const Matcher& matcher, std::size_t size, Error& error) {
  if (!limits_) limits_ = pcre2_match_context_create(general(matcher.context_));
  if (!data_) data_ = pcre2_match_data_create(1, general(matcher.context_));
  if (!limits_ || !data_) return fail_memory(error, "pre-tokenizer");
  auto* limits = static_cast<pcre2_match_context*>(limits_);
  // No rule needs more than a few steps per byte, and none nests.
  const std::uint64_t steps = static_cast<std::uint64_t>(size) * 8 + 10000;
  pcre2_set_match_limit(limits,
                        static_cast<std::uint32_t>(std::min<std::uint64_t>(steps, UINT32_MAX)));
  pcre2_set_depth_limit(limits, 1000);
  pcre2_set_heap_limit(limits, 1024);  // KiB
  size_ = size;
  return Status::ok;
}

Status Search::find(const Matcher& matcher, std::string_view text, std::size_t from, bool& found,
                    std::size_t& begin, std::size_t& end, Error& error) {
  if (!data_ || size_ < text.size()) INLAY_TRY(open(matcher, text.size(), error));
  const int result = pcre2_match(static_cast<const pcre2_code*>(matcher.code_),
                                 reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                                 PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data_of(data_),
                                 static_cast<pcre2_match_context*>(limits_));
  found = result >= 0;
  if (result == PCRE2_ERROR_NOMATCH) return Status::ok;
  if (result < 0) return match_failed(result, error);
  const std::size_t* places = pcre2_get_ovector_pointer(data_of(data_));
  begin = places[0];
  end = places[1];
  return Status::ok;
}

#else

Matcher::~Matcher() = default;
Search::~Search() = default;

Status Matcher::compile(std::string_view pattern, Allocator&, Error& error) {
  return fail(error, Status::unsupported, "pattern '{}' needs a build with PCRE2", Shown(pattern));
}
bool Matcher::matches_nothing() const { return false; }
Status Search::find(const Matcher&, std::string_view, std::size_t, bool& found, std::size_t&,
                    std::size_t&, Error&) {
  found = false;
  return Status::ok;
}

#endif

}  // namespace inlay
