// statements.cpp - runs the statements of a template.
#include "text/template/renderer.h"

namespace inlay::jinja {

Scope* Renderer::push_scope() {
  Scope* scope = arena_.make<Scope>();
  if (!scope) {
    out_of_memory();
    return nullptr;
  }
  scope->parent = scope_;
  scope_ = scope;
  return scope;
}

void Renderer::set(Scope& scope, std::uint32_t id, const Value& value) {
  if (!work(scope.slots.count / 16)) return;
  for (Scope::Slot& slot : scope.slots) {
    if (slot.id != id) continue;
    slot.value = value;
    return;
  }
  if (!scope.slots.push(arena_, {id, value})) out_of_memory();
}

void Renderer::set(Scope& scope, std::string_view name, const Value& value) {
  const std::uint32_t id = names_.find(name);  // one the template does not use needs no place
  if (id != UINT32_MAX) set(scope, id, value);
}

void Renderer::check_output() {
  if (out_->size() <= limits_.output_bytes || failed()) return;
  char text[96];
  const std::size_t size =
      inlay::print(text, sizeof text, "the text is over {} bytes", limits_.output_bytes);
  fail({text, size}, Status::limit);
}

Renderer::Flow Renderer::run(const Node* node) {
  const Depth depth(*this);
  if (!depth || !work(1)) return Flow::on;
  if (node->type == NodeType::group) return run_group(node);
  line_ = node->line;
  tag_ = node->type;
  return run_statement(node);
}

Renderer::Flow Renderer::run_group(const Node* node) {
  for (const Node* item : node->items) {
    const Flow flow = run(item);
    if (flow != Flow::on || failed()) return flow;
  }
  return Flow::on;
}

Renderer::Flow Renderer::run_statement(const Node* node) {
  switch (node->type) {
    case NodeType::data:
      work_bytes(node->value.text->size);
      if (!out_->add(*node->value.text)) out_of_memory();
      check_output();
      break;
    case NodeType::output: run_output(node); break;
    case NodeType::condition: return run_condition(node);
    case NodeType::loop: return run_loop(node);
    case NodeType::set: run_set(node); break;
    case NodeType::set_block: run_set_block(node); break;
    case NodeType::with: run_with(node); break;
    case NodeType::macro:
      if (const Value macro = make_macro(node); !failed()) set(*scope_, node->id, macro);
      break;
    case NodeType::call_block: run_call_block(node); break;
    case NodeType::filter_block: {
      const Value text = filter_text(node->b, capture(node->a));
      if (!failed() && !text.is_text()) fail("the filter of a block gives no text");
      if (!failed() && !print(text, *out_)) break;
      check_output();
      break;
    }
    case NodeType::scope: return run_scoped(node->a);
    case NodeType::stop: return Flow::stop;
    case NodeType::next: return Flow::next;
    default: break;
  }
  return Flow::on;
}

void Renderer::run_output(const Node* node) {
  const Value value = evaluate(node->a);
  if (!failed() && print(value, *out_)) check_output();
}

Renderer::Flow Renderer::run_condition(const Node* node) {
  for (std::uint32_t i = 0; i < node->items.count; ++i) {
    const bool holds = truth(evaluate(node->items[i]));
    if (failed()) return Flow::on;
    if (holds) return run(node->more[i]);
  }
  const bool has_else = node->more.count > node->items.count;
  return has_else ? run(node->more.back()) : Flow::on;
}

Renderer::Flow Renderer::run_scoped(const Node* body) {
  Scope* outer = scope_;
  Flow flow = Flow::on;
  if (push_scope()) flow = run(body);
  scope_ = outer;
  return flow;
}

Renderer::Flow Renderer::run_loop(const Node* node) {
  const Value whole = evaluate(node->b);
  Vec<Value> items;
  if (failed() || !iterate(whole, items)) return Flow::on;
  return run_items(node, items, 1);
}

// Leaves the items for which the loop's condition holds.
bool Renderer::filter_items(const Node* node, Vec<Value>& items) {
  if (!node->c) return true;
  Vec<Value> kept;
  Scope* outer = scope_;
  for (const Value& item : items) {
    if (!push_scope()) return false;
    assign(node->a, item);
    const bool holds = truth(evaluate(node->c));
    scope_ = outer;
    if (failed()) return false;
    if (holds && !kept.push(arena_, item)) out_of_memory();
  }
  items = kept;
  return !failed();
}

// Each item has a scope of its own; its memory is used again unless a macro holds it.
Renderer::Flow Renderer::run_items(const Node* node, Vec<Value>& items, std::uint32_t depth) {
  if (!filter_items(node, items)) return Flow::on;
  Scope* outer = scope_;
  bool through = false;  // whether a body came to its end
  Loop* loop = arena_.make<Loop>();
  Scope* scope = push_scope();
  if (!loop || !scope) {
    out_of_memory();
    return Flow::on;
  }
  loop->items = items;
  loop->depth = depth;
  loop->node = node;
  loop->scope = outer;
  for (; loop->index < items.count && !failed(); ++loop->index) {
    scope->slots.count = 0;
    set(*scope, "loop", Value::of(loop));
    assign(node->a, items[loop->index]);
    const Flow flow = failed() ? Flow::stop : run(node->items[0]);
    through |= flow == Flow::on;
    if (flow == Flow::stop) break;
    if (!scope->is_kept) continue;
    scope_ = outer;
    if (!(scope = push_scope())) break;
  }
  scope_ = outer;
  // As Jinja does it: also where every body ended by break or continue.
  if (!through && !failed() && node->items[1]) run_scoped(node->items[1]);
  return Flow::on;
}

void Renderer::run_with(const Node* node) {
  Scope* outer = scope_;
  Vec<Value> values;
  for (const Node* value : node->more) {
    if (!values.push(arena_, evaluate(value))) out_of_memory();
    if (failed()) return;
  }
  if (push_scope()) {
    for (std::uint32_t i = 0; i < values.count; ++i) assign(node->items[i], values[i]);
    if (!failed()) run(node->a);
  }
  scope_ = outer;
}

void Renderer::run_set(const Node* node) {
  const Value value = evaluate(node->b);
  if (!failed()) assign(node->a, value);
}

void Renderer::run_set_block(const Node* node) {
  Value text = capture(node->items[0]);
  if (node->b) text = filter_text(node->b, text);
  if (!failed()) assign(node->a, text);
}

void Renderer::assign(const Node* target, const Value& value) {
  if (failed()) return;
  if (target->type == NodeType::name) return set(*scope_, target->id, value);
  if (target->type == NodeType::attribute) {
    const Value space = evaluate(target->a);
    if (failed()) return;
    if (!space.is(Kind::space)) {
      fail_with("'{}' is no namespace", Shown(target->a->name));
    } else if (!space.dict->set(arena_, target->name, value)) {
      out_of_memory();
    }
    return;
  }
  Vec<Value> items;
  if (!iterate(value, items)) return;
  if (items.count != target->items.count) {
    fail_with("{} values for {} names", items.count, target->items.count);
    return;
  }
  for (std::uint32_t i = 0; i < items.count; ++i) assign(target->items[i], items[i]);
}

// The text that a body renders, in a scope of its own.
Value Renderer::capture(const Node* body) {
  if (failed()) return {};
  TextBuilder own(arena_);
  TextBuilder* outer = out_;
  out_ = &own;
  run_scoped(body);
  out_ = outer;
  return failed() ? Value() : give(own);
}

Value Renderer::make_macro(const Node* node) {
  Function* macro = arena_.make<Function>();
  if (!macro) return out_of_memory();
  macro->name = node->name;
  macro->macro = node;
  macro->scope = scope_;
  for (Scope* scope = scope_; scope && !scope->is_kept; scope = scope->parent)
    scope->is_kept = true;
  return Value::of(macro);
}

void Renderer::run_call_block(const Node* node) {
  const Node* call_node = node->b;
  const Value callee = evaluate(call_node->a);
  Arguments arguments;
  if (failed() || !evaluate_arguments(call_node, arguments)) return;
  const Value caller = make_macro(node);
  if (failed()) return;
  if (!arguments.named.push(arena_, {"caller", caller})) out_of_memory();
  const Value text = call(callee, arguments);
  if (!failed() && print(text, *out_)) check_output();
}

Value Renderer::call_macro(const Function& function, const Arguments& arguments) {
  Scope* outer = scope_;
  const NodeType tag = tag_;
  scope_ = function.scope;
  Value text;
  if (Scope* scope = push_scope(); scope && bind_macro(function, arguments, *scope)) {
    text = capture(function.macro->a);
  }
  scope_ = outer;
  tag_ = tag;
  return text;
}

bool Renderer::bind_macro(const Function& function, const Arguments& arguments, Scope& scope) {
  const Vec<Named>& parameters = function.macro->named;
  Vec<Value> given;
  if (!given.reserve(arena_, parameters.count)) return out_of_memory(), false;
  if (!work(1 + std::uint64_t{parameters.count} * arguments.named.count / 8)) return false;
  for (std::uint32_t i = 0; i < parameters.count; ++i) {
    given.push(arena_, i < arguments.items.count ? arguments.items[i] : Value::missing());
    for (const NamedValue& named : arguments.named) {
      if (named.name != parameters[i].name) continue;
      if (!given[i].is(Kind::missing)) {
        fail_with("macro '{}' got '{}' twice", Shown(function.name), Shown(named.name));
        return false;
      }
      given[i] = named.value;
    }
  }
  for (std::uint32_t i = 0; i < parameters.count && !failed(); ++i) {
    if (given[i].is(Kind::missing)) {
      if (parameters[i].value) {
        given[i] = evaluate(parameters[i].value);
      } else {
        given[i] = Value();
        given[i].absent = arena_.make<Absent>(parameters[i].name, nullptr, true);
      }
    }
    set(scope, parameters[i].id, given[i]);
  }
  return bind_rest(function, arguments, scope);
}

// varargs, kwargs and caller, for macros that use them.
bool Renderer::bind_rest(const Function& function, const Arguments& arguments, Scope& scope) {
  const Node& macro = *function.macro;
  List* varargs = make_list(Form::tuple);
  Dict* kwargs = arena_.make<Dict>();
  if (!kwargs) out_of_memory();
  for (std::uint32_t i = macro.named.count; i < arguments.items.count && !failed(); ++i) {
    push(varargs, arguments.items[i]);
  }
  Value caller;
  for (const NamedValue& named : arguments.named) {
    bool is_parameter = false;
    for (const Named& parameter : macro.named) is_parameter |= parameter.name == named.name;
    if (is_parameter || failed()) continue;
    if (macro.uses_caller && named.name == "caller")
      caller = named.value;
    else if (!kwargs->set(arena_, named.name, named.value))
      out_of_memory();
  }
  if (failed()) return false;
  if (varargs->items.count && !macro.uses_varargs) {
    fail_with("macro '{}' takes not more than {} arguments", Shown(function.name),
              macro.named.count);
  } else if (kwargs->pairs.count && !macro.uses_kwargs) {
    fail_with("macro '{}' takes no argument '{}'", Shown(function.name),
              Shown(kwargs->pairs[0].key.view()));
  }
  if (macro.uses_varargs) set(scope, "varargs", Value::of(varargs));
  if (macro.uses_kwargs) set(scope, "kwargs", Value::of(kwargs));
  if (macro.uses_caller && macro.type == NodeType::macro) {
    set(scope, "caller", caller.is(Kind::undefined) ? absent("caller") : caller);
  }
  return !failed();
}

// loop(items): the body of a recursive loop for these items, as text.
Value Renderer::call_loop(Loop& loop, const Arguments& arguments) {
  Value whole = Value::missing();
  if (!bind(arguments, "loop", {"iterable"}, &whole)) return {};
  if (!loop.node->is_recursive) return fail("loop() is for loops that say 'recursive'");
  Vec<Value> items;
  if (!iterate(whole, items)) return {};
  TextBuilder own(arena_);
  TextBuilder* outer = out_;
  Scope* scope = scope_;
  out_ = &own;
  scope_ = loop.scope;
  run_items(loop.node, items, loop.depth + 1);
  scope_ = scope;
  out_ = outer;
  return failed() ? Value() : give(own);
}

}  // namespace inlay::jinja
