// pretokenize.cpp - pre-tokenizer patterns run by PCRE2, with its memory from our allocator.
#include "text/pretokenize.h"

#include <algorithm>

#include "inlay/config.h"
#include "text/utf8.h"

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

constexpr bool is_lone_byte(std::string_view piece) {
  return piece.size() == 1 && static_cast<unsigned char>(piece[0]) >= 0x80;
}

// Cuts text into runs of well-formed characters and single other bytes.
Status split_broken(std::string_view text, Array<std::uint32_t>& ends) {
  bool in_run = false;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Step step = utf8_step(slice(text, i, text.size()));
    const bool whole = step.kind == Utf8::whole;
    i += whole ? step.length : 1;
    if (whole && in_run) {
      ends.back() = static_cast<std::uint32_t>(i);
    } else {
      INLAY_TRY(ends.push(static_cast<std::uint32_t>(i)));
    }
    in_run = whole;
  }
  return Status::ok;
}

}  // namespace

// What one call of split() needs to run patterns; freed with it.
struct Pretokenizer::Matching {
  pcre2_match_context* limits = nullptr;
  pcre2_match_data* data = nullptr;

  bool open(void* context, std::size_t text_size) {
    limits = pcre2_match_context_create(general(context));
    data = pcre2_match_data_create(1, general(context));
    if (!limits || !data) return false;
    // No rule needs more than a few steps per byte, and none nests.
    const std::uint64_t steps = static_cast<std::uint64_t>(text_size) * 8 + 10000;
    pcre2_set_match_limit(limits,
                          static_cast<std::uint32_t>(std::min<std::uint64_t>(steps, UINT32_MAX)));
    pcre2_set_depth_limit(limits, 1000);
    pcre2_set_heap_limit(limits, 1024);  // KiB
    return true;
  }
  ~Matching() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(limits);
  }
};

Pretokenizer::~Pretokenizer() {
  for (std::size_t i = 0; i < count_; ++i) pcre2_code_free(static_cast<pcre2_code*>(codes_[i]));
  pcre2_general_context_free(general(context_));
}

Status Pretokenizer::compile(const PretokenizerRule& rule, Error& error) {
  context_ = pcre2_general_context_create(pattern_allocate, pattern_release, allocator_);
  if (!context_) return fail_memory(error, "pre-tokenizer");
  pcre2_compile_context* options = pcre2_compile_context_create(general(context_));
  if (!options) return fail_memory(error, "pre-tokenizer");
  Status status = Status::ok;
  while (count_ < max_patterns && rule.patterns[count_] && !is_error(status)) {
    int code = 0;
    std::size_t offset = 0;
    codes_[count_] =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(rule.patterns[count_]), PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_UCP, &code, &offset, options);
    if (codes_[count_]) {
      ++count_;
    } else if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED) {
      status = fail_memory(error, "pre-tokenizer pattern");
    } else {
      status = fail(error, Status::internal, "pre-tokenizer pattern {}: error {} at {}", count_,
                    code, offset);
    }
  }
  pcre2_compile_context_free(options);
  return status;
}

Status Pretokenizer::split(std::string_view text, Array<std::uint32_t>& ends, Error& error) const {
  ends.clear();
  if (text.size() > max_text_bytes) {
    return fail(error, Status::limit, "text: {} bytes, at most {}", text.size(), max_text_bytes);
  }
  Matching matching;
  if (!matching.open(context_, text.size())) return fail_memory(error, "pre-tokenizer");
  Array<std::uint32_t> pieces(*allocator_);
  if (is_error(split_broken(text, ends))) return fail_memory(error, "pre-tokenizer");
  for (std::size_t i = 0; i < count_; ++i) {
    pieces.swap(ends);
    ends.clear();
    INLAY_TRY(split_by(i, text, pieces, matching, ends, error));
  }
  return Status::ok;
}

Status Pretokenizer::split_by(std::size_t pattern, std::string_view text,
                              const Array<std::uint32_t>& pieces, Matching& matching,
                              Array<std::uint32_t>& ends, Error& error) const {
  std::size_t begin = 0;
  for (const std::uint32_t end : pieces) {
    if (is_lone_byte(slice(text, begin, end))) {
      if (is_error(ends.push(end))) return fail_memory(error, "pre-tokenizer");
    } else {
      INLAY_TRY(split_piece(pattern, text.data(), begin, end, matching, ends, error));
    }
    begin = end;
  }
  return Status::ok;
}

// The piece is a text of its own: patterns do not look beyond it.
Status Pretokenizer::split_piece(std::size_t pattern, const char* text, std::size_t begin,
                                 std::size_t end, Matching& matching, Array<std::uint32_t>& ends,
                                 Error& error) const {
  const auto* code = static_cast<const pcre2_code*>(codes_[pattern]);
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text + begin);
  const std::size_t size = end - begin;
  const std::size_t* found = pcre2_get_ovector_pointer(matching.data);
  std::size_t cut = 0;  // end of the last piece, from `begin`
  while (cut < size) {
    const int result = pcre2_match(code, subject, size, cut, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                                   matching.data, matching.limits);
    if (result == PCRE2_ERROR_NOMATCH) break;
    if (result < 0) return match_failed(result, error);
    if (found[0] > cut && is_error(ends.push(static_cast<std::uint32_t>(begin + found[0])))) {
      return fail_memory(error, "pre-tokenizer");
    }
    cut = found[1];
    if (is_error(ends.push(static_cast<std::uint32_t>(begin + cut)))) {
      return fail_memory(error, "pre-tokenizer");
    }
  }
  if (cut < size && is_error(ends.push(static_cast<std::uint32_t>(end)))) {
    return fail_memory(error, "pre-tokenizer");
  }
  return Status::ok;
}

#else

Pretokenizer::~Pretokenizer() = default;

Status Pretokenizer::compile(const PretokenizerRule&, Error& error) {
  return fail(error, Status::unsupported, "tokenizer.ggml.model: 'gpt2' needs a build with PCRE2");
}

Status Pretokenizer::split(std::string_view, Array<std::uint32_t>&, Error& error) const {
  return fail(error, Status::unsupported, "tokenizer.ggml.model: 'gpt2' needs a build with PCRE2");
}

#endif

}  // namespace inlay
