// data.h - where tests find their files: fixtures in the repository, and a folder of larger test
// data.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#ifndef INLAY_FIXTURES_DIR
#define INLAY_FIXTURES_DIR "tests/fixtures"
#endif
#ifndef INLAY_SOURCE_DIR
#define INLAY_SOURCE_DIR "."
#endif
#ifndef INLAY_TEST_DATA_DEFAULT
#define INLAY_TEST_DATA_DEFAULT ""
#endif

namespace inlay::test {

// The folder named by the environment variable INLAY_TEST_DATA; "" when there is none.
inline std::string data_folder() {
  const char* folder = std::getenv("INLAY_TEST_DATA");
  return folder ? folder : INLAY_TEST_DATA_DEFAULT;
}

// A file of the test data, named relative to its folder. Ask INLAY_NEEDS_TEST_DATA first.
inline std::string data_path(const std::string& name) { return data_folder() + "/" + name; }

// A file of the repository's tests/fixtures.
inline std::string fixture_path(const std::string& name) {
  std::string path = INLAY_FIXTURES_DIR;
  return path.append("/").append(name);
}

// A file of the repository, such as "examples/demo_model/demo.gguf".
inline std::string source_path(const std::string& name) {
  return std::string(INLAY_SOURCE_DIR) + "/" + name;
}

inline bool file_exists(const std::string& path) { return std::ifstream(path).good(); }

// All bytes of a file as a vector of bytes or a string; throws (and so fails the test) if there is
// none.
template <class Bytes>
Bytes read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path);
  return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}
inline std::vector<unsigned char> read_bytes(const std::string& path) {
  return read_whole<std::vector<unsigned char>>(path);
}
inline std::string read_text(const std::string& path) { return read_whole<std::string>(path); }

// Says on standard output that a test did nothing; ctest and scripts/test count these lines.
inline void print_skipped(const char* why) { std::printf("SKIPPED: %s\n", why); }

}  // namespace inlay::test

// First line of a test that reads the test data: without the folder the test says so and passes.
#define INLAY_NEEDS_TEST_DATA()                     \
  do {                                              \
    if (::inlay::test::data_folder().empty()) {     \
      ::inlay::test::print_skipped("no test data"); \
      return;                                       \
    }                                               \
  } while (false)
