// expressions.cpp - evaluates the expressions of a template.
#include "text/template/lists.h"
#include "text/template/renderer.h"

namespace inlay::jinja {

Value Renderer::evaluate(const Node* node) {
  const Depth depth(*this);
  if (!depth || !work(1)) return {};
  line_ = node->line;
  return evaluate_item(node);
}

Value Renderer::evaluate_item(const Node* node) {
  switch (node->type) {
    case NodeType::constant: return node->value;
    case NodeType::name: return evaluate_name(node);
    case NodeType::list:
    case NodeType::tuple: return evaluate_list(node);
    case NodeType::dict: return evaluate_dict(node);
    case NodeType::attribute: return attribute(evaluate(node->a), node->name);
    case NodeType::item: {
      const Value of = evaluate(node->a);
      return item(of, evaluate(node->b));
    }
    case NodeType::slice: return evaluate_slice(node);
    case NodeType::call: return evaluate_call(node);
    case NodeType::filter: return evaluate_filter(node);
    case NodeType::test: return evaluate_test(node);
    case NodeType::negative:
    case NodeType::positive: return evaluate_sign(node);
    case NodeType::negation: return Value::of(!truth(evaluate(node->a)));
    case NodeType::binary: {
      const Value a = evaluate(node->a);
      const Value b = evaluate(node->b);
      line_ = node->line;
      return binary(node->op, a, b);
    }
    case NodeType::both:
    case NodeType::either: {
      const Value a = evaluate(node->a);
      return truth(a) == (node->type == NodeType::either) ? a : evaluate(node->b);
    }
    case NodeType::compare: return evaluate_compare(node);
    case NodeType::concat: return evaluate_concat(node);
    case NodeType::choice:
      if (truth(evaluate(node->b))) return evaluate(node->a);
      return node->c ? evaluate(node->c) : Value();
    default: return {};
  }
}

// Scopes, then the variables of the caller, then functions.
Value Renderer::evaluate_name(const Node* node) {
  std::uint64_t seen = 0;
  for (const Scope* scope = scope_; scope; scope = scope->parent) {
    for (const Scope::Slot& slot : scope->slots) {
      if (slot.id == node->id) return work(seen / 16) ? slot.value : Value();
      ++seen;
    }
  }
  if (!work(seen / 16)) return {};
  if (const Pair* pair = variables_->find(node->name)) return pair->value;
  const Applied apply = find_function(node->name);
  if (!apply) return absent(node->name);
  Function* function = arena_.make<Function>();
  if (!function) return out_of_memory();
  function->name = node->name;
  function->apply = apply;
  return Value::of(function);
}

Value Renderer::evaluate_list(const Node* node) {
  List* list = make_list(node->type == NodeType::list ? Form::list : Form::tuple);
  for (const Node* item : node->items) {
    if (!push(list, evaluate(item))) return {};
  }
  return failed() ? Value() : Value::of(list);
}

Value Renderer::evaluate_dict(const Node* node) {
  Dict* dict = arena_.make<Dict>();
  if (!dict) return out_of_memory();
  for (std::uint32_t i = 0; i < node->items.count; ++i) {
    const Value key = evaluate(node->items[i]);
    const Value value = evaluate(node->more[i]);
    if (failed() || !is_hashable(key)) return {};
    if (!dict->set(arena_, key, value)) return out_of_memory();
  }
  return Value::of(dict);
}

Value Renderer::evaluate_slice(const Node* node) {
  const Value of = evaluate(node->a);
  Value ends[3];
  for (std::uint32_t i = 0; i < 3; ++i) {
    ends[i] = node->items[i] ? evaluate(node->items[i]) : Value::none();
  }
  return failed() ? Value() : part(of, ends[0], ends[1], ends[2]);
}

// *items or **names.
bool Renderer::spread(const Node* node, std::string_view stars, Arguments& arguments) {
  const Value whole = evaluate(node);
  if (failed()) return false;
  if (stars == "*") {
    Vec<Value> items;
    if (!iterate(whole, items)) return false;
    for (const Value& item : items) {
      if (!arguments.items.push(arena_, item)) return out_of_memory(), false;
    }
    return true;
  }
  if (!whole.is(Kind::dict)) return fail("what follows ** is no dict"), false;
  for (const Pair& pair : whole.dict->pairs) {
    if (!pair.key.is_text()) return fail("a key after ** is no str"), false;
    if (!arguments.named.push(arena_, {pair.key.view(), pair.value})) return out_of_memory(), false;
  }
  return true;
}

bool Renderer::evaluate_arguments(const Node* node, Arguments& arguments) {
  for (const Node* item : node->items) {
    const Value value = evaluate(item);
    if (failed()) return false;
    if (!arguments.items.push(arena_, value)) return out_of_memory(), false;
  }
  for (const Named& named : node->named) {
    if (named.name[0] == '*') {
      if (!spread(named.value, named.name, arguments)) return false;
      continue;
    }
    const Value value = evaluate(named.value);
    if (failed()) return false;
    if (!arguments.named.push(arena_, {named.name, value})) return out_of_memory(), false;
  }
  return !failed();
}

Value Renderer::evaluate_call(const Node* node) {
  Arguments arguments;
  if (node->a->type == NodeType::attribute) {  // a method needs no object of its own here
    const Value of = evaluate(node->a->a);
    if (failed()) return {};
    if (const Applied apply = find_method(of.kind, node->a->name)) {
      if (!evaluate_arguments(node, arguments)) return {};
      line_ = node->line;
      return apply(*this, of, arguments);
    }
    const Value callee = attribute(of, node->a->name);
    if (failed() || !evaluate_arguments(node, arguments)) return {};
    line_ = node->line;
    return call(callee, arguments);
  }
  const Value callee = evaluate(node->a);
  if (failed() || !evaluate_arguments(node, arguments)) return {};
  line_ = node->line;
  return call(callee, arguments);
}

Value Renderer::call(const Value& callee, const Arguments& arguments) {
  if (failed()) return {};
  if (callee.is(Kind::function)) {
    const Function& function = *callee.function;
    return function.macro ? call_macro(function, arguments)
                          : function.apply(*this, function.self, arguments);
  }
  if (callee.is(Kind::loop)) return call_loop(*callee.loop, arguments);
  if (callee.is(Kind::cell) && callee.cell->is_joiner) {
    return callee.cell->at++ ? callee.cell->items[0] : text("");
  }
  if (callee.is(Kind::undefined)) return undefined_error(callee);
  return fail_with("'{}' object is not callable", type_name(callee));
}

Value Renderer::evaluate_filter(const Node* node) {
  const Value subject = evaluate(node->a);
  Arguments arguments;
  if (failed() || !evaluate_arguments(node, arguments)) return {};
  line_ = node->line;
  return apply_filter(node->list, node->name, subject, arguments);
}

// The filters of a block, the innermost of which has no subject of its own.
Value Renderer::filter_text(const Node* filter, const Value& text) {
  const Depth depth(*this);
  if (!depth || failed()) return {};
  const Value subject = filter->a ? filter_text(filter->a, text) : text;
  Arguments arguments;
  if (failed() || !evaluate_arguments(filter, arguments)) return {};
  return apply_filter(filter->list, filter->name, subject, arguments);
}

Value Renderer::evaluate_test(const Node* node) {
  const Value subject = evaluate(node->a);
  Arguments arguments;
  if (failed() || !evaluate_arguments(node, arguments)) return {};
  line_ = node->line;
  return apply_test(node->list, node->name, subject, arguments);
}

Value Renderer::evaluate_sign(const Node* node) {
  const Value value = evaluate(node->a);
  if (failed()) return {};
  const bool negative = node->type == NodeType::negative;
  if (value.is_whole()) {
    return negative ? binary(Op::subtract, Value::of(std::int64_t{0}), value)
                    : Value::of(value.whole());
  }
  if (value.is(Kind::real)) return Value::of(negative ? -value.real : value.real);
  if (value.is(Kind::undefined)) return undefined_error(value);
  return fail_with("bad operand for {}: '{}'", negative ? "-" : "+", type_name(value));
}

Value Renderer::evaluate_compare(const Node* node) {
  Value left = evaluate(node->a);
  Value result;
  for (std::uint32_t i = 0; i < node->items.count; ++i) {
    const Value right = evaluate(node->items[i]);
    if (failed()) return {};
    result = compare(node->ops[i], left, right);
    if (failed() || !truth(result)) return result;
    left = right;
  }
  return result;
}

Value Renderer::evaluate_concat(const Node* node) {
  TextBuilder out(arena_);
  for (const Node* item : node->items) {
    const Value value = evaluate(item);
    if (failed() || !print(value, out)) return {};
  }
  return give(out);
}

}  // namespace inlay::jinja
