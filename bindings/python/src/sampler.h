// sampler.h - options of sampling as they come from Python, and what of theirs has to live on.
#pragma once

#include <span>

#include "core.h"

namespace inlay_python {

// Stages of sampling that are Python functions. What one raises ends the draw, and is thrown by
// rethrow().
class HostStages {
 public:
  void add(py::object callable) { all_.push_back(std::make_unique<Stage>(std::move(callable))); }
  std::vector<inlay_host_stage> raw() const {
    std::vector<inlay_host_stage> list;
    for (const auto& stage : all_) list.push_back({stage.get(), &HostStages::call});
    return list;
  }
  bool empty() const { return all_.empty(); }
  void rethrow() {
    for (const auto& stage : all_) {
      if (stage->failure) std::rethrow_exception(std::exchange(stage->failure, nullptr));
    }
  }

 private:
  struct Stage {
    explicit Stage(py::object function) : callable(std::move(function)) {}
    py::object callable;
    std::exception_ptr failure;
  };
  static inlay_status call(void* user, inlay_candidates* candidates);

  std::vector<std::unique_ptr<Stage>> all_;  // the library knows their addresses
};

// Keyword arguments as options, with the lists that those point to.
class SamplerArguments {
 public:
  explicit SamplerArguments(const py::dict& values);
  SamplerArguments(const SamplerArguments&) = delete;
  SamplerArguments& operator=(const SamplerArguments&) = delete;

  const inlay_sampler_options& raw() const { return raw_; }
  // They have to live as long as the sampler does.
  const std::shared_ptr<HostStages>& stages() const { return stages_; }

 private:
  void take_bias(const py::object& pairs);
  void take_breakers(const py::object& texts);
  void take_order(const py::object& names);
  void take_host_stages(const py::object& callables);

  inlay_sampler_options raw_;
  std::vector<inlay_logit_bias> bias_;
  std::vector<std::string> breaker_texts_;
  std::vector<inlay_text_view> breakers_;
  std::vector<uint32_t> order_;
  std::vector<inlay_host_stage> host_stages_;
  std::shared_ptr<HostStages> stages_ = std::make_shared<HostStages>();
};

// (token, natural logarithm of its probability)
py::tuple to_pair(const inlay_logprob& of);
py::list to_pairs(std::span<const inlay_logprob> all);

}  // namespace inlay_python
