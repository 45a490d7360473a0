// windows.cpp - reading the text, stepping through a window, sums over rows.
#include "windows.h"

#include <algorithm>
#include <cmath>

#include "output.h"

namespace cli {
namespace {

constexpr std::uint32_t rows_at_once = 64;  // of logits: some tens of megabytes at most

}  // namespace

void WindowArguments::declare(CLI::App& command) {
  command.add_option("--file", file, "A file with the text")->required();
  command.add_option("--ctx", context, "Tokens of a window (default 512)")
      ->check(CLI::Range(4u, 1u << 20));
}

Windows::Windows(const inlay::Model& model, const WindowArguments& arguments)
    : context_(arguments.context) {
  const inlay::Tokenizer tokenizer = ModelArguments::tokenizer_of(model);
  ids_ = tokenizer.encode(read_file(arguments.file)).value();
  if (tokenizer.info().adds_bos) begin_ = tokenizer.info().bos;
  if (count() == 0) {
    fail(inlay::Status::argument,
         fmt::format("{}: {} tokens, a window has {}", arguments.file, ids_.size(), context_));
  }
}

std::vector<std::int32_t> Windows::operator[](std::size_t index) const {
  const auto first = ids_.begin() + static_cast<std::ptrdiff_t>(index * context_);
  std::vector<std::int32_t> window(first, first + context_);
  if (begin_ >= 0) window[0] = begin_;
  return window;
}

WindowRows::WindowRows(const inlay::Model& model, std::uint32_t threads, std::uint32_t context)
    : session_(inlay::Session::open(model, {.context = context,
                                            .logits_rows = std::min(context, rows_at_once),
                                            .threads = threads})
                   .value()) {}

void WindowRows::begin(std::span<const std::int32_t> window, std::uint32_t first) {
  if (sequence_) session_.drop(sequence_).value();
  sequence_ = session_.add().value();
  session_.feed(sequence_, window.first(first)).value();
  session_.feed(sequence_, window.subspan(first), inlay::LogitsOf::all).value();
  logits_ = {};
  row_ = 0;
}

bool WindowRows::next() {
  if (++row_ < logits_.rows) return true;
  row_ = 0;
  logits_ = {};
  if (session_.step().value().status != inlay::Status::logits) return false;
  logits_ = session_.logits(sequence_).value();
  return true;
}

double log_sum_exp(std::span<const float> row) {
  const double largest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const float x : row) sum += std::exp(double{x} - largest);
  return largest + std::log(sum);
}

double Mean::error() const {
  if (count_ < 2) return 0;
  const auto n = static_cast<double>(count_);
  return std::sqrt(squares_ / n / (n - 1));
}

double Perplexity::value() const { return std::exp(surprise_.value()); }

}  // namespace cli
