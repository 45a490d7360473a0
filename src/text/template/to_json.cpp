// to_json.cpp - |tojson as transformers defines it: json.dumps without escaping what is not ASCII.
#include "text/template/lists.h"
#include "text/template/numbers.h"
#include "text/utf8.h"

namespace inlay::jinja {
namespace {

class JsonWriter {
 public:
  JsonWriter(Renderer& r, TextBuilder& out) : r_(r), out_(out) {}

  bool ascii = false;
  bool sort_keys = false;
  const Text* indent = nullptr;
  const Text* item_separator = nullptr;
  const Text* key_separator = nullptr;

  bool write(const Value& value) {
    const Renderer::Depth depth(r_);
    if (!depth || !r_.work(1)) return false;
    char bytes[40];
    switch (value.kind) {
      case Kind::none: return out_.add("null");
      case Kind::boolean: return out_.add(value.boolean ? "true" : "false");
      case Kind::integer: return out_.add({bytes, print(bytes, sizeof bytes, "{}", value.integer)});
      case Kind::real: return write_number(value.real);
      case Kind::text: return write_text(*value.text);
      case Kind::dict: return write_dict(*value.dict);
      case Kind::list:
        if (value.list->form <= Form::tuple) return write_list(*value.list);
        break;
      default: break;
    }
    r_.fail_with("object of type '{}' is not JSON serializable", Renderer::type_name(value));
    return false;
  }

 private:
  bool write_number(double value) {
    char bytes[40];
    std::string_view text(bytes, write_real(value, bytes));
    if (text == "inf") text = "Infinity";
    if (text == "-inf") text = "-Infinity";
    if (text == "nan") text = "NaN";
    return out_.add(text);
  }

  bool escape(char32_t c, Origin origin) {
    char bytes[16];
    const auto unit = [&](std::uint32_t u) {
      return out_.add({bytes, print(bytes, sizeof bytes, "\\u{:04x}", u)}, origin);
    };
    switch (c) {
      case '"': return out_.add("\\\"", origin);
      case '\\': return out_.add("\\\\", origin);
      case '\n': return out_.add("\\n", origin);
      case '\r': return out_.add("\\r", origin);
      case '\t': return out_.add("\\t", origin);
      case '\f': return out_.add("\\f", origin);
      case '\b': return out_.add("\\b", origin);
      default: break;
    }
    if (c < 0x10000) return unit(static_cast<std::uint32_t>(c));
    const auto rest = static_cast<std::uint32_t>(c) - 0x10000;
    return unit(0xd800 + (rest >> 10)) && unit(0xdc00 + (rest & 0x3ff));
  }

  bool write_text(const Text& text) {
    if (!r_.work(1 + text.size / 16)) return false;
    out_.add('"');
    for_runs(text, [&](std::string_view bytes, Origin origin) {
      std::size_t from = 0;
      for (std::size_t at = 0; at < bytes.size();) {
        const auto c = static_cast<unsigned char>(bytes[at]);
        const bool plain = c >= 0x20 && c != '"' && c != '\\' && (c < 0x80 || !ascii);
        if (plain) {
          ++at;
          continue;
        }
        const Utf8Step step = utf8_step({bytes.data() + at, bytes.size() - at});
        out_.add(inlay::slice(bytes, from, at), origin);
        escape(step.point, origin);
        from = at += step.length;
      }
      out_.add(inlay::slice(bytes, from, bytes.size()), origin);
    });
    return out_.add('"');
  }

  bool write_key(const Value& key) {
    if (key.is_text()) return write_text(*key.text);
    if (!key.is_number() && !key.is(Kind::none)) return r_.fail("a key that JSON does not have"), false;
    return out_.add('"') && write(key) && out_.add('"');
  }

  bool new_line() {
    if (!indent) return true;
    out_.add('\n');
    for (std::uint32_t i = 0; i < level_; ++i) out_.add(*indent);
    return r_.work_bytes(std::uint64_t{level_} * indent->size);
  }

  bool write_dict(const Dict& dict) {
    if (!dict.pairs.count) return out_.add("{}");
    Vec<Value> keys, values;
    for (const Pair& pair : dict.pairs) {
      if (!keys.push(r_.arena(), pair.key) || !values.push(r_.arena(), pair.value)) {
        return r_.out_of_memory(), false;
      }
    }
    if (sort_keys && !r_.sort(values, keys, false)) return false;
    out_.add('{');
    ++level_;
    for (std::uint32_t i = 0; i < keys.count; ++i) {
      if (i) out_.add(*item_separator);
      if (!new_line() || !write_key(keys[i]) || !out_.add(*key_separator) || !write(values[i])) return false;
    }
    --level_;
    return new_line() && out_.add('}');
  }

  bool write_list(const List& list) {
    if (!list.items.count) return out_.add("[]");
    out_.add('[');
    ++level_;
    for (std::uint32_t i = 0; i < list.items.count; ++i) {
      if (i) out_.add(*item_separator);
      if (!new_line() || !write(list.items[i])) return false;
    }
    --level_;
    return new_line() && out_.add(']');
  }

  Renderer& r_;
  TextBuilder& out_;
  std::uint32_t level_ = 0;
};

}  // namespace

Value filter_tojson(Renderer& r, Subject s, const Arguments& a) {
  Value p[4] = {Value::of(false), Value::none(), Value::none(), Value::of(false)};
  if (!r.bind(a, "tojson", {"ensure_ascii", "indent", "separators", "sort_keys"}, p)) return {};
  TextBuilder out(r.arena());
  JsonWriter json(r, out);
  json.ascii = r.truth(p[0]);
  json.sort_keys = r.truth(p[3]);
  if (p[1].is_whole()) {
    const std::int64_t width = p[1].whole() < 0 ? 0 : p[1].whole();
    if (width > 1000) return r.fail("tojson(): an indent over 1000", Status::limit);
    TextBuilder spaces(r.arena());
    spaces.add_repeated(' ', static_cast<std::size_t>(width));
    json.indent = r.give(spaces).text;
  } else if (!p[1].is(Kind::none) && !(json.indent = r.bind_text(p[1], "tojson"))) {
    return {};
  }
  Vec<Value> separators;
  if (!p[2].is(Kind::none)) {
    if (!r.iterate(p[2], separators)) return {};
    if (separators.count != 2) return r.fail("tojson(): separators are a pair");
  } else if (!separators.push(r.arena(), r.text(json.indent ? "," : ", ")) ||
             !separators.push(r.arena(), r.text(": "))) {
    return r.out_of_memory();
  }
  json.item_separator = r.bind_text(separators[0], "tojson");
  json.key_separator = r.bind_text(separators[1], "tojson");
  if (!json.item_separator || !json.key_separator) return {};
  const bool written = json.write(s);
  if (!written && !r.failed()) return r.out_of_memory();
  return r.failed() ? Value() : r.give(out);
}

}  // namespace inlay::jinja
