// document.cpp - the tree of a schema, its paths, and equality of values.
#include "sample/schema/document.h"

#include "sample/schema/decimal.h"

namespace inlay::schema {

Status Document::keep(std::string_view text, std::uint32_t& begin) {
  begin = static_cast<std::uint32_t>(text_.size());
  if (text.size() > max_text_bytes - text_.size()) return Status::limit;
  return text_.append({text.data(), text.size()});
}

Status Document::add(ValueId parent, std::string_view key, Kind kind, std::string_view text,
                     bool truth, ValueId& id) {
  if (values_.size() >= max_values) return Status::limit;
  id = size();
  Value value;
  value.kind = kind;
  value.truth = truth;
  value.parent = parent;
  value.key_size = static_cast<std::uint32_t>(key.size());
  value.text_size = static_cast<std::uint32_t>(text.size());
  INLAY_TRY(keep(key, value.key));
  INLAY_TRY(keep(text, value.text));
  INLAY_TRY(values_.push(value));
  if (parent == no_value) return Status::ok;
  Value& container = values_[parent];
  if (container.kind == Kind::object) {
    if (member(parent, key) != no_value) return Status::format;
    INLAY_TRY(by_key_.insert(hash_key(parent, key), id));
  }
  if (container.last == no_value) {
    container.first = id;
  } else {
    values_[container.last].next = id;
  }
  container.last = id;
  ++container.children;
  return Status::ok;
}

ValueId Document::member(ValueId object, std::string_view wanted) const {
  if (!is(object, Kind::object)) return no_value;
  const ValueId* found = by_key_.find(hash_key(object, wanted));
  if (!found) return no_value;
  if (values_[*found].parent == object && key(*found) == wanted) return *found;
  for (ValueId m = values_[object].first; m != no_value; m = values_[m].next) {
    if (key(m) == wanted) return m;  // another key has the same hash
  }
  return no_value;
}

ValueId Document::item(ValueId array, std::uint32_t index) const {
  if (!is(array, Kind::array)) return no_value;
  ValueId i = values_[array].first;
  while (i != no_value && index-- > 0) i = values_[i].next;
  return i;
}

Document::Path Document::path(ValueId id) const {
  Path path;
  char backwards[sizeof path.text];
  std::size_t length = 0;
  const auto put = [&](char c) {
    if (length < sizeof backwards) backwards[length++] = c;
  };
  for (; id != no_value && values_[id].parent != no_value; id = values_[id].parent) {
    const ValueId parent = values_[id].parent;
    if (values_[parent].kind == Kind::object) {
      const std::string_view name = key(id);
      for (std::size_t i = name.size(); i-- > 0;) {
        const char c = name[i];
        if (c == '/' || c == '~') put(c == '/' ? '1' : '0');
        const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        put(c == '/' || c == '~' ? '~' : is_control ? '?' : c);
      }
    } else {
      std::uint32_t index = 0;
      for (ValueId i = values_[parent].first; i != id; i = values_[i].next) ++index;
      do put(static_cast<char>('0' + index % 10));
      while (index /= 10);
    }
    put('/');
  }
  // What was cut may have left half a character in front.
  while (length > 0 && (static_cast<unsigned char>(backwards[length - 1]) & 0xc0) == 0x80) --length;
  if (length == 0) put('#');
  for (std::size_t i = 0; i < length; ++i) path.text[i] = backwards[length - 1 - i];
  path.length = length;
  return path;
}

// No recursion: a walk over both trees at once.
bool Document::equal(ValueId a, ValueId b) const {
  const ValueId top = a;
  const auto same = [&](ValueId x, ValueId y) {
    const Value &v = values_[x], &w = values_[y];
    if (v.kind != w.kind || v.children != w.children) return false;
    if (v.kind == Kind::boolean) return v.truth == w.truth;
    if (v.kind == Kind::string) return text(x) == text(y);
    if (v.kind != Kind::number || text(x) == text(y)) return true;
    Decimal m, n;
    return !is_error(parse_decimal(text(x), m)) && !is_error(parse_decimal(text(y), n)) &&
           compare(m, n) == 0;
  };
  const auto partner = [&](ValueId x, ValueId container) {
    if (values_[container].kind == Kind::object) return member(container, key(x));
    std::uint32_t index = 0;
    for (ValueId i = values_[values_[x].parent].first; i != x; i = values_[i].next) ++index;
    return item(container, index);
  };
  if (!same(a, b)) return false;
  while (true) {
    if (values_[a].first != no_value) {
      const ValueId inner = values_[a].first;
      b = partner(inner, b);
      a = inner;
    } else {
      while (a != top && values_[a].next == no_value) {
        a = values_[a].parent;
        b = values_[b].parent;
      }
      if (a == top) return true;
      const ValueId container = values_[b].parent;
      a = values_[a].next;
      b = values_[container].kind == Kind::object ? partner(a, container) : values_[b].next;
    }
    if (b == no_value || !same(a, b)) return false;
  }
}

}  // namespace inlay::schema
