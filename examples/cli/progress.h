// progress.h - a bar on standard error, drawn only where that is a terminal.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

namespace cli {

// For inlay::Progress, or to be called by hand; the line is wiped at the end.
class ProgressBar {
 public:
  explicit ProgressBar(const char* what) : what_(what), on_(isatty(STDERR_FILENO)) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() {
    if (shown_ >= 0) fmt::print(stderr, "\r\x1b[K");
  }

  void operator()(std::uint64_t done, std::uint64_t total) {
    constexpr int width = 40;
    if (!on_ || total == 0) return;
    const int percent =
        static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total));
    if (percent == shown_) return;
    shown_ = percent;
    fmt::print(stderr, "\r{} [{:<{}}] {:3} %", what_,
               fmt::format("{:=<{}}", "", percent * width / 100), width, percent);
    std::fflush(stderr);
  }

 private:
  const char* what_;
  bool on_;
  int shown_ = -1;
};

}  // namespace cli
