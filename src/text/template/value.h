// value.h - what a template computes with: Python's values, as far as templates use them.
#pragma once

#include <cstdint>
#include <string_view>

#include "text/template/arena.h"

namespace inlay::jinja {

// Where bytes come from: the template (and the host, for it), or a value it was rendered with.
enum class Origin : std::uint8_t { text, input };

struct Run {
  std::uint32_t end;  // in bytes
  Origin origin;
};

// An immutable string: valid UTF-8, with the origin of its bytes.
struct Text {
  const char* data = "";
  std::uint32_t size = 0;
  Origin origin = Origin::text;  // of all bytes, when there are no runs
  bool markup = false;           // Markup of |safe and |escape: + escapes what it is added to
  const Run* runs = nullptr;     // of different origins, the last one ends at size
  std::uint32_t run_count = 0;

  std::string_view view() const { return {data, size}; }
};

enum class Kind : std::uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  text,
  list,
  dict,
  function,  // macros, functions, bound methods
  space,     // namespace()
  loop,
  cell,     // cycler and joiner
  missing,  // an argument that was not given; never seen by templates
};

// Forms of Kind::list.
enum class Form : std::uint8_t { list, tuple, range, keys, values, items, generator };

struct Value;
struct List;
struct Dict;
struct Function;
struct Loop;
struct Cell;
struct Absent;

struct Value {
  Kind kind = Kind::undefined;
  union {
    const Absent* absent = nullptr;  // undefined: what was looked for; may be nullptr
    bool boolean;
    std::int64_t integer;
    double real;
    const Text* text;
    List* list;
    Dict* dict;  // dict and space
    const Function* function;
    Loop* loop;
    Cell* cell;
  };

  bool is(Kind k) const { return kind == k; }
  bool is_text() const { return kind == Kind::text; }
  bool is_number() const {
    return kind == Kind::boolean || kind == Kind::integer || kind == Kind::real;
  }
  bool is_whole() const { return kind == Kind::boolean || kind == Kind::integer; }
  std::int64_t whole() const { return kind == Kind::boolean ? boolean : integer; }
  double number() const { return kind == Kind::real ? real : static_cast<double>(whole()); }
  std::string_view view() const { return text->view(); }

  static Value of(bool x) {
    Value v;
    v.kind = Kind::boolean;
    v.integer = 0;
    v.boolean = x;
    return v;
  }
  static Value of(std::int64_t x) {
    Value v;
    v.kind = Kind::integer;
    v.integer = x;
    return v;
  }
  static Value of(double x) {
    Value v;
    v.kind = Kind::real;
    v.real = x;
    return v;
  }
  static Value of(const Text* x) {
    Value v;
    v.kind = x ? Kind::text : Kind::undefined;
    if (x) v.text = x;
    return v;
  }
  static Value of(List* x) {
    Value v;
    v.kind = x ? Kind::list : Kind::undefined;
    v.list = x;
    return v;
  }
  static Value of(Dict* x, Kind kind = Kind::dict) {
    Value v;
    v.kind = x ? kind : Kind::undefined;
    v.dict = x;
    return v;
  }
  static Value of(const Function* x) {
    Value v;
    v.kind = x ? Kind::function : Kind::undefined;
    v.function = x;
    return v;
  }
  static Value of(Loop* x) {
    Value v;
    v.kind = Kind::loop;
    v.loop = x;
    return v;
  }
  static Value of(Cell* x) {
    Value v;
    v.kind = x ? Kind::cell : Kind::undefined;
    v.cell = x;
    return v;
  }
  static Value none() {
    Value v;
    v.kind = Kind::none;
    return v;
  }
  static Value missing() {
    Value v;
    v.kind = Kind::missing;
    return v;
  }
};

// Why a value is undefined: the name that was not there, and in what.
struct Absent {
  std::string_view name;
  const char* owner = nullptr;  // "dict object"; nullptr: a variable
  bool is_parameter = false;    // of a macro
};

struct List {
  Form form = Form::list;
  Vec<Value> items;
  std::uint32_t next = 0;  // a generator gives each item once
  std::int64_t start = 0, stop = 0, step = 1;  // of a range
};

struct Pair {
  Value key, value;
};

// Keys in the order they came; the index is made when there are many.
struct Dict {
  Vec<Pair> pairs;
  std::uint32_t* index = nullptr;  // pair + 1, 0: free
  std::uint32_t slots = 0;         // a power of two

  // The pair of this key; nullptr: none.
  Pair* find(const Value& key) const;
  Pair* find(std::string_view key) const;
  // Replaces or appends. False when memory is out.
  bool set(Arena& arena, const Value& key, const Value& value);
  bool set(Arena& arena, std::string_view key, const Value& value);

 private:
  bool reindex(Arena& arena);
  void link(std::uint32_t pair);
};

// A text of static bytes or of bytes that live as long as the arena.
const Text* make_text(Arena& arena, std::string_view bytes, Origin origin = Origin::text);
// With a copy of the bytes.
const Text* copy_text(Arena& arena, std::string_view bytes, Origin origin);

// As Python's == for scalars and texts; others are the same object. Deep equality: operators.h.
bool same_key(const Value& a, const Value& b);

}  // namespace inlay::jinja
