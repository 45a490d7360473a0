// reply_test.cpp - replies of every format, cut anywhere: the same message, and no byte lost.
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/counting_allocator.h"
#include "text/reply/reply.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// A message in one line: {reasoning}content[name arguments]...; an open call has no closing
// bracket.
std::string read_reply(const char* format, const std::string& text, std::size_t piece,
                       std::string_view prompt = {}) {
  Error error{};
  Reply* reply = nullptr;
  REQUIRE(!is_error(Reply::open({}, format, "", prompt, &reply, error)));
  std::string content, reasoning;
  std::vector<std::string> calls;
  const auto take = [&] {
    for (inlay_delta d{}; reply->next(d);) {
      const std::string more(d.text, d.length);
      if (d.kind == INLAY_DELTA_CONTENT) content += more;
      if (d.kind == INLAY_DELTA_REASONING) reasoning += more;
      if (d.kind == INLAY_DELTA_CALL) calls.push_back("[" + more + " ");
      if (d.kind == INLAY_DELTA_ARGUMENTS) calls.at(d.call) += more;
      if (d.kind == INLAY_DELTA_CALL_END) calls.at(d.call) += "]";
    }
  };
  for (std::size_t at = 0; at < text.size(); at += piece) {
    REQUIRE(!is_error(reply->push(std::string_view(text).substr(at, piece), error)));
    take();
  }
  REQUIRE(!is_error(reply->finish(error)));
  take();
  CHECK(reply->push("x", error) == Status::state);
  reply->close();
  std::string all = reasoning.empty() ? content : "{" + reasoning + "}" + content;
  for (const std::string& call : calls) all += call;
  return all;
}

struct Case {
  const char* format;
  std::string text;
  std::string expected;
  std::string_view prompt = {};
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"plain", "Hello <b> there", "Hello <b> there"},
      {"plain", "<think>hm</think>Yes", "{hm}Yes"},
      {"plain", "hm</think>Yes", "{hm}Yes", "...<think>\n"},
      {"plain", "a < b <think", "a < b <think"},
      {"hermes",
       "Let me see.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"}\\\"<\", \"b\": [1, "
       "{}]}}\n</tool_call><|im_end|>",
       "Let me see.\n[f {\"a\": \"}\\\"<\", \"b\": [1, {}]}]"},
      {"hermes",
       "<tool_call>{\"name\":\"f\",\"arguments\":{}}</"
       "tool_call>\n<tool_call>{\"arguments\":{\"x\":1},\"name\":\"g\"}</tool_call>",
       "\n[f {}][g {\"x\":1}]"},
      {"hermes", "<think>why</think>\n<tool_call>{\"name\": \"f\"}</tool_call>after",
       "{why}\nafter[f {}]"},
      {"hermes", "<tool_call>{\"name\":\"f\",\"arguments\":nope nope}</tool_call>",
       "<tool_call>{\"name\":\"f\",\"arguments\":nope nope}</tool_call>"},
      {"hermes", "<tool_call>{\"name\":\"f\",\"arguments\":-1.5}</tool_call>", "[f -1.5]"},
      {"hermes", "<tool_call>not one</tool_call> ok", "<tool_call>not one</tool_call> ok"},
      {"hermes", "<tool_call>{\"nome\": 1}</tool_call>", "<tool_call>{\"nome\": 1}</tool_call>"},
      {"hermes", "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1", "[f {\"a\": 1"},
      {"hermes", "<tool_call>", "<tool_call>"},
      {"llama3", "{\"name\": \"f\", \"parameters\": {\"q\": \"x\"}}<|eom_id|>",
       "[f {\"q\": \"x\"}]"},
      {"llama3", "<|python_tag|>{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}}",
       "[f {}]"},
      {"llama3", "<|python_tag|>brave.call(query=\"x\")<|eom_id|>",
       "<|python_tag|>brave.call(query=\"x\")"},
      {"llama3", "{\"answer\": 42}", "{\"answer\": 42}"},
      {"llama3", "{\"name\": \"Alice\", \"age\": 3}", "{\"name\": \"Alice\", \"age\": 3}"},
      {"llama3", "The set {1, 2}", "The set {1, 2}"},
      {"mistral",
       "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"a\": 1}}, {\"name\": \"g\", "
       "\"arguments\": {}, \"id\": \"x\"}]</s>",
       "[f {\"a\": 1}][g {}]"},
      {"mistral", "Sure.[TOOL_CALLS]f[ARGS]{\"a\": 1}[TOOL_CALLS]g[ARGS]{}</s>",
       "Sure.[f {\"a\": 1}][g {}]"},
      {"mistral", "[TOOL_CALLS]f[CALL_ID]a1b2[ARGS]{\"a\": 1}</s>", "[f {\"a\": 1}]"},
      {"mistral", "[THINK]so[/THINK]Hi [TOOL", "{so}Hi [TOOL"},
      {"deepseek",
       "x</"
       "think>ok<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{"
       "\"a\": 1}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>",
       "{x}ok[f {\"a\": 1}]", "<｜Assistant｜><think>\n"},
      {"deepseek",
       "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\": "
       "1}<｜tool▁call▁end｜><｜tool▁call▁begin｜>g<｜tool▁sep｜>{}<｜tool▁call▁end｜><"
       "｜tool▁calls▁end｜>",
       "[f {\"a\": 1}][g {}]"},
      {"harmony",
       "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Hi<|"
       "return|>",
       "{hm}Hi"},
      {"harmony",
       "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>commentary "
       "to=functions.f <|constrain|>json<|message|>{\"a\":1}<|call|>",
       "{hm}[f {\"a\":1}]"},
      {"harmony", " to=functions.f<|channel|>commentary json<|message|>{}<|call|>", "[f {}]"},
      {"harmony", "just text", "just text"},
      {"gemma4",
       "ok<|tool_call>call:f{a:<|\"|>x "
       "\"y\"\n<|\"|>,n:3,l:[<|\"|>z<|\"|>],o:{b:true}}<tool_call|><turn|>",
       "ok[f {\"a\":\"x \\\"y\\\"\\u000a\",\"n\":3,\"l\":[\"z\"],\"o\":{\"b\":true}}]"},
      {"gemma4", "<|channel>thought\nhm<channel|>Hi", "{hm}Hi"},
      {"gemma4", "<|tool_call>nonsense<tool_call|>", "<|tool_call>nonsense<tool_call|>"},
      {"functionary", "all\nHello>>>f\n{\"a\": 1}>>>g\n{}<|eot_id|>", "Hello[f {\"a\": 1}][g {}]"},
      {"functionary", "f\n{\"a\": 1}", "[f {\"a\": 1}]"},
      {"functionary", "all\n1 >>> 0 and >>>", "1 >>> 0 and >>>"},
      {"functionary", "all\n>>> foo\n{", ">>> foo\n{"},
      {"functionary", ">>>\n{", ">>>\n{"},
      {"functionary", std::string(300, 'a') + "\n{\"x\":1}", std::string(300, 'a') + "\n{\"x\":1}"},
      {"mistral", "[TOOL_CALLS]" + std::string(254, 'n') + "[ARGS]{\"a\":1}",
       "[" + std::string(254, 'n') + " {\"a\":1}]"},
      {"mistral", "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {}}], and ] more",
       ", and ] more[f {}]"},
      {"llama3", "{\"name\": \"f\", \"parameters\": {}} ],, and more", "],, and more[f {}]"},
      {"harmony", "<|channel|>final<|message|>a<|end|>assistants can help", "aassistants can help"},
      {"functionary3.1", "Now <function=f>{\"a\": 1}</function><function=g>{}</function><|eom_id|>",
       "Now [f {\"a\": 1}][g {}]"},
      {"functionary3.1", "<function=f>no</function>", "<function=f>no</function>"},
  };
  return all;
}

}  // namespace

TEST_CASE("Replies of every format, whole and in pieces of any size", "[reply]") {
  for (const Case& c : cases()) {
    for (const std::size_t piece : {1, 2, 3, 5, 8, 13, 1000}) {
      INFO(c.format << " in pieces of " << piece << ": " << c.text);
      CHECK(read_reply(c.format, c.text, piece, c.prompt) == c.expected);
    }
  }
}

// Random marks and words: the pieces change nothing, and no byte of text is lost or made up.
TEST_CASE("Replies of random marks", "[reply]") {
  const std::vector<std::string> parts = {"a",
                                          " ",
                                          "\n",
                                          "{",
                                          "}",
                                          "[",
                                          "]",
                                          "\"",
                                          ":",
                                          ",",
                                          "\\",
                                          "\"name\"",
                                          "\"f\"",
                                          "\"arguments\"",
                                          "{}",
                                          "1",
                                          "<tool_call>",
                                          "</tool_call>",
                                          "[TOOL_CALLS]",
                                          "[ARGS]",
                                          "<|python_tag|>",
                                          ">>>",
                                          "all",
                                          "<function=",
                                          ">",
                                          "</function>",
                                          "<think>",
                                          "</think>",
                                          "<|channel|>",
                                          "<|message|>",
                                          "<|end|>",
                                          "<|start|>",
                                          "assistant",
                                          "analysis",
                                          " to=functions.f",
                                          "<|call|>",
                                          "<｜tool▁call▁begin｜>",
                                          "<｜tool▁sep｜>",
                                          "<｜tool▁call▁end｜>",
                                          "<|tool_call>",
                                          "call:f{",
                                          "<tool_call|>",
                                          "<|\"|>",
                                          "```json\n",
                                          "<",
                                          "<|",
                                          "{\"name\": \"f\", \"arguments\": {"};
  std::uint64_t state = 1;
  const auto next = [&](std::size_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(state >> 33) % below;
  };
  for (int round = 0; round < 400; ++round) {
    std::string text;
    for (std::size_t i = next(12); i > 0; --i) text += parts[next(parts.size())];
    for (std::uint32_t f = 0; reply_format_name(f); ++f) {
      const std::string whole = read_reply(reply_format_name(f), text, 1000);
      INFO(reply_format_name(f) << ": " << text);
      CHECK(read_reply(reply_format_name(f), text, 1) == whole);
      CHECK(read_reply(reply_format_name(f), text, 1 + next(7)) == whole);
    }
  }
}

TEST_CASE("A reply's format follows from its template", "[reply]") {
  const auto format = [](std::string_view text) {
    Error error{};
    Reply* reply = nullptr;
    REQUIRE(!is_error(Reply::open({}, "", text, "", &reply, error)));
    const std::string name = reply->format_name();
    reply->close();
    return name;
  };
  CHECK(format("... <tool_call> ...") == "hermes");
  CHECK(format("[TOOL_CALLS]") == "mistral");
  CHECK(format("<|start_header_id|> {\"name\": , \"parameters\": }") == "llama3");
  CHECK(format("<|channel|>analysis<|message|>") == "harmony");
  CHECK(format("{{ messages }}") == "plain");
  Error error{};
  Reply* none = nullptr;
  CHECK(Reply::open({}, "no such", "", "", &none, error) == Status::argument);
}

TEST_CASE("Long replies take linear time, and every allocation may fail", "[reply]") {
  std::string text = "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"";
  text += std::string(300000, 'x') + "\"}}</tool_call>";
  CHECK(read_reply("hermes", text, 7).size() > 300000);
  for (const std::string begin : {"", "<tool_call>", "<tool_call>{\"name\": \"f\"}"}) {
    read_reply("hermes", begin + std::string(300000, ' '), 1);  // minutes, if not
    read_reply(
        "mistral",
        "[TOOL_CALLS]" + std::string(300000, ' ') + "f[ARGS]" + std::string(300000, ' ') + "{}", 1);
  }
  CHECK(read_reply("hermes", "<tool_call>{\"a\": \"" + std::string(200000, 'x'), 7).size() >
        200000);
  const auto attempt = [&](CountingAllocator& memory) {
    Error error{};
    Reply* reply = nullptr;
    Status status = Reply::open(memory.host(), "hermes", "", "", &reply, error);
    if (is_error(status)) return status;
    for (std::size_t at = 0; at < 600 && !is_error(status); at += 100) {
      status = reply->push(std::string_view(text).substr(at, 100), error);
    }
    if (!is_error(status)) status = reply->finish(error);
    reply->close();
    return status;
  };
  CountingAllocator all;
  REQUIRE(attempt(all) == Status::ok);
  for (std::uint64_t n = 1; n <= all.calls; ++n) {
    CountingAllocator memory;
    memory.fail_at = n;
    CHECK(attempt(memory) == Status::memory);
    CHECK(memory.clean());
  }
}
