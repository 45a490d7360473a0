// key_writer.cpp - names and values copied into the Manifest's store.
#include "format/key_writer.h"

#include <algorithm>

#include "base/diagnostics.h"

namespace inlay {

KeyWriter::Name KeyWriter::full(std::string_view name) const {
  Name n;
  n.length = print(n.text, sizeof n.text, "{}.{}", prefix_, name);
  if (n.length >= sizeof n.text) n.length = sizeof n.text - 1;
  return n;
}

const Value* KeyWriter::find(std::string_view name) const {
  const Name wanted = full(name);
  const auto entries = manifest_.entries();
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& e) { return e.key == wanted.view(); });
  return found == entries.end() ? nullptr : &found->value;
}

void KeyWriter::fail_for_memory() {
  if (!is_error(status_)) status_ = fail_memory(error_, "keys");
}

void KeyWriter::add(std::string_view name, const Value& value) {
  std::string_view stored;
  if (is_error(status_)) return;
  if (is_error(manifest_.store().copy(full(name).view(), stored))) return fail_for_memory();
  status_ = manifest_.add_key(stored, value, error_);
}

void KeyWriter::text(std::string_view name, std::string_view value) {
  auto* stored = manifest_.store().allocate<std::string_view>(1);
  if (!stored || is_error(manifest_.store().copy(value, *stored))) return fail_for_memory();
  add(name, {ValueType::string, false, 1, stored});
}

void KeyWriter::numbers(std::string_view name, std::span<const std::uint32_t> values) {
  auto* stored = manifest_.store().allocate<std::uint32_t>(values.size());
  if (!stored) return fail_for_memory();
  std::copy(values.begin(), values.end(), stored);
  add(name, {ValueType::u32, true, values.size(), stored});
}

}  // namespace inlay
