// pretokenize.cpp - pre-tokenizer patterns run by PCRE2, with its memory from our allocator.
#include "text/pretokenize.h"

#include <algorithm>
#include <iterator>

#include "inlay/config.h"
#include "text/byte_level.h"
#include "text/pattern.h"
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

constexpr std::string_view cut_names[] = {"isolated",         "contiguous", "merged_with_previous",
                                          "merged_with_next", "removed",    "kept"};

// Turns matches and the text between them into the ends of pieces.
class Cutter {
 public:
  Cutter(Cut cut, Array<std::uint32_t>& ends) : cut_(cut), ends_(ends), begin_(ends.size()) {}

  Status add(std::size_t end, bool is_match) {
    const auto closed = static_cast<std::uint32_t>(end);
    const bool joins = ends_.size() > begin_ && joins_last(is_match);
    was_match_ = is_match;
    const bool out = (cut_ == Cut::removed && is_match) || (cut_ == Cut::kept && !is_match);
    if (!joins) return ends_.push(out ? closed | Pretokenizer::left_out : closed);
    ends_.back() = closed;
    return Status::ok;
  }

 private:
  bool joins_last(bool is_match) const {
    switch (cut_) {
      case Cut::contiguous: return is_match == was_match_;
      case Cut::merged_with_previous: return is_match && !was_match_;
      case Cut::merged_with_next: return !is_match && was_match_;
      default: return false;
    }
  }

  Cut cut_;
  Array<std::uint32_t>& ends_;
  std::size_t begin_;
  bool was_match_ = false;
};

// Bytes to the byte-level alphabet; the ends move along.
Status map_bytes(std::string_view text, Array<std::uint32_t>& ends, Array<char>& mapped) {
  std::size_t at = 0;
  for (std::uint32_t& end : ends) {
    for (; at < (end & ~Pretokenizer::left_out); ++at) {
      char bytes[4];
      const std::size_t size =
          write_utf8(character_of_byte(static_cast<unsigned char>(text[at])), bytes);
      INLAY_TRY(mapped.append({bytes, size}));
    }
    end = static_cast<std::uint32_t>(mapped.size()) | (end & Pretokenizer::left_out);
  }
  return Status::ok;
}

// And back: a byte per character.
void unmap_ends(std::string_view mapped, Array<std::uint32_t>& ends) {
  std::size_t at = 0;
  std::uint32_t count = 0;
  for (std::uint32_t& end : ends) {
    for (; at < (end & ~Pretokenizer::left_out); ++at) {
      count += (static_cast<unsigned char>(mapped[at]) & 0xc0) != 0x80;
    }
    end = count | (end & Pretokenizer::left_out);
  }
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
  for (std::size_t i = 0; i < count_; ++i) {
    pcre2_code_free(static_cast<pcre2_code*>(steps_[i].code));
  }
  pcre2_general_context_free(general(context_));
}

Status Pretokenizer::open(Error& error) {
  context_ = pcre2_general_context_create(pattern_allocate, pattern_release, allocator_);
  return context_ ? Status::ok : fail_memory(error, "pre-tokenizer");
}

Status Pretokenizer::add_step(std::string_view pattern, Cut cut, Error& error) {
  pcre2_compile_context* options = pcre2_compile_context_create(general(context_));
  if (!options) return fail_memory(error, "pre-tokenizer");
  pcre2_set_newline(options, PCRE2_NEWLINE_LF);
  int code = 0;
  std::size_t offset = 0;
  void* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                 PCRE2_UTF | PCRE2_UCP, &code, &offset, options);
  pcre2_compile_context_free(options);
  if (compiled) {
    steps_[count_++] = {compiled, cut};
    return Status::ok;
  }
  if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED) {
    return fail_memory(error, "pre-tokenizer pattern");
  }
  return fail(error, Status::unsupported, "pattern '{}': error {} at byte {}", Shown(pattern), code,
              offset);
}

Status Pretokenizer::compile(const PretokenizerRule& rule, Error& error) {
  INLAY_TRY(open(error));
  for (std::size_t i = 0; i < max_patterns && rule.patterns[i]; ++i) {
    INLAY_TRY(add_step(rule.patterns[i], Cut::isolated, error));
  }
  return Status::ok;
}

Status Pretokenizer::compile(std::span<const std::string_view> steps, Error& error) {
  INLAY_TRY(open(error));
  Array<char> pattern(*allocator_);
  for (const std::string_view step : steps) {
    if (step == "bytes") {
      if (bytes_from_ == max_steps) bytes_from_ = count_;
      continue;
    }
    if (count_ == max_steps) {
      return fail(error, Status::limit, "{} patterns, at most {}", steps.size(), max_steps);
    }
    INLAY_TRY(add_step(step, pattern, error));
  }
  return Status::ok;
}

Status Pretokenizer::add_step(std::string_view step, Array<char>& pattern, Error& error) {
  const std::size_t space = std::min(step.find(' '), step.size());
  const std::string_view name = slice(step, 0, space);
  for (std::size_t i = 0; i < std::size(cut_names) && space < step.size(); ++i) {
    if (name != cut_names[i]) continue;
    INLAY_TRY(translate_pattern(slice(step, space + 1, step.size()), pattern, error));
    INLAY_TRY(add_step({pattern.data(), pattern.size()}, static_cast<Cut>(i), error));
    std::uint32_t matches_nothing = 0;
    pcre2_pattern_info(static_cast<const pcre2_code*>(steps_[count_ - 1].code),
                       PCRE2_INFO_MATCHEMPTY, &matches_nothing);
    if (!matches_nothing) return Status::ok;
    return fail(error, Status::unsupported, "pattern '{}': it may match no text at all",
                Shown(slice(step, space + 1, step.size())));
  }
  return fail(error, Status::format, "'{}' is no '<cut> <pattern>'", Shown(step));
}

Status Pretokenizer::split(std::string_view text, Array<std::uint32_t>& ends, Error& error) const {
  ends.clear();
  if (text.size() > max_text_bytes) {
    return fail(error, Status::limit, "text: {} bytes, at most {}", text.size(), max_text_bytes);
  }
  Matching matching;
  if (!matching.open(context_, text.size())) return fail_memory(error, "pre-tokenizer");
  Array<std::uint32_t> pieces(*allocator_);
  Array<char> mapped(*allocator_);
  if (is_error(split_broken(text, ends))) return fail_memory(error, "pre-tokenizer");
  for (std::size_t i = 0; i < count_; ++i) {
    if (i == bytes_from_) {
      if (text.size() > max_text_bytes / 2) {
        return fail(error, Status::limit, "text: {} bytes, at most {}", text.size(),
                    max_text_bytes / 2);
      }
      if (is_error(map_bytes(text, ends, mapped))) return fail_memory(error, "pre-tokenizer");
      text = {mapped.data(), mapped.size()};
    }
    pieces.swap(ends);
    ends.clear();
    INLAY_TRY(split_by(steps_[i], text, pieces, matching, ends, error));
  }
  if (bytes_from_ < count_) unmap_ends(text, ends);
  return Status::ok;
}

Status Pretokenizer::split_by(const Step& step, std::string_view text,
                              const Array<std::uint32_t>& pieces, Matching& matching,
                              Array<std::uint32_t>& ends, Error& error) const {
  std::size_t begin = 0;
  for (const std::uint32_t piece : pieces) {
    const std::size_t end = piece & ~left_out;
    if ((piece & left_out) || is_lone_byte(slice(text, begin, end))) {
      if (is_error(ends.push(piece))) return fail_memory(error, "pre-tokenizer");
    } else {
      INLAY_TRY(split_piece(step, text.data(), begin, end, matching, ends, error));
    }
    begin = end;
  }
  return Status::ok;
}

// The piece is a text of its own: patterns do not look beyond it.
Status Pretokenizer::split_piece(const Step& step, const char* text, std::size_t begin,
                                 std::size_t end, Matching& matching, Array<std::uint32_t>& ends,
                                 Error& error) const {
  const auto* code = static_cast<const pcre2_code*>(step.code);
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text + begin);
  const std::size_t size = end - begin;
  const std::size_t* found = pcre2_get_ovector_pointer(matching.data);
  Cutter cutter(step.cut, ends);
  std::size_t done = 0;  // from `begin`
  while (done < size) {
    const int result = pcre2_match(code, subject, size, done, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                                   matching.data, matching.limits);
    if (result == PCRE2_ERROR_NOMATCH) break;
    if (result < 0) return match_failed(result, error);
    if ((found[0] > done && is_error(cutter.add(begin + found[0], false))) ||
        is_error(cutter.add(begin + found[1], true))) {
      return fail_memory(error, "pre-tokenizer");
    }
    done = found[1];
  }
  if (done < size && is_error(cutter.add(end, false))) return fail_memory(error, "pre-tokenizer");
  return Status::ok;
}

#else

Pretokenizer::~Pretokenizer() = default;

Status Pretokenizer::compile(const PretokenizerRule&, Error& error) {
  return fail(error, Status::unsupported, "tokenizer.ggml.model: 'gpt2' needs a build with PCRE2");
}

Status Pretokenizer::compile(std::span<const std::string_view>, Error& error) {
  return fail(error, Status::unsupported, "pre-tokenizer patterns need a build with PCRE2");
}

Status Pretokenizer::split(std::string_view, Array<std::uint32_t>&, Error& error) const {
  return fail(error, Status::unsupported, "tokenizer.ggml.model: 'gpt2' needs a build with PCRE2");
}

#endif

}  // namespace inlay
