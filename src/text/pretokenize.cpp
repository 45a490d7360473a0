// pretokenize.cpp - the steps over pieces of a text: each cuts or writes what the one before left.
#include "text/pretokenize.h"

#include <algorithm>
#include <iterator>

#include "text/byte_level.h"
#include "text/pattern.h"
#include "text/pre_patterns.h"

namespace inlay {
namespace {

constexpr std::string_view cut_names[] = {"isolated",         "contiguous", "merged_with_previous",
                                          "merged_with_next", "removed",    "kept"};

bool find_cut(std::string_view name, Cut& cut) {
  for (std::size_t i = 0; i < std::size(cut_names); ++i) {
    if (name != cut_names[i]) continue;
    cut = static_cast<Cut>(i);
    return true;
  }
  return false;
}

// The word before the first space, which is taken off `rest`.
std::string_view take_word(std::string_view& rest) {
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const std::string_view word = slice(rest, 0, space);
  rest = slice(rest, std::min(space + 1, rest.size()), rest.size());
  return word;
}

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

constexpr std::string_view known_sets[] = {"punctuation", "digit", "space", "mark", "line"};

}  // namespace

// ---- Compiling

Status Pretokenizer::push(Step step, Error& error) {
  if (count_ == max_steps) return fail(error, Status::limit, "over {} patterns", max_steps);
  steps_[count_++] = std::move(step);
  return Status::ok;
}

Status Pretokenizer::add_pattern(std::string_view pattern, Cut cut, Error& error) {
  Step step;
  step.cut = cut;
  step.splitter = find_splitter(pattern);
  // Hand-written splitters leave nothing between two matches, so cuts are all the same but these.
  const bool plain = cut == Cut::isolated;
  if (step.splitter && plain) {
    step.kind = Kind::written;
    return push(std::move(step), error);
  }
  if (pattern == "\\p{N}" && (plain || cut == Cut::contiguous)) {
    step.kind = Kind::set;
    step.set = PointSet::number;
    return push(std::move(step), error);
  }
  if (pattern == INLAY_PRE_THREES_OF_WORD || pattern == INLAY_PRE_THREES_CUT) {
    step.kind = pattern == INLAY_PRE_THREES_CUT ? Kind::threes_cut : Kind::threes_of_word;
    return push(std::move(step), error);
  }
  INLAY_TRY(step.matcher.compile(pattern, *allocator_, error));
  return push(std::move(step), error);
}

Status Pretokenizer::compile(const PretokenizerRule& rule, Error& error) {
  for (std::size_t i = 0; i < max_patterns && rule.patterns[i]; ++i) {
    INLAY_TRY(add_pattern(rule.patterns[i], Cut::isolated, error));
  }
  return Status::ok;
}

Status Pretokenizer::compile(std::span<const std::string_view> steps, Error& error) {
  Array<char> pattern(*allocator_);
  for (const std::string_view step : steps) {
    if (step == "bytes") {
      if (bytes_from_ == max_steps) bytes_from_ = count_;
      continue;
    }
    INLAY_TRY(add_step(step, pattern, error));
    if (bytes_from_ < max_steps && writes_text(steps_[count_ - 1])) {
      return fail(error, Status::unsupported, "'{}' after 'bytes'", Shown(step));
    }
  }
  return Status::ok;
}

Status Pretokenizer::add_set(std::string_view step, Error& error) {
  std::string_view rest = step;
  take_word(rest);
  Step added;
  const bool has_cut = find_cut(take_word(rest), added.cut);
  const auto* name = std::find(std::begin(known_sets), std::end(known_sets), rest);
  if (!has_cut || name == std::end(known_sets)) {
    return fail(error, Status::format, "'{}' is no 'set <cut> <set>'", Shown(step));
  }
  added.kind = Kind::set;
  if (rest == "punctuation") added.set = PointSet::punctuation;
  if (rest == "digit") added.set = PointSet::digit;
  if (rest == "space") added.kind = Kind::space;
  if (rest == "mark") added.kind = Kind::mark;
  if (rest == "line") added.kind = Kind::line;
  return push(std::move(added), error);
}

Status Pretokenizer::add_metaspace(std::string_view scheme, Error& error) {
  Step added;
  added.kind = Kind::metaspace;
  if (scheme == "always") {
    added.scheme = Scheme::always;
  } else if (scheme == "first") {
    added.scheme = Scheme::first;
    needs_origins_ = true;
  } else if (scheme != "never") {
    return fail(error, Status::format, "'metaspace {}' is not known", Shown(scheme));
  }
  return push(std::move(added), error);
}

Status Pretokenizer::add_step(std::string_view step, Array<char>& pattern, Error& error) {
  std::string_view rest = step;
  const std::string_view name = take_word(rest);
  if (name == "set") return add_set(step, error);
  if (name == "metaspace") return add_metaspace(rest, error);
  if (step == "words" || step == "prefix_space") {
    Step added;
    added.kind = step == "words" ? Kind::words : Kind::prefix;
    return push(std::move(added), error);
  }
  Cut cut;
  if (!find_cut(name, cut) || name.size() == step.size()) {
    return fail(error, Status::format, "'{}' is no '<cut> <pattern>'", Shown(step));
  }
  INLAY_TRY(translate_pattern(rest, pattern, error));
  INLAY_TRY(add_pattern({pattern.data(), pattern.size()}, cut, error));
  const Step& added = steps_[count_ - 1];
  if (added.kind != Kind::pattern || !added.matcher.matches_nothing()) return Status::ok;
  return fail(error, Status::unsupported, "pattern '{}': it may match no text at all", Shown(rest));
}

// ---- Running

struct Pretokenizer::Run {
  AlignedView& text;
  Array<std::uint32_t>& ends;
  Error& error;
  Search search;
  std::size_t begin = 0, end = 0;  // of the piece in hand

  Status memory() { return fail_memory(error, "pre-tokenizer"); }
  std::string_view piece() const { return slice(text.text, begin, end); }

  // Calls on_piece() for every piece that is cut further; others stay.
  template <class OnPiece>
  Status each(const Array<std::uint32_t>& pieces, OnPiece on_piece) {
    begin = 0;
    for (const std::uint32_t closed : pieces) {
      end = closed & ~left_out;
      if (closed & left_out) {
        if (is_error(ends.push(closed))) return memory();
      } else {
        INLAY_TRY(on_piece());
      }
      begin = end;
    }
    return Status::ok;
  }

  // The piece is a text of its own: patterns do not look beyond it.
  Status match(const Step& step) {
    Cutter cutter(step.cut, ends);
    std::size_t done = 0;
    while (begin + done < end) {
      bool found = false;
      std::size_t first = 0, last = 0;
      INLAY_TRY(search.find(step.matcher, piece(), done, found, first, last, error));
      if (!found) break;
      if ((first > done && is_error(cutter.add(begin + first, false))) ||
          is_error(cutter.add(begin + last, true))) {
        return memory();
      }
      done = last;
    }
    return begin + done < end && is_error(cutter.add(end, false)) ? memory() : Status::ok;
  }

  Status split_written(const Step& step) {
    const std::string_view whole = piece();
    for (std::size_t at = 0; at < whole.size();) {
      at = step.splitter(whole, at);
      if (is_error(ends.push(static_cast<std::uint32_t>(begin + at)))) return memory();
    }
    return Status::ok;
  }

  // Patterns see well-formed text only; a byte that is none is a piece of its own.
  template <class OnRun>
  Status each_run(OnRun on_run) {
    const std::size_t last = end;
    while (begin < last) {
      end = begin + utf8_valid_prefix(slice(text.text, begin, last));
      if (end > begin) INLAY_TRY(on_run());
      begin = end;
      if (begin == last) break;
      if (is_error(ends.push(static_cast<std::uint32_t>(++begin)))) return memory();
    }
    end = last;
    return Status::ok;
  }

  // Every character for which is_match says so is a match.
  template <class IsMatch>
  Status split_characters(Cut cut, IsMatch is_match) {
    Cutter cutter(cut, ends);
    std::size_t done = begin;
    for (std::size_t at = begin; at < end;) {
      const Utf8Step step = utf8_step(slice(text.text, at, end));
      const bool whole = step.kind == Utf8::whole;
      const std::size_t next = at + (whole ? step.length : 1);
      if (whole && is_match(step.point)) {
        if ((at > done && is_error(cutter.add(at, false))) || is_error(cutter.add(next, true))) {
          return memory();
        }
        done = next;
      }
      at = next;
    }
    return done < end && is_error(cutter.add(end, false)) ? memory() : Status::ok;
  }

  // \w+|[^\w\s]+, spaces left out
  Status split_words() {
    const auto kind = [](char32_t c) { return is_in(PointSet::word, c) ? 1 : is_space(c) ? 0 : 2; };
    for (std::size_t at = begin; at < end;) {
      int first = -1;
      while (at < end) {
        const Utf8Step step = utf8_step(slice(text.text, at, end));
        const bool whole = step.kind == Utf8::whole;
        const int here = whole ? kind(step.point) : 2;
        if (first >= 0 && here != first) break;
        first = here;
        at += whole ? step.length : 1;
      }
      const auto closed = static_cast<std::uint32_t>(at);
      if (is_error(ends.push(first ? closed : closed | left_out))) return memory();
    }
    return Status::ok;
  }

  static bool is_digit(char32_t c) { return category_of(c) == Category::Nd; }

  // The end of the run of decimal digits at `at`, and their number.
  std::size_t run_of_digits(std::size_t at, std::size_t& count) const {
    for (count = 0; at < end; ++count) {
      const Utf8Step step = utf8_step(slice(text.text, at, end));
      if (!is_digit(step.point)) break;
      at += step.length;
    }
    return at;
  }

  // Of \b in the reference, to which the fractions and raised digits of Latin-1 are of words, too.
  bool is_word_at(std::size_t at) const {
    if (at >= end) return false;
    const char32_t point = utf8_step(slice(text.text, at, end)).point;
    if (point < 256) return is_in(PointSet::word, point) || is_in(PointSet::number, point);
    return is_in(PointSet::word, point) && point != 0x200c && point != 0x200d;
  }

  // INLAY_PRE_THREES_OF_WORD and INLAY_PRE_THREES_CUT, of which the latter leaves what stands
  // before and after the threes with the digits beside it.
  Status split_threes(bool only_cuts) {
    std::size_t done = begin;
    const auto cut_at = [&](std::size_t at) {
      const bool cuts = at > done;
      done = at;
      return cuts ? ends.push(static_cast<std::uint32_t>(at)) : Status::ok;
    };
    for (std::size_t at = begin; at < end;) {
      std::size_t count = 0;
      const std::size_t run_end = run_of_digits(at, count);
      if (count == 0) {
        at += utf8_step(slice(text.text, at, end)).length;
        continue;
      }
      const bool counts = only_cuts || !is_word_at(run_end);
      if (counts && !only_cuts && is_error(cut_at(at))) return memory();
      for (; at < run_end; at += utf8_step(slice(text.text, at, end)).length, --count) {
        if (counts && count % 3 == 0 && is_error(cut_at(at))) return memory();
      }
      if (counts && !only_cuts && is_error(cut_at(at))) return memory();
    }
    return is_error(cut_at(end)) ? memory() : Status::ok;
  }

  Status cut(const Step& step) {
    switch (step.kind) {
      case Kind::pattern: return each_run([&] { return match(step); });
      case Kind::written: return each_run([&] { return split_written(step); });
      case Kind::set:
        return split_characters(step.cut, [&](char32_t c) { return is_in(step.set, c); });
      case Kind::space: return split_characters(step.cut, is_space);
      case Kind::mark: return split_characters(step.cut, [](char32_t c) { return c == 0x2581; });
      case Kind::line: return split_characters(step.cut, [](char32_t c) { return c == '\n'; });
      case Kind::words: return split_words();
      case Kind::threes_of_word: return each_run([&] { return split_threes(false); });
      case Kind::threes_cut: return each_run([&] { return split_threes(true); });
      default: return Status::internal;
    }
  }

  // Writes the pieces into `out`; those that are left out are gone then.
  Status write(const Step& step, const Array<std::uint32_t>& pieces, AlignedText& out) {
    begin = 0;
    for (const std::uint32_t closed : pieces) {
      end = closed & ~left_out;
      if (!(closed & left_out)) {
        const AlignedView part = text.part(begin, end);
        INLAY_TRY(step.kind == Kind::prefix ? write_prefixed(part, out)
                                            : write_marked(step.scheme, part, out));
        INLAY_TRY(ends.push(static_cast<std::uint32_t>(out.size())));
      }
      begin = end;
    }
    text = out.view();
    return Status::ok;
  }

  Status write_prefixed(const AlignedView& part, AlignedText& out) {
    if (!part.text.starts_with(' ')) INLAY_TRY(out.append(" ", part.gap(0)));
    return out.append(part);
  }

  Status write_marked(Scheme scheme, const AlignedView& part, AlignedText& out) {
    const bool has_mark = part.text.starts_with(' ') || part.text.starts_with(space_mark);
    const bool at_start =
        scheme == Scheme::always || (scheme == Scheme::first && part.origin(0).begin == 0);
    if (!has_mark && at_start) INLAY_TRY(out.append(space_mark, part.gap(0)));
    std::size_t done = 0;
    for (std::size_t at = 0; at < part.text.size(); ++at) {
      if (part.text[at] != ' ') continue;
      INLAY_TRY(out.append(part.part(done, at)));
      INLAY_TRY(out.append(space_mark, part.origin(at)));
      done = at + 1;
    }
    return out.append(part.part(done, part.text.size()));
  }
};

Status Pretokenizer::split(AlignedView& text, bool aligned, AlignedText& a, AlignedText& b,
                           Array<std::uint32_t>& ends, Error& error) const {
  ends.clear();
  constexpr std::size_t most = max_text_bytes / 16;
  constexpr std::size_t most_written = max_text_bytes / 4;  // byte-level characters take two bytes
  if (text.text.size() > most && count_) {
    return fail(error, Status::limit, "text: {} bytes, at most {}", text.text.size(), most);
  }
  Run run{text, ends, error, {}};
  Array<std::uint32_t> pieces(*allocator_);
  Array<char> mapped(*allocator_);
  AlignedView kept = text;
  AlignedText* out = &a;
  AlignedText* other = &b;
  const auto whole = static_cast<std::uint32_t>(text.text.size());
  if (whole && is_error(ends.push(whole))) return run.memory();
  for (std::size_t i = 0; i < count_; ++i) {
    if (i == bytes_from_) {
      kept = text;
      if (is_error(map_bytes(text.text, ends, mapped))) return run.memory();
      text = {{mapped.data(), mapped.size()}, nullptr, 0};
    }
    pieces.swap(ends);
    ends.clear();
    if (writes_text(steps_[i])) {
      out->start(aligned, most_written);
      const Status status = run.write(steps_[i], pieces, *out);
      if (out->is_full()) {
        return fail(error, Status::limit, "text: cutting {} bytes makes more than {}", whole,
                    most_written);
      }
      if (is_error(status)) return run.memory();
      std::swap(out, other);
    } else {
      INLAY_TRY(run.each(pieces, [&] { return run.cut(steps_[i]); }));
    }
  }
  if (bytes_from_ < count_) {
    unmap_ends(text.text, ends);
    text = kept;
  }
  return Status::ok;
}

Status Pretokenizer::split(std::string_view text, Array<std::uint32_t>& ends, Error& error) const {
  AlignedView view{text};
  AlignedText a(*allocator_), b(*allocator_);
  return split(view, false, a, b, ends, error);
}

}  // namespace inlay
