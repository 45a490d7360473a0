// template_values.cpp - JSON to the values of templates.
#include "engine/template_values.h"

#include "format/json.h"

namespace inlay {
namespace {

using namespace jinja;

class ValueReader {
 public:
  ValueReader(std::string_view json, std::string_view name, Origin origin, Arena& arena,
              Error& error)
      : json_text_(json), json_(json, name, arena.allocator(), error), origin_(origin), arena_(arena) {}

  Status run(Value& value) {
    read(value);
    return json_.finish();
  }

  JsonReader& json() { return json_; }

 private:
  // Nested as deep as the reader allows.
  void read(Value& value) {
    switch (json_.peek()) {
      case JsonReader::Kind::object: return read_object(value);
      case JsonReader::Kind::array: return read_array(value);
      case JsonReader::Kind::string: return read_text(value);
      case JsonReader::Kind::number: return read_number(value);
      case JsonReader::Kind::boolean: {
        bool truth = false;
        if (json_.boolean(truth)) value = Value::of(truth);
        return;
      }
      default:
        if (json_.null()) value = Value::none();
    }
  }

  void out_of_memory() {
    if (arena_.at_limit()) json_.refuse_with(Status::limit, "values over {} bytes", arena_.limit());
    else json_.refuse(Status::memory, "out of memory");
  }

  void read_object(Value& value) {
    Dict* dict = arena_.make<Dict>();
    if (!dict) return out_of_memory();
    std::string_view key;
    for (json_.begin_object(); json_.next_key(key);) {
      const Text* name = copy_text(arena_, key, origin_);
      if (!name) return out_of_memory();
      Value member;
      read(member);
      if (!dict->set(arena_, Value::of(name), member)) return out_of_memory();
    }
    value = Value::of(dict);
  }

  void read_array(Value& value) {
    List* list = arena_.make<List>();
    if (!list) return out_of_memory();
    for (json_.begin_array(); json_.next_item();) {
      Value item;
      read(item);
      if (!list->items.push(arena_, item)) return out_of_memory();
    }
    value = Value::of(list);
  }

  void read_text(Value& value) {
    std::string_view text;
    if (!json_.text(text)) return;
    const Text* copy = copy_text(arena_, text, origin_);
    if (!copy) return out_of_memory();
    value = Value::of(copy);
  }

  // 2 is an integer, 2.0 and 2e0 are not.
  void read_number(Value& value) {
    bool is_real = false;
    for (std::size_t at = json_.position(); at < json_text_.size(); ++at) {
      const char c = json_text_[at];
      if (c != '-' && c != '+' && c != '.' && (c | 0x20) != 'e' && (c < '0' || c > '9')) break;
      is_real |= c == '.' || (c | 0x20) == 'e';
    }
    double real = 0;
    std::int64_t whole = 0;
    if (is_real ? json_.number(real) : json_.integer(whole)) {
      value = is_real ? Value::of(real) : Value::of(whole);
    }
  }

  std::string_view json_text_;
  JsonReader json_;
  Origin origin_;
  Arena& arena_;
};

}  // namespace

Status read_template_value(std::string_view json, std::string_view name, Origin origin,
                           Arena& arena, Value& value, Error& error) {
  return ValueReader(json, name, origin, arena, error).run(value);
}

Status read_template_variables(std::string_view json, std::string_view name, Origin origin,
                               Arena& arena, Dict& variables, Error& error) {
  Value value;
  INLAY_TRY(read_template_value(json, name, origin, arena, value, error));
  if (!value.is(Kind::dict)) return fail(error, Status::format, "{}: expected an object", name);
  for (const Pair& pair : value.dict->pairs) {
    if (!variables.set(arena, pair.key, pair.value)) return fail_memory(error, name);
  }
  return Status::ok;
}

}  // namespace inlay
