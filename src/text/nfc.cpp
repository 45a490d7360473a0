// nfc.cpp - decompose, put marks in order, compose.
#include "text/nfc.h"

#include <algorithm>
#include <iterator>

#include "text/utf8.h"

namespace inlay {
namespace {

struct Decomposition {
  std::uint32_t point, first, second;
};
struct Composition {
  std::uint32_t first, second, point;
};
struct ClassRange {
  std::uint32_t first, last;
  std::uint8_t combining_class;
};
struct PointRange {
  std::uint32_t first, last;
};

#include "text/nfc_table.inc"

// Hangul syllables are computed, not listed (Unicode 15, section 3.12).
constexpr std::uint32_t hangul = 0xac00, leads = 0x1100, vowels = 0x1161, tails = 0x11a7;
constexpr std::uint32_t lead_count = 19, vowel_count = 21, tail_count = 28;
constexpr std::uint32_t hangul_count = lead_count * vowel_count * tail_count;

// A byte that is no UTF-8 goes through as a number beyond all characters.
constexpr std::uint32_t lone_byte = 0x110000;

// The range that holds `point`; nullptr: none.
template <class Range, std::size_t n>
const Range* find_range(const Range (&ranges)[n], std::uint32_t point) {
  const Range* found = std::lower_bound(
      std::begin(ranges), std::end(ranges), point,
      [](const Range& range, std::uint32_t wanted) { return range.last < wanted; });
  return found != std::end(ranges) && found->first <= point ? found : nullptr;
}

std::uint8_t combining_class(std::uint32_t point) {
  if (point < 0x300) return 0;
  const ClassRange* range = find_range(combining_classes, point);
  return range ? range->combining_class : 0;
}

// The character that two become; 0: none.
std::uint32_t compose(std::uint32_t first, std::uint32_t second) {
  if (first - leads < lead_count && second - vowels < vowel_count) {
    return hangul + ((first - leads) * vowel_count + (second - vowels)) * tail_count;
  }
  if (first - hangul < hangul_count && (first - hangul) % tail_count == 0 &&
      second - tails - 1 < tail_count - 1) {
    return first + (second - tails);
  }
  const Composition* found =
      std::lower_bound(std::begin(compositions), std::end(compositions), first,
                       [&](const Composition& c, std::uint32_t) {
                         return c.first != first ? c.first < first : c.second < second;
                       });
  const bool is_it =
      found != std::end(compositions) && found->first == first && found->second == second;
  return is_it ? found->point : 0;
}

struct Mark {
  std::uint32_t point;
  std::uint8_t order;  // combining class
};

// One text on its way.
class Normalizer {
 public:
  explicit Normalizer(Allocator& allocator) : marks_(allocator), sorted_(allocator) {}

  Status run(std::string_view text, Array<char>& out) {
    INLAY_TRY(marks_.reserve(text.size()));
    while (!text.empty()) {
      const Utf8Step step = utf8_step(text);
      const bool whole = step.kind == Utf8::whole;
      const auto byte = static_cast<unsigned char>(text[0]);
      INLAY_TRY(whole ? decompose(step.point) : marks_.push({lone_byte + byte, 0}));
      text.remove_prefix(whole ? step.length : 1);
    }
    INLAY_TRY(order_marks());
    compose_marks();
    for (const Mark& mark : marks_) INLAY_TRY(put(mark.point, out));
    return Status::ok;
  }

 private:
  Status push(std::uint32_t point) { return marks_.push({point, combining_class(point)}); }

  // Nests at most four deep.
  Status decompose(std::uint32_t point) {
    if (point < 0xc0) return marks_.push({point, 0});
    if (point - hangul < hangul_count) return decompose_hangul(point - hangul);
    const Decomposition* found = std::lower_bound(
        std::begin(decompositions), std::end(decompositions), point,
        [](const Decomposition& d, std::uint32_t wanted) { return d.point < wanted; });
    if (found == std::end(decompositions) || found->point != point) return push(point);
    INLAY_TRY(decompose(found->first));
    return found->second ? decompose(found->second) : Status::ok;
  }

  Status decompose_hangul(std::uint32_t index) {
    INLAY_TRY(push(leads + index / tail_count / vowel_count));
    INLAY_TRY(push(vowels + index / tail_count % vowel_count));
    return index % tail_count ? push(tails + index % tail_count) : Status::ok;
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
          starter < count &&
          (next_to_it || (marks_[count - 1].order && marks_[count - 1].order < mark.order));
      const std::uint32_t joined = free ? compose(marks_[starter].point, mark.point) : 0;
      if (joined) {
        marks_[starter].point = joined;
        continue;
      }
      if (!mark.order) starter = count;
      marks_[count++] = mark;
    }
    while (marks_.size() > count) marks_.pop();
  }

  static Status put(std::uint32_t point, Array<char>& out) {
    if (point >= lone_byte) return out.push(static_cast<char>(point - lone_byte));
    char bytes[4];
    const std::size_t length = write_utf8(point, bytes);
    return out.append({bytes, length});
  }

  Array<Mark> marks_;
  Array<Mark> sorted_;
};

}  // namespace

bool surely_nfc(std::string_view text) {
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (step.kind == Utf8::whole && step.point >= 0x300 && find_range(changing, step.point)) {
      return false;
    }
    text.remove_prefix(step.kind == Utf8::whole ? step.length : 1);
  }
  return true;
}

Status append_nfc(std::string_view text, Array<char>& out) {
  if (surely_nfc(text)) return out.append({text.data(), text.size()});
  return Normalizer(*out.allocator()).run(text, out);
}

}  // namespace inlay
