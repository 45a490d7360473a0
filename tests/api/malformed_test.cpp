// malformed_test.cpp - hostile model files end as their list says, and the library stays usable.
#include "support/malformed.h"
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/model.h"

using namespace inlay::test;

namespace {

// Opens the file and, when it opens, computes a few tokens.
inlay_status open_and_step(const std::string& path, const inlay_host& host, inlay_error& error) {
  inlay_source source;
  inlay_source_path(&source, path.data(), path.size());
  inlay_model_options options;
  inlay_model_options_defaults(&options);
  options.host = &host;
  inlay_model* model = nullptr;
  inlay_status status = inlay_model_open(&source, &options, &model, &error);
  if (status < 0) return status;
  auto session_options = TestSession::options();
  session_options.context = 16;
  inlay_session* session = nullptr;
  inlay_sequence sequence = 0;
  status = inlay_session_open(model, &session_options, &session, &error);
  if (status == INLAY_OK) status = inlay_session_add(session, &sequence, &error);
  const std::int32_t ids[] = {0, 1, 2};
  if (status == INLAY_OK) status = inlay_session_feed(session, sequence, ids, 3, 0, &error);
  inlay_event event{};
  event.struct_size = sizeof event;
  while (status >= 0 && status != INLAY_DONE) {
    status = inlay_session_step(session, 0, &event, &error);
  }
  inlay_session_close(session);
  inlay_model_release(model);
  return status;
}

}  // namespace

TEST_CASE("every hostile model file ends as its list says", "[api][malformed]") {
  INLAY_NEEDS_TEST_DATA();
  const auto files = malformed_files("malformed/gguf");
  REQUIRE(files.size() >= 100);
  for (const MalformedFile& file : files) {
    INFO(file.file << ": " << file.expect << " - " << file.why);
    CountingAllocator memory;
    inlay_host host;
    inlay_host_defaults(&host);
    host.allocator = memory.host();
    inlay_error error{};
    const inlay_status status = open_and_step(file.path, host, error);
    INFO(inlay_status_name(status) << ": " << error.text);
    CHECK(memory.clean());
    CHECK(memory.peak_bytes < 16u << 20);
    if (status < 0) {
      CHECK(error.status == status);
      CHECK(std::string(error.text).size() > 10);
    }
    if (file.must_refuse()) CHECK(status < 0);
    if (file.expect == "load") CHECK(status == INLAY_DONE);
  }
}
