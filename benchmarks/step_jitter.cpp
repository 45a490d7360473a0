// step_jitter.cpp - how well frames of step(budget) keep their time, and how well the machine does.
//
//   step_jitter MODEL [--budget-us 2000] [--prompt 512] [--tokens 64] [--sequences 1] [--threads 1]
//               [--seconds N] [--json]
//
// A frame is what a game does once a picture: it steps, with what is left of the budget, until the
// session yields. After each frame a loop that only asks the clock spends one budget more: what it
// measures no library could better, and overruns that it has too are the machine's. With --seconds
// prompts follow each other until that time has passed.
#include "bench.h"

namespace {

using namespace bench;

constexpr double tolerance = 1.15;  // of the budget
constexpr const char* usage =
    "bench_step_jitter MODEL [--budget-us 2000] [--prompt 512] [--tokens 64] [--sequences 1]\n"
    "                         [--threads 1] [--seconds N] [--json]";

struct Options {
  std::chrono::microseconds budget;
  std::uint32_t prompt, tokens, sequences, threads, seconds;
  bool json;
  std::string model;
};

Options parse(int count, char** words) {
  Arguments arguments(count, words, usage);
  Options options;
  options.budget = std::chrono::microseconds(arguments.take_number("--budget-us", 2000));
  options.prompt = arguments.take_number("--prompt", 512);
  options.tokens = arguments.take_number("--tokens", 64);
  options.sequences = arguments.take_number("--sequences", 1);
  options.threads = arguments.take_number("--threads", 1);
  options.seconds = arguments.take_number("--seconds", 0);
  options.json = arguments.take_flag("--json");
  options.model = arguments.take_model();
  return options;
}

// Microseconds of frames, and of the machine's beside them.
struct Times {
  std::vector<double> inlay, machine;
  std::uint64_t calls = 0;  // of step

  void append(const Times& other) {
    inlay.insert(inlay.end(), other.inlay.begin(), other.inlay.end());
    machine.insert(machine.end(), other.machine.begin(), other.machine.end());
    calls += other.calls;
  }
};

double microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

// Sequences that talk, stepped frame by frame.
class Game {
 public:
  Game(const inlay::Model& model, const Options& options)
      : options_(options),
        prompts_(model.info().vocabulary),
        session_(need(inlay::Session::open(model, {.context = options.prompt + options.tokens,
                                                   .sequences = options.sequences,
                                                   .threads = options.threads}))) {}

  // New sequences with a prompt each, run to their last tokens.
  void play() {
    begin();
    for (bool more = true; more;) {
      Times& times = silent_.empty() ? decode_ : prefill_;  // where the frame begins
      const Clock::time_point start = Clock::now();
      more = run_frame(start, times.calls);
      const double inlay = microseconds(Clock::now() - start);
      const double machine = spend_budget();
      if (!more) continue;  // ended by the work, not by its budget
      times.inlay.push_back(inlay);
      times.machine.push_back(machine);
    }
  }

  const Times& prefill() const { return prefill_; }
  const Times& decode() const { return decode_; }

 private:
  void begin() {
    for (const inlay::Sequence sequence : sequences_) need(session_.drop(sequence));
    sequences_.clear();
    for (std::uint32_t i = 0; i < options_.sequences; ++i) {
      const inlay::Sequence sequence = need(session_.add());
      sequences_.push_back(sequence);
      need(session_.feed(sequence, prompts_.next(options_.prompt)));
      generate(session_, sequence, {.stream = i}, options_.tokens);
    }
    silent_ = sequences_;
  }

  // False when nothing is left to do.
  bool run_frame(Clock::time_point start, std::uint64_t& calls) {
    for (Clock::duration left = options_.budget; left.count() > 0;
         left = options_.budget - (Clock::now() - start)) {
      const inlay::Event event = need(session_.step(left));
      ++calls;
      if (event.status == inlay::Status::done) return false;
      if (event.status == inlay::Status::yield) return true;
      std::erase(silent_, event.sequence);
    }
    return true;
  }

  double spend_budget() const {
    const Clock::time_point start = Clock::now();
    Clock::duration time;
    do {
      time = Clock::now() - start;
    } while (time < options_.budget);
    return microseconds(time);
  }

  const Options& options_;
  Prompts prompts_;
  inlay::Session session_;
  std::vector<inlay::Sequence> sequences_;
  std::vector<inlay::Sequence> silent_;  // no token yet
  Times prefill_, decode_;
};

// Per cent of the times that end within tolerance x budget.
double share_within(const std::vector<double>& times, double budget) {
  const auto kept = std::count_if(times.begin(), times.end(),
                                  [&](double time) { return time <= tolerance * budget; });
  return 100.0 * static_cast<double>(kept) / static_cast<double>(times.size());
}

struct Column {
  const char* name;
  double part;
};
constexpr Column columns[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};

void print_row(const char* phase, const char* who, const std::vector<double>& times,
               std::uint64_t calls, double budget) {
  std::printf("%-8s %-8s %8zu %8llu", phase, who, times.size(),
              static_cast<unsigned long long>(calls));
  if (times.empty()) return void(std::printf("  no frame filled its budget\n"));
  for (const Column& column : columns) std::printf(" %9.1f", quantile(times, column.part));
  std::printf(" %9.3f %%\n", share_within(times, budget));
}

void print_json_row(const char* who, const std::vector<double>& times, double budget) {
  std::printf("\"%s\":{\"frames\":%zu", who, times.size());
  for (const Column& column : columns) {
    if (!times.empty()) std::printf(",\"%s\":%.3f", column.name, quantile(times, column.part));
  }
  if (!times.empty()) std::printf(",\"within_percent\":%.4f", share_within(times, budget));
  std::printf("}");
}

struct Phase {
  const char* name;
  const Times& times;
};

void print_text(const Options& options, const char* isa, const Phase (&phases)[3]) {
  const double budget = microseconds(options.budget);
  std::printf("budget %.0f us, %u threads, %s; %u sequences of %u tokens of prompt and %u more\n",
              budget, options.threads, isa, options.sequences, options.prompt, options.tokens);
  std::printf("%-8s %-8s %8s %8s", "us", "", "frames", "steps");
  for (const Column& column : columns) std::printf(" %9s", column.name);
  std::printf(" within %.2f x budget\n", tolerance);
  for (const Phase& phase : phases) {
    print_row(phase.name, "inlay", phase.times.inlay, phase.times.calls, budget);
    print_row("", "machine", phase.times.machine, 0, budget);
  }
}

void print_json(const Options& options, const char* isa, const Phase (&phases)[3]) {
  const double budget = microseconds(options.budget);
  std::printf(
      "{\"budget_us\":%.0f,\"threads\":%u,\"isa\":\"%s\",\"sequences\":%u,\"prompt\":%u,"
      "\"tokens\":%u,\"tolerance\":%.2f",
      budget, options.threads, isa, options.sequences, options.prompt, options.tokens, tolerance);
  for (const Phase& phase : phases) {
    std::printf(",\"%s\":{\"steps\":%llu,", phase.name,
                static_cast<unsigned long long>(phase.times.calls));
    print_json_row("inlay", phase.times.inlay, budget);
    std::printf(",");
    print_json_row("machine", phase.times.machine, budget);
    std::printf("}");
  }
  std::printf("}\n");
}

}  // namespace

int main(int count, char** words) {
  const Options options = parse(count, words);
  const inlay::Model model = need(inlay::Model::open(options.model));
  Game game(model, options);
  const Clock::time_point start = Clock::now();
  do {
    game.play();
  } while (seconds_since(start) < options.seconds);
  Times all = game.prefill();
  all.append(game.decode());
  const Phase phases[] = {{"prefill", game.prefill()}, {"decode", game.decode()}, {"all", all}};
  const char* isa = model.info().isa;
  options.json ? print_json(options, isa, phases) : print_text(options, isa, phases);
  return 0;
}
