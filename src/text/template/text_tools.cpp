// text_tools.cpp - letters, strips, replacements, lines.
#include "text/template/text_tools.h"

#include "text/template/lexer.h"
#include "text/template/numbers.h"
#include "text/utf8.h"

namespace inlay::jinja {
namespace {

// Where a word begins for |title: after spaces, - and opening brackets.
bool is_word_break(char32_t c) {
  return is_python_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
}

Case case_of(Letters letters, char32_t c, bool first, bool after_cased, bool after_break) {
  switch (letters) {
    case Letters::upper: return Case::upper;
    case Letters::lower: return Case::lower;
    case Letters::capitalize: return first ? Case::title : Case::lower;
    case Letters::title: return after_cased ? Case::lower : Case::title;
    case Letters::jinja_title: return after_break ? Case::upper : Case::lower;
    case Letters::swap: break;
  }
  return c < 0x80 ? (c >= 'a' && c <= 'z' ? Case::upper : Case::lower) : Case::lower;
}

// A sigma at the end of a word has a form of its own.
bool is_final_sigma(std::string_view text, std::size_t at, bool after_cased) {
  if (!after_cased || at + 2 > text.size()) return false;
  if (at + 2 == text.size()) return true;
  return !is_cased(utf8_step({text.data() + at + 2, text.size() - at - 2}).point);
}

bool is_in(std::string_view which, std::string_view character) {
  return which.find(character) != std::string_view::npos;
}

}  // namespace

Value turn_letters(Renderer& r, const Text& text, Letters letters) {
  if (!r.work(1 + text.size / 2)) return {};  // a letter may be sought in long lists
  TextBuilder out(r.arena());
  bool after_cased = false, after_break = true;
  std::size_t begin = 0;
  for_runs(text, [&](std::string_view bytes, Origin origin) {
    for (std::size_t at = 0; at < bytes.size();) {
      const Utf8Step step = utf8_step({bytes.data() + at, bytes.size() - at});
      const char32_t c = step.point;
      Case wanted = case_of(letters, c, begin + at == 0, after_cased, after_break);
      if (letters == Letters::swap && c >= 0x80) {
        TextBuilder turned(r.arena());
        add_cased(turned, c, Case::lower, origin);
        if (turned.view() == inlay::slice(bytes, at, at + step.length)) wanted = Case::upper;
      }
      if (wanted == Case::lower && c == 0x3a3 && is_final_sigma(bytes, at, after_cased)) {
        out.add("\xcf\x82", origin);
      } else {
        add_cased(out, c, wanted, origin);
      }
      after_cased = is_cased(c);
      after_break = is_word_break(c);
      at += step.length;
    }
    begin += bytes.size();
  });
  return r.give(out);
}

Value strip(Renderer& r, const Text& text, const Text* which, bool left, bool right) {
  if (!r.work_bytes(text.size)) return {};
  std::string_view rest = text.view();
  std::size_t begin = 0, end = rest.size();
  if (!which) {
    if (left) begin = space_after(rest);
    if (right) end = begin + space_before(inlay::slice(rest, begin, end));
    return r.slice(text, begin, end);
  }
  while (left && begin < end) {
    const std::size_t size = utf8_length(inlay::slice(rest, begin, end));
    if (!is_in(which->view(), inlay::slice(rest, begin, begin + size))) break;
    if (!r.work(1 + which->size / 64)) return {};
    begin += size;
  }
  while (right && end > begin) {
    std::size_t from = end - 1;
    while (from > begin && (static_cast<unsigned char>(rest[from]) & 0xc0) == 0x80) --from;
    if (!is_in(which->view(), inlay::slice(rest, from, end))) break;
    if (!r.work(1 + which->size / 64)) return {};
    end = from;
  }
  return r.slice(text, begin, end);
}

Value replace(Renderer& r, const Text& text, const Text& from, const Text& to, std::int64_t most) {
  TextBuilder out(r.arena());
  std::size_t at = 0;
  for (std::int64_t count = 0; most < 0 || count < most; ++count) {
    std::size_t found = r.find(text.view(), from.view(), at);
    if (!r.work(1 + to.size / 64)) return {};
    if (found == std::string_view::npos) break;
    out.add(text, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(found));
    out.add(to);
    at = found + from.size;
    if (from.size) continue;
    // An empty text is found before every character and at the end.
    if (found == text.size) break;
    const std::size_t size = utf8_length(inlay::slice(text.view(), found, text.size));
    out.add(text, static_cast<std::uint32_t>(found), static_cast<std::uint32_t>(found + size));
    at = found + size;
  }
  out.add(text, static_cast<std::uint32_t>(at), text.size);
  return r.give(out);
}

Value justify(Renderer& r, const Text& text, std::int64_t width, char align, char32_t fill) {
  if (width > Layout::most_width) return r.fail("a width over 100000", Status::limit);
  Layout layout;
  layout.fill = fill;
  layout.width = static_cast<std::uint32_t>(width < 0 ? 0 : width);
  layout.align = align;
  const std::uint32_t points = count_points(text.view());
  if (align == '^' && layout.width > points) {
    // str.center puts the odd space to the left when the width is odd.
    const std::uint32_t room = layout.width - points;
    const std::uint32_t before = room / 2 + (room & layout.width & 1);
    TextBuilder out(r.arena());
    out.add_character(fill, before);
    out.add(text);
    out.add_character(fill, room - before);
    return r.work_bytes(layout.width) ? r.give(out) : Value();
  }
  TextBuilder out(r.arena());
  write_padded(out, text, layout);
  return r.work_bytes(layout.width) ? r.give(out) : Value();
}

namespace {

// Bytes of the line break at `at`; 0: there is none.
std::size_t break_size(std::string_view text, std::size_t at) {
  const Utf8Step step = utf8_step({text.data() + at, text.size() - at});
  const char32_t c = step.point;
  if (c == '\r' && at + 1 < text.size() && text[at + 1] == '\n') return 2;
  const bool breaks =
      (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
  return breaks ? step.length : 0;
}

}  // namespace

Value split_lines(Renderer& r, const Text& text, bool keep_ends) {
  List* lines = r.make_list();
  if (!r.work(1 + text.size / 16)) return {};
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size;) {
    const std::size_t size = break_size(text.view(), at);
    if (!size) {
      at += utf8_length(inlay::slice(text.view(), at, text.size));
      continue;
    }
    if (!r.push(lines, r.slice(text, begin, at + (keep_ends ? size : 0)))) return {};
    begin = at += size;
  }
  if (begin < text.size && !r.push(lines, r.slice(text, begin, text.size))) return {};
  return r.failed() ? Value() : Value::of(lines);
}

Value join(Renderer& r, const Vec<Value>& items, const Text& separator, bool texts_only) {
  TextBuilder out(r.arena());
  for (std::uint32_t i = 0; i < items.count; ++i) {
    if (i) out.add(separator);
    if (texts_only && !items[i].is_text()) {
      return r.fail_with("join(): item {} is '{}', not str", i, Renderer::type_name(items[i]));
    }
    if (!r.work_bytes(separator.size) || !r.print(items[i], out)) return {};
  }
  return r.give(out);
}

}  // namespace inlay::jinja
