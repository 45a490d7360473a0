// chat_variables.cpp - messages and the like to variables.
#include "engine/chat_variables.h"

#include "base/utf8.h"
#include "engine/template_values.h"

namespace inlay {
namespace {

using namespace jinja;

class VariableWriter {
 public:
  VariableWriter(Variables& variables, Error& error)
      : arena_(variables.arena), dict_(variables.dict), error_(error) {}

  Status set(std::string_view name, const jinja::Value& value) { return set(dict_, name, value); }
  Status set_text(std::string_view name, std::string_view text) {
    const Text* copy = copy_text(arena_, text, Origin::text);
    return copy ? set(name, jinja::Value::of(copy)) : out_of_memory();
  }

  Status set_json(std::string_view name, std::string_view json) {
    jinja::Value value;
    INLAY_TRY(read_template_value(json, name, Origin::input, arena_, value, error_));
    return set(name, value);
  }

  Status add_object(std::string_view json) {
    return read_template_variables(json, "variables", Origin::input, arena_, dict_, error_);
  }

  Status add_messages(std::span<const inlay_message> messages) {
    List* list = arena_.make<List>();
    if (!list) return out_of_memory();
    for (std::size_t i = 0; i < messages.size(); ++i) {
      Dict* turn = arena_.make<Dict>();
      if (!turn) return out_of_memory();
      INLAY_TRY(add_message(messages[i], i, *turn));
      if (!list->items.push(arena_, jinja::Value::of(turn))) return out_of_memory();
    }
    return set("messages", jinja::Value::of(list));
  }

  // Roles choose between the template's own texts, and some are written between marks.
  void trust_roles() {
    const Pair* messages = dict_.find("messages");
    if (!messages || !messages->value.is(Kind::list)) return;
    for (const jinja::Value& turn : messages->value.list->items) {
      const Pair* role = turn.is(Kind::dict) ? turn.dict->find("role") : nullptr;
      if (role && role->value.is_text()) const_cast<Text*>(role->value.text)->origin = Origin::text;
    }
  }

 private:
  Status out_of_memory() {
    if (!arena_.at_limit()) return fail_memory(error_, "messages");
    return fail(error_, Status::limit, "messages: over {} bytes", arena_.limit());
  }
  Status set(Dict& dict, std::string_view name, const jinja::Value& value) {
    return dict.set(arena_, name, value) ? Status::ok : out_of_memory();
  }

  Status add_text(Dict& turn, std::size_t index, std::string_view name, const char* text,
                  std::size_t length) {
    if (!text) return length ? fail(error_, Status::argument, "messages[{}].{} is NULL", index, name) : Status::ok;
    const std::string_view view{text, length};
    if (const std::size_t valid = utf8_valid_prefix(view); valid < length) {
      return fail(error_, Status::format, "messages[{}].{}: byte {} is no UTF-8", index, name, valid);
    }
    const Text* copy = copy_text(arena_, view, Origin::input);
    return copy ? set(turn, name, jinja::Value::of(copy)) : out_of_memory();
  }

  Status add_message(const inlay_message& m, std::size_t index, Dict& turn) {
    INLAY_TRY(add_text(turn, index, "role", m.role, m.role_length));
    INLAY_TRY(add_text(turn, index, "content", m.content, m.content_length));
    INLAY_TRY(add_text(turn, index, "reasoning_content", m.reasoning, m.reasoning_length));
    INLAY_TRY(add_text(turn, index, "name", m.name, m.name_length));
    INLAY_TRY(add_text(turn, index, "tool_call_id", m.tool_call_id, m.tool_call_id_length));
    if (!m.tool_calls) return Status::ok;
    jinja::Value calls;
    INLAY_TRY(read_template_value({m.tool_calls, m.tool_calls_length}, "tool_calls", Origin::input,
                                  arena_, calls, error_));
    return set(turn, "tool_calls", calls);
  }

  Arena& arena_;
  Dict& dict_;
  Error& error_;
};

Status check_date(const inlay_date& d, Error& error) {
  const bool good = d.year >= 1 && d.year <= 9999 && d.month >= 1 && d.month <= 12 && d.day >= 1 &&
                    d.day <= 31 && d.hour >= 0 && d.hour <= 23 && d.minute >= 0 && d.minute <= 59 &&
                    d.second >= 0 && d.second <= 60;
  if (d.year == 0 || good) return Status::ok;
  return fail(error, Status::argument, "date: {}-{}-{} {}:{}:{} is none", d.year, d.month, d.day,
              d.hour, d.minute, d.second);
}

}  // namespace

Status add_chat_variables(const inlay_chat_input& input, std::span<const std::string_view, 4> specials,
                          Variables& variables, Error& error) {
  INLAY_TRY(check_date(input.date, error));
  VariableWriter writer(variables, error);
  if (input.messages || input.messages_json) {
    constexpr std::string_view names[] = {"bos_token", "eos_token", "unk_token", "pad_token"};
    for (std::size_t i = 0; i < 4; ++i) {
      if (!specials[i].empty()) INLAY_TRY(writer.set_text(names[i], specials[i]));
    }
    INLAY_TRY(input.messages_json
                  ? writer.set_json("messages", {input.messages_json, input.messages_json_length})
                  : writer.add_messages({input.messages, input.message_count}));
    INLAY_TRY(writer.set("tools", jinja::Value::none()));
    INLAY_TRY(writer.set("documents", jinja::Value::none()));
    if (input.tools) INLAY_TRY(writer.set_json("tools", {input.tools, input.tools_length}));
    INLAY_TRY(writer.set("add_generation_prompt", jinja::Value::of(input.generation_prompt != 0)));
  }
  if (input.variables) INLAY_TRY(writer.add_object({input.variables, input.variables_length}));
  writer.trust_roles();
  return Status::ok;
}

}  // namespace inlay
