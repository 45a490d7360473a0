// decoder.cpp - the steps over the spelling of one token.
#include "text/decoder.h"

#include <algorithm>
#include <utility>

#include "text/byte_level.h"

namespace inlay {
namespace {

std::string_view view_of(const Array<char>& text) { return {text.data(), text.size()}; }

// So that a small file cannot ask for much time or memory: steps, and bytes that all replacements
// together may make of one.
constexpr std::size_t most_steps = 32;
constexpr std::size_t most_growth = 32;

// The word before the first space, which is taken off `rest`.
std::string_view take_word(std::string_view& rest) {
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const std::string_view word = slice(rest, 0, space);
  rest = slice(rest, std::min(space + 1, rest.size()), rest.size());
  return word;
}

bool take_number(std::string_view& rest, std::size_t& number) {
  const std::string_view word = take_word(rest);
  number = 0;
  for (const char c : word) {
    if (c < '0' || c > '9' || number > 100000) return false;
    number = number * 10 + static_cast<std::size_t>(c - '0');
  }
  return !word.empty();
}

Status set_text(std::string_view text, Array<char>& out) {
  out.clear();
  return out.append({text.data(), text.size()});
}

// Replaces every `from`, which is not empty.
Status replace_all(std::string_view from, std::string_view to, Array<char>& text,
                   Array<char>& scratch) {
  std::string_view rest = view_of(text);
  if (rest.find(from) == std::string_view::npos) return Status::ok;
  scratch.clear();
  while (!rest.empty()) {
    const std::size_t at = std::min(rest.find(from), rest.size());
    INLAY_TRY(scratch.append({rest.data(), at}));
    if (at == rest.size()) break;
    INLAY_TRY(scratch.append({to.data(), to.size()}));
    rest = slice(rest, at + from.size(), rest.size());
  }
  text.swap(scratch);
  return Status::ok;
}

Status unmap(Array<char>& text, Array<char>& scratch) {
  if (is_error(scratch.resize(text.size()))) return Status::memory;
  const std::int64_t count = bytes_of_text(view_of(text), scratch.data());
  return count < 0 ? Status::ok : set_text({scratch.data(), std::size_t(count)}, text);
}

// Spaces that English text does not have.
constexpr std::pair<std::string_view, std::string_view> cleanups[] = {
    {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
    {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
    {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
};

Status wordpiece(std::string_view rest, bool is_first, Array<char>& text, Array<char>& scratch) {
  const bool cleans = take_word(rest) == "1";
  const std::string_view prefix = rest;
  if (!is_first) {
    const std::string_view spelling = view_of(text);
    const bool goes_on = spelling.starts_with(prefix);
    scratch.clear();
    if (!goes_on) INLAY_TRY(scratch.push(' '));
    const std::string_view tail = slice(spelling, goes_on ? prefix.size() : 0, spelling.size());
    INLAY_TRY(scratch.append({tail.data(), tail.size()}));
    text.swap(scratch);
  }
  if (!cleans) return Status::ok;
  for (const auto& [from, to] : cleanups) INLAY_TRY(replace_all(from, to, text, scratch));
  return Status::ok;
}

Status strip(std::string_view rest, Array<char>& text, Array<char>& scratch) {
  std::size_t start = 0, stop = 0;
  take_number(rest, start);
  take_number(rest, stop);
  std::string_view left = view_of(text);
  while (start-- > 0 && left.starts_with(rest)) left.remove_prefix(rest.size());
  while (stop-- > 0 && left.ends_with(rest)) left.remove_suffix(rest.size());
  INLAY_TRY(set_text(left, scratch));
  text.swap(scratch);
  return Status::ok;
}

Status replace(std::string_view rest, Array<char>& text, Array<char>& scratch) {
  std::size_t size = 0;
  take_number(rest, size);
  return replace_all(slice(rest, 0, size), slice(rest, size, rest.size()), text, scratch);
}

}  // namespace

Status Decoders::check(Error& error) {
  if (steps_.size() > most_steps) {
    return fail(error, Status::limit, "{} decoders, at most {}", steps_.size(), most_steps);
  }
  bool fused = false;
  std::size_t growth = 1;
  for (const std::string_view step : steps_) {
    std::string_view rest = step;
    const std::string_view name = take_word(rest);
    std::size_t first = 0, second = 0;
    bool good = false;
    if (name == "fuse") fused = good = true;
    if (name == "bytes" || name == "byte_fallback") good = true;
    if (name == "strip_text") good = strips_text_ = fused;
    if (name == "metaspace") good = rest == "always" || rest == "first" || rest == "never";
    if (name == "wordpiece")
      good = (rest.starts_with("0 ") || rest.starts_with("1 ")) && rest.size() > 2;
    if (name == "replace") {
      good = take_number(rest, first) && first > 0 && first <= rest.size();
      if (good) growth *= std::clamp((rest.size() - 1) / first, std::size_t{1}, most_growth + 1);
      if (growth > most_growth) {
        return fail(error, Status::limit, "decoder '{}': a byte becomes {} by now, at most {}",
                    Shown(step), growth, most_growth);
      }
    }
    if (name == "strip")
      good = take_number(rest, first) && take_number(rest, second) && !rest.empty();
    if (!good || (fused && name != "fuse" && name != "strip_text" && name != "byte_fallback")) {
      return fail(error, Status::unsupported, "decoder '{}' is not known here", Shown(step));
    }
    const bool looks = name == "wordpiece" || (name == "metaspace" && rest != "never");
    depends_on_place_ = depends_on_place_ || looks;
  }
  return Status::ok;
}

Status Decoders::run(bool is_first, Array<char>& text, Array<char>& scratch) const {
  for (const std::string_view step : steps_) {
    std::string_view rest = step;
    const std::string_view name = take_word(rest);
    if (name == "bytes") INLAY_TRY(unmap(text, scratch));
    if (name == "replace") INLAY_TRY(replace(rest, text, scratch));
    if (name == "wordpiece") INLAY_TRY(wordpiece(rest, is_first, text, scratch));
    if (name == "strip") INLAY_TRY(strip(rest, text, scratch));
    if (name == "metaspace") {
      const bool drops = is_first && rest != "never";
      INLAY_TRY(replace_all(space_mark, drops ? "" : " ", text, scratch));
    }
  }
  return Status::ok;
}

}  // namespace inlay
