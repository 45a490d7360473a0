// published.h - the texts and ids that others expect of published vocabularies.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "format/json.h"
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/data.h"

namespace inlay::test {

using Ids = std::vector<std::int32_t>;

// The strings of a .inp file stand between lines of their own.
inline std::vector<std::string> strings_of(const std::string& name) {
  const std::string mark = "\n__ggml_vocab_test__\n";
  std::string text = read_text(data_path(name + ".gguf.inp"));
  std::vector<std::string> all;
  for (;;) {
    const std::size_t end = text.find(mark);
    if (end == std::string::npos) break;
    all.push_back(text.substr(0, end));
    text.erase(0, end + mark.size());
  }
  if (!text.empty()) all.push_back(text);
  return all;
}

inline std::vector<Ids> ids_of(const std::string& name) {
  std::istringstream lines(read_text(data_path(name + ".gguf.out")));
  std::vector<Ids> all;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    all.emplace_back();
    for (std::int32_t id; numbers >> id;) all.back().push_back(id);
  }
  return all;
}

// "ids": [1, 2] as the reader stands before it.
inline Ids read_ids(JsonReader& json) {
  Ids ids;
  if (json.begin_array()) {
    while (json.next_item()) {
      std::uint32_t id = 0;
      json.integer(id);
      ids.push_back(static_cast<std::int32_t>(id));
    }
  }
  return ids;
}

// Every object of the file that has a text and ids, in lists and objects, under `within` only.
struct Pair {
  std::string text;
  Ids ids;
  std::string decoded;
};
struct Names {
  std::string text, ids, decoded, within;
};

inline void collect(JsonReader& json, const Names& names, bool inside, std::vector<Pair>& pairs,
                    Pair* outer = nullptr) {
  std::string_view key, value;
  if (json.peek() == JsonReader::Kind::array) {
    json.begin_array();
    while (json.next_item()) collect(json, names, inside, pairs);
    return;
  }
  if (json.peek() != JsonReader::Kind::object) {
    json.skip();
    return;
  }
  Pair pair;
  Pair& current = outer ? *outer : pair;
  json.begin_object();
  while (json.next_key(key)) {
    const std::string name(key);
    if (name == names.text && json.peek() == JsonReader::Kind::string) {
      json.text(value);
      current.text = value;
    } else if (name == names.decoded && json.peek() == JsonReader::Kind::string) {
      json.text(value);
      current.decoded = value;
    } else if (name == names.ids) {
      current.ids = read_ids(json);
    } else if (name == "encoded") {
      collect(json, names, inside, pairs, &current);
    } else {
      collect(json, names, inside || name == names.within, pairs);
    }
  }
  if (!outer && inside && !current.ids.empty()) pairs.push_back(current);
}

inline std::vector<Pair> pairs_of(const std::string& path, const Names& names) {
  CountingAllocator heap;
  Allocator allocator(heap.host());
  Error error{};
  const std::string text = read_text(data_path(path));
  JsonReader json(text, path, allocator, error);
  std::vector<Pair> pairs;
  collect(json, names, names.within.empty(), pairs);
  if (json.finish() != Status::ok) FAIL(error.text);
  return pairs;
}

}  // namespace inlay::test
