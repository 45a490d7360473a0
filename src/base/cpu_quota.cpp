// cpu_quota.cpp - from a process's groups to the processor time they may use.
#include "base/cpu_quota.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"

namespace inlay {
namespace {

constexpr std::string_view mount = "/sys/fs/cgroup";
constexpr std::size_t path_bytes = 1024;
constexpr std::uint64_t default_period = 100000;  // us

// The part before the first `end`, which goes with it.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return part;
}

bool parse(std::string_view digits, std::uint64_t& number) {
  number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    if (!checked_mul(number, 10, number)) return false;
    if (!checked_add(number, static_cast<std::uint64_t>(c - '0'), number)) return false;
  }
  return !digits.empty();
}

std::uint32_t cores_of(std::uint64_t quota, std::uint64_t period) {
  if (period == 0) return no_quota;
  const std::uint64_t cores = quota / period + (quota % period != 0);
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(cores, 1, no_quota));
}

// A zero-terminated path, made of parts.
class Path {
 public:
  void add(std::string_view part) {
    fits_ = fits_ && part.size() < sizeof text_ - length_;
    if (!fits_ || part.empty()) return;
    std::memcpy(text_ + length_, part.data(), part.size());
    length_ += part.size();
    text_[length_] = 0;
  }
  const char* text() const { return fits_ ? text_ : nullptr; }

 private:
  char text_[path_bytes];
  std::size_t length_ = 0;
  bool fits_ = true;
};

// A hierarchy of groups as files: <mount><place><path of a group>/<file>.
struct Hierarchy {
  const FileStart& files;
  std::string_view place;
  bool version_1;

  std::uint32_t quota(std::string_view path) const;

 private:
  std::string_view read(std::string_view group, std::string_view file, char (&text)[64]) const;
  std::uint32_t quota_of(std::string_view group) const;
};

std::string_view Hierarchy::read(std::string_view group, std::string_view file,
                                 char (&text)[64]) const {
  Path path;
  for (const std::string_view part : {mount, place, group, file}) path.add(part);
  if (!path.text()) return {};
  return {text, std::min(files.read(files.user, path.text(), text, sizeof text), sizeof text)};
}

std::uint32_t Hierarchy::quota_of(std::string_view group) const {
  char first[64], second[64];
  if (!version_1) return cores_of_cpu_max(read(group, "/cpu.max", first));
  return cores_of_cfs(read(group, "/cpu.cfs_quota_us", first),
                      read(group, "/cpu.cfs_period_us", second));
}

// Of the group and all above it. Inside a container the path may be the host's: its own group then
// is the topmost directory, which is looked at in any case.
std::uint32_t Hierarchy::quota(std::string_view path) const {
  if (path.find("/..") != std::string_view::npos) path = {};
  std::uint32_t cores = no_quota;
  for (;;) {
    while (!path.empty() && path.back() == '/') path.remove_suffix(1);
    cores = std::min(cores, quota_of(path));
    if (path.empty()) return cores;
    path = path.substr(0, path.find_last_of('/') + 1);
  }
}

}  // namespace

std::uint32_t cores_of_cpu_max(std::string_view text) {
  std::string_view line = take_until(text, '\n');
  const std::string_view first = take_until(line, ' ');
  std::uint64_t quota = 0, period = default_period;
  if (!parse(first, quota)) return no_quota;  // "max"
  if (!line.empty() && !parse(line, period)) return no_quota;
  return cores_of(quota, period);
}

std::uint32_t cores_of_cfs(std::string_view quota_text, std::string_view period_text) {
  std::uint64_t quota = 0, period = 0;
  if (!parse(take_until(quota_text, '\n'), quota)) return no_quota;  // "-1"
  if (!parse(take_until(period_text, '\n'), period)) return no_quota;
  return cores_of(quota, period);
}

bool CgroupLine::has(std::string_view controller) const {
  for (std::string_view rest = controllers; !rest.empty();) {
    if (take_until(rest, ',') == controller) return true;
  }
  return false;
}

CgroupLine take_cgroup_line(std::string_view& text) {
  std::string_view line = take_until(text, '\n');
  std::uint64_t number = 0;
  if (!parse(take_until(line, ':'), number)) return {};
  const std::string_view controllers = take_until(line, ':');
  if (line.empty() || line.front() != '/') return {};
  return {controllers, line};
}

std::uint32_t cpu_quota(const FileStart& files) {
  char buffer[4096];
  const std::size_t length =
      std::min(files.read(files.user, "/proc/self/cgroup", buffer, sizeof buffer), sizeof buffer);
  std::string_view text(buffer, length);
  if (length == sizeof buffer) text = text.substr(0, text.find_last_of('\n') + 1);  // whole lines
  std::uint32_t cores = no_quota;
  while (!text.empty()) {
    const CgroupLine line = take_cgroup_line(text);
    if (line.path.empty()) continue;
    if (line.controllers.empty()) {
      for (const std::string_view place : {"", "/unified"}) {
        cores = std::min(cores, Hierarchy{files, place, false}.quota(line.path));
      }
    } else if (line.has("cpu")) {
      for (const std::string_view place : {"/cpu", "/cpu,cpuacct"}) {
        cores = std::min(cores, Hierarchy{files, place, true}.quota(line.path));
      }
    }
  }
  return cores;
}

}  // namespace inlay
