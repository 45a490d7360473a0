/// beam.hpp - beam search: the likeliest texts of a model, many at a time in one session.
///
///     auto session = inlay::Session::open(model, {.sequences = 5}).value();
///     auto prompt = session.add().value();
///     session.feed(prompt, ids).value();
///     for (const inlay::Beam& beam : inlay::beam_search(session, prompt, {.beams = 4}).value()) {
///       show(beam.ids, beam.score);
///     }
///
/// Every beam is a fork of the prompt: pages are shared until they differ, and all beams go through
/// the weights together.
#ifndef INLAY_BEAM_HPP
#define INLAY_BEAM_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "inlay/result.hpp"
#include "inlay/sampler.hpp"
#include "inlay/session.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

struct BeamOptions {
  std::uint32_t beams = 4;               ///< texts that are followed at a time
  std::uint32_t max_tokens = 32;         ///< of a text
  std::uint32_t results = 1;             ///< how many of the best to give, at most
  float length_penalty = 1.0f;           ///< >= 0: score = sum of ln p / tokens^length_penalty
  bool early_stop = true;                ///< ends with `beams` whole texts, though better may come
  std::span<const std::int32_t> ends{};  ///< tokens that end a text, see Tokenizer::is_end
};

/// A text that was found.
struct Beam {
  std::vector<std::int32_t> ids;  ///< behind the prompt, with the end
  double sum = 0;                 ///< of ln p of its tokens
  double score = 0;
  bool ended = false;  ///< by one of BeamOptions::ends
};

namespace detail {

class BeamSearch {
 public:
  BeamSearch(Session& session, const BeamOptions& options) : session_(session), options_(options) {}
  ~BeamSearch() {
    for (const Live& live : live_) (void)session_.drop(live.sequence);
  }
  BeamSearch(const BeamSearch&) = delete;
  BeamSearch& operator=(const BeamSearch&) = delete;

  Result<std::vector<Beam>> run(Sequence prompt) {
    if (options_.beams == 0 || options_.max_tokens == 0 || !(options_.length_penalty >= 0)) {
      return Error(Status::argument);
    }
    std::vector<Live> first(1);
    first[0].sequence = prompt;
    if (auto known = look(first); !known) return known.error();
    if (auto grown = grow(first, true); !grown) return grown.error();
    while (!is_over()) {
      if (auto known = look(live_); !known) return known.error();
      std::vector<Live> parents = std::exchange(live_, {});
      if (auto grown = grow(parents, false); !grown) return grown.error();
    }
    for (const Live& live : live_) {
      if (is_full(live.beam)) finish(live.beam);
    }
    sort_found();
    found_.resize(std::min<std::size_t>(found_.size(), options_.results));
    return std::move(found_);
  }

 private:
  struct Live {
    Sequence sequence = 0;
    Beam beam;
    std::vector<LogProb> next;  // best first
  };
  struct Candidate {
    std::size_t parent;
    std::int32_t token;
    double sum;
  };

  bool is_end(std::int32_t token) const {
    return std::find(options_.ends.begin(), options_.ends.end(), token) != options_.ends.end();
  }
  bool is_full(const Beam& beam) const { return beam.ids.size() >= options_.max_tokens; }
  double score(double sum, std::size_t tokens) const {
    return sum / std::pow(static_cast<double>(tokens), double{options_.length_penalty});
  }
  void finish(Beam beam) {
    beam.score = score(beam.sum, beam.ids.size());
    found_.push_back(std::move(beam));
  }
  void sort_found() {
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Beam& a, const Beam& b) { return a.score > b.score; });
  }

  // What may follow each of them; logits are valid until the next step.
  Result<void> look(std::vector<Live>& all) {
    for (std::size_t known = 0; known < all.size();) {
      const Result<Event> event = session_.step();
      if (!event) return event.error();
      if (event->status == Status::yield) return Error(Status::cancelled);
      if (event->status != Status::logits) return Error(Status::state);
      const auto live = std::find_if(all.begin(), all.end(),
                                     [&](const Live& l) { return l.sequence == event->sequence; });
      if (live == all.end()) return Error(Status::state);
      const Result<Logits> logits = session_.logits(live->sequence);
      if (!logits) return logits.error();
      const std::span<const float> row = logits->row(logits->rows - 1);
      // As many as may live, and all that may end.
      live->next.resize(std::min(row.size(), options_.beams + options_.ends.size()));
      const Result<std::size_t> count = top_logprobs(row, live->next);
      if (!count) return count.error();
      live->next.resize(*count);
      ++known;
    }
    return {};
  }

  std::vector<Candidate> candidates_of(const std::vector<Live>& parents) const {
    std::vector<Candidate> all;
    for (std::size_t i = 0; i < parents.size(); ++i) {
      for (const LogProb& next : parents[i].next) {
        const double sum = parents[i].beam.sum + double{next.logprob};
        if (std::isfinite(sum)) all.push_back({i, next.token, sum});
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Candidate& a, const Candidate& b) { return a.sum > b.sum; });
    return all;
  }

  // The best of what may follow becomes live_; what ends is found. Parents that nobody goes on from
  // are dropped before others are forked, so that `beams` sequences are enough.
  Result<void> grow(std::vector<Live>& parents, bool keep_parents) {
    std::vector<std::size_t> children(parents.size(), 0);
    std::vector<Candidate> chosen;
    for (const Candidate& c : candidates_of(parents)) {
      if (chosen.size() == options_.beams) break;
      if (is_end(c.token)) {
        finish(child(parents, c, true));
      } else {
        chosen.push_back(c);
        ++children[c.parent];
      }
    }
    for (std::size_t i = 0; i < parents.size() && !keep_parents; ++i) {
      if (children[i] == 0) (void)session_.drop(std::exchange(parents[i].sequence, 0));
    }
    Error error;
    for (const Candidate& c : chosen) {
      Live& parent = parents[c.parent];
      const bool goes_on = --children[c.parent] == 0 && !keep_parents;
      const Result<Sequence> sequence = goes_on
                                            ? Result<Sequence>(std::exchange(parent.sequence, 0))
                                            : session_.fork(parent.sequence);
      if (!sequence) {
        error = sequence.error();
        break;
      }
      live_.push_back({*sequence, child(parents, c, false), {}});
      if (is_full(live_.back().beam)) continue;
      if (const auto fed = session_.feed(*sequence, std::span(&c.token, 1)); !fed) {
        error = fed.error();
        break;
      }
    }
    for (const Live& parent : parents) {  // after an error
      if (!keep_parents && parent.sequence != 0) (void)session_.drop(parent.sequence);
    }
    return error;
  }

  static Beam child(const std::vector<Live>& parents, const Candidate& c, bool ended) {
    Beam beam = parents[c.parent].beam;
    beam.ids.push_back(c.token);
    beam.sum = c.sum;
    beam.ended = ended;
    return beam;
  }

  // No live text is left to follow: none is, all are long enough, or none can become better.
  bool is_over() {
    if (live_.empty() || is_full(live_[0].beam)) return true;
    if (options_.early_stop) return found_.size() >= options_.beams;
    if (found_.size() < options_.results || options_.results == 0) return false;
    sort_found();
    return score(live_[0].beam.sum, options_.max_tokens) <= found_[options_.results - 1].score;
  }

  Session& session_;
  BeamOptions options_;
  std::vector<Live> live_;  // best first
  std::vector<Beam> found_;
};

}  // namespace detail

/// The best texts behind `prompt`, best score first. The prompt has tokens that are fed and not yet
/// computed; it is as before then, with them computed. Nothing else may be under way in the
/// session, which has room for `beams` sequences more. Steps until it is through. Errors: argument
/// (an option out of its range), limit (sequences, context), cancelled, state (nothing was fed,
/// another sequence is under way), and those of Session::step.
inline Result<std::vector<Beam>> beam_search(Session& session, Sequence prompt,
                                             const BeamOptions& options = {}) {
  return detail::BeamSearch(session, options).run(prompt);
}

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_BEAM_HPP
