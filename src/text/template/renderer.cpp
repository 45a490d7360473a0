// renderer.cpp - failures, limits and small helpers of a rendering.
#include "text/template/renderer.h"

#include "text/template/lists.h"

namespace inlay::jinja {
namespace {

std::string_view words(NodeType tag) {
  switch (tag) {
    case NodeType::output: return "{{ ... }}";
    case NodeType::condition: return "{% if %}";
    case NodeType::loop: return "{% for %}";
    case NodeType::set:
    case NodeType::set_block: return "{% set %}";
    case NodeType::with: return "{% with %}";
    case NodeType::macro: return "{% macro %}";
    case NodeType::call_block: return "{% call %}";
    case NodeType::filter_block: return "{% filter %}";
    case NodeType::scope: return "{% generation %}";
    default: return "text";
  }
}

}  // namespace

Status Renderer::run(const Node* root, const Dict* variables, const Text** output) {
  variables_ = variables;
  TextBuilder out(arena_);
  out_ = &out;
  if (push_scope()) run(root);
  if (!failed() && !(*output = out.finish())) out_of_memory();
  out_ = nullptr;
  return status_;
}

Value Renderer::fail(std::string_view text, Status status) {
  if (!failed()) {
    status_ = inlay::fail(error_, status, "chat template: line {}, {}: {}", line_, words(tag_), text);
  }
  return {};
}

Value Renderer::out_of_memory() {
  if (failed()) return {};
  if (arena_.at_limit()) {
    char text[96];
    const std::size_t size =
        inlay::print(text, sizeof text, "its values take over {} bytes", arena_.limit());
    return fail({text, size}, Status::limit);
  }
  status_ = fail_memory(error_, "rendering a chat template");
  return {};
}

bool Renderer::work(std::uint64_t steps) {
  steps_ += steps;
  if (steps_ <= limits_.steps || failed()) return !failed();
  char text[96];
  const std::size_t size = inlay::print(text, sizeof text, "over {} steps", limits_.steps);
  fail({text, size}, Status::limit);
  return false;
}

bool Renderer::go_deeper() {
  if (++depth_ <= limits_.depth || failed()) return !failed();
  char text[96];
  const std::size_t size = inlay::print(text, sizeof text, "nested over {} deep", limits_.depth);
  fail({text, size}, Status::limit);
  return false;
}

List* Renderer::make_list(Form form) {
  List* list = arena_.make<List>();
  if (list) list->form = form;
  else out_of_memory();
  return list;
}

bool Renderer::push(List* list, const Value& value) {
  if (!list || failed()) return false;
  if (!work(1)) return false;
  if (!list->items.push(arena_, value)) out_of_memory();
  return !failed();
}

Value Renderer::pair(const Value& a, const Value& b) {
  List* tuple = make_list(Form::tuple);
  if (!push(tuple, a) || !push(tuple, b)) return {};
  return Value::of(tuple);
}

Value Renderer::absent(std::string_view name, const char* owner) {
  Value value;
  value.absent = arena_.make<Absent>(name, owner, false);
  return value.absent ? value : out_of_memory();
}

Value Renderer::undefined_error(const Value& value) {
  const Absent* absent = value.absent;
  if (!absent) return fail("the value is undefined");
  if (absent->is_parameter) return fail_with("parameter '{}' was not given", Shown(absent->name));
  if (!absent->owner) return fail_with("'{}' is undefined", Shown(absent->name));
  return fail_with("'{}' has no attribute '{}'", absent->owner, Shown(absent->name));
}

const char* Renderer::type_name(const Value& value) {
  switch (value.kind) {
    case Kind::undefined: return "Undefined";
    case Kind::none: return "NoneType";
    case Kind::boolean: return "bool";
    case Kind::integer: return "int";
    case Kind::real: return "float";
    case Kind::text: return value.text->markup ? "Markup" : "str";
    case Kind::dict: return "dict";
    case Kind::space: return "Namespace";
    case Kind::loop: return "LoopContext";
    case Kind::cell: return value.cell->is_joiner ? "Joiner" : "Cycler";
    case Kind::function: return value.function->macro ? "Macro" : "function";
    case Kind::missing: return "nothing";
    case Kind::list: break;
  }
  switch (value.list->form) {
    case Form::list: return "list";
    case Form::tuple: return "tuple";
    case Form::range: return "range";
    case Form::keys: return "dict_keys";
    case Form::values: return "dict_values";
    case Form::items: return "dict_items";
    case Form::generator: break;
  }
  return "generator";
}

bool Renderer::bind(const Arguments& arguments, std::string_view who,
                    std::initializer_list<std::string_view> parameters, Value* values) {
  if (failed()) return false;
  if (arguments.items.count > parameters.size()) {
    fail_with("{}() takes at most {} arguments, not {}", who, parameters.size(),
              arguments.items.count);
    return false;
  }
  for (std::uint32_t i = 0; i < arguments.items.count; ++i) values[i] = arguments.items[i];
  for (const NamedValue& named : arguments.named) {
    std::size_t at = 0;
    while (at < parameters.size() && parameters.begin()[at] != named.name) ++at;
    if (at == parameters.size() || at < arguments.items.count) {
      fail_with("{}() takes no argument '{}' here", who, Shown(named.name));
      return false;
    }
    values[at] = named.value;
  }
  return true;
}

bool Renderer::bind_whole(const Value& value, std::string_view who, std::int64_t& whole) {
  if (value.is(Kind::missing)) return !failed();
  if (value.is_whole()) {
    whole = value.whole();
    return !failed();
  }
  fail_with("{}() wants an integer, not '{}'", who, type_name(value));
  return false;
}

const Text* Renderer::bind_text(const Value& value, std::string_view who) {
  if (failed()) return nullptr;
  if (value.is_text()) return value.text;
  if (value.is(Kind::undefined)) undefined_error(value);
  else fail_with("{}() wants a str, not '{}'", who, type_name(value));
  return nullptr;
}

Value Renderer::apply_filter(std::uint32_t list, std::string_view name, const Value& subject,
                             const Arguments& arguments) {
  if (list == unknown) return fail_with("no filter named '{}'", Shown(name));
  return work(1) ? filter_at(list)(*this, subject, arguments) : Value();
}

Value Renderer::apply_test(std::uint32_t list, std::string_view name, const Value& subject,
                           const Arguments& arguments) {
  if (list == unknown) return fail_with("no test named '{}'", Shown(name));
  return work(1) ? test_at(list)(*this, subject, arguments) : Value();
}

}  // namespace inlay::jinja
