// progress.h - tells the host about a hundred times how far a long operation is, and hears its no.
#pragma once

#include "base/diagnostics.h"

namespace inlay {

class Progress {
 public:
  Progress(const inlay_progress& host, std::uint64_t total) : host_(host), total_(total) {}

  // To be called on the thread that the host called from. CANCELLED: the host said so.
  Status add(std::uint64_t bytes, Error& error) {
    done_ += bytes;
    if (!host_.report || (done_ < next_ && done_ < total_)) return Status::ok;
    next_ = done_ + total_ / reports;
    if (host_.report(host_.user, done_, total_) == 0) return Status::ok;
    return fail(error, Status::cancelled, "cancelled by the host at {} of {} bytes", done_, total_);
  }

 private:
  static constexpr std::uint64_t reports = 100;
  inlay_progress host_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  std::uint64_t next_ = 0;
};

}  // namespace inlay
