// cpu_quota.h - how many cores' time the control groups of a Linux container grant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace inlay {

inline constexpr std::uint32_t no_quota = 0xffffffffu;

// Reads the first bytes of a file, at most `capacity`; returns how many, 0 if it cannot be read.
struct FileStart {
  void* user;
  std::size_t (*read)(void* user, const char* path, char* text, std::size_t capacity);
};

// The smallest quota of the process's own groups and all that hold them, in cores rounded up, at
// least 1; no_quota when there is none. Reads /proc/self/cgroup and files below /sys/fs/cgroup of
// version 2 (cpu.max) and version 1 (cpu.cfs_quota_us, cpu.cfs_period_us); what is not there or not
// understood grants everything. Source: Linux, Documentation/admin-guide/cgroup-v2.rst and
// Documentation/scheduler/sched-bwc.rst.
std::uint32_t cpu_quota(const FileStart& files);

// The parts of it:

// Text of cpu.max: "200000 100000" (us of processor time, us of period) or "max 100000".
std::uint32_t cores_of_cpu_max(std::string_view text);
// Texts of cpu.cfs_quota_us ("-1": none) and cpu.cfs_period_us.
std::uint32_t cores_of_cfs(std::string_view quota, std::string_view period);
// One line of /proc/self/cgroup: "0::/user.slice", "4:cpu,cpuacct:/docker/1f".
struct CgroupLine {
  std::string_view controllers;  // empty: version 2
  std::string_view path;         // empty: not such a line
  bool has(std::string_view controller) const;
};
// Takes the first line off `text`.
CgroupLine take_cgroup_line(std::string_view& text);

}  // namespace inlay
