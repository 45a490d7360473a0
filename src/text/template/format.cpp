// format.cpp - 'text' % values and 'text'.format(values).
#include <cstring>

#include "text/template/numbers.h"
#include "text/template/renderer.h"
#include "text/utf8.h"

namespace inlay::jinja {
namespace {

// Digits at `at`; false: a number over what layouts allow.
bool read_size(std::string_view text, std::size_t& at, std::uint32_t most, std::uint32_t& size) {
  size = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    size = 10 * size + static_cast<std::uint32_t>(text[at] - '0');
    if (size > most) return false;
  }
  return true;
}

// Walks the items of a % format.
class Percent {
 public:
  Percent(Renderer& r, const Text& format, const Value& value)
      : r_(r), format_(format), out_(r.arena()) {
    is_tuple_ = value.is(Kind::list) && value.list->form == Form::tuple;
    whole_ = value;
  }

  Value run() {
    const std::string_view text = format_.view();
    std::size_t from = 0;
    for (std::size_t at = 0; at < text.size();) {
      if (text[at] != '%') {
        ++at;
        continue;
      }
      copy(from, at);
      if (!read_item(++at)) return {};
      from = at;
    }
    copy(from, text.size());
    const bool unused =
        is_tuple_ ? next_ < whole_.list->items.count
                  : next_ == 0 && !named_ && !whole_.is(Kind::dict) && !whole_.is(Kind::undefined);
    if (unused && !(whole_.is(Kind::list) && !is_tuple_)) {
      return r_.fail("not all arguments were used by the format");
    }
    return r_.give(out_);
  }

 private:
  void copy(std::size_t from, std::size_t to) {
    out_.add(format_, static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to));
  }
  bool bad(std::string_view what) { return r_.fail(what), false; }
  bool fail_memory() { return r_.out_of_memory(), false; }
  // A number that was not written: its layout is unknown, or memory is out.
  bool not_written(std::string_view what) { return out_.is_bad() ? fail_memory() : bad(what); }

  bool next(Value& value) {
    if (is_tuple_) {
      if (next_ >= whole_.list->items.count) return bad("not enough arguments for the format");
      value = whole_.list->items[next_++];
      return true;
    }
    if (next_++) return bad("not enough arguments for the format");
    value = whole_;
    return true;
  }

  bool size_at(std::size_t& at, std::uint32_t most, std::uint32_t& size) {
    const std::string_view text = format_.view();
    if (at < text.size() && text[at] == '*') return bad("* in a format is not known");
    return read_size(text, at, most, size) || bad("a format that is too wide");
  }

  bool read_item(std::size_t& at) {
    const std::string_view text = format_.view();
    Value value;
    bool has_value = false;
    if (at < text.size() && text[at] == '(') {
      const std::size_t end = text.find(')', at);
      if (end == std::string_view::npos) return bad("a name in a format has no end");
      if (!whole_.is(Kind::dict)) return bad("the format wants a mapping");
      const Pair* pair = whole_.dict->find(inlay::slice(text, at + 1, end));
      if (!pair) return bad("the format names a key that is not there");
      value = pair->value;
      has_value = named_ = true;
      at = end + 1;
    }
    Layout layout;
    bool zero = false, left = false;
    for (; at < text.size() && std::strchr("-+ 0#", text[at]) && text[at]; ++at) {
      left |= text[at] == '-';
      zero |= text[at] == '0';
      layout.alternate |= text[at] == '#';
      if (text[at] == '+' || (text[at] == ' ' && layout.sign != '+')) layout.sign = text[at];
    }
    if (!size_at(at, Layout::most_width, layout.width)) return false;
    if (at < text.size() && text[at] == '.') {
      std::uint32_t precision = 0;
      if (!size_at(++at, Layout::most_precision, precision)) return false;
      layout.precision = static_cast<std::int32_t>(precision);
    }
    while (at < text.size() && (text[at] == 'l' || text[at] == 'h' || text[at] == 'L')) ++at;
    if (at >= text.size()) return bad("a format that ends too early");
    const char type = text[at++];
    if (type == '%') return out_.add('%', origin_at(format_, static_cast<std::uint32_t>(at - 1)));
    if (!has_value && !next(value)) return false;
    layout.align = left ? '<' : zero ? '=' : '>';
    if (zero && !left) layout.fill = '0';
    return write(value, type, layout);
  }

  bool write(const Value& value, char type, Layout layout) {
    if (!r_.work_bytes(layout.width)) return false;
    if (type == 's' || type == 'r' || type == 'a') {
      if (layout.fill == '0') layout.fill = ' ', layout.align = '>';
      TextBuilder own(r_.arena());
      if (type == 's' ? !r_.print(value, own) : !r_.repr(value, own)) return false;
      const Value text = r_.give(own);
      return !r_.failed() && (write_padded(out_, *text.text, layout) || fail_memory());
    }
    layout.type = type;
    if (value.is_number() && std::strchr("diuxXo", type)) {
      std::int64_t whole = value.is(Kind::real) ? 0 : value.whole();
      if (value.is(Kind::real)) {
        if (std::strchr("xXo", type)) return bad("a hexadecimal format wants an integer");
        if (!(value.real > -9.2e18 && value.real < 9.2e18))
          return bad("a number that does not fit 64 bits");
        whole = static_cast<std::int64_t>(value.real);
      }
      if (layout.alternate && type == 'd') layout.alternate = false;
      return write_integer(out_, whole, layout) || not_written("this format is not known");
    }
    if (value.is_number() && std::strchr("eEfFgG", type)) {
      return write_real(out_, value.number(), layout) || not_written("this format is not known");
    }
    if (type == 'c' && value.is_text() && count_points(value.view()) == 1) {
      layout.fill = ' ';
      return write_padded(out_, *value.text, layout);
    }
    r_.fail_with("format %{} does not take '{}'", Shown({&type, 1}), Renderer::type_name(value));
    return false;
  }

  Renderer& r_;
  const Text& format_;
  Value whole_;
  bool is_tuple_ = false;
  bool named_ = false;
  std::uint32_t next_ = 0;
  TextBuilder out_;
};

// Walks the fields of a {} format.
class Braces {
 public:
  Braces(Renderer& r, const Text& format, const Arguments& arguments)
      : r_(r), format_(format), text_(format.view()), arguments_(arguments), out_(r.arena()) {}

  Value run() {
    std::size_t from = 0;
    for (std::size_t at = 0; at < text_.size();) {
      const char c = text_[at];
      if (c != '{' && c != '}') {
        ++at;
        continue;
      }
      copy(from, at);
      if (at + 1 < text_.size() && text_[at + 1] == c) {
        copy(at, at + 1);
        at += 2;
      } else if (c == '}') {
        return r_.fail("a single '}' in a format");
      } else if (!read_field(++at)) {
        return {};
      }
      from = at;
    }
    copy(from, text_.size());
    return r_.give(out_);
  }

 private:
  void copy(std::size_t from, std::size_t to) {
    out_.add(format_, static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to));
  }
  bool bad(std::string_view what) { return r_.fail(what), false; }

  bool read_field(std::size_t& at) {
    const std::size_t end = text_.find('}', at);
    if (end == std::string_view::npos) return bad("a field of a format has no end");
    const std::string_view field = inlay::slice(text_, at, end);
    if (field.find('{') != std::string_view::npos) return bad("fields in fields are not known");
    at = end + 1;
    std::size_t name_end = 0;
    while (name_end < field.size() && field[name_end] != ':' && field[name_end] != '!') ++name_end;
    Value value;
    if (!find(inlay::slice(field, 0, name_end), value)) return false;
    char conversion = 's';
    if (name_end < field.size() && field[name_end] == '!') {
      if (name_end + 1 >= field.size()) return bad("a format that ends too early");
      conversion = field[name_end + 1];
      name_end += 2;
      if (conversion != 's' && conversion != 'r') return bad("this conversion is not known");
      if (name_end < field.size() && field[name_end] != ':')
        return bad("a broken field of a format");
      TextBuilder own(r_.arena());
      if (conversion == 's' ? !r_.print(value, own) : !r_.repr(value, own)) return false;
      value = r_.give(own);
    }
    const std::size_t spec = name_end < field.size() ? name_end + 1 : field.size();
    return !r_.failed() && write(value, inlay::slice(field, spec, field.size()));
  }

  // 0, name, name.attribute, name[item]
  bool find(std::string_view path, Value& value) {
    std::size_t at = 0;
    while (at < path.size() && path[at] != '.' && path[at] != '[') ++at;
    const std::string_view first = inlay::slice(path, 0, at);
    std::size_t digits = 0;
    std::uint32_t index = 0;
    if (!read_size(first, digits, 1000000, index) || first.empty() || digits != first.size())
      index = next_;
    if (first.empty()) ++next_;
    if (first.empty() || digits == first.size()) {
      if (index >= arguments_.items.count) return bad("not enough arguments for the format");
      value = arguments_.items[index];
    } else {
      bool found = false;
      if (!r_.work(1 + arguments_.named.count)) return false;
      for (const NamedValue& named : arguments_.named) {
        if (named.name == first) value = named.value, found = true;
      }
      if (!found) return bad("the format names an argument that is not there");
    }
    return walk(inlay::slice(path, at, path.size()), value);
  }

  bool walk(std::string_view path, Value& value) {
    for (std::size_t at = 0; at < path.size() && !r_.failed();) {
      const bool item = path[at] == '[';
      std::size_t end = at + 1;
      while (end < path.size() && (item ? path[end] != ']' : path[end] != '.' && path[end] != '['))
        ++end;
      if (item && end == path.size()) return bad("a broken field of a format");
      const std::string_view name = inlay::slice(path, at + 1, end);
      std::size_t digits = 0;
      std::uint32_t index = 0;
      const bool is_index =
          item && read_size(name, digits, 1000000, index) && digits == name.size();
      const Value key = is_index ? Value::of(std::int64_t{index})
                                 : r_.give(copy_text(r_.arena(), name, Origin::text));
      if (r_.failed()) return false;
      value = item ? r_.item(value, key) : r_.attribute(value, key.view());
      at = end + item;
    }
    return !r_.failed();
  }

  bool read_layout(std::string_view spec, Layout& layout) {
    std::size_t at = 0;
    const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
    if (!spec.empty()) {
      const Utf8Step step = utf8_step(spec);
      if (step.length < spec.size() && is_align(spec[step.length])) {
        layout.fill = step.point;
        layout.align = spec[step.length];
        at = step.length + 1u;
      } else if (is_align(spec[0])) {
        layout.align = spec[at++];
      }
    }
    const auto is = [&](char c) { return at < spec.size() && spec[at] == c; };
    if (is('+') || is('-') || is(' ')) layout.sign = spec[at++];
    if (is('#')) layout.alternate = ++at > 0;
    if (is('0')) {
      if (!layout.align) layout.align = '=', layout.fill = '0';
      ++at;
    }
    if (!read_size(spec, at, Layout::most_width, layout.width))
      return bad("a format that is too wide");
    if (is(',') || is('_')) layout.thousands = spec[at++];
    if (layout.thousands && layout.width && layout.fill == '0' && layout.align == '=') {
      return bad("zeros with separators are not known");
    }
    if (is('.')) {
      std::uint32_t precision = 0;
      const std::size_t digits = ++at;
      if (!read_size(spec, at, Layout::most_precision, precision))
        return bad("a format that is too wide");
      if (at == digits) return bad("a format without its precision");
      layout.precision = static_cast<std::int32_t>(precision);
    }
    if (at < spec.size()) layout.type = spec[at++];
    return at == spec.size() || bad("this format is not known");
  }

  bool write(const Value& value, std::string_view spec) {
    Layout layout;
    if (!read_layout(spec, layout) || !r_.work_bytes(layout.width)) return false;
    if (spec.empty() || value.is_text()) {
      if (layout.thousands) return bad("a format with separators is for numbers");
      if (layout.type && layout.type != 's') return bad("this format is not for a text");
      if (layout.align == '=') return bad("'=' is for numbers");
      const Text* text = r_.to_text(value);
      if (!text) return false;
      write_padded(out_, *text, layout);
      return true;
    }
    if (value.is(Kind::real)) {
      if (!layout.align) layout.align = '>';
      return write_real(out_, value.real, layout) || out_.is_bad() ||
             bad("this format is not for a float");
    }
    if (!value.is_whole()) return bad("only texts and numbers have formats");
    if (layout.precision >= 0 && !(layout.type && std::strchr("eEfFgG%", layout.type))) {
      return bad("an integer's format has no precision");
    }
    return write_integer(out_, value.whole(), layout) || out_.is_bad() ||
           bad("this format is not for an int");
  }

  Renderer& r_;
  const Text& format_;
  std::string_view text_;
  const Arguments& arguments_;
  std::uint32_t next_ = 0;
  TextBuilder out_;
};

}  // namespace

Value percent_format(Renderer& r, const Text& format, const Value& value) {
  return r.work_bytes(format.size) ? Percent(r, format, value).run() : Value();
}

Value brace_format(Renderer& r, const Text& format, const Arguments& arguments) {
  return r.work_bytes(format.size) ? Braces(r, format, arguments).run() : Value();
}

}  // namespace inlay::jinja
