// logits.cpp - inlay logits: raw logits of a token list into a file, and a hash of their bytes.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "arguments.h"
#include "command.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  LoadArguments model;
  inlay::SessionOptions session;
  std::string tokens;
  std::string out;
  bool all = false;

  void declare(CLI::App& command) {
    model.declare(command);
    command.add_option("--tokens", tokens, "Token ids, separated by commas")->required();
    command.add_flag("--all", all, "A row for every token, not only for the last");
    declare_count(command, "--chunk", session.chunk, 8192, "Most tokens in one pass");
    declare_count(command, "--sequences", session.sequences, 1024,
                  "Compute so many copies as one batch; fail if any differs");
    command.add_option("--out", out, "File for rows of float32, little-endian")->required();
  }
};

// FNV-1a, 64 bits.
class Hash {
 public:
  void add(std::span<const unsigned char> bytes) {
    for (const unsigned char byte : bytes) value_ = (value_ ^ byte) * 0x100000001b3u;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

// The rows of one sequence, which arrive in order: counted and hashed; the first one's also
// written.
struct Copy {
  inlay::Sequence sequence = 0;
  std::uint32_t rows = 0;
  Hash hash;
};

// A file is replaced when it is whole: until then it may be the very model that is read.
class Output {
 public:
  explicit Output(const std::string& path)
      : path_(path),
        part_(is_device(path) ? path : path + ".logits.part"),
        file_(std::fopen(part_.c_str(), "wb"), std::fclose) {
    if (!file_) fail(inlay::Status::io, path_ + ": cannot open for writing");
  }
  void write(std::span<const unsigned char> bytes) {
    check(std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) == bytes.size());
  }
  void close() {
    check(std::fclose(file_.release()) == 0);
    check(part_ == path_ || std::rename(part_.c_str(), path_.c_str()) == 0);
  }

 private:
  static bool is_device(const std::string& path) {
    std::error_code none;
    const auto kind = std::filesystem::status(path, none).type();
    return kind != std::filesystem::file_type::regular &&
           kind != std::filesystem::file_type::not_found;
  }
  void check(bool good) const {
    if (!good) fail(inlay::Status::io, path_ + ": cannot write");
  }
  std::string path_, part_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

std::vector<unsigned char> little_endian(std::span<const float> row) {
  std::vector<unsigned char> bytes;
  bytes.reserve(row.size() * sizeof(float));
  for (const float x : row) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    for (int shift = 0; shift < 32; shift += 8) {
      bytes.push_back(static_cast<unsigned char>(bits >> shift));
    }
  }
  return bytes;
}

void take_rows(const inlay::Session& session, Copy& copy, bool first, Output& output) {
  const inlay::Logits logits = session.logits(copy.sequence).value();
  for (std::uint32_t i = 0; i < logits.rows; ++i) {
    const std::vector<unsigned char> bytes = little_endian(logits.row(i));
    copy.hash.add(bytes);
    if (first) output.write(bytes);
  }
  copy.rows += logits.rows;
}

inlay::SessionOptions session_options(const Options& options, std::size_t count) {
  inlay::SessionOptions session = options.session;
  session.context = static_cast<std::uint32_t>(count);
  session.threads = options.model.threads;
  session.reuse = false;  // each copy computes its own
  // With --all every token of a pass has a row, so that a pass is as long as --chunk says.
  if (options.all) session.logits_rows = session.chunk;
  return session;
}

void logits(const Options& options) {
  const std::vector<std::int32_t> ids = parse_ids(options.tokens);
  if (ids.empty()) fail(inlay::Status::argument, "--tokens is empty");
  const inlay::Model model = options.model.open(inlay::Depth::weights);
  inlay::Session session =
      inlay::Session::open(model, session_options(options, ids.size())).value();
  std::vector<Copy> copies(options.session.sequences);
  for (Copy& copy : copies) {
    copy.sequence = session.add().value();
    session.feed(copy.sequence, ids, options.all ? inlay::LogitsOf::all : inlay::LogitsOf::last)
        .value();
  }
  Output output(options.out);
  for (;;) {
    const inlay::Event event = session.step().value();
    if (event.status == inlay::Status::done) break;
    for (Copy& copy : copies) {
      const bool meant = event.status == inlay::Status::logits && copy.sequence == event.sequence;
      if (meant) take_rows(session, copy, &copy == &copies[0], output);
    }
  }
  output.close();
  const std::uint32_t expected = options.all ? static_cast<std::uint32_t>(ids.size()) : 1;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    if (copies[i].rows != expected || copies[i].hash.value() != copies[0].hash.value()) {
      fail(
          inlay::Status::internal,
          fmt::format("sequence {}: {} rows with hash {:016x}, expected {} rows with hash {:016x}",
                      i, copies[i].rows, copies[i].hash.value(), expected, copies[0].hash.value()));
    }
  }
  put("hash {:016x}\n", copies[0].hash.value());
}

}  // namespace

void add_logits(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "logits", "Raw logits of a list of tokens, and their hash",
                       logits);
}

}  // namespace cli
