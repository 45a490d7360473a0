// custom.cpp - stages of the host's own: functions that change the list of candidates.
#include <limits>

#include "sample/stage.h"

namespace inlay {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  if (options.host_stage_count > 0 && !options.host_stages) {
    return fail(error, Status::argument, "host_stages: NULL with host_stage_count {}",
                options.host_stage_count);
  }
  for (std::size_t i = 0; i < options.host_stage_count; ++i) {
    if (options.host_stages[i].apply) continue;
    return fail(error, Status::argument, "host_stages[{}].apply is NULL", i);
  }
  return Status::ok;
}

// Ids as they were, perhaps fewer; logits that are numbers. Its memory is ours, its content is not.
Status check_list(std::size_t stage, std::span<const Candidate> list, std::size_t count,
                  std::uint32_t vocabulary, Error& error) {
  if (count == 0 || count > list.size()) {
    return fail(error, Status::argument, "host stage {}: left {} candidates of {}", stage, count,
                list.size());
  }
  std::int64_t before = -1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t id = list[i].id;
    if (id <= before || id >= std::int64_t{vocabulary}) {
      return fail(error, Status::argument,
                  "host stage {}: candidate {} has id {}, expected one in ({}, {})", stage, i, id,
                  before, vocabulary);
    }
    before = id;
    if (list[i].logit < infinity) continue;
    return fail(error, Status::argument, "host stage {}: logit of token {}: {}", stage, id,
                list[i].logit);
  }
  return Status::ok;
}

Status refuse(std::size_t stage, inlay_status status, Error& error) {
  if (status >= 0) {
    return fail(error, Status::argument, "host stage {}: returned {}, expected 0 or an error",
                stage, status);
  }
  const bool known = status >= INLAY_ERROR_INTERNAL;
  const Status told = known ? static_cast<Status>(status) : Status::argument;
  return fail(error, told, "host stage {}: returned {} ({})", stage, status, status_name(told));
}

void show_probabilities(Candidates& candidates) {
  const double total = candidates.total_weight();
  for (Candidate& c : candidates.list()) c.weight = static_cast<float>(c.weight / total);
}

Status apply(Draft& draft, Error& error) {
  Candidates& candidates = draft.candidates;
  for (std::size_t i = 0; i < draft.host_stages.size(); ++i) {
    INLAY_TRY(weigh(draft, error));
    show_probabilities(candidates);
    const auto list = candidates.list();
    inlay_candidates view{};
    view.struct_size = sizeof view;
    view.list = list.data();
    view.count = list.size();
    view.tokens = draft.history.data();
    view.token_count = draft.history.size();
    view.position = draft.position;
    const inlay_host_stage& stage = draft.host_stages[i];
    if (const inlay_status status = stage.apply(stage.user, &view); status != INLAY_OK) {
      return refuse(i, status, error);
    }
    INLAY_TRY(check_list(i, list, view.count, draft.vocabulary, error));
    candidates.shorten(view.count);
    candidates.logits_changed();
  }
  return Status::ok;
}

void prepare(Draft& draft, Need& need) {
  if (!draft.host_stages.empty()) need.all();
}

}  // namespace

constinit const Stage custom_stage{check, apply, prepare};

}  // namespace inlay
