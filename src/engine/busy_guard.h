// busy_guard.h - one call at a time: a second one is refused, not queued.
#pragma once

#include <atomic>

#include "base/diagnostics.h"

namespace inlay {

class BusyGuard {
 public:
  explicit BusyGuard(std::atomic<bool>& busy)
      : busy_(busy), owner_(!busy.exchange(true, std::memory_order_acquire)) {}
  BusyGuard(const BusyGuard&) = delete;
  BusyGuard& operator=(const BusyGuard&) = delete;
  ~BusyGuard() {
    if (owner_) busy_.store(false, std::memory_order_release);
  }

  explicit operator bool() const { return owner_; }
  Status refuse(Error& error) const {
    return fail(error, Status::state, "session: another call is running");
  }

 private:
  std::atomic<bool>& busy_;
  bool owner_;
};

}  // namespace inlay
