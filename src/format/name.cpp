// name.cpp - the check of names, with its own reading of UTF-8.
#include "format/name.h"

#include "base/diagnostics.h"

namespace inlay {
namespace {

// Bytes of the UTF-8 sequence at the front of `text`; 0 when it is not valid (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0u) != 0x80u) return 0;
  }
  const unsigned second = at(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool outside = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : length;
}

// Offset of the first byte that is not valid UTF-8; the size of the text when there is none.
std::size_t valid_utf8_prefix(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) break;
    i += length;
  }
  return i;
}

}  // namespace

Status check_name(std::string_view file, const NameRule& rule, std::uint64_t index,
                  std::string_view name, Error& error) {
  if (name.empty()) {
    return fail(error, Status::format, "{}: {} {} has an empty name", Shown(file), rule.what,
                index);
  }
  if (name.size() > rule.max_bytes) {
    return fail(error, Status::limit, "{}: name of {} {} has {} bytes, the limit is {}",
                Shown(file), rule.what, index, name.size(), rule.max_bytes);
  }
  if (const std::size_t valid = valid_utf8_prefix(name); valid < name.size()) {
    return fail(error, Status::format, "{}: name of {} {} is not UTF-8: byte {} of {} is 0x{:02x}",
                Shown(file), rule.what, index, valid, name.size(),
                static_cast<unsigned>(static_cast<unsigned char>(name[valid])));
  }
  if (const std::size_t zero = name.find('\0'); zero != std::string_view::npos) {
    return fail(error, Status::format, "{}: name of {} {} ({}) has a zero at byte {} of {}",
                Shown(file), rule.what, index, Shown(name), zero, name.size());
  }
  return Status::ok;
}

}  // namespace inlay
