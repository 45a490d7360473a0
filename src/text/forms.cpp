// forms.cpp - decompose, put marks in order, compose; one character at a time from utf8proc, which
// is only ever given room of ours and takes no memory of its own. Its own calls for whole texts
// would need time with the square of a run of marks.
#include "text/forms.h"

#include <algorithm>

#include "inlay/config.h"
#include "text/unicode.h"

#if INLAY_WITH_UTF8PROC
#include <utf8proc.h>
#endif

namespace inlay {

#if INLAY_WITH_UTF8PROC
namespace {

// A byte that is no UTF-8 goes through as a number beyond all characters.
constexpr std::uint32_t lone_byte = 0x110000;
constexpr std::size_t longest_decomposition = 32;  // characters; the longest known has 18
constexpr std::uint32_t hangul = 0xac00, hangul_count = 11172;

bool is_hangul(char32_t point) { return point - hangul < hangul_count; }
// Vowels and tails, which join the syllable before them.
bool is_joining_jamo(char32_t point) {
  return (point >= 0x1161 && point <= 0x1175) || (point >= 0x11a8 && point <= 0x11c2);
}

std::size_t decompose(char32_t point, Form form, utf8proc_int32_t* parts) {
  const int options = UTF8PROC_DECOMPOSE | (form.compatible ? UTF8PROC_COMPAT : 0);
  int boundary = 0;
  const utf8proc_ssize_t count =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(point), parts, longest_decomposition,
                              static_cast<utf8proc_option_t>(options), &boundary);
  if (count > 0 && count <= static_cast<utf8proc_ssize_t>(longest_decomposition)) {
    return static_cast<std::size_t>(count);
  }
  parts[0] = static_cast<utf8proc_int32_t>(point);
  return 1;
}

// The character that two become; 0: none.
std::uint32_t compose(std::uint32_t first, std::uint32_t second) {
  if (first >= lone_byte || second >= lone_byte) return 0;
  utf8proc_int32_t pair[2] = {static_cast<utf8proc_int32_t>(first),
                              static_cast<utf8proc_int32_t>(second)};
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  return utf8proc_normalize_utf32(pair, 2, options) == 1 ? static_cast<std::uint32_t>(pair[0]) : 0;
}

std::uint8_t combining_class(std::uint32_t point) {
  if (point < 0x300 || point >= lone_byte) return 0;
  return static_cast<std::uint8_t>(
      utf8proc_get_property(static_cast<utf8proc_int32_t>(point))->combining_class);
}

struct Mark {
  std::uint32_t point;
  std::uint32_t order;  // combining class
  TextRange origin;
};

// One text on its way.
class Normalizer {
 public:
  Normalizer(Allocator& allocator, Form form)
      : form_(form), marks_(allocator), sorted_(allocator) {}

  Status run(const AlignedView& view, AlignedText& out) {
    INLAY_TRY(marks_.reserve(view.text.size()));
    for (std::size_t at = 0; at < view.text.size();) {
      const Utf8Step step = utf8_step(slice(view.text, at, view.text.size()));
      const bool whole = step.kind == Utf8::whole;
      const std::size_t end = at + (whole ? step.length : 1);
      const auto byte = static_cast<unsigned char>(view.text[at]);
      const TextRange origin = view.origin(at, end);
      INLAY_TRY(whole ? add(step.point, origin) : marks_.push({lone_byte + byte, 0, origin}));
      at = end;
    }
    INLAY_TRY(order_marks());
    if (form_.composed) compose_marks();
    for (const Mark& mark : marks_) INLAY_TRY(put(mark, out));
    return Status::ok;
  }

 private:
  Status add(char32_t point, TextRange origin) {
    if (point < 0xa0) return marks_.push({point, 0, origin});
    utf8proc_int32_t parts[longest_decomposition];
    const std::size_t count = decompose(point, form_, parts);
    for (std::size_t i = 0; i < count; ++i) {
      const auto part = static_cast<std::uint32_t>(parts[i]);
      INLAY_TRY(marks_.push({part, combining_class(part), origin}));
    }
    return Status::ok;
  }

  // Runs of marks by ascending class, equal ones in the order they came.
  Status order_marks() {
    for (std::size_t i = 0; i < marks_.size(); ++i) {
      if (!marks_[i].order) continue;
      std::size_t end = i;
      bool ordered = true;
      for (; end < marks_.size() && marks_[end].order; ++end) {
        ordered = ordered && (end == i || marks_[end - 1].order <= marks_[end].order);
      }
      if (!ordered) INLAY_TRY(order_run(i, end));
      i = end - 1;
    }
    return Status::ok;
  }

  // By counting: a run may be as long as the text.
  Status order_run(std::size_t begin, std::size_t end) {
    std::size_t places[257] = {};
    for (std::size_t i = begin; i < end; ++i) ++places[marks_[i].order + 1];
    for (std::size_t k = 1; k < 257; ++k) places[k] += places[k - 1];
    INLAY_TRY(sorted_.resize(end - begin));
    for (std::size_t i = begin; i < end; ++i) sorted_[places[marks_[i].order]++] = marks_[i];
    std::copy(sorted_.begin(), sorted_.end(), marks_.begin() + begin);
    return Status::ok;
  }

  // A mark joins the last starter unless one of the same or a higher class stands between.
  void compose_marks() {
    std::size_t count = 0;
    std::size_t starter = marks_.size();
    for (std::size_t i = 0; i < marks_.size(); ++i) {
      const Mark mark = marks_[i];
      const bool next_to_it = count == starter + 1;
      const bool free =
          mark.point >= 0x300 && starter < count &&
          (next_to_it || (marks_[count - 1].order && marks_[count - 1].order < mark.order));
      const std::uint32_t joined = free ? compose(marks_[starter].point, mark.point) : 0;
      if (joined) {
        marks_[starter].point = joined;
        marks_[starter].origin = join(marks_[starter].origin, mark.origin);
        continue;
      }
      if (!mark.order) starter = count;
      marks_[count++] = mark;
    }
    while (marks_.size() > count) marks_.pop();
  }

  static Status put(const Mark& mark, AlignedText& out) {
    if (mark.point < lone_byte) return out.append(static_cast<char32_t>(mark.point), mark.origin);
    const char byte = static_cast<char>(mark.point - lone_byte);
    return out.append({&byte, 1}, mark.origin);
  }

  Form form_;
  Array<Mark> marks_;
  Array<Mark> sorted_;
};

// Whether the form leaves this character alone, whatever stands around it.
bool is_settled(char32_t point, Form form) {
  if (point < 0xa0) return true;
  if (point < 0x300 && form.composed && !form.compatible) return true;
  const Category category = category_of(point);
  if (category == Category::Mn || category == Category::Mc || category == Category::Me)
    return false;
  if (is_hangul(point)) return form.composed;
  if (is_joining_jamo(point)) return !form.composed;
  utf8proc_int32_t parts[longest_decomposition];
  const std::size_t count = decompose(point, form, parts);
  return count == 1 && static_cast<char32_t>(parts[0]) == point;
}

}  // namespace

bool has_forms() { return true; }

bool surely_in_form(std::string_view text, Form form) {
  for (std::size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Utf8Step step = utf8_step(slice(text, at, text.size()));
    const bool whole = step.kind == Utf8::whole;
    if (whole && !is_settled(step.point, form)) return false;
    at += whole ? step.length : 1;
  }
  return true;
}

Status append_form(const AlignedView& text, Form form, AlignedText& out) {
  if (surely_in_form(text.text, form)) return out.append(text);
  return Normalizer(out.allocator(), form).run(text, out);
}

std::size_t lower_case(char32_t point, char32_t (&lower)[2]) {
  if (point == 0x130) {  // the one character whose lower case is two
    lower[0] = 'i';
    lower[1] = 0x307;
    return 2;
  }
  lower[0] = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(point)));
  return 1;
}

std::size_t Graphemes::next(std::size_t begin) {
  std::size_t at = begin;
  char32_t last = 0;
  utf8proc_int32_t state = 0;
  while (at < text_.size()) {
    const Utf8Step step = utf8_step(slice(text_, at, text_.size()));
    if (step.kind != Utf8::whole) return at == begin ? at + 1 : at;
    const bool breaks = at > begin && utf8proc_grapheme_break_stateful(
                                          static_cast<utf8proc_int32_t>(last),
                                          static_cast<utf8proc_int32_t>(step.point), &state);
    if (breaks) return at;
    last = step.point;
    at += step.length;
  }
  return at;
}

#else  // without utf8proc: has_forms() says so, and what needs them is refused when it is loaded

bool has_forms() { return false; }
bool surely_in_form(std::string_view, Form) { return true; }
Status append_form(const AlignedView& text, Form, AlignedText& out) { return out.append(text); }
std::size_t lower_case(char32_t point, char32_t (&lower)[2]) {
  lower[0] = point;
  return 1;
}
std::size_t Graphemes::next(std::size_t begin) { return begin < text_.size() ? begin + 1 : begin; }

#endif

}  // namespace inlay
