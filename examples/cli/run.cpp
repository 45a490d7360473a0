// run.cpp - inlay run: text that continues a prompt, as it comes.
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "arguments.h"
#include "command.h"
#include "constraint.h"
#include "memory.h"
#include "output.h"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t trace_events = 1u << 16;  // of each thread: 2 MiB

struct Options {
  LoadArguments model;
  TextArguments prompt;
  inlay::SessionOptions session;
  inlay::SamplerOptions sampler;
  std::uint64_t tokens = 256;
  std::string grammar, schema;
  std::vector<std::string> stops;
  std::vector<std::uint32_t> stages;
  std::string trace;
  bool stats = false;

  void declare(CLI::App& command) {
    model.declare(command);
    prompt.declare(command, "-p", "-f");
    declare_number(command, "-n", tokens,
                   "Most tokens (default 256; 0: until end of text or context)");
    command.add_option("--temp", sampler.temperature, "Temperature; 0: always the likeliest token");
    declare_number(command, "--top-k", sampler.top_k, "Among the k likeliest; 0: off");
    command.add_option("--top-p", sampler.top_p, "Among the likeliest that reach p; 1: off");
    command.add_option("--min-p", sampler.min_p, "At least p times the likeliest; 0: off");
    command.add_option("--repeat-penalty", sampler.repeat_penalty, "Against repetition; 1: off");
    declare_samplers(command);
    declare_number(command, "--seed", sampler.seed, "Another seed, another text (default 0)");
    declare_count(command, "--ctx", session.context, 1u << 20,
                  "Tokens of prompt and text together");
    declare_kv(command, session);
    CLI::Option* gbnf =
        command.add_option("--grammar", grammar, "A file: the text follows it (GBNF)");
    command.add_option("--schema", schema, "A file: the text is JSON of this schema")
        ->excludes(gbnf);
    command.add_option("--trace", trace, "A file for what ran when, as Chrome trace JSON");
    command.add_flag("--stats", stats, "Times and memory on standard error");
  }

  void declare_samplers(CLI::App& command) {
    inlay::SamplerOptions& s = sampler;
    command.add_option("--frequency-penalty", s.frequency_penalty, "For each occurrence; 0: off");
    command.add_option("--presence-penalty", s.presence_penalty, "For having occurred; 0: off");
    declare_number(command, "--repeat-last-n", s.penalty_window, "Tokens the penalties look at");
    command.add_option("--typical-p", s.typical_p, "Among the most typical that reach p; 1: off");
    command.add_option("--top-n-sigma", s.top_n_sigma, "Within n deviations of the best; 0: off");
    command.add_option("--xtc-probability", s.xtc_probability, "Exclude top choices; 0: off");
    command.add_option("--xtc-threshold", s.xtc_threshold, "What is a top choice (default 0.1)");
    command.add_option("--dry-multiplier", s.dry_multiplier, "Against repeating text; 0: off");
    command.add_option("--dry-base", s.dry_base, "Default 1.75");
    declare_number(command, "--dry-allowed-length", s.dry_allowed_length, "Default 2");
    declare_number(command, "--dry-penalty-last-n", s.dry_window, "Tokens looked at, up to 8192");
    command.add_option("--dynatemp-range", s.dynatemp_range, "Temperature by entropy; 0: off");
    command.add_option("--dynatemp-exp", s.dynatemp_exponent, "Default 1");
    declare_number(command, "--mirostat", s.mirostat, "0: off; 1, 2: that version");
    command.add_option("--mirostat-ent", s.mirostat_tau, "Surprise that is aimed at (default 5)");
    command.add_option("--mirostat-lr", s.mirostat_eta, "How fast (default 0.1)");
    command.add_option("--adaptive-target", s.adaptive_target, "Probability aimed at; < 0: off");
    command.add_option("--adaptive-decay", s.adaptive_decay, "Default 0.9");
    command.add_flag("--infill", s.infill, "For filling a gap in a text");
    declare_number(command, "--logprobs", s.logprobs, "List n with each token, standard error");
    command.add_option("--stop", stops, "A text that ends the text; may be repeated");
    command.add_option_function<std::string>(
        "--samplers", [this](const std::string& list) { set_stages(list); },
        "Their order: penalties;dry;top_k;... others do not run");
  }

  void set_stages(const std::string& list) {
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find_first_of(";,", begin), list.size());
      const std::string word = list.substr(begin, end - begin);
      std::uint32_t number = 1;
      while (inlay::stage_name(number) && word != inlay::stage_name(number)) ++number;
      if (!inlay::stage_name(number)) {
        throw CLI::ValidationError("--samplers", fmt::format("{} is no stage", shown(word)));
      }
      stages.push_back(number);
      begin = end + 1;
    }
  }
};

// Moments of a run, for --stats.
struct Times {
  Clock::time_point begin = Clock::now();
  Clock::time_point loaded, first_token, end;
  std::size_t prompt_tokens = 0;
  std::uint64_t tokens = 0;
  inlay::Finish finish = inlay::Finish::none;
};

const char* words(inlay::Finish finish) {
  switch (finish) {
    case inlay::Finish::end: return "end of text";
    case inlay::Finish::tokens: return "token limit";
    case inlay::Finish::context: return "context full";
    case inlay::Finish::stop: return "stop token";
    case inlay::Finish::pages: return "key/value cache full";
    case inlay::Finish::grammar: return "end of the grammar";
    case inlay::Finish::text: return "stop text";
    case inlay::Finish::cancelled: return "cancelled";
    case inlay::Finish::none: break;
  }
  return "nothing to continue";
}

void show(std::string_view text) {
  if (text.empty()) return;
  write(text);
  flush_output();
}

void show_logprobs(const inlay::LogProbs& told) {
  fmt::print(stderr, "{} {:.6f}:", told.token.token, told.token.logprob);
  for (const auto& [token, logprob] : told.top) fmt::print(stderr, " {} {:.6f}", token, logprob);
  fmt::print(stderr, "\n");
}

// What is forced by a grammar comes without a step, and then the text is put together here.
void stream(inlay::Session& session, inlay::TextStream& text, bool jumps, bool logprobs,
            Times& times) {
  while (times.finish == inlay::Finish::none) {
    const inlay::Event event = session.step().value();
    if (event.status == inlay::Status::done) break;
    if (event.status != inlay::Status::token) continue;
    if (times.tokens++ == 0) times.first_token = Clock::now();
    times.finish = event.finish;
    if (logprobs) show_logprobs(session.logprobs(event.sequence).value());
    if (!jumps) show(session.text(event.sequence).value());
    if (jumps && event.finish != inlay::Finish::end) show(text.push(event.token).value());
    if (!jumps || event.finish != inlay::Finish::none) continue;
    for (const std::int32_t id : session.jump(event.sequence).value()) {
      show(text.push(id).value());
      ++times.tokens;
    }
  }
  if (jumps) show(text.finish().value());
  times.end = Clock::now();
}

void print_stats(const Times& times, const CountingMemory& memory) {
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  // `computed` of the tokens took the time: the first one of a text comes with its prompt.
  const auto line = [](const char* what, std::uint64_t tokens, std::uint64_t computed,
                       double time) {
    fmt::print(stderr, "{:<10} {} tokens, {:.3f} s, {:.2f} tokens/s\n", what, tokens, time,
               time > 0 ? static_cast<double>(computed) / time : 0.0);
  };
  fmt::print(stderr, "\n{:<10} {:.3f} s\n", "load", seconds(times.loaded - times.begin));
  if (times.tokens) {
    line("prompt", times.prompt_tokens, times.prompt_tokens,
         seconds(times.first_token - times.loaded));
    line("text", times.tokens, times.tokens - 1, seconds(times.end - times.first_token));
  }
  fmt::print(stderr, "{:<10} {}\n", "finish", words(times.finish));
  fmt::print(stderr, "{:<10} {} bytes allocated at most, {} resident\n", "memory", memory.peak(),
             peak_resident_bytes());
}

// An empty one when none was given.
inlay::Grammar grammar_of(const Options& options, const inlay::Model& model) {
  if (options.grammar.empty() && options.schema.empty()) return {};
  const auto language =
      options.schema.empty() ? inlay::GrammarLanguage::gbnf : inlay::GrammarLanguage::schema;
  const std::string& path = options.schema.empty() ? options.grammar : options.schema;
  return inlay::Grammar::compile(language, read_grammar(language, path), model).value();
}

void run(const Options& options) {
  Times times;
  CountingMemory memory;
  inlay::Host host;
  host.memory(memory);
  const std::string prompt = options.prompt.read(false);
  const inlay::Model model = options.model.open(inlay::Depth::weights, &host);
  const inlay::Tokenizer tokenizer = ModelArguments::tokenizer_of(model);
  const auto ids = tokenizer.encode(prompt).value();
  if (ids.empty()) fail(inlay::Status::argument, "the prompt has no tokens");

  inlay::SessionOptions session_options = options.session;
  session_options.threads = options.model.threads;
  if (!options.trace.empty()) session_options.trace_events = trace_events;
  inlay::Session session = inlay::Session::open(model, session_options).value();
  const inlay::Sequence sequence = session.add().value();
  times.loaded = Clock::now();
  times.prompt_tokens = ids.size();
  session.feed(sequence, ids).value();
  const inlay::Grammar grammar = grammar_of(options, model);
  if (grammar) session.constrain(sequence, grammar).value();
  const std::vector<std::string_view> stops(options.stops.begin(), options.stops.end());
  if (!stops.empty()) session.set_stop_texts(sequence, stops).value();
  inlay::SamplerOptions sampler = options.sampler;
  sampler.stages = options.stages;
  session.generate(sequence, sampler, options.tokens).value();
  inlay::TextStream text(tokenizer, !prompt.empty());
  const bool jumps = grammar && stops.empty() && sampler.logprobs == 0;
  stream(session, text, jumps, sampler.logprobs > 0, times);
  if (isatty(STDOUT_FILENO)) write("\n");
  if (!options.trace.empty()) session.write_trace(inlay::Sink::path(options.trace)).value();
  if (options.stats) print_stats(times, memory);
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "run", "Text that continues a prompt", run);
}

}  // namespace cli
