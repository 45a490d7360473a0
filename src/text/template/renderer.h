// renderer.h - one rendering of a template: scopes, evaluation, and what filters, tests, methods
// and functions may use of it.
#pragma once

#include <initializer_list>

#include "base/diagnostics.h"
#include "text/template/limits.h"
#include "text/template/node.h"
#include "text/template/parser.h"
#include "text/template/text_builder.h"

namespace inlay::jinja {

// The host's date and time; templates have no other.
struct Moment {
  std::int32_t year = 0;  // 0: none was given
  std::int32_t month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

struct NamedValue {
  std::string_view name;
  Value value;
};

// The arguments of a call, a filter or a test.
struct Arguments {
  Vec<Value> items;
  Vec<NamedValue> named;
};

// Variables of a part of the template. Macros keep the scopes they were made in.
struct Scope {
  struct Slot {
    std::uint32_t id;
    Value value;
  };
  Scope* parent = nullptr;
  Vec<Slot> slots;
  bool is_kept = false;
};

class Renderer;
using Subject = const Value&;  // what a filter, test or method is applied to
using Applied = Value (*)(Renderer&, Subject, const Arguments&);

struct Function {
  std::string_view name;
  Applied apply = nullptr;      // of functions and methods; nullptr: a macro
  Value self;                   // of a method
  const Node* macro = nullptr;  // or a call block
  Scope* scope = nullptr;
};

// The variable `loop`; called, it renders the body once more for other items.
struct Loop {
  Vec<Value> items;
  std::uint32_t index = 0;
  std::uint32_t depth = 1;
  const Node* node = nullptr;
  Scope* scope = nullptr;  // around the loop
  Value changed;           // the last arguments of loop.changed()
  bool has_changed = false;
};

// What cycler() and joiner() give.
struct Cell {
  bool is_joiner = false;
  Vec<Value> items;
  std::uint32_t at = 0;
};

// After a failure every function returns undefined or false at once, and nothing more is written.
class Renderer {
 public:
  Renderer(const Names& names, Arena& arena, const Limits& limits, const Moment& now, Error& error)
      : names_(names), arena_(arena), limits_(limits), now_(now), error_(error) {}

  // Errors: FORMAT (what the template does is no valid Jinja), ARGUMENT (it raised an exception),
  // LIMIT, MEMORY; all with line and tag.
  Status run(const Node* root, const Dict* variables, const Text** output);

  Arena& arena() { return arena_; }
  const Limits& limits() const { return limits_; }
  const Moment& now() const { return now_; }
  bool failed() const { return is_error(status_); }

  Value fail(std::string_view text, Status status = Status::format);
  template <class... Args>
  Value fail_with(fmt::format_string<detail::Printed<Args>...> format, const Args&... args) {
    char text[320];
    const std::size_t size = inlay::print<Args...>(text, sizeof text, format, args...);
    return fail({text, size < sizeof text ? size : sizeof text - 1});
  }
  Value out_of_memory();
  // Counts steps; false when there are too many.
  bool work(std::uint64_t steps);
  bool work_bytes(std::uint64_t bytes) { return work(1 + bytes / 64); }
  // Every recursion of evaluation goes one deeper.
  class Depth {
   public:
    explicit Depth(Renderer& r) : r_(r) { ok_ = r.go_deeper(); }
    ~Depth() { --r_.depth_; }
    explicit operator bool() const { return ok_; }

   private:
    Renderer& r_;
    bool ok_;
  };

  // Values. A nullptr text or list is a failure for want of memory.
  Value give(const Text* text) { return text ? Value::of(text) : out_of_memory(); }
  Value give(TextBuilder& builder) { return give(builder.finish()); }
  Value give(List* list) { return list ? Value::of(list) : out_of_memory(); }
  Value text(std::string_view bytes) { return give(make_text(arena_, bytes)); }
  Value slice(const Text& text, std::size_t begin, std::size_t end) {
    return give(slice_text(arena_, text, static_cast<std::uint32_t>(begin),
                           static_cast<std::uint32_t>(end)));
  }
  List* make_list(Form form = Form::list);
  bool push(List* list, const Value& value);
  Value pair(const Value& a, const Value& b);  // a tuple
  Value absent(std::string_view name, const char* owner = nullptr);

  // Python's operations.
  bool truth(const Value& value);
  // The items of anything that can be walked; takes them from a generator.
  bool iterate(const Value& value, Vec<Value>& items);
  bool length(const Value& value, std::uint64_t& length);
  bool print(const Value& value, TextBuilder& out);  // str()
  bool repr(const Value& value, TextBuilder& out);
  const Text* to_text(const Value& value);  // str(); nullptr after a failure
  bool equal(const Value& a, const Value& b);
  bool less(const Value& a, const Value& b);  // fails for what has no order
  bool contains(const Value& whole, const Value& part);
  bool is_hashable(const Value& value);
  // Where `part` begins in `whole` at or after `from`; npos: nowhere. Counts the bytes it compares.
  std::size_t find(std::string_view whole, std::string_view part, std::size_t from);
  Value binary(Op op, const Value& a, const Value& b);
  Value compare(Op op, const Value& a, const Value& b);
  Value attribute(const Value& of, std::string_view name);
  Value item(const Value& of, const Value& key);
  Value part(const Value& of, const Value& start, const Value& stop, const Value& step);
  Value call(const Value& callee, const Arguments& arguments);
  Value apply_filter(std::uint32_t list, std::string_view name, const Value& subject,
                     const Arguments& arguments);
  Value apply_test(std::uint32_t list, std::string_view name, const Value& subject,
                   const Arguments& arguments);
  static const char* type_name(const Value& value);  // as Python's
  bool sort(Vec<Value>& values, Vec<Value>& keys, bool reverse);  // stable, values with their keys

  // Gives arguments to parameters: those not given stay as they are. A name that begins with '.'
  // is positional only.
  bool bind(const Arguments& arguments, std::string_view who,
            std::initializer_list<std::string_view> parameters, Value* values);
  bool bind_whole(const Value& value, std::string_view who, std::int64_t& whole);
  const Text* bind_text(const Value& value, std::string_view who);

 private:
  enum class Flow : std::uint8_t { on, stop, next };
  friend class Depth;

  bool go_deeper();
  Value evaluate(const Node* node);
  Value evaluate_item(const Node* node);
  Value evaluate_name(const Node* node);
  Value evaluate_list(const Node* node);
  Value evaluate_dict(const Node* node);
  Value evaluate_slice(const Node* node);
  Value evaluate_call(const Node* node);
  Value evaluate_filter(const Node* node);
  Value evaluate_test(const Node* node);
  Value evaluate_sign(const Node* node);
  Value evaluate_compare(const Node* node);
  Value evaluate_concat(const Node* node);
  Value filter_text(const Node* filter, const Value& text);
  bool evaluate_arguments(const Node* node, Arguments& arguments);
  bool spread(const Node* node, std::string_view stars, Arguments& arguments);

  Flow run(const Node* node);
  Flow run_group(const Node* node);
  Flow run_statement(const Node* node);
  Flow run_condition(const Node* node);
  Flow run_loop(const Node* node);
  Flow run_items(const Node* node, Vec<Value>& items, std::uint32_t depth);
  Flow run_scoped(const Node* body);
  void run_with(const Node* node);
  void run_set(const Node* node);
  void run_set_block(const Node* node);
  void run_call_block(const Node* node);
  void run_output(const Node* node);
  Value capture(const Node* body);
  Value make_macro(const Node* node);
  Value call_macro(const Function& function, const Arguments& arguments);
  bool bind_macro(const Function& function, const Arguments& arguments, Scope& scope);
  bool bind_rest(const Function& function, const Arguments& arguments, Scope& scope);
  Value call_loop(Loop& loop, const Arguments& arguments);
  bool filter_items(const Node* node, Vec<Value>& items);
  void assign(const Node* target, const Value& value);
  void set(Scope& scope, std::uint32_t id, const Value& value);
  void set(Scope& scope, std::string_view name, const Value& value);
  Scope* push_scope();
  void check_output();

  Value loop_attribute(Loop& loop, std::string_view name);
  Value method(const Value& of, std::string_view name);
  Value undefined_error(const Value& value);
  Value arithmetic(Op op, const Value& a, const Value& b);
  Value whole_arithmetic(Op op, std::int64_t a, std::int64_t b);
  Value real_arithmetic(Op op, double a, double b);
  Value add(const Value& a, const Value& b);
  Value add_texts(const Text& a, const Text& b);
  Value repeat(const Value& a, std::int64_t count);
  Value not_supported(Op op, const Value& a, const Value& b);
  bool repr_list(const List& list, TextBuilder& out);
  bool repr_dict(const Dict& dict, TextBuilder& out);

  const Names& names_;
  Arena& arena_;
  const Limits& limits_;
  const Moment& now_;
  Error& error_;
  Status status_ = Status::ok;
  std::uint64_t steps_ = 0;
  std::uint32_t depth_ = 0;
  std::uint32_t line_ = 0;
  NodeType tag_ = NodeType::group;
  Scope* scope_ = nullptr;
  const Dict* variables_ = nullptr;
  TextBuilder* out_ = nullptr;
};

// A text with what markup escapes (& < > ' ") escaped.
const Text* escape_markup(Renderer& r, const Text& text);
// 'text' % value, and text.format(...).
Value percent_format(Renderer& r, const Text& format, const Value& value);
Value brace_format(Renderer& r, const Text& format, const Arguments& arguments);

}  // namespace inlay::jinja
