// trace.cpp - rings of entries, and their way into JSON.
#include "engine/trace.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/checked.h"
#include "base/diagnostics.h"
#include "base/sink.h"

namespace inlay {
namespace {

constexpr std::size_t head_bytes = 64;  // of a ring; so that no two workers write one cache line

std::size_t ring_bytes(std::uint32_t events) {
  return head_bytes + align_up(std::uint64_t{events} * sizeof(TraceEntry), 64);
}

// A name inside a JSON string: of what Shown lets pass only two characters need a backslash.
struct Quoted {
  char text[2 * sizeof(Shown::text)];
  std::size_t length = 0;

  explicit Quoted(std::string_view name) {
    const Shown shown(name);
    for (const char c : shown.view()) {
      if (c == '"' || c == '\\') text[length++] = '\\';
      text[length++] = c;
    }
  }
  std::string_view view() const { return {text, length}; }
};

// The first error sticks.
class Writer {
 public:
  Writer(Sink& sink, Error& error) : sink_(sink), error_(error) {}

  template <class... Args>
  void put(fmt::format_string<detail::Printed<Args>...> format, const Args&... args) {
    char text[512];  // more than a name and its numbers take
    const std::size_t length = print<Args...>(text, sizeof text, format, args...);
    if (is_error(status_)) return;
    status_ = sink_.write(text, std::min(length, sizeof text - 1), error_);
  }
  // Nanoseconds as microseconds.
  void put_time(const char* key, std::uint64_t time) {
    put("\"{}\":{}.{:03},", key, time / 1000, time % 1000);
  }
  Status close() { return is_error(status_) ? status_ : sink_.close(error_); }

 private:
  Sink& sink_;
  Error& error_;
  Status status_ = Status::ok;
};

void put_name(const Program& program, const Manifest& manifest, std::uint32_t pc, Writer& out) {
  if (pc >= program.code.size()) return out.put("\"name\":\"?\",");
  const Instruction& code = program.code[pc];
  if (code.weight == no_weight) return out.put("\"name\":\"{}\",", op_name(code.op));
  const std::uint32_t tensor = program.weights[code.weight].tensor;
  const Quoted weight(tensor < manifest.tensors().size() ? manifest.tensors()[tensor].name : "?");
  out.put("\"name\":\"{} {}\",", op_name(code.op), weight.view());
}

}  // namespace

std::size_t Trace::bytes(std::uint32_t workers, std::uint32_t events) {
  return workers * ring_bytes(events);
}

void Trace::open(std::byte* memory, std::uint32_t workers, std::uint32_t events) {
  memory_ = memory;
  workers_ = workers;
  events_ = events;
  for (std::uint32_t i = 0; i < workers; ++i) new (memory_ + i * ring_bytes(events_)) Ring{0};
}

void Trace::clear() {
  for (std::uint32_t i = 0; i < workers_; ++i) ring(i).added = 0;
}

Trace::Ring& Trace::ring(std::uint32_t worker) const {
  return *reinterpret_cast<Ring*>(memory_ + worker * ring_bytes(events_));
}

TraceEntry* Trace::entries(std::uint32_t worker) const {
  return reinterpret_cast<TraceEntry*>(memory_ + worker * ring_bytes(events_) + head_bytes);
}

void Trace::add(std::uint32_t worker, const TraceEntry& entry) {
  if (worker >= workers_) return;
  const std::uint64_t number = ring(worker).added++;
  if (events_ != 0) entries(worker)[number % events_] = entry;
}

std::uint64_t Trace::dropped() const {
  std::uint64_t dropped = 0;
  for (std::uint32_t i = 0; i < workers_; ++i) dropped += ring(i).added - count(i);
  return dropped;
}

std::uint32_t Trace::count(std::uint32_t worker) const {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(ring(worker).added, events_));
}

const TraceEntry& Trace::entry(std::uint32_t worker, std::uint32_t index) const {
  const std::uint64_t oldest = ring(worker).added - count(worker);
  return entries(worker)[(oldest + index) % events_];
}

std::uint64_t Trace::first_time() const {
  std::uint64_t first = UINT64_MAX;
  for (std::uint32_t worker = 0; worker < workers_; ++worker) {
    for (std::uint32_t i = 0; i < count(worker); ++i) {
      first = std::min(first, entry(worker, i).begin);
    }
  }
  return first;
}

Status Trace::write(const Program& program, const Manifest& manifest, const inlay_sink& description,
                    Allocator& allocator, Error& error) const {
  Sink sink;
  INLAY_TRY(sink.open(allocator, description, error));
  Writer out(sink, error);
  const std::uint64_t zero = first_time();
  const char* comma = "";
  out.put("{{\"traceEvents\":[");
  for (std::uint32_t worker = 0; worker < workers_; ++worker) {
    for (std::uint32_t i = 0; i < count(worker); ++i) {
      const TraceEntry& e = entry(worker, i);
      out.put("{}\n{{", comma);
      put_name(program, manifest, e.pc, out);
      out.put("\"ph\":\"X\",");
      out.put_time("ts", e.begin - zero);
      out.put_time("dur", e.end > e.begin ? e.end - e.begin : 0);
      out.put("\"pid\":1,\"tid\":{},\"args\":{{\"pass\":{},\"instruction\":{},\"tiles\":{}}}}}",
              worker, e.pass, e.pc, e.tiles);
      comma = ",";
    }
  }
  out.put("\n],\"otherData\":{{\"dropped\":{}}}}}\n", dropped());
  return out.close();
}

void TraceRun::add_tiles(std::uint32_t pc, std::uint32_t count, std::uint64_t begin,
                         std::uint64_t end) {
  if (entry_.tiles != 0 && entry_.pc != pc) flush();
  if (entry_.tiles == 0) entry_.begin = begin;
  entry_.pc = pc;
  entry_.end = end;
  entry_.tiles += count;
}

void TraceRun::flush() {
  if (entry_.tiles != 0) trace_->add(worker_, entry_);
  entry_.tiles = 0;
}

}  // namespace inlay
