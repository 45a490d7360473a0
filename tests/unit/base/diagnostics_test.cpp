// diagnostics_test.cpp - error texts: bounded, one line, safe whatever name a file brings.
#include <cstring>
#include <string>

#include "base/diagnostics.h"
#include "support/catch.h"

namespace inlay::test {

TEST_CASE("diagnostics: fail fills status and text and gives the status back", "[base]") {
  Error error{};
  CHECK(fail(error, Status::format, "{}: {} of {}", Shown("a.gguf"), 3, 4.5) == Status::format);
  CHECK(error.status == INLAY_ERROR_FORMAT);
  CHECK(std::string(error.text) == "a.gguf: 3 of 4.5");
  CHECK(fail_memory(error, "a page") == Status::memory);
  CHECK(std::string(error.text) == "out of memory: a page");
}

TEST_CASE("diagnostics: a text that is too long is cut, with its zero", "[base]") {
  Error error;
  std::memset(&error, 'z', sizeof error);
  const std::string longest(2000, 'x');
  CHECK(fail(error, Status::io, "{}", std::string_view(longest)) == Status::io);
  CHECK(std::strlen(error.text) == INLAY_ERROR_TEXT - 1);

  char small[4] = {'z', 'z', 'z', 'z'};
  CHECK(print(small, 3, "{}", 12345) == 5);  // the length of the whole
  CHECK(std::memcmp(small, "12\0z", 4) == 0);
  CHECK(print(small, 1, "{}", 5) == 1);
  CHECK(small[0] == 0);
  print(small, 0, "{}", 5);
  CHECK(small[1] == '2');
}

TEST_CASE("diagnostics: names from files are shown without control bytes", "[base]") {
  CHECK(Shown("plain").view() == "plain");
  CHECK(Shown("").view().empty());
  CHECK(Shown(std::string_view("a\0b\n\x1b\x7f", 6)).view() == "a?b???");
  CHECK(Shown("gr\xc3\xbcn").view() == "gr\xc3\xbcn");
  const std::string exact(64, 'k'), over(65, 'k');
  CHECK(Shown(exact).view() == exact);
  CHECK(Shown(over).view() == exact + "...");
  CHECK(std::strlen(Shown(over).text) == 67);
}

TEST_CASE("diagnostics: every status has a name", "[base]") {
  for (int status = INLAY_ERROR_INTERNAL; status <= INLAY_DONE; ++status) {
    CHECK(std::string(status_name(static_cast<Status>(status))) != "unknown");
  }
  CHECK(std::string(status_name(static_cast<Status>(77))) == "unknown");
  CHECK(is_error(Status::memory));
  CHECK(!is_error(Status::ok));
  CHECK(!is_error(Status::done));
}

}  // namespace inlay::test
