// text_test.cpp - what a session tells of a token beside its id: text, stop texts, finish reasons,
// log-probabilities; and samplers with a state, stages of the host's, and logits of its own.
#include <algorithm>
#include <functional>

#include "support/catch.h"
#include "support/demo.h"
#include "support/model.h"
#include "support/snapshots.h"

using namespace inlay::test;
using snapshots::Bytes;

namespace {

inlay_sampler_options lively(std::uint64_t seed = 3) {
  inlay_sampler_options options;
  inlay_sampler_options_defaults(&options);
  options.temperature = 1.2f;
  options.top_k = 0;
  options.min_p = 0;
  options.top_p = 1;
  options.seed = seed;
  return options;
}

const TestModel& demo() {
  static const TestModel model(demo_path());
  return model;
}

std::vector<std::int32_t> encode(const std::string& text) {
  std::vector<std::int32_t> ids(text.size() + 8);
  std::size_t count = 0;
  REQUIRE(inlay_tokenizer_encode(inlay_model_get_tokenizer(demo().handle), text.data(), text.size(),
                                 INLAY_ENCODE_ADD_SPECIAL, ids.data(), ids.size(), &count,
                                 nullptr) == INLAY_OK);
  ids.resize(count);
  return ids;
}

struct Step {
  std::int32_t token;
  std::uint32_t finish, stop_text;
  std::string text;
  bool operator==(const Step&) const = default;
};

std::string text_of(const TestSession& s, inlay_sequence q) {
  const char* text = nullptr;
  std::size_t length = 0;
  REQUIRE(inlay_session_text(s.handle, q, &text, &length) == INLAY_OK);
  return {text, length};
}

class Writer {
 public:
  explicit Writer(std::uint32_t sequences = 4)
      : session(demo(), options(sequences)), sequence(session.add()) {
    session.feed(sequence, encode("Once upon a time"));
  }
  void ignore_end() {
    expect_ok(inlay_session_set_stop(session.handle, sequence, nullptr, 0, INLAY_STOP_IGNORE_END,
                                     &session.error),
              session.error);
  }
  static inlay_session_options options(std::uint32_t sequences) {
    auto options = TestSession::options();
    options.context = 256;
    options.sequences = sequences;
    return options;
  }

  void stop_at(const std::vector<std::string>& texts) {
    std::vector<inlay_text_view> views;
    for (const std::string& t : texts) views.push_back({t.data(), t.size()});
    expect_ok(inlay_session_set_stop_texts(session.handle, sequence, views.data(), views.size(),
                                           &session.error),
              session.error);
  }
  void generate(const inlay_sampler_options& sampler, std::uint64_t tokens = 40) {
    expect_ok(inlay_session_generate(session.handle, sequence, &sampler, tokens, &session.error),
              session.error);
  }
  std::vector<Step> run(inlay_sequence of = 0, std::size_t most = 1000) {
    std::vector<Step> steps;
    inlay_event event{};
    while (steps.size() < most) {
      const inlay_status status = session.step(event);
      if (status == INLAY_DONE) break;
      if (status != INLAY_TOKEN || (of && event.sequence != of)) continue;
      steps.push_back(
          {event.token, event.finish, event.stop_text, text_of(session, event.sequence)});
    }
    return steps;
  }

  TestSession session;
  inlay_sequence sequence;
};

std::string joined(const std::vector<Step>& steps) {
  std::string text;
  for (const Step& s : steps) text += s.text;
  return text;
}

// The pieces that a stream of the tokens gives.
std::string streamed(const std::vector<Step>& steps) {
  inlay_stream stream{};
  stream.started = 1;
  std::string all;
  char text[256];
  std::size_t length = 0;
  for (const Step& s : steps) {
    if (s.finish == INLAY_FINISH_END) break;
    REQUIRE(inlay_stream_push(&stream, inlay_model_get_tokenizer(demo().handle), s.token, text,
                              sizeof text, &length) == INLAY_OK);
    all.append(text, length);
  }
  REQUIRE(inlay_stream_finish(&stream, text, sizeof text, &length) == INLAY_OK);
  return all + std::string(text, length);
}

}  // namespace

TEST_CASE("a session tells the text of each token", "[api][text]") {
  Writer writer;
  writer.generate(lively());
  const auto steps = writer.run();
  REQUIRE(steps.size() > 10);
  CHECK(joined(steps) == streamed(steps));
  CHECK(joined(steps).size() > 30);
  const char* text = nullptr;
  std::size_t length = 0;
  CHECK(inlay_session_text(writer.session.handle, writer.sequence, &text, &length) ==
        INLAY_ERROR_STATE);  // the last step told DONE
  CHECK(inlay_session_text(writer.session.handle, 77, &text, &length) == INLAY_ERROR_STATE);
  CHECK(inlay_session_text(writer.session.handle, writer.sequence, nullptr, &length) ==
        INLAY_ERROR_ARGUMENT);
}

TEST_CASE("stop texts end a text across the borders of tokens", "[api][text]") {
  Writer free_writer;
  free_writer.generate(lively(), 60);
  const std::string whole = joined(free_writer.run());
  REQUIRE(whole.size() > 60);
  int inside = 0;
  for (std::size_t at = 3; at + 9 < whole.size(); at += 5) {
    if ((whole[at] & 0xc0) == 0x80 || (whole[at + 7] & 0xc0) == 0x80) continue;
    const std::string stop = whole.substr(at, 7);
    Writer writer;
    writer.stop_at({"never in it at all", stop, stop + "zzz"});
    writer.generate(lively(), 60);
    const auto steps = writer.run();
    INFO("stop: " << stop);
    CHECK(joined(steps) == whole.substr(0, whole.find(stop)));
    CHECK(steps.back().finish == INLAY_FINISH_TEXT);
    CHECK(steps.back().stop_text == 1);
    CHECK(streamed(steps).find(stop) != std::string::npos);
    inside += streamed(steps).size() > joined(steps).size() + stop.size();
  }
  CHECK(inside >= 0);
}

TEST_CASE("text that is held back comes when it is no stop text", "[api][text]") {
  Writer plain;
  plain.generate(lively(), 30);
  const std::string whole = joined(plain.run());
  std::vector<std::string> stops;  // begins everywhere, never ends
  for (std::size_t at = 0; at + 5 < whole.size(); at += 3) {
    if ((whole[at] & 0xc0) == 0x80 || (whole[at + 4] & 0xc0) == 0x80) continue;
    stops.push_back(whole.substr(at, 4) + "\x01");
  }
  Writer writer;
  writer.stop_at(stops);
  writer.generate(lively(), 30);
  const auto steps = writer.run();
  CHECK(joined(steps) == whole);
  CHECK(steps.back().finish == INLAY_FINISH_TOKENS);

  SECTION("or when the sampler is taken away, or the host feeds") {
    for (const bool feeds : {false, true}) {
      Writer other;
      other.stop_at({whole.substr(0, 12) + "\x01"});
      other.generate(lively(), 30);
      std::string told;
      while (streamed(other.run(0, 1)).empty()) continue;
      if (feeds) {
        other.session.feed(other.sequence, encode("x"));
      } else {
        REQUIRE(inlay_session_generate(other.session.handle, other.sequence, nullptr, 0, nullptr) ==
                INLAY_OK);
      }
      told = text_of(other.session, other.sequence);
      CHECK_FALSE(told.empty());
      CHECK(whole.substr(0, told.size()) == told);
    }
  }
}

TEST_CASE("finish reasons", "[api][text]") {
  Writer writer;
  SECTION("tokens") {
    writer.generate(lively(), 4);
    CHECK(writer.run().back().finish == INLAY_FINISH_TOKENS);
  }
  SECTION("context") {
    writer.generate(lively(), 0);
    inlay_session_set_stop(writer.session.handle, writer.sequence, nullptr, 0,
                           INLAY_STOP_IGNORE_END, nullptr);
    CHECK(writer.run().back().finish == INLAY_FINISH_CONTEXT);
  }
  SECTION("a stop token, of which nothing is told") {
    Writer other;
    other.generate(lively());
    const auto free = other.run();
    inlay_session_set_stop(writer.session.handle, writer.sequence, &free[5].token, 1, 0, nullptr);
    writer.generate(lively());
    const auto steps = writer.run();
    CHECK(steps.back().finish == INLAY_FINISH_STOP);
    CHECK(steps.back().text.empty());
    CHECK(steps.back().token == free[5].token);
  }
  SECTION("an end, of which nothing is told") {
    inlay_tokenizer_info info{};
    info.struct_size = sizeof info;
    inlay_tokenizer_get_info(inlay_model_get_tokenizer(demo().handle), &info);
    auto options = lively();
    const inlay_logit_bias bias = {info.eos, 100};
    options.bias = &bias;
    options.bias_count = 1;
    writer.generate(options);
    const auto steps = writer.run();
    REQUIRE(steps.size() == 1);
    CHECK(steps[0].finish == INLAY_FINISH_END);
    CHECK(steps[0].text.empty());
  }
}

namespace {

inlay_sampler_options steered(int which) {
  auto options = lively();
  if (which < 2) options.mirostat = static_cast<std::uint32_t>(which + 1);
  if (which < 2) options.mirostat_tau = 2, options.mirostat_eta = 0.7f;
  if (which == 2) options.adaptive_target = 0.3f, options.adaptive_decay = 0.5f;
  return options;
}

}  // namespace

TEST_CASE("samplers that steer are functions of their sequence's tokens", "[api][text]") {
  for (const int which : {0, 1, 2}) {
    Writer writer;
    writer.ignore_end();
    writer.stop_at({"and the princess never", "lived happily ever \x02"});
    writer.generate(steered(which), 60);
    auto first = writer.run(0, 20);
    REQUIRE(first.size() == 20);
    const Bytes file = snapshots::save(writer.session, writer.sequence);
    inlay_sequence copy = 0;
    REQUIRE(inlay_session_fork(writer.session.handle, writer.sequence, &copy, nullptr) == INLAY_OK);
    REQUIRE(inlay_session_generate(writer.session.handle, copy, nullptr, 0, nullptr) == INLAY_OK);
    const auto rest = writer.run(writer.sequence);
    REQUIRE(rest.size() > 5);
    INFO("sampler " << which);

    SECTION("forks go on alike") {
      Writer other;
      other.ignore_end();
      other.stop_at({"and the princess never", "lived happily ever \x02"});
      other.generate(steered(which), 60);
      CHECK(other.run(0, 20) == first);
      inlay_sequence twin = 0;
      REQUIRE(inlay_session_fork(other.session.handle, other.sequence, &twin, nullptr) == INLAY_OK);
      REQUIRE(inlay_session_generate(other.session.handle, other.sequence, nullptr, 0, nullptr) ==
              INLAY_OK);
      CHECK(other.run(twin) == rest);
    }
    SECTION("a rewound one draws the same again") {
      Writer other;
      other.ignore_end();
      other.stop_at({"and the princess never", "lived happily ever \x02"});
      other.generate(steered(which), 60);
      other.run(0, 20);
      std::uint32_t computed = 0, pending = 0;
      inlay_session_length(other.session.handle, other.sequence, &computed, &pending);
      REQUIRE(inlay_session_rewind(other.session.handle, other.sequence, computed + pending - 9,
                                   nullptr) == INLAY_OK);
      const auto again = other.run(0, 9);
      for (std::size_t i = 0; i < 9; ++i) CHECK(again[i] == first[11 + i]);
    }
    SECTION("a restored one goes on as the saved one") {
      TestSession fresh(demo(), Writer::options(2));
      const inlay_sequence q = snapshots::restore_one(fresh, file);
      CHECK(snapshots::save(fresh, q) == file);
      std::vector<Step> steps;
      inlay_event event{};
      while (fresh.step(event) == INLAY_TOKEN) {
        steps.push_back({event.token, event.finish, event.stop_text, text_of(fresh, q)});
      }
      CHECK(steps == rest);
    }
    SECTION("appended saves are as good as whole ones") {
      Writer other;
      other.ignore_end();
      other.stop_at({"and the princess never", "lived happily ever \x02"});
      other.generate(steered(which), 60);
      other.run(0, 7);
      Bytes growing = snapshots::save(other.session, other.sequence);
      for (int i = 0; i < 2; ++i) {
        other.run(0, i ? 5 : 8);
        snapshots::append(other.session, other.sequence, growing);
      }
      TestSession fresh(demo(), Writer::options(2));
      const inlay_sequence q = snapshots::restore_one(fresh, growing);
      std::vector<Step> steps;
      inlay_event event{};
      while (fresh.step(event) == INLAY_TOKEN) {
        steps.push_back({event.token, event.finish, event.stop_text, text_of(fresh, q)});
      }
      CHECK(steps == rest);
    }
  }
}

TEST_CASE("log-probabilities of the model and of the candidates", "[api][text]") {
  for (const std::uint32_t of : {INLAY_LOGPROBS_MODEL, INLAY_LOGPROBS_CANDIDATES}) {
    Writer writer;
    auto options = lively();
    options.top_k = 5;
    options.temperature = 0.7f;
    options.logprobs = 8;
    options.logprobs_of = of;
    writer.generate(options, 6);
    inlay_event event{};
    while (writer.session.step(event) == INLAY_TOKEN) {
      inlay_logprobs told{};
      told.struct_size = sizeof told;
      REQUIRE(inlay_session_logprobs(writer.session.handle, event.sequence, &told) == INLAY_OK);
      const float* logits = nullptr;
      std::uint32_t rows = 0;
      REQUIRE(inlay_session_logits(writer.session.handle, event.sequence, &logits, &rows,
                                   nullptr) == INLAY_OK);
      const std::size_t vocabulary = demo().info().vocabulary;
      std::vector<std::pair<double, std::int32_t>> order;
      for (std::size_t i = 0; i < vocabulary; ++i) order.push_back({-logits[i], i});
      std::sort(order.begin(), order.end());
      const bool model = of == INLAY_LOGPROBS_MODEL;
      if (!model) order.resize(5);
      const double heat = model ? 1.0 : static_cast<double>(options.temperature);
      double sum = 0;
      for (const auto& [x, id] : order) sum += std::exp((order[0].first - x) / heat);
      const auto expected = [&](double x) { return (order[0].first - x) / heat - std::log(sum); };
      REQUIRE(told.count == (model ? 8 : 5));
      for (std::uint32_t i = 0; i < told.count; ++i) {
        CHECK(told.top[i].token == order[i].second);
        CHECK(told.top[i].logprob == Approx(expected(order[i].first)).margin(2e-6));
      }
      CHECK(told.token.token == event.token);
      CHECK(told.token.logprob ==
            Approx(expected(-logits[static_cast<std::size_t>(event.token)])).margin(2e-6));
    }
  }
  Writer none;
  none.generate(lively(), 2);
  none.run(0, 1);
  inlay_logprobs told{};
  told.struct_size = sizeof told;
  CHECK(inlay_session_logprobs(none.session.handle, none.sequence, &told) == INLAY_ERROR_STATE);
}

namespace {

struct Host {
  std::function<inlay_status(inlay_candidates&)> body;
  int calls = 0;
  inlay_host_stage stage() {
    return {this, [](void* user, inlay_candidates* list) {
              auto& self = *static_cast<Host*>(user);
              ++self.calls;
              return self.body(*list);
            }};
  }
};

}  // namespace

TEST_CASE("stages of the host's", "[api][text]") {
  Writer writer;
  Host host;
  auto options = lively();
  const inlay_host_stage stage = host.stage();
  options.host_stages = &stage;
  options.host_stage_count = 1;
  const auto step = [&](const char* part) {
    inlay_event event{};
    event.struct_size = sizeof event;
    const inlay_status status =
        inlay_session_step(writer.session.handle, 0, &event, &writer.session.error);
    INFO(writer.session.error.text);
    if (status < 0) {
      CHECK(event.sequence == writer.sequence);
      CHECK(std::string(writer.session.error.text).find(part) != std::string::npos);
    }
    return status;
  };
  SECTION("see probabilities and tokens, and may leave one candidate") {
    host.body = [&](inlay_candidates& list) {
      double sum = 0;
      for (std::size_t i = 0; i < list.count; ++i) sum += list.list[i].weight;
      CHECK(sum == Approx(1).epsilon(1e-5));
      CHECK(list.count == demo().info().vocabulary);
      CHECK(list.position == list.token_count);
      list.list[0] = list.list[40];
      list.count = 1;
      return INLAY_OK;
    };
    writer.generate(options, 3);
    for (const Step& s : writer.run()) CHECK(s.token == 40);
    CHECK(host.calls == 3);
  }
  SECTION("may change logits") {
    host.body = [](inlay_candidates& list) {
      for (std::size_t i = 0; i < list.count; ++i) list.list[i].logit = i == 33 ? 50.f : -50.f;
      return INLAY_OK;
    };
    writer.generate(options, 2);
    for (const Step& s : writer.run()) CHECK(s.token == 33);
  }
  SECTION("fail with their status") {
    host.body = [](inlay_candidates&) { return inlay_status{INLAY_ERROR_IO}; };
    writer.generate(options);
    CHECK(step("host stage 0: returned -3 (io)") == INLAY_ERROR_IO);
    CHECK(step("") == INLAY_DONE);
  }
  const auto refused = [&](const char* part, auto body) {
    host.body = body;
    writer.generate(options);
    CHECK(step(part) == INLAY_ERROR_ARGUMENT);
  };
  SECTION("cannot do harm") {
    refused("returned 7", [](inlay_candidates&) { return inlay_status{7}; });
    refused("returned -77", [](inlay_candidates&) { return inlay_status{-77}; });
    refused("left 0 candidates", [](inlay_candidates& l) {
      l.count = 0;
      return INLAY_OK;
    });
    refused("candidates of", [](inlay_candidates& l) {
      ++l.count;
      return INLAY_OK;
    });
    refused("candidate 1 has id", [](inlay_candidates& l) {
      std::swap(l.list[0].id, l.list[1].id);
      return INLAY_OK;
    });
    refused("candidate 0 has id", [](inlay_candidates& l) {
      l.list[0].id = -4;
      return INLAY_OK;
    });
    refused("logit of token 3: nan", [](inlay_candidates& l) {
      l.list[3].logit = NAN;
      return INLAY_OK;
    });
    refused("logit of token 3: inf", [](inlay_candidates& l) {
      l.list[3].logit = INFINITY;
      return INLAY_OK;
    });
    host.body = [](inlay_candidates& l) {
      for (std::size_t i = 0; i < l.count; ++i) l.list[i].logit = -INFINITY;
      return INLAY_OK;
    };
    writer.generate(options);
    CHECK(step("every token is forbidden") == INLAY_ERROR_STATE);
  }
  SECTION("are not saved") {
    host.body = [](inlay_candidates&) { return inlay_status{INLAY_OK}; };
    writer.generate(options);
    Bytes bytes;
    CHECK(snapshots::try_save(writer.session, writer.sequence, 0, bytes) == INLAY_ERROR_STATE);
  }
}

TEST_CASE("logits of the host's own: best, guidance, a sampler", "[api][text]") {
  const std::vector<float> logits = {1, 4, 2, 4, -INFINITY, 0.5f};
  inlay_logprob top[9];
  std::size_t count = 0;
  inlay_error error{};
  REQUIRE(inlay_logits_top(logits.data(), logits.size(), top, 9, &count, &error) == INLAY_OK);
  REQUIRE(count == 6);
  double sum = 0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x));
  const std::int32_t order[] = {1, 3, 2, 0, 5, 4};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(top[i].token == order[i]);
    CHECK(top[i].logprob ==
          Approx(static_cast<double>(logits[static_cast<std::size_t>(order[i])]) - std::log(sum)));
  }
  CHECK(top[5].logprob == -INFINITY);

  const std::vector<float> negative = {2, 1, 2, 0, 3, -INFINITY};
  double negative_sum = 0;
  for (const float x : negative) negative_sum += std::exp(static_cast<double>(x));
  std::vector<float> out(6);
  REQUIRE(inlay_logits_guide(logits.data(), negative.data(), 6, 1.5f, out.data(), &error) == 0);
  for (std::size_t i = 0; i < 4; ++i) {
    const double c = logits[i] - std::log(sum), u = negative[i] - std::log(negative_sum);
    CHECK(out[i] == Approx(u + 1.5 * (c - u)));
  }
  CHECK(out[4] == -INFINITY);
  CHECK(out[5] == -INFINITY);
  REQUIRE(inlay_logits_guide(logits.data(), negative.data(), 6, 1, out.data(), &error) == 0);
  CHECK(out[1] == Approx(4 - std::log(sum)));

  const std::vector<float> bad = {1, NAN, 2}, none(3, -INFINITY);
  CHECK(inlay_logits_top(bad.data(), 3, top, 2, &count, &error) == INLAY_ERROR_FORMAT);
  CHECK(inlay_logits_top(none.data(), 3, top, 2, &count, &error) == INLAY_ERROR_STATE);
  CHECK(inlay_logits_top(nullptr, 3, top, 2, &count, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_logits_guide(bad.data(), none.data(), 3, 2, out.data(), &error) ==
        INLAY_ERROR_FORMAT);
  CHECK(inlay_logits_guide(none.data(), none.data(), 0, 2, out.data(), &error) ==
        INLAY_ERROR_STATE);
  CHECK(inlay_logits_guide(bad.data(), none.data(), 3, NAN, out.data(), &error) ==
        INLAY_ERROR_ARGUMENT);

  // A sampler of its own draws what a session draws.
  Writer writer;
  writer.generate(steered(1), 12);
  const auto steps = writer.run();
  TestSession by_hand(demo(), Writer::options(1));
  const inlay_sequence q = by_hand.add();
  std::vector<std::int32_t> tokens = encode("Once upon a time");
  by_hand.feed(q, tokens);
  inlay_sampler* sampler = nullptr;
  const auto options = steered(1);
  REQUIRE(inlay_sampler_open(demo().handle, &options, &sampler, &error) == INLAY_OK);
  for (const Step& s : steps) {
    inlay_event event{};
    REQUIRE(by_hand.step(event) == INLAY_LOGITS);
    const float* row = nullptr;
    REQUIRE(inlay_session_logits(by_hand.handle, q, &row, nullptr, nullptr) == INLAY_OK);
    std::int32_t token = -1;
    REQUIRE(inlay_sampler_draw(sampler, row, demo().info().vocabulary, tokens.data(), tokens.size(),
                               tokens.size(), &token, &error) == INLAY_OK);
    REQUIRE(token == s.token);
    tokens.push_back(token);
    by_hand.feed(q, {token});
  }
  std::int32_t token = -1;
  CHECK(inlay_sampler_draw(sampler, logits.data(), 6, nullptr, 0, 0, &token, &error) ==
        INLAY_ERROR_ARGUMENT);
  inlay_sampler_close(sampler);
  inlay_sampler_close(nullptr);
}

TEST_CASE("sampler options out of range are refused with name and value", "[api][text]") {
  Writer writer;
  const auto refused = [&](const char* part,
                           const std::function<void(inlay_sampler_options&)>& set) {
    auto options = lively();
    set(options);
    const inlay_status status = inlay_session_generate(writer.session.handle, writer.sequence,
                                                       &options, 5, &writer.session.error);
    INFO(part << " | " << writer.session.error.text);
    CHECK(status == INLAY_ERROR_ARGUMENT);
    CHECK(std::string(writer.session.error.text).find(part) != std::string::npos);
  };
  refused("typical_p: 0, expected", [](auto& o) { o.typical_p = 0; });
  refused("typical_p: nan", [](auto& o) { o.typical_p = NAN; });
  refused("top_n_sigma: -1", [](auto& o) { o.top_n_sigma = -1; });
  refused("xtc_probability: 1.5", [](auto& o) { o.xtc_probability = 1.5f; });
  refused("xtc_threshold: -0.5", [](auto& o) { o.xtc_threshold = -0.5f; });
  refused("dry_multiplier: inf", [](auto& o) { o.dry_multiplier = INFINITY; });
  refused("dry_base: 0.5", [](auto& o) { o.dry_base = 0.5f; });
  refused("dry_allowed_length: 0", [](auto& o) { o.dry_allowed_length = 0; });
  refused("dry_window: 8193, expected at most 8192", [](auto& o) { o.dry_window = 8193; });
  refused("dynatemp_range: -1", [](auto& o) { o.dynatemp_range = -1; });
  refused("dynatemp_exponent: nan", [](auto& o) { o.dynatemp_exponent = NAN; });
  refused("mirostat: 3, expected 0 to 2", [](auto& o) { o.mirostat = 3; });
  refused("mirostat_tau: 101", [](auto& o) { o.mirostat_tau = 101; });
  refused("mirostat_eta: -1", [](auto& o) { o.mirostat_eta = -1; });
  refused("adaptive_target: 2", [](auto& o) { o.adaptive_target = 2; });
  refused("adaptive_decay: 1", [](auto& o) { o.adaptive_decay = 1; });
  refused("infill: 2", [](auto& o) { o.infill = 2; });
  refused("logprobs: 65, expected at most 64", [](auto& o) { o.logprobs = 65; });
  refused("logprobs_of: 2", [](auto& o) { o.logprobs_of = 2; });
  const std::uint32_t twice[] = {INLAY_STAGE_TOP_K, INLAY_STAGE_TOP_P, INLAY_STAGE_TOP_K};
  const std::uint32_t unknown[] = {99}, drawing[] = {INLAY_STAGE_DRAW};
  const std::uint32_t early[] = {INLAY_STAGE_MIROSTAT, INLAY_STAGE_TOP_K};
  const auto order = [](auto& o, const auto& list) {
    o.stages = list;
    o.stage_count = std::size(list);
  };
  refused("stages[2]: top_k stands at 0 already", [&](auto& o) { order(o, twice); });
  refused("stages[0]: 99 is no number of a stage", [&](auto& o) { order(o, unknown); });
  refused("stages[0]: 16 is no number of a stage", [&](auto& o) { order(o, drawing); });
  refused("top_k comes behind mirostat", [&](auto& o) {
    order(o, early);
    o.mirostat = 2;
  });
  refused("the list has no logit_bias", [&](auto& o) {
    order(o, early);
    static const inlay_logit_bias bias = {1, 1};
    o.bias = &bias;
    o.bias_count = 1;
  });
  refused("the list has no custom", [&](auto& o) {
    order(o, early);
    static const inlay_host_stage stage = {nullptr, [](void*, inlay_candidates*) { return 0; }};
    o.host_stages = &stage;
    o.host_stage_count = 1;
  });
  refused("stages: NULL", [](auto& o) { o.stage_count = 2; });
  refused("host_stages: NULL", [](auto& o) { o.host_stage_count = 1; });
  refused("host_stage_count: 9", [](auto& o) { o.host_stage_count = 9; });
  const inlay_text_view breakers[] = {{"\n", 1}, {"", 0}};
  const std::string longer(33, 'x');
  const inlay_text_view too_long[] = {{longer.data(), 33}};
  refused("dry_breakers[1]: 0 bytes, expected 1 to 32", [&](auto& o) {
    o.dry_breakers = breakers;
    o.dry_breaker_count = 2;
  });
  refused("dry_breakers[0]: 33 bytes", [&](auto& o) {
    o.dry_breakers = too_long;
    o.dry_breaker_count = 1;
  });
  refused("dry_breaker_count: 17", [&](auto& o) { o.dry_breaker_count = 17; });
  CHECK(inlay_sampler_stage_name(INLAY_STAGE_TOP_K) == std::string("top_k"));
  CHECK(inlay_sampler_stage_name(0) == nullptr);
  CHECK(inlay_sampler_stage_name(INLAY_STAGE_DRAW) == nullptr);
}
