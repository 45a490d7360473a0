// normalizer.cpp - the steps over text: each reads one and writes the next.
#include "text/normalizer.h"

#include <utility>

#include "text/forms.h"
#include "text/pattern.h"
#include "text/unicode.h"

namespace inlay {
namespace {

// Calls on_character(point, its range) for all characters, on_byte(range) for bytes that are none.
template <class OnCharacter>
Status each_character(const AlignedView& in, AlignedText& out, OnCharacter on_character) {
  for (std::size_t at = 0; at < in.text.size();) {
    const Utf8Step step = utf8_step(slice(in.text, at, in.text.size()));
    const bool whole = step.kind == Utf8::whole;
    const std::size_t end = at + (whole ? step.length : 1);
    INLAY_TRY(whole ? on_character(step.point, in.part(at, end)) : out.append(in.part(at, end)));
    at = end;
  }
  return Status::ok;
}

template <class Keep>
Status filter(const AlignedView& in, AlignedText& out, Keep keep) {
  return each_character(in, out, [&](char32_t point, const AlignedView& character) {
    return keep(point) ? out.append(character) : Status::ok;
  });
}

Status to_lower(const AlignedView& in, AlignedText& out) {
  return each_character(in, out, [&](char32_t point, const AlignedView& character) {
    if (point < 128 && !(point >= 'A' && point <= 'Z')) return out.append(character);
    char32_t lower[2];
    const std::size_t count = lower_case(point, lower);
    const TextRange origin = character.origin(0, character.text.size());
    for (std::size_t i = 0; i < count; ++i) INLAY_TRY(out.append(lower[i], origin));
    return Status::ok;
  });
}

Status clean(const AlignedView& in, AlignedText& out) {
  return each_character(in, out, [&](char32_t point, const AlignedView& character) {
    if (is_in(PointSet::bert_control, point)) return Status::ok;
    if (!is_space(point)) return out.append(character);
    return out.append(" ", character.origin(0, character.text.size()));
  });
}

Status space_ideographs(const AlignedView& in, AlignedText& out) {
  return each_character(in, out, [&](char32_t point, const AlignedView& character) {
    if (!is_bert_ideograph(point)) return out.append(character);
    const TextRange origin = character.origin(0, character.text.size());
    INLAY_TRY(out.append(" ", origin));
    INLAY_TRY(out.append(character));
    return out.append(" ", origin);
  });
}

// The characters that the Nmt normalizer leaves out, and those it makes spaces of.
bool nmt_removes(char32_t c) {
  return (c >= 1 && c <= 8) || c == 0x0b || (c >= 0x0e && c <= 0x1f) || c == 0x7f || c == 0x8f ||
         c == 0x9f;
}
bool nmt_spaces(char32_t c) {
  return c == 9 || c == 0x0a || c == 0x0c || c == 0x0d || c == 0x1680 ||
         (c >= 0x200b && c <= 0x200f) || c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xfeff ||
         c == 0xfffd;
}

Status nmt_step(const AlignedView& in, AlignedText& out) {
  return each_character(in, out, [&](char32_t point, const AlignedView& character) {
    if (nmt_removes(point)) return Status::ok;
    if (!nmt_spaces(point)) return out.append(character);
    return out.append(" ", character.origin(0, character.text.size()));
  });
}

Status strip_text(const AlignedView& in, bool left, bool right, AlignedText& out) {
  std::size_t begin = 0, end = 0;
  bool seen = false;
  for (std::size_t at = 0; at < in.text.size();) {
    const Utf8Step step = utf8_step(slice(in.text, at, in.text.size()));
    const bool whole = step.kind == Utf8::whole;
    const std::size_t next = at + (whole ? step.length : 1);
    if (!whole || !is_space(step.point)) {
      if (!seen) begin = at;
      seen = true;
      end = next;
    }
    at = next;
  }
  if (!seen) return Status::ok;
  return out.append(in.part(left ? begin : 0, right ? end : in.text.size()));
}

// A number and a space at the start of `rest` are taken off it.
bool take_size(std::string_view& rest, std::size_t& size) {
  size = 0;
  std::size_t digits = 0;
  while (digits < rest.size() && digits < 9 && rest[digits] >= '0' && rest[digits] <= '9') {
    size = size * 10 + static_cast<std::size_t>(rest[digits++] - '0');
  }
  if (!digits || digits >= rest.size() || rest[digits] != ' ') return false;
  rest.remove_prefix(digits + 1);
  return size <= rest.size();
}

}  // namespace

// ---- Loading

Status Normalizers::load(std::span<const std::string_view> steps,
                         std::span<const std::byte> charsmap, Error& error) {
  if (steps.size() > max_normalizers) {
    return fail(error, Status::limit, "{} normalizers, at most {}", steps.size(), max_normalizers);
  }
  if (!charsmap.empty()) INLAY_TRY(charsmap_.load(charsmap, error));
  if (is_error(steps_.reserve(steps.size()))) return fail_memory(error, "normalizer");
  for (const std::string_view step : steps) INLAY_TRY(add(step, error));
  return Status::ok;
}

Status Normalizers::keep(std::string_view text, std::uint32_t& begin, std::uint32_t& size) {
  begin = static_cast<std::uint32_t>(texts_.size());
  size = static_cast<std::uint32_t>(text.size());
  return texts_.append({text.data(), text.size()});
}

Status Normalizers::add(std::string_view word, Error& error) {
  static constexpr std::pair<std::string_view, Kind> names[] = {
      {"nfc", Kind::nfc},
      {"nfd", Kind::nfd},
      {"nfkc", Kind::nfkc},
      {"nfkd", Kind::nfkd},
      {"lowercase", Kind::lowercase},
      {"strip_accents", Kind::strip_accents},
      {"bert_accents", Kind::bert_accents},
      {"bert_clean", Kind::bert_clean},
      {"bert_ideographs", Kind::bert_ideographs},
      {"nmt", Kind::nmt},
      {"strip_left", Kind::strip_left},
      {"strip_right", Kind::strip_right},
      {"strip", Kind::strip},
      {"prepend", Kind::prepend},
      {"replace", Kind::replace},
      {"pattern", Kind::pattern},
      {"charsmap", Kind::charsmap},
      {"sentencepiece", Kind::sentencepiece}};
  const std::size_t space = word.find(' ');
  const std::string_view name = word.substr(0, space);
  const std::string_view rest =
      space == std::string_view::npos ? std::string_view{} : slice(word, space + 1, word.size());
  Step step{};
  bool known = false;
  for (const auto& [text, kind] : names) {
    if (text != name) continue;
    step.kind = kind;
    known = true;
  }
  if (!known) return fail(error, Status::unsupported, "normalizer '{}' is not known", Shown(word));
  const bool needs_forms = step.kind <= Kind::lowercase || step.kind == Kind::charsmap;
  if (needs_forms && !has_forms()) {
    return fail(error, Status::unsupported, "normalizer '{}' needs a build with utf8proc",
                Shown(word));
  }
  if (step.kind == Kind::charsmap && charsmap_.empty()) {
    return fail(error, Status::format, "normalizer 'charsmap' without a precompiled_charsmap");
  }
  if (step.kind == Kind::prepend && rest.size() > growth) {
    return fail(error, Status::limit, "normalizer '{}': {} bytes to prepend, at most {}",
                Shown(word), rest.size(), growth);
  }
  if (step.kind == Kind::prepend && is_error(keep(rest, step.to_begin, step.to_size))) {
    return fail_memory(error, "normalizer");
  }
  if (step.kind == Kind::sentencepiece) {
    step.prefix = rest.find('p') != std::string_view::npos;
    step.squeeze = rest.find('x') != std::string_view::npos;
    step.escape = rest.find('e') != std::string_view::npos;
  }
  if (step.kind == Kind::replace || step.kind == Kind::pattern) {
    INLAY_TRY(add_replace(word, rest, step, error));
  }
  return is_error(steps_.push(std::move(step))) ? fail_memory(error, "normalizer") : Status::ok;
}

Status Normalizers::add_replace(std::string_view word, std::string_view rest, Step& step,
                                Error& error) {
  std::size_t size = 0;
  if (!take_size(rest, size) || size == 0) {
    return fail(error, Status::format, "normalizer '{}' is no '<name> <bytes> <from><to>'",
                Shown(word));
  }
  const std::string_view from = slice(rest, 0, size), to = slice(rest, size, rest.size());
  if (to.size() > growth) {
    return fail(error, Status::limit, "normalizer '{}': {} bytes for a match, at most {}",
                Shown(word), to.size(), growth);
  }
  if (is_error(keep(from, step.from_begin, step.from_size)) ||
      is_error(keep(to, step.to_begin, step.to_size))) {
    return fail_memory(error, "normalizer");
  }
  if (step.kind == Kind::replace) return Status::ok;
  Array<char> pattern(*allocator_);
  INLAY_TRY(translate_pattern(from, pattern, error));
  INLAY_TRY(step.matcher.compile({pattern.data(), pattern.size()}, *allocator_, error));
  if (!step.matcher.matches_nothing()) return Status::ok;
  return fail(error, Status::unsupported, "normalizer '{}' replaces what may be empty",
              Shown(word));
}

// ---- Running

Status Normalizers::run(AlignedView& text, bool aligned, AlignedText& a, AlignedText& b,
                        Error& error) const {
  AlignedText* out = &a;
  AlignedText* other = &b;
  const std::size_t size = text.text.size();
  if (size > (max_text_bytes - growth_room) / growth) {
    return fail(error, Status::limit, "text: {} bytes to normalize, at most {}", size,
                (max_text_bytes - growth_room) / growth);
  }
  const std::size_t most = size * growth + growth_room;
  for (const Step& step : steps_) {
    out->start(aligned, most);
    const Status status = apply(step, text, *out, error);
    if (status == Status::memory) return fail_memory(error, "normalizing text");
    if (out->is_full()) {
      return fail(error, Status::limit, "normalizing {} bytes makes more than {}", size, most);
    }
    INLAY_TRY(status);
    text = out->view();
    std::swap(out, other);
  }
  return Status::ok;
}

Status Normalizers::apply(const Step& step, const AlignedView& in, AlignedText& out,
                          Error& error) const {
  switch (step.kind) {
    case Kind::nfc: return append_form(in, {false, true}, out);
    case Kind::nfd: return append_form(in, {false, false}, out);
    case Kind::nfkc: return append_form(in, {true, true}, out);
    case Kind::nfkd: return append_form(in, {true, false}, out);
    case Kind::lowercase: return to_lower(in, out);
    case Kind::strip_accents:
      return filter(in, out, [](char32_t c) { return c < 0x300 || !is_in(PointSet::accent, c); });
    case Kind::bert_accents:
      return filter(in, out,
                    [](char32_t c) { return c < 0x300 || !is_in(PointSet::bert_accent, c); });
    case Kind::bert_clean: return clean(in, out);
    case Kind::bert_ideographs: return space_ideographs(in, out);
    case Kind::nmt: return nmt_step(in, out);
    case Kind::strip_left: return strip_text(in, true, false, out);
    case Kind::strip_right: return strip_text(in, false, true, out);
    case Kind::strip: return strip_text(in, true, true, out);
    case Kind::prepend:
      if (!in.text.empty()) INLAY_TRY(out.append(to(step), in.gap(0)));
      return out.append(in);
    case Kind::replace: return replace(step, in, out);
    case Kind::pattern: return replace_matches(step, in, out, error);
    case Kind::charsmap: return map_clusters(in, out);
    case Kind::sentencepiece: return sentencepiece(step, in, out);
  }
  return Status::internal;
}

Status Normalizers::replace(const Step& step, const AlignedView& in, AlignedText& out) const {
  const std::string_view wanted = from(step);
  std::size_t done = 0;
  for (;;) {
    const std::size_t at = in.text.find(wanted, done);
    if (at == std::string_view::npos) break;
    INLAY_TRY(out.append(in.part(done, at)));
    done = at + wanted.size();
    INLAY_TRY(out.append(to(step), in.origin(at, done)));
  }
  return out.append(in.part(done, in.text.size()));
}

Status Normalizers::replace_matches(const Step& step, const AlignedView& in, AlignedText& out,
                                    Error& error) const {
  Search search;
  std::size_t done = 0;
  while (done < in.text.size()) {
    // Patterns see valid text only; a byte that is none stays.
    const std::size_t valid = utf8_valid_prefix(slice(in.text, done, in.text.size()));
    const std::size_t end = done + valid;
    const std::size_t start = done;
    for (bool found = true; done < end;) {
      std::size_t first = 0, last = 0;
      const std::string_view valid_text = slice(in.text, start, end);
      INLAY_TRY(search.find(step.matcher, valid_text, done - start, found, first, last, error));
      if (!found) break;
      INLAY_TRY(out.append(in.part(done, start + first)));
      INLAY_TRY(out.append(to(step), in.origin(start + first, start + last)));
      done = start + last;
    }
    INLAY_TRY(out.append(in.part(done, end)));
    done = end;
    if (done < in.text.size()) INLAY_TRY(out.append(in.part(done, done + 1)));
    if (done < in.text.size()) ++done;
  }
  return Status::ok;
}

// As the reference has it: a short cluster becomes what its shortest known beginning becomes; else
// each of its characters does.
Status Normalizers::map_clusters(const AlignedView& in, AlignedText& out) const {
  Graphemes graphemes(in.text);
  for (std::size_t at = 0; at < in.text.size();) {
    const std::size_t end = graphemes.next(at);
    const Mapped whole = end - at < 6 ? charsmap_.find(slice(in.text, at, end), false) : Mapped{};
    if (whole.length) {
      INLAY_TRY(out.append(whole.text, in.origin(at, end)));
      at = end;
      continue;
    }
    while (at < end) {
      const std::size_t next = at + utf8_length(slice(in.text, at, end));
      const Mapped one = charsmap_.find(slice(in.text, at, next), false);
      INLAY_TRY(one.length ? out.append(one.text, in.origin(at, next))
                           : out.append(in.part(at, next)));
      at = next;
    }
  }
  return Status::ok;
}

Status Normalizers::sentencepiece(const Step& step, const AlignedView& in, AlignedText& out) const {
  const std::string_view space = step.escape ? space_mark : std::string_view(" ");
  // What stands at `at` in the text becomes `mapped.text`.
  const auto next = [&](std::size_t at) {
    const std::string_view rest = slice(in.text, at, in.text.size());
    const Mapped mapped = charsmap_.find(rest, true);
    if (mapped.length) return mapped;
    const std::size_t length = utf8_length(rest);
    return Mapped{length, rest.substr(0, length)};
  };
  std::size_t at = 0;
  while (step.squeeze && at < in.text.size()) {
    const Mapped mapped = next(at);
    if (mapped.text != " ") break;
    at += mapped.length;
  }
  if (at == in.text.size()) return Status::ok;
  if (step.prefix) INLAY_TRY(out.append(space, in.gap(at)));
  bool after_space = step.squeeze;
  while (at < in.text.size()) {
    const Mapped mapped = next(at);
    std::string_view text = mapped.text;
    while (after_space && text.starts_with(' ')) text.remove_prefix(1);
    const TextRange origin = in.origin(at, at + mapped.length);
    for (const char& c : text) {
      INLAY_TRY(out.append(c == ' ' ? space : std::string_view(&c, 1), origin));
    }
    if (!text.empty()) after_space = text.ends_with(' ');
    after_space = after_space && step.squeeze;
    at += mapped.length;
  }
  while (step.squeeze && out.text().ends_with(space)) out.shrink(out.size() - space.size());
  return Status::ok;
}

}  // namespace inlay
