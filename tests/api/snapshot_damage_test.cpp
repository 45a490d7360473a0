// snapshot_damage_test.cpp - damaged, swapped and forged snapshots, and failures on the way.
#include <functional>
#include <memory>
#include <random>

#include "engine/snapshot.h"
#include "support/counting_allocator.h"
#include "support/snapshots.h"

using namespace inlay::test;
using namespace inlay::test::snapshots;

// ---- Damaged and forged files -------------------------------------------------------------------

namespace {

// Three sequences, two of them with a common start, then two records behind.
Bytes example(const TestModel& model, std::vector<std::size_t>* records = nullptr) {
  TestSession session(model, roomy(4));
  const inlay_sequence a = session.add();
  session.feed(a, ids(70));
  next(session);
  inlay_sequence b = 0;
  REQUIRE(inlay_session_fork(session.handle, a, &b, nullptr) == INLAY_OK);
  session.feed(b, ids(7, 2));
  const std::int32_t stops[] = {40, 41};
  REQUIRE(inlay_session_set_stop(session.handle, b, stops, 2, 0, nullptr) == INLAY_OK);
  generate(session, b, 20);
  next(session);
  const inlay_sequence c = session.add();
  session.feed(c, ids(9, 5), INLAY_FEED_ALL_LOGITS);
  Bytes file = save(session, 0);
  std::vector<std::size_t> at{0, file.size()};
  next(session);
  append(session, b, file);
  at.push_back(file.size());
  REQUIRE(inlay_session_rewind(session.handle, a, 50, nullptr) == INLAY_OK);
  session.feed(a, ids(20, 8));
  while (next(session).sequence != a) continue;
  append(session, a, file);
  if (records) *records = at;
  return file;
}

// Makes the checksum of the record at `at` right, if it still has one.
void repair(Bytes& file, std::size_t at) {
  inlay::RecordHeader header;
  if (file.size() < at + sizeof header) return;
  std::memcpy(&header, file.data() + at, sizeof header);
  if (header.bytes < sizeof header + 8 || header.bytes > file.size() - at) return;
  inlay::ByteHash hash;
  hash.add(file.data() + at, static_cast<std::size_t>(header.bytes - 8));
  const std::uint64_t sum = hash.result().low;
  std::memcpy(file.data() + at + header.bytes - 8, &sum, sizeof sum);
}

// Restores variants of a file into one session, beside a sequence that must not notice.
class Victim {
 public:
  explicit Victim(const TestModel& model) : model_(model), session_(model, roomy(5)) {
    witness_ = session_.add();
    session_.feed(witness_, ids(30, 1));
    next(session_);
    witnessed_ = save(session_, witness_);
    info_ = info_of(session_);
  }

  inlay_status restore(const Bytes& file) {
    restored_.clear();
    const inlay_status status = try_restore(session_, file, restored_);
    const inlay_session_info now = info_of(session_);
    if (status != INLAY_OK) {
      REQUIRE(now.alive == info_.alive);
      REQUIRE(now.pages_used == info_.pages_used);
      REQUIRE(now.pages_cached == info_.pages_cached);
      REQUIRE(session_.error.text[0] != 0);
    }
    return status;
  }
  std::vector<Bytes> saved() {
    std::vector<Bytes> files;
    for (const inlay_sequence q : restored_) files.push_back(save(session_, q));
    return files;
  }
  // What was restored runs to its end, whatever it is.
  void run_and_drop() {
    for (const inlay_sequence q : restored_) {
      inlay_session_generate(session_.handle, q, nullptr, 0, nullptr);
    }
    inlay_event event{};
    event.struct_size = sizeof event;
    while (inlay_session_step(session_.handle, 0, &event, nullptr) != INLAY_DONE) continue;
    for (const inlay_sequence q : restored_) {
      REQUIRE(inlay_session_drop(session_.handle, q) == INLAY_OK);
    }
    info_ = info_of(session_);
  }
  void check_witness() {
    CHECK((save(session_, witness_) == witnessed_));
    TestSession fresh(model_, roomy());
    const inlay_sequence q = restore_one(fresh, witnessed_);
    CHECK((go_on(session_, model_, witness_) == go_on(fresh, model_, q)));
  }
  TestSession& session() { return session_; }

 private:
  const TestModel& model_;
  TestSession session_;
  inlay_sequence witness_ = 0;
  Bytes witnessed_;
  inlay_session_info info_{};
  std::vector<inlay_sequence> restored_;
};

struct HostModel {
  CountingAllocator heap;
  inlay_host host;
  std::unique_ptr<TestModel> model;
  HostModel() {
    inlay_host_defaults(&host);
    host.allocator = heap.host();
    model = std::make_unique<TestModel>(tiny(), nullptr, INLAY_OPEN_WEIGHTS, &host);
  }
};

}  // namespace

TEST_CASE("damaged files are refused, and the session is as before", "[api][snapshot]") {
  HostModel host;
  const Bytes file = example(*host.model);
  Victim victim(*host.model);
  const std::uint64_t memory = host.heap.live_bytes;
  int refused = 0;
  const auto refuse = [&](const Bytes& variant) {
    const inlay_status status = victim.restore(variant);
    REQUIRE((status == INLAY_ERROR_FORMAT || status == INLAY_ERROR_UNSUPPORTED));
    REQUIRE(host.heap.live_bytes == memory);
    ++refused;
  };
  std::mt19937 random(7);
  // One bit: all of the first header, and everywhere.
  for (std::size_t bit = 0; bit < 80 * 8; bit += 3) {
    Bytes variant = file;
    variant[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    refuse(variant);
  }
  for (int i = 0; i < 150; ++i) {
    Bytes variant = file;
    variant[random() % file.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
    refuse(variant);
  }
  // Cut: at any place that is no end of a record; grown.
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{79}, std::size_t{87},
                                 std::size_t{88}, file.size() - 1, file.size() - 8}) {
    refuse(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)));
  }
  for (int i = 0; i < 60; ++i) {
    refuse(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(random() % file.size())));
  }
  for (const std::size_t more : {1u, 8u, 80u, 88u, 4096u}) {
    Bytes variant = file;
    variant.resize(file.size() + more);
    refuse(variant);
  }
  // Blocks of noise and of zeros.
  for (int i = 0; i < 40; ++i) {
    Bytes variant = file;
    const std::size_t at = random() % (file.size() - 64);
    for (std::size_t k = 0; k < 64; ++k) {
      variant[at + k] = i % 2 ? static_cast<std::uint8_t>(random()) : std::uint8_t{0xee};
    }
    refuse(variant);
  }
  CHECK(refused > 400);
  victim.check_witness();
}

TEST_CASE("records that are missing, swapped or doubled are refused", "[api][snapshot]") {
  const TestModel model(tiny());
  std::vector<std::size_t> at;
  const Bytes file = example(model, &at);
  at.push_back(file.size());
  REQUIRE(at.size() == 4);
  Victim victim(model);
  const auto joined = [&](std::initializer_list<int> order) {
    Bytes result;
    for (const int i : order) {
      result.insert(result.end(), file.begin() + static_cast<std::ptrdiff_t>(at[i]),
                    file.begin() + static_cast<std::ptrdiff_t>(at[i + 1]));
    }
    return result;
  };
  for (const auto& order :
       {std::initializer_list<int>{1}, {2}, {1, 0}, {0, 0}, {0, 1, 0}, {0, 2, 1, 0}}) {
    CHECK(victim.restore(joined(order)) == INLAY_ERROR_FORMAT);
  }
  // The two records behind are of different sequences; the last one once more changes nothing.
  CHECK(victim.restore(joined({0, 1, 2})) == INLAY_OK);
  const auto whole = victim.saved();
  victim.run_and_drop();
  for (const auto& order : {std::initializer_list<int>{0, 2, 1}, {0, 1, 2, 2}, {0, 1, 1, 2}}) {
    REQUIRE(victim.restore(joined(order)) == INLAY_OK);
    CHECK((victim.saved() == whole));
    victim.run_and_drop();
  }
  // A turn that is missing: the next one was written behind other tokens.
  TestSession session(model, roomy());
  const inlay_sequence a = session.add();
  session.feed(a, ids(20));
  next(session);
  const Bytes start = save(session, a);
  std::vector<Bytes> turns;
  for (int i = 0; i < 3; ++i) {
    if (i == 1) REQUIRE(inlay_session_rewind(session.handle, a, 15, nullptr) == INLAY_OK);
    session.feed(a, ids(10, i));
    next(session);
    turns.push_back(save(session, a, INLAY_SAVE_APPEND));
  }
  const auto chat = [&](std::initializer_list<int> order) {
    Bytes result = start;
    for (const int i : order) result.insert(result.end(), turns[i].begin(), turns[i].end());
    return result;
  };
  CHECK(victim.restore(chat({0, 1, 2})) == INLAY_OK);
  victim.run_and_drop();
  for (const auto& order : {std::initializer_list<int>{0, 2}, {2}, {1, 0, 2}, {2, 1}}) {
    CHECK(victim.restore(chat(order)) == INLAY_ERROR_FORMAT);
  }
  victim.check_witness();
}

TEST_CASE("forged files with the right checksum end in an error or in a sequence",
          "[api][snapshot]") {
  HostModel host;
  std::vector<std::size_t> at;
  const Bytes file = example(*host.model, &at);
  Victim victim(*host.model);
  const std::uint64_t memory = host.heap.live_bytes;
  int refused = 0, taken = 0;
  const auto forge = [&](std::size_t record, std::size_t offset, const void* value,
                         std::size_t size) {
    Bytes variant = file;
    std::memcpy(variant.data() + offset, value, size);
    repair(variant, record);
    if (variant == file) return;
    const inlay_status status = victim.restore(variant);
    INFO("byte " << offset << " of record " << record << ": " << victim.session().error.text);
    if (status == INLAY_OK) {
      ++taken;
      victim.run_and_drop();
    } else {
      ++refused;
      REQUIRE((status == INLAY_ERROR_FORMAT || status == INLAY_ERROR_UNSUPPORTED ||
               status == INLAY_ERROR_LIMIT));
    }
    REQUIRE(host.heap.live_bytes == memory);
  };
  const std::uint64_t words[] = {0,          1,          2,          3,          63,
                                 64,         65,         320,        321,        0x7fffffff,
                                 0x80000000, 0xffffffff, 0x7fc00000, 0xff800000, 0x8000000000000000,
                                 UINT64_MAX};
  for (const std::size_t record : at) {
    // Every number of the record's header and of its first sequence, as 4 and as 8 bytes.
    for (std::size_t offset = record; offset < record + 80 + 120; offset += 4) {
      for (const std::uint64_t word : words) {
        forge(record, offset, &word, 4);
        if (offset % 8 == 0) forge(record, offset, &word, 8);
      }
    }
  }
  // Anything, anywhere: ids, stops, biases, bits, the headers of later sequences, cells.
  std::mt19937 random(3);
  for (int i = 0; i < 1500; ++i) {
    const std::size_t which = random() % at.size();
    const std::size_t end = which + 1 < at.size() ? at[which + 1] : file.size();
    const std::size_t offset = at[which] + random() % (end - at[which] - 8);
    const auto value = static_cast<std::uint32_t>(random() % 3 ? random() : words[random() % 16]);
    forge(at[which], offset, &value, std::min<std::size_t>(1 + random() % 4, end - offset));
  }
  CHECK(refused > 1000);
  CHECK(taken > 100);
  victim.check_witness();
}

TEST_CASE("every field of a sequence is checked by itself", "[api][snapshot]") {
  const TestModel model(tiny());
  const Bytes file = example(model);
  Victim victim(model);
  // The second sequence: it has a base, a sampler, stops and biases.
  inlay::SequenceHeader first, header;
  std::memcpy(&first, file.data() + 80, sizeof first);
  inlay::RecordHeader record;
  std::memcpy(&record, file.data(), sizeof record);
  std::uint64_t body = 0;
  REQUIRE(inlay::body_bytes(first, record.token_bytes, &body));
  REQUIRE(first.stops + first.biases == 0);
  inlay::MoreFields first_more, more;
  std::memcpy(&first_more, file.data() + 80 + sizeof first, sizeof first_more);
  body += sizeof first_more + inlay::more_bytes(first_more, first.tokens);
  const std::size_t place = 80 + sizeof first + static_cast<std::size_t>(body);
  std::memcpy(&header, file.data() + place, sizeof header);
  REQUIRE(header.id == 2);
  REQUIRE(header.base == 1);
  REQUIRE(header.from == 64 + 6);
  REQUIRE(header.stops == 2);
  REQUIRE(header.biases == 4);
  const std::size_t lists = place + sizeof header, options = lists + 8 + 32;
  std::memcpy(&more, file.data() + options, sizeof more);
  const std::size_t breakers = options + sizeof more;
  const std::size_t tokens = options + sizeof more + inlay::more_bytes(more, header.tokens);
  REQUIRE(more.breakers == 4);
  // The last byte of the third: the ninth bit of nine, nothing is computed.
  const std::size_t bits = static_cast<std::size_t>(record.bytes) - 8 - 1;
  REQUIRE(file[bits] == 1);
  using Change = std::function<void(inlay::SequenceHeader&, Bytes&)>;
  const auto put = [](Bytes& bytes, std::size_t offset, auto value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
  };
  const std::vector<std::pair<const char*, Change>> changes{
      {"wanted logits", [&](auto&, auto& b) { put(b, bits, std::uint8_t{3}); }},
      {"number", [](auto& h, auto&) { h.id = 1; }},
      {"number", [](auto& h, auto&) { h.id = 3; }},
      {"base", [](auto& h, auto&) { h.base = 2; }},
      {"known are 0", [](auto& h, auto&) { h.base = 0; }},
      {"hash of the tokens", [](auto& h, auto&) { h.earlier ^= 1; }},
      {"at most", [](auto& h, auto&) { h.from = h.computed + 1; }},
      {"at most", [](auto& h, auto&) { h.computed = h.tokens + 1; }},
      {"bytes", [](auto& h, auto&) { h.tokens += 100000; }},
      {"flags", [](auto& h, auto&) { h.flags |= 4; }},
      {"sampler flag", [](auto& h, auto&) { h.flags &= ~1u; }},
      {"tokens left", [](auto& h, auto&) { h.tokens_left = 0; }},
      {"context policy", [](auto& h, auto&) { h.policy = 3; }},
      {"tokens to keep", [](auto& h, auto&) { h.keep = 320; }},
      {"stop tokens", [](auto& h, auto&) { h.stops = 33; }},
      {"biases", [](auto& h, auto&) { h.biases = 1025; }},
      {"sampler: temperature", [](auto& h, auto&) { h.sampler.temperature = -1; }},
      {"sampler: top_p", [](auto& h, auto&) { h.sampler.top_p = NAN; }},
      {"sampler: repeat_penalty", [](auto& h, auto&) { h.sampler.repeat_penalty = INFINITY; }},
      {"stop token", [&](auto&, auto& b) { put(b, lists, std::int32_t{64}); }},
      {"stop token", [&](auto&, auto& b) { put(b, lists + 4, std::int32_t{-1}); }},
      {"sampler: bias[0]", [&](auto&, auto& b) { put(b, lists + 8, std::int32_t{64}); }},
      {"sampler: bias[3]", [&](auto&, auto& b) { put(b, lists + 8 + 28, NAN); }},
      {"token: the file has 64", [&](auto&, auto& b) { put(b, tokens, std::int32_t{64}); }},
      {"dry_breakers[0]: 0 bytes", [&](auto&, auto& b) { put(b, breakers, std::uint8_t{0}); }},
      {"dry_breakers[0]: 33 bytes", [&](auto&, auto& b) { put(b, breakers, std::uint8_t{33}); }},
  };
  using MoreChange = std::function<void(inlay::MoreFields&)>;
  const std::vector<std::pair<const char*, MoreChange>> more_changes{
      {"typical_p: 2", [](auto& m) { m.typical_p = 2; }},
      {"top_n_sigma: nan", [](auto& m) { m.top_n_sigma = NAN; }},
      {"mirostat: 9", [](auto& m) { m.mirostat = 9; }},
      {"dry_window: 9000", [](auto& m) { m.dry_window = 9000; }},
      {"logprobs: 65", [](auto& m) { m.logprobs = 65; }},
      {"stages: the file has 33", [](auto& m) { m.stages = 33; }},
      {"stages[0]: ", [](auto& m) { m.stages = 2, m.breakers = 0; }},
      {"repetition: the file has 17", [](auto& m) { m.breakers = 17; }},
      {"stop texts", [](auto& m) { m.stop_texts = 100000; }},
      {"bytes of stop texts", [](auto& m) { m.stop_bytes = 4; }},
      {"stop texts[0]: 0 bytes", [](auto& m) { m.stop_texts = 1, m.breakers = 0; }},
      {"tokens before its sampler", [](auto& m) { m.begun = 1000; }},
      {"tokens before its text", [](auto& m) { m.text_begin = 1000; }},
      {"tokens before its states", [](auto& m) { m.states_begin = 1000; }},
      {"reserved", [](auto& m) { m.reserved = 1; }},
  };
  for (const auto& [text, change] : more_changes) {
    Bytes variant = file;
    inlay::MoreFields changed = more;
    change(changed);
    put(variant, options, changed);
    if (changed.stop_texts == 1) put(variant, breakers, std::uint32_t{0});
    repair(variant, 0);
    INFO(text);
    CHECK(victim.restore(variant) < 0);
    CHECK(has(victim.session().error.text, {text}));
  }
  for (const auto& [text, change] : changes) {
    Bytes variant = file;
    inlay::SequenceHeader changed = header;
    change(changed, variant);
    std::memcpy(variant.data() + place, &changed, sizeof changed);
    repair(variant, 0);
    INFO(text);
    CHECK(victim.restore(variant) < 0);
    CHECK(has(victim.session().error.text, {text}));
  }
  // And of the record.
  using Field = std::function<void(inlay::RecordHeader&)>;
  const std::vector<std::pair<const char*, Field>> fields{
      {"no record", [](auto& h) { h.magic[7] = 1; }},
      {"version: the file has 3, known are 1 to 2", [](auto& h) { h.version = 3; }},
      {"kind 3", [](auto& h) { h.kind = static_cast<inlay::RecordKind>(3); }},
      {"continuation", [](auto& h) { h.kind = inlay::RecordKind::more; }},
      {"order of sums: the file has 9, expected 1", [](auto& h) { h.order = 9; }},
      {"tokens of a page: the file has 32, expected 64", [](auto& h) { h.page_tokens = 32; }},
      {"layers", [](auto& h) { ++h.slots; }},
      {"bytes of a token", [](auto& h) { --h.token_bytes; }},
      {"reserved: the file has 5", [](auto& h) { h.reserved = 5; }},
      {"behind its sequences", [](auto& h) { h.sequences = 2; }},
      {"no sequence", [](auto& h) { h.sequences = 4; }},
      {"room for", [](auto& h) { h.sequences = 5; }},
  };
  for (const auto& [text, change] : fields) {
    Bytes variant = file;
    inlay::RecordHeader changed = record;
    change(changed);
    std::memcpy(variant.data(), &changed, sizeof changed);
    repair(variant, 0);
    INFO(text);
    CHECK(victim.restore(variant) < 0);
    CHECK(has(victim.session().error.text, {text}));
  }
  victim.check_witness();
}

// ---- Failures -----------------------------------------------------------------------------------

TEST_CASE("saving and restoring fail cleanly at every allocation", "[api][snapshot]") {
  HostModel host;
  const Bytes file = example(*host.model);
  Victim victim(*host.model);
  const std::uint64_t memory = host.heap.live_bytes;
  int failures = 0;
  for (std::uint64_t n = 1;; ++n) {
    REQUIRE(n < 100);
    host.heap.fail_at = host.heap.calls + n;
    const inlay_status status = victim.restore(file);
    host.heap.fail_at = 0;
    REQUIRE(host.heap.live_bytes == memory);
    if (status == INLAY_OK) break;
    REQUIRE(status == INLAY_ERROR_MEMORY);
    ++failures;
  }
  CHECK(failures >= 4);
  failures = 0;
  for (std::uint64_t n = 1;; ++n) {
    REQUIRE(n < 100);
    host.heap.fail_at = host.heap.calls + n;
    Bytes bytes;
    const inlay_status status = try_save(victim.session(), 0, 0, bytes);
    host.heap.fail_at = 0;
    REQUIRE(host.heap.live_bytes == memory);
    if (status == INLAY_OK) break;
    REQUIRE(status == INLAY_ERROR_MEMORY);
    ++failures;
  }
  CHECK(failures >= 3);
  victim.run_and_drop();
  victim.check_witness();
}

TEST_CASE("a source that fails at any read leaves the session as it was", "[api][snapshot]") {
  const TestModel model(tiny());
  const Bytes file = example(model);
  Victim victim(model);
  struct Failing {
    const Bytes* bytes;
    int reads, fail_at;
    inlay_status status;
    bool changes;  // the bytes, once they were checked
  };
  const auto read = [](void* user, std::uint64_t offset, void* to, std::size_t size) {
    auto& self = *static_cast<Failing*>(user);
    ++self.reads;
    if (!self.changes && self.reads == self.fail_at) return self.status;
    std::memcpy(to, self.bytes->data() + offset, size);
    if (self.changes && self.reads >= self.fail_at) {
      std::memset(to, 0xa5, std::min<std::size_t>(size, 200));
    }
    return inlay_status{INLAY_OK};
  };
  auto& session = victim.session();
  const inlay_session_info before = info_of(session);
  for (const inlay_status wanted : {INLAY_ERROR_IO, INLAY_ERROR_CANCELLED}) {
    // Pages for everybody are forgotten, too, when they are half filled.
    const std::uint32_t flags = wanted == INLAY_ERROR_IO ? 0 : INLAY_RESTORE_SHARE;
    for (int n = 1;; ++n) {
      REQUIRE(n < 1000);
      Failing failing{&file, 0, n, wanted, false};
      inlay_source source;
      inlay_source_callback(&source, file.size(), &failing, read);
      std::vector<inlay_sequence> restored;
      const inlay_status status = try_restore(session, source, flags, restored);
      if (status == INLAY_OK) {
        CHECK(n > 10);
        for (const inlay_sequence q : restored) inlay_session_drop(session.handle, q);
        break;
      }
      REQUIRE(status == wanted);
      REQUIRE(info_of(session).alive == before.alive);
      REQUIRE(info_of(session).pages_used == before.pages_used);
      REQUIRE(info_of(session).pages_cached == before.pages_cached);
    }
  }
  // Bytes that change behind the check of their checksum are still no danger.
  for (int n = 1; n < 60; ++n) {
    Failing failing{&file, 0, n, INLAY_OK, true};
    inlay_source source;
    inlay_source_callback(&source, file.size(), &failing, read);
    std::vector<inlay_sequence> restored;
    if (try_restore(session, source, 0, restored) == INLAY_OK) {
      for (const inlay_sequence q : restored) inlay_session_drop(session.handle, q);
    }
    REQUIRE(info_of(session).alive == before.alive);
  }
  victim.check_witness();
}
