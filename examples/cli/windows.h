// windows.h - a text cut into windows of tokens, and a model's logits over them.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "arguments.h"

namespace cli {

// --file and --ctx.
struct WindowArguments {
  std::string file;
  std::uint32_t context = 512;
  void declare(CLI::App& command);
};

// Windows of `context` tokens that follow each other without overlap; what is left at the end is
// not used. The first token of each is the begin token, in place of the text's, where the model
// adds one. Fails on a text that is shorter than one window.
class Windows {
 public:
  Windows(const inlay::Model& model, const WindowArguments& arguments);

  std::size_t count() const { return ids_.size() / context_; }
  std::vector<std::int32_t> operator[](std::size_t index) const;
  const std::vector<std::int32_t>& ids() const { return ids_; }  // of the text

 private:
  std::uint32_t context_;
  std::vector<std::int32_t> ids_;
  std::int32_t begin_ = -1;
};

// Logits of one window after the other, row by row:
//   for (rows.begin(window, first); rows.next();) use(rows.position(), rows.row());
class WindowRows {
 public:
  WindowRows(const inlay::Model& model, std::uint32_t threads, std::uint32_t context);

  // Rows for the tokens from `first` on.
  void begin(std::span<const std::int32_t> window, std::uint32_t first);
  // The next row; false after the last.
  bool next();
  std::uint32_t position() const { return logits_.position + row_; }  // the row follows this token
  std::span<const float> row() const { return logits_.row(row_); }
  const inlay::Session& session() const { return session_; }

 private:
  inlay::Session session_;
  inlay::Sequence sequence_ = 0;
  inlay::Logits logits_;
  std::uint32_t row_ = 0;
};

// log(sum(exp(row))).
double log_sum_exp(std::span<const float> row);

// Mean of numbers and its standard error.
class Mean {
 public:
  void add(double x) {
    ++count_;
    const double step = x - mean_;
    mean_ += step / static_cast<double>(count_);
    squares_ += step * (x - mean_);
  }
  std::uint64_t count() const { return count_; }
  double value() const { return mean_; }
  double error() const;

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // of the distances from the mean
};

// Perplexity over the second half of windows: exp of the mean of -log p(token).
class Perplexity {
 public:
  // Token `next` came where the model gave `logits`; `sum` is log_sum_exp of them.
  void add(std::span<const float> logits, double sum, std::int32_t next) {
    surprise_.add(sum - double{logits[static_cast<std::size_t>(next)]});
  }
  std::uint64_t tokens() const { return surprise_.count(); }
  double value() const;
  double error() const { return value() * surprise_.error(); }

 private:
  Mean surprise_;  // nats
};

}  // namespace cli
