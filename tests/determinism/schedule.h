// schedule.h - one random schedule: what is done to a session, in which order, and what it must
// tell.
#pragma once

#include <set>

#include "determinism/schedule_models.h"
#include "sample/sampler.h"

namespace inlay::test::schedules {

// What a sequence should be: its tokens, and how it goes on.
struct Actor {
  inlay_sequence id = 0;
  Tokens tokens;
  std::vector<std::uint64_t> keys;  // of the first 1, 2, ... tokens
  bool sampling = false;
  inlay_sampler_options sampler{};
  std::uint64_t left = 0;  // tokens of the generation
  std::uint64_t dropped = 0;
  std::uint32_t policy = INLAY_CONTEXT_STOP, keep = 0;
  std::set<std::int32_t> stop;
  bool ignore_end = false;
  std::set<std::uint32_t> wanted;  // positions whose logits must still be told
  bool strict = true;              // `wanted` is all that will be told
  std::vector<std::uint8_t> file;  // a snapshot that grows

  void append(std::int32_t token) {
    keys.push_back(Reference::key_after(keys.empty() ? Reference::first_key : keys.back(), token));
    tokens.push_back(token);
  }
  void set(const Tokens& all) {
    tokens.clear();
    keys.clear();
    for (const std::int32_t token : all) append(token);
  }
  void resize(std::size_t length) {
    tokens.resize(length);
    keys.resize(length);
  }
  std::uint32_t length() const { return static_cast<std::uint32_t>(tokens.size()); }
};

class Schedule {
 public:
  explicit Schedule(std::uint64_t seed) : rng_{seed * 0x2545f4914f6cdd1du + 99} {
    auto& all = families();
    const std::uint32_t which = rng_.chance(45) ? 0 : rng_.chance(35) ? 1 : rng_.between(2, 4);
    family_ = all[which].get();
    family_->set_clock_back();
    kv_.first = rng_.one_of(family_->kv_types);
    kv_.second = rng_.chance(50) ? kv_.first : rng_.one_of(family_->kv_types);
    count(std::string("kv ") + std::to_string(kv_.first) + " " + std::to_string(kv_.second));
    context_ = rng_.chance(40) ? rng_.between(100, 140) : rng_.between(180, 270);
    sequences_ = rng_.between(1, 8);
    const std::uint32_t full = sequences_ * ((context_ + 63) / 64);
    pages_ = rng_.chance(50)   ? std::max((context_ + 63) / 64, rng_.between(2, full * 2 / 3 + 2))
             : rng_.chance(30) ? full + rng_.between(1, 8)
                               : full;
    // The same few texts come again and again, so that prefixes are found.
    const std::uint32_t vocabulary = family_->reference(kv_).vocabulary();
    for (Tokens& text : texts_) {
      for (std::uint32_t i = 0; i < 300; ++i) {
        text.push_back(static_cast<std::int32_t>(3 + rng_.below(vocabulary - 3)));
      }
    }
    for (std::size_t i = 1; i < texts_.size(); ++i) {  // they begin alike
      std::copy_n(texts_[0].begin(), rng_.below(200), texts_[i].begin());
    }
    open();
  }

  void run() {
    const std::uint32_t actions = rng_.between(15, 45);
    for (std::uint32_t i = 0; i < actions; ++i) {
      act();
      check_lengths();
    }
    drain();
    count_info();
    write_trace();
    for (const Actor& a : actors_) keep_list(a.tokens);
    check_seen();
  }

 private:
  struct Opened {
    bool own_clock = false;
    std::uint32_t reuse = 1, traced = 0;
  };

  // ---- The session --------------------------------------------------------------------------

  void open() {
    const auto isas = usable_isas();
    // The first one is slow.
    const auto last = static_cast<std::uint32_t>(isas.size() - 1);
    const std::string isa = rng_.chance(15)               ? isas.front()
                            : last < 2 || rng_.chance(60) ? isas.back()
                                                          : isas[rng_.between(1, last - 1)];
    const std::uint32_t roll = rng_.below(100);
    const HostKind host = roll < 25   ? HostKind::plain
                          : roll < 70 ? HostKind::clock_only
                          : roll < 94 ? HostKind::backwards
                                      : HostKind::threads;
    model_ = &family_->model(isa, host);
    opened_.own_clock = host != HostKind::plain;
    auto options = TestSession::options();
    options.context = context_;
    options.sequences = sequences_;
    options.chunk = rng_.one_of<std::uint32_t>({1, 3, 16, 33, 64, 100, 256});
    options.logits_rows = rng_.one_of<std::uint32_t>({0, 1, 2, 7, 64});
    options.threads = rng_.chance(60) ? 1 : rng_.between(2, 4);
    options.kv_type = kv_.first;
    options.value_type = kv_.second;
    options.reuse = opened_.reuse = !rng_.chance(15);
    options.kv_tokens = std::uint64_t{pages_} * 64;
    options.trace_events = opened_.traced = rng_.chance(20) ? 100 : 0;
    count("isa " + isa);
    if (host == HostKind::backwards || host == HostKind::threads) {
      count("host jobs");
    } else if (options.threads > 1) {
      count("threads");
    }
    session_ = std::make_unique<TestSession>(*model_, options);
  }

  inlay_session_info info() const {
    inlay_session_info info{};
    info.struct_size = sizeof info;
    EXPECT(inlay_session_get_info(session_->handle, &info) == INLAY_OK, "info");
    EXPECT(info.pages == pages_, "info");
    EXPECT(info.pages_used + info.pages_cached <= info.pages, "info");
    EXPECT(info.alive == actors_.size(), "info");
    if (!opened_.reuse) EXPECT(info.pages_cached == 0, "info");
    return info;
  }

  void write_trace() {
    std::vector<std::uint8_t> text;
    const inlay_sink sink = sink_to(text);
    const inlay_status status = inlay_session_write_trace(session_->handle, &sink, nullptr);
    EXPECT(status == (opened_.traced ? INLAY_OK : INLAY_ERROR_STATE), "trace");
    EXPECT(opened_.traced == 0 || text.size() > 10, "trace");
    if (opened_.traced) count("traces");
  }

  void count_info() {
    const inlay_session_info now = info();
    count("tokens computed", now.tokens_computed);
    count("tokens reused", now.tokens_reused);
    if (now.tokens_reused > 0) count("schedules with prefix hits");
  }

  Tokens tokens_of(inlay_sequence id) const {
    std::size_t n = 0;
    Tokens ids(context_ + 1);
    EXPECT(!inlay_session_tokens(session_->handle, id, ids.data(), ids.size(), &n), "tokens");
    ids.resize(n);
    return ids;
  }

  void check_lengths() const {
    for (const Actor& a : actors_) {
      std::uint32_t computed = 0, pending = 0;
      EXPECT(!inlay_session_length(session_->handle, a.id, &computed, &pending), "length");
      EXPECT(computed + pending == a.length(), "length");
      EXPECT(tokens_of(a.id) == a.tokens, "tokens");
    }
    info();
  }

  Actor* any() { return actors_.empty() ? nullptr : &actors_[rng_.below(count_of(actors_))]; }
  template <class T>
  static std::uint32_t count_of(const T& list) {
    return static_cast<std::uint32_t>(list.size());
  }
  Actor* find(inlay_sequence id) {
    for (Actor& a : actors_) {
      if (a.id == id) return &a;
    }
    return nullptr;
  }

  // ---- What is done -------------------------------------------------------------------------

  void act() {
    const std::uint32_t roll = rng_.below(100);
    if (roll < 14 || actors_.empty()) return add();
    Actor& a = *any();
    if (roll < 26) return feed(a, some_tokens(a));
    if (roll < 40) return generate(a);
    if (roll < 68) return steps(rng_.between(1, 25));
    if (roll < 74) return fork(a);
    if (roll < 80) return rewind(a);
    if (roll < 82) return clear(a);
    if (roll < 88) return drop(a);
    if (roll < 90) return policy(a);
    if (roll < 91) return stops(a);
    if (roll < 93) return drain();
    if (roll < 96) return save(a);
    if (roll < 98) return save_into_new_sequence(a);
    if (roll < 99) return move();
    inlay_session_cancel(session_->handle);
    cancelled_ = true;
    steps(3);
  }

  // A prefix of a known text that ends near a page's border or anywhere, and something of its own.
  Tokens prompt() {
    if (!gone_.empty() && rng_.chance(40)) {
      count("gone sequences fed again");
      return rng_.one_of(gone_);
    }
    const Tokens& text = texts_[rng_.below(count_of(texts_))];
    const std::uint32_t length = rng_.chance(50) ? 64 * rng_.between(1, 2) + rng_.between(0, 4) - 2
                                                 : rng_.between(1, context_);
    Tokens ids(text.begin(), text.begin() + std::min(length, context_));
    for (std::uint32_t i = rng_.below(4); i > 0; --i) ids.push_back(3 + (i + length) % 3);
    return ids;
  }

  void add() {
    if (actors_.size() == sequences_) {
      inlay_sequence none = 0;
      EXPECT(inlay_session_add(session_->handle, &none, nullptr) == INLAY_ERROR_LIMIT, "add");
      return;
    }
    Actor a;
    a.id = session_->add();
    EXPECT(a.id != 0 && !find(a.id), "add");
    actors_.push_back(a);
    if (actors_.size() > 1) count("sequences beside others");
    Tokens ids = prompt();
    if (rng_.chance(30)) {
      ids.resize(1 + rng_.below(count_of(ids)));
      rests_[a.id] = prompt();
    }
    if (rng_.chance(35)) policy(actors_.back());
    if (actors_.back().policy == INLAY_CONTEXT_DROP && rng_.chance(60)) {
      ids = texts_[rng_.below(count_of(texts_))];  // soon there is no room
      ids.resize(context_ - rng_.below(8));
    }
    feed(actors_.back(), ids);
  }

  Tokens some_tokens(const Actor& a) {
    const Tokens& text = texts_[rng_.below(count_of(texts_))];
    const std::uint32_t n = rng_.chance(70) ? rng_.between(1, 12) : rng_.between(20, 120);
    Tokens ids;
    for (std::uint32_t i = 0; i < n; ++i) ids.push_back(text[(a.length() + i) % 300]);
    return ids;
  }

  void feed(Actor& a, Tokens ids) {
    const bool overfull = a.length() + ids.size() > context_;
    if (overfull && a.policy != INLAY_CONTEXT_DROP && rng_.chance(80)) {
      ids.resize(context_ - a.length());
    }
    const bool all = rng_.chance(30);
    const inlay_session_info before = info();
    const std::uint32_t length = a.length();
    std::uint32_t computed = 0;
    EXPECT(!inlay_session_length(session_->handle, a.id, &computed, nullptr), "length");
    inlay_error error{};
    const inlay_status status = inlay_session_feed(session_->handle, a.id, ids.data(), ids.size(),
                                                   all ? INLAY_FEED_ALL_LOGITS : 0, &error);
    if (status == INLAY_ERROR_LIMIT) {
      EXPECT(tokens_of(a.id) == a.tokens, "a refused feed changed something");
      const bool too_long = length + ids.size() > context_;
      // Pages in the way: what is used, and what the tokens need with one for a copy. Behind a drop
      // nothing of the sequence is shared any more.
      const std::uint64_t more = too_long
                                     ? (context_ + 63) / 64
                                     : (length + ids.size() + 63) / 64 - (length + 63) / 64 + 1;
      EXPECT((too_long && a.policy != INLAY_CONTEXT_DROP) || ids.size() + a.keep > context_ ||
                 before.pages_used + more > pages_,
             std::string("feed: ") + error.text);
      if (!too_long) count("feeds refused for pages");
      return;
    }
    EXPECT(status == INLAY_OK, std::string("feed: ") + error.text);
    if (length + ids.size() > context_) {
      EXPECT(a.policy == INLAY_CONTEXT_DROP, "feed over the context");
      drop_middle(a, length + ids.size() - tokens_of(a.id).size());
      count("feeds that drop");
    }
    if (!ids.empty() && computed < length && !all_wanted_.count({a.id, a.length() - 1})) {
      a.wanted.erase(a.length() - 1);  // it was wanted as the last one
    }
    if (a.sampling) a.strict = false;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      a.append(ids[i]);
      if (all || i + 1 == ids.size()) a.wanted.insert(a.length() - 1);
      if (all)
        all_wanted_.insert({a.id, a.length() - 1});
      else
        all_wanted_.erase({a.id, a.length() - 1});
    }
    if (before.pages_used + before.pages_cached == pages_ &&
        info().pages_used > before.pages_used) {
      count("evictions");
    }
    count("tokens fed", ids.size());
    if (overfull && !a.file.empty() && rng_.chance(70)) save(a);
  }

  // Forgets `n` tokens behind the first `keep`.
  void drop_middle(Actor& a, std::size_t n) {
    const std::size_t keep = std::min<std::size_t>(a.keep, a.tokens.size());
    EXPECT(n > 0 && n <= a.tokens.size() - keep, "dropped");
    EXPECT(2 * n >= a.tokens.size() - keep, "less than half was dropped");
    keep_list(a.tokens);
    Tokens left(a.tokens.begin(), a.tokens.begin() + static_cast<std::ptrdiff_t>(keep));
    left.insert(left.end(), a.tokens.begin() + static_cast<std::ptrdiff_t>(keep + n),
                a.tokens.end());
    a.set(left);
    a.dropped += n;
    a.wanted.clear();
    a.strict = false;
    count("tokens dropped", n);
  }

  void generate(Actor& a) {
    if (rng_.chance(8)) {
      EXPECT(!inlay_session_generate(session_->handle, a.id, nullptr, 0, nullptr), "generate");
      a.sampling = false;
      a.strict = false;
      return;
    }
    inlay_sampler_options o{};
    inlay_sampler_options_defaults(&o);
    o.temperature = rng_.chance(40) ? 0.0f : 1.5f;
    o.top_k = rng_.chance(50) ? 0 : 20;
    o.seed = rng_.below(2);
    o.stream = rng_.below(2);
    if (rng_.chance(25)) o.repeat_penalty = 1.3f;
    // Where the middle is dropped, a generation without a limit has no end.
    const bool endless = a.policy != INLAY_CONTEXT_DROP && rng_.chance(20);
    const std::uint64_t most = endless ? 0 : rng_.between(1, 20);
    inlay_error error{};
    const inlay_status status = inlay_session_generate(session_->handle, a.id, &o, most, &error);
    if (status == INLAY_ERROR_LIMIT) {
      EXPECT(a.policy == INLAY_CONTEXT_REFUSE && (most == 0 || a.length() + most > context_),
             error.text);
      count("generations refused");
      return;
    }
    EXPECT(status == INLAY_OK, error.text);
    EXPECT(a.policy != INLAY_CONTEXT_REFUSE || (most && a.length() + most <= context_),
           "a generation that may not fit was taken");
    a.sampling = true;
    a.sampler = o;
    a.left = most ? most : UINT64_MAX;
    a.strict = false;
    count("generations");
  }

  void fork(Actor& a) {
    inlay_sequence id = 0;
    inlay_error error{};
    const inlay_status status = inlay_session_fork(session_->handle, a.id, &id, &error);
    if (actors_.size() == sequences_) {
      EXPECT(status == INLAY_ERROR_LIMIT, "fork");
      return;
    }
    EXPECT(status == INLAY_OK, std::string("fork: ") + error.text);
    Actor copy = a;
    copy.id = id;
    copy.file.clear();
    copy.strict = false;
    if (a.length() % 64 != 0) count("forks inside a page");
    actors_.push_back(copy);
    count("forks");
  }

  void rewind(Actor& a) {
    const std::uint32_t length = rng_.chance(40) ? rng_.below(a.length() + 1)
                                 : rng_.chance(50)
                                     ? a.length() - std::min(a.length(), rng_.below(4))
                                     : a.length() / 64 * 64;
    inlay_error error{};
    EXPECT(inlay_session_rewind(session_->handle, a.id, a.length() + 1, &error) ==
               INLAY_ERROR_ARGUMENT,
           "rewind past the end");
    EXPECT(!inlay_session_rewind(session_->handle, a.id, length, &error), error.text);
    keep_list(a.tokens);
    a.resize(length);
    a.wanted.clear();
    a.strict = false;
    count("rewinds");
    if (!a.file.empty() && rng_.chance(70)) feed_and_save(a);
  }

  void clear(Actor& a) {
    std::uint32_t computed = 0, pending = 0;
    EXPECT(!inlay_session_clear(session_->handle, a.id), "clear");
    EXPECT(!inlay_session_length(session_->handle, a.id, &computed, &pending), "length");
    EXPECT(pending == 0 && computed <= a.length(), "clear");
    keep_list(a.tokens);
    a.resize(computed);
    a.wanted.clear();
    a.strict = false;
    count("clears");
  }

  void drop(Actor& a) {
    keep_list(a.tokens);
    if (!a.tokens.empty()) gone_.push_back(a.tokens);
    EXPECT(!inlay_session_drop(session_->handle, a.id), "drop");
    EXPECT(inlay_session_drop(session_->handle, a.id) == INLAY_ERROR_STATE, "dropped twice");
    actors_.erase(actors_.begin() + (&a - actors_.data()));
    count("drops");
  }

  void policy(Actor& a) {
    a.policy = a.sampling ? a.policy : rng_.below(3);
    a.keep = a.policy == INLAY_CONTEXT_DROP ? rng_.below(context_ / 3) : 0;
    EXPECT(!inlay_session_set_context_policy(session_->handle, a.id, a.policy, a.keep, nullptr),
           "policy");
  }

  void stops(Actor& a) {
    a.stop.clear();
    while (rng_.chance(60)) a.stop.insert(static_cast<std::int32_t>(rng_.below(40)));
    a.ignore_end = rng_.chance(50);
    const Tokens ids(a.stop.begin(), a.stop.end());
    EXPECT(!inlay_session_set_stop(session_->handle, a.id, ids.data(), ids.size(),
                                   a.ignore_end ? INLAY_STOP_IGNORE_END : 0, nullptr),
           "set_stop");
  }

  // ---- Steps --------------------------------------------------------------------------------

  void steps(std::uint32_t most) {
    // Only the clock of the test stops at the same places again.
    const std::uint32_t kind = rng_.below(opened_.own_clock ? 4 : 3);
    for (std::uint32_t i = 0; i < most; ++i) {
      if (rng_.chance(4)) {
        inlay_session_cancel(session_->handle);
        cancelled_ = true;
      }
      const inlay_status status = kind == 0   ? step(0, 0)
                                  : kind == 1 ? step(1, 0)
                                  : kind == 2 ? step(0, rng_.between(1, 30))
                                              : step(rng_.between(1, 60000), 0);
      if (status == INLAY_DONE) return;
    }
  }

  void drain() {
    for (std::uint32_t i = 0; step(0, 0) != INLAY_DONE; ++i) EXPECT(i < 20000, "no end");
    count("drains");
    for (Actor& a : actors_) {
      EXPECT(!a.strict || a.wanted.empty(), "logits were never told");
      EXPECT(!a.sampling || a.tokens.empty(), "a generation stands still");
      std::uint32_t computed = 0, pending = 0;
      EXPECT(!inlay_session_length(session_->handle, a.id, &computed, &pending), "length");
      EXPECT(pending == 0, "done, but tokens are not computed");
      a.wanted.clear();
      a.strict = true;
    }
    auto rests = std::move(rests_);
    rests_.clear();
    for (const auto& [id, rest] : rests) {
      if (Actor* a = find(id)) feed(*a, rest);
    }
  }

  inlay_status step(std::uint64_t budget, std::uint64_t tiles) {
    inlay_event event{};
    event.struct_size = sizeof event;
    inlay_error error{};
    const inlay_status status =
        tiles ? inlay_session_step_tiles(session_->handle, tiles, &event, &error)
              : inlay_session_step(session_->handle, budget, &event, &error);
    EXPECT(status >= 0, std::string("step: ") + error.text);
    if (status == INLAY_YIELD) {
      EXPECT(budget || tiles || cancelled_, "a yield without reason");
      count("yields");
      if (cancelled_) count("cancels");
    }
    if (status == INLAY_YIELD || status == INLAY_DONE) cancelled_ = false;
    Actor* a = find(event.sequence);
    if (status == INLAY_TOKEN) {
      EXPECT(a && a->sampling, "a token of nobody");
      took_token(*a, event);
    }
    if (status == INLAY_LOGITS) {
      EXPECT(a, "logits of nobody");
      EXPECT(took_logits(*a), "no logits to read");
    }
    if (status == INLAY_TOKEN || status == INLAY_LOGITS) {
      if (Actor* other = any(); rng_.chance(20) && other != a) look(*other);
    }
    return status;
  }

  // Rows of others may be read as well, told or not.
  void look(const Actor& a) {
    const float* logits = nullptr;
    std::uint32_t rows = 0, position = 0;
    if (inlay_session_logits(session_->handle, a.id, &logits, &rows, &position)) return;
    see_rows(a, logits, rows, position);
  }

  bool took_logits(Actor& a) {
    const float* logits = nullptr;
    std::uint32_t rows = 0, position = 0;
    if (inlay_session_logits(session_->handle, a.id, &logits, &rows, &position)) return false;
    EXPECT(rows > 0, "no rows");
    see_rows(a, logits, rows, position);
    for (std::uint32_t p = position; p < position + rows; ++p) {
      EXPECT(a.wanted.erase(p) == 1 || !a.strict, "logits that nobody wanted, or told twice");
    }
    return true;
  }

  void took_token(Actor& a, const inlay_event& event) {
    EXPECT(a.length() > 0, "a token from nothing");
    const bool drops = event.dropped > 0;
    seen_.push_back({a.keys.back(), {}, event.token, a.sampler, a.tokens, a.length() + a.dropped});
    count("tokens drawn");
    look(a);  // the row it was drawn from
    --a.left;
    const bool stops = a.stop.count(event.token) > 0;
    const bool ends = !a.ignore_end && family_->is_end(event.token);
    switch (event.finish) {
      case INLAY_FINISH_NONE:
        EXPECT(!stops && !ends && a.left > 0, "a generation does not end");
        EXPECT(drops || a.length() < context_, "over the context");
        break;
      case INLAY_FINISH_END: EXPECT(ends, "finish"); break;
      case INLAY_FINISH_STOP: EXPECT(stops, "finish"); break;
      case INLAY_FINISH_TOKENS: EXPECT(a.left == 0, "finish"); break;
      case INLAY_FINISH_CONTEXT:
        EXPECT(a.length() == context_ && a.policy != INLAY_CONTEXT_DROP, "finish");
        break;
      case INLAY_FINISH_PAGES:
        EXPECT(pages_ < sequences_ * ((context_ + 63) / 64), "finish");
        break;
      default: EXPECT(false, "finish");
    }
    count("finish " + std::to_string(event.finish));
    if (drops) {
      EXPECT(a.policy == INLAY_CONTEXT_DROP && event.finish == INLAY_FINISH_NONE, "dropped");
      EXPECT(a.length() == context_, "dropped");
      drop_middle(a, event.dropped);
      count("draws that drop");
    }
    if (event.finish == INLAY_FINISH_NONE) {
      a.append(event.token);
    } else {
      a.sampling = false;
    }
    a.strict = false;
  }

  using Saved = std::pair<Actor, std::vector<std::uint8_t>>;

  // ---- Snapshots ----------------------------------------------------------------------------

  void save(Actor& a) {
    const bool append = !a.file.empty() && rng_.chance(85);
    if (!append) a.file.clear();
    for (bool more = append && rng_.chance(60); more;) more = step(0, 0) != INLAY_DONE;
    const inlay_sink sink = sink_to(a.file);
    inlay_error error{};
    EXPECT(
        !inlay_session_save(session_->handle, a.id, append ? INLAY_SAVE_APPEND : 0, &sink, &error),
        std::string("save: ") + error.text);
    count(append ? "saves that append" : "saves");
    saved_.push_back({a, a.file});
  }

  // What the file has is no longer what the sequence is.
  void feed_and_save(Actor& a) {
    Tokens ids = some_tokens(a);
    ids[0] = static_cast<std::int32_t>(rng_.below(family_->reference(kv_).vocabulary()));
    feed(a, ids);
    save(a);
    count("saves behind a rewind");
    restore(saved_.back());
  }

  // The state a file was written in comes back, perhaps long after.
  void save_into_new_sequence(Actor& a) {
    if (saved_.empty() || rng_.chance(30)) save(a);
    restore(rng_.chance(60) ? saved_.back() : rng_.one_of(saved_));
  }

  void restore(const Saved& saved) {
    if (actors_.size() == sequences_) return;
    const auto& [state, file] = saved;
    const inlay_source source = block_source(file);
    inlay_sequence id = 0;
    std::size_t n = 0;
    inlay_error error{};
    const inlay_session_info before = info();
    const inlay_status status = inlay_session_restore(
        session_->handle, &source, rng_.chance(50) ? INLAY_RESTORE_SHARE : 0, &id, 1, &n, &error);
    if (status == INLAY_ERROR_LIMIT) {
      EXPECT(before.pages_used + (state.length() + 63) / 64 > pages_, error.text);
      count("restores refused");
      return;
    }
    EXPECT(status == INLAY_OK && n == 1, std::string("restore: ") + error.text);
    Actor back = state;
    back.id = id;
    back.strict = false;
    back.file = file;
    EXPECT(tokens_of(id) == back.tokens, "restore");
    actors_.push_back(back);
    count("restores");
  }

  // All sequences go on in another session, with other threads, chunks and instructions.
  void move() {
    std::vector<std::uint8_t> file;
    const inlay_sink sink = sink_to(file);
    inlay_error error{};
    if (actors_.empty()) return;
    EXPECT(!inlay_session_save(session_->handle, 0, 0, &sink, &error),
           std::string("save: ") + error.text);
    count_info();
    auto old = std::move(session_);
    const Opened before = opened_;
    open();
    const inlay_source source = block_source(file);
    std::vector<inlay_sequence> ids(actors_.size());
    std::size_t n = 0;
    const inlay_status status =
        inlay_session_restore(session_->handle, &source, rng_.chance(50) ? INLAY_RESTORE_SHARE : 0,
                              ids.data(), ids.size(), &n, &error);
    EXPECT(n == actors_.size() || status < 0, "restore");
    if (status == INLAY_ERROR_LIMIT && pages_ < sequences_ * ((context_ + 63) / 64)) {
      session_ = std::move(old);  // pages found by their tokens were shared there
      opened_ = before;
      count("moves refused");
      return;
    }
    EXPECT(status == INLAY_OK, std::string("move: ") + error.text);
    // In the file they stand in the order of their slots.
    std::vector<Actor*> order;
    for (Actor& a : actors_) order.push_back(&a);
    std::sort(order.begin(), order.end(), [](const Actor* a, const Actor* b) {
      return static_cast<std::uint32_t>(a->id) < static_cast<std::uint32_t>(b->id);
    });
    rests_.clear();
    all_wanted_.clear();
    cancelled_ = false;
    for (std::size_t i = 0; i < order.size(); ++i) {
      EXPECT(tokens_of(ids[i]) == order[i]->tokens, "restore");
      order[i]->id = ids[i];
      order[i]->strict = false;
      order[i]->file.clear();
    }
    count("moves to another session");
  }

  std::vector<Saved> saved_;

  // ---- What was seen ------------------------------------------------------------------------

  struct Seen {
    std::uint64_t key;
    std::vector<float> row;  // of logits; empty: a drawn token
    std::int32_t token;
    inlay_sampler_options sampler;
    Tokens history;
    std::uint64_t position;
  };

  void see_rows(const Actor& a, const float* logits, std::uint32_t rows, std::uint32_t position) {
    EXPECT(position + rows <= a.length(), "rows past the end");
    const std::uint32_t vocabulary = family_->reference(kv_).vocabulary();
    for (std::uint32_t r = 0; r < rows; ++r) {
      const float* row = logits + std::size_t{r} * vocabulary;
      seen_.push_back({a.keys[position + r], {row, row + vocabulary}, -1, {}, {}, position + r});
    }
    count("rows of logits", rows);
  }

  // Every list of tokens whose prefixes somebody has seen.
  void keep_list(const Tokens& tokens) {
    if (!tokens.empty()) lists_.insert(tokens);
  }

  void check_seen() {
    Reference& reference = family_->reference(kv_);
    for (const Tokens& list : lists_) reference.compute(list);
    std::vector<std::byte> memory(inlay::Sampler::bytes(reference.vocabulary()));
    auto sampler = std::make_unique<inlay::Sampler>();
    for (const Seen& s : seen_) {
      const float* row = reference.row(s.key);
      EXPECT(row, "a row of tokens that were not kept");
      const std::span<const float> expected{row, reference.vocabulary()};
      if (!s.row.empty()) {
        EXPECT(std::memcmp(row, s.row.data(), expected.size_bytes()) == 0,
               "other logits at position " + std::to_string(s.position));
        continue;
      }
      std::int32_t token = -1;
      inlay::Error error{};
      EXPECT(!inlay::is_error(sampler->init(s.sampler, reference.vocabulary(), memory, error)) &&
                 !inlay::is_error(sampler->sample(expected, s.history, s.position, token, error)),
             error.text);
      EXPECT(token == s.token, "another token at position " + std::to_string(s.position));
    }
  }

  Rng rng_;
  Family* family_ = nullptr;
  const TestModel* model_ = nullptr;
  KvPair kv_;
  std::uint32_t context_ = 0, sequences_ = 0, pages_ = 0;
  bool cancelled_ = false;
  Opened opened_;
  std::vector<Tokens> texts_{4};
  std::unique_ptr<TestSession> session_;
  std::vector<Actor> actors_;
  std::set<std::pair<inlay_sequence, std::uint32_t>> all_wanted_;
  std::map<inlay_sequence, Tokens> rests_;  // of prompts that come in pieces
  std::vector<Tokens> gone_;
  std::set<Tokens> lists_;
  std::vector<Seen> seen_;
};

}  // namespace inlay::test::schedules
