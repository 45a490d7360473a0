// name.cpp - the check of names.
#include "format/name.h"

#include "base/diagnostics.h"
#include "base/utf8.h"

namespace inlay {

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
  if (const std::size_t valid = utf8_valid_prefix(name); valid < name.size()) {
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
