// cpu_quota_test.cpp - what control groups grant, from texts as Linux writes them and from hostile
// ones.
#include "base/cpu_quota.h"

#include <map>
#include <string>

#include "base/threads.h"
#include "support/catch.h"

using namespace inlay;

namespace {

// Files by path.
struct Files {
  std::map<std::string, std::string> texts;
  std::size_t asked = 0;

  std::uint32_t quota() {
    return cpu_quota({this, [](void* user, const char* path, char* text, std::size_t capacity) {
                        auto& self = *static_cast<Files*>(user);
                        ++self.asked;
                        const auto found = self.texts.find(path);
                        if (found == self.texts.end()) return std::size_t{0};
                        return found->second.copy(text, capacity);
                      }});
  }
};

}  // namespace

TEST_CASE("cpu.max is a quota and a period", "[unit][base]") {
  CHECK(cores_of_cpu_max("200000 100000\n") == 2);
  CHECK(cores_of_cpu_max("200001 100000\n") == 3);
  CHECK(cores_of_cpu_max("150000 100000") == 2);
  CHECK(cores_of_cpu_max("1000 100000\n") == 1);
  CHECK(cores_of_cpu_max("0 100000\n") == 1);
  CHECK(cores_of_cpu_max("100000 50000\n") == 2);
  CHECK(cores_of_cpu_max("300000\n") == 3);  // the default period
  CHECK(cores_of_cpu_max("max 100000\n") == no_quota);
  CHECK(cores_of_cpu_max("18446744073709551615 1\n") == no_quota);
  CHECK(cores_of_cpu_max("18446744073709551615 18446744073709551615\n") == 1);
  for (const char* text :
       {"", "\n", " ", "max", "-1 100000", "200000 0", "200000 x", "200000 -5", "x 100000",
        "200000  100000", "18446744073709551616 100000", "99999999999999999999999999 1",
        "200000 99999999999999999999999999", "2e5 100000", "200000\t100000"}) {
    INFO(text);
    CHECK(cores_of_cpu_max(text) == no_quota);
  }
  CHECK(cores_of_cpu_max(std::string_view("2\0 1", 4)) == no_quota);
}

TEST_CASE("version 1 has quota and period in two files", "[unit][base]") {
  CHECK(cores_of_cfs("-1\n", "100000\n") == no_quota);
  CHECK(cores_of_cfs("50000\n", "100000\n") == 1);
  CHECK(cores_of_cfs("400000\n", "100000\n") == 4);
  CHECK(cores_of_cfs("400001\n", "100000\n") == 5);
  CHECK(cores_of_cfs("400000\n", "0\n") == no_quota);
  CHECK(cores_of_cfs("400000\n", "") == no_quota);
  CHECK(cores_of_cfs("", "100000\n") == no_quota);
  CHECK(cores_of_cfs("4 4\n", "100000\n") == no_quota);
}

TEST_CASE("lines of /proc/self/cgroup", "[unit][base]") {
  std::string_view text = "4:cpu,cpuacct:/docker/1f\nnonsense\n1:name=a:b:/x\n0::/user.slice";
  CgroupLine line = take_cgroup_line(text);
  CHECK(line.path == "/docker/1f");
  CHECK(line.has("cpu"));
  CHECK(line.has("cpuacct"));
  CHECK_FALSE(line.has("cp"));
  CHECK_FALSE(line.has(""));
  CHECK(take_cgroup_line(text).path.empty());
  CHECK(take_cgroup_line(text).path.empty());  // the path begins with a slash
  line = take_cgroup_line(text);
  CHECK(line.controllers.empty());
  CHECK(line.path == "/user.slice");
  CHECK(text.empty());
  for (const char* bad : {"", ":", "::", "0:", "0::", "0::x", "x::/", ":cpu:/", "0:/", "-1::/"}) {
    std::string_view rest = bad;
    INFO(bad);
    CHECK(take_cgroup_line(rest).path.empty());
    CHECK(rest.empty());
  }
}

TEST_CASE("the smallest quota of a group and those above it counts", "[unit][base]") {
  Files files;
  CHECK(files.quota() == no_quota);
  files.texts["/proc/self/cgroup"] = "0::/a/b/c\n";
  CHECK(files.quota() == no_quota);
  files.texts["/sys/fs/cgroup/a/b/c/cpu.max"] = "max 100000\n";
  CHECK(files.quota() == no_quota);
  files.texts["/sys/fs/cgroup/a/b/cpu.max"] = "700000 100000\n";
  CHECK(files.quota() == 7);
  files.texts["/sys/fs/cgroup/a/b/c/cpu.max"] = "800000 100000\n";
  CHECK(files.quota() == 7);
  files.texts["/sys/fs/cgroup/a/cpu.max"] = "600000 100000\n";
  CHECK(files.quota() == 6);
  files.texts["/sys/fs/cgroup/a/b/c/cpu.max"] = "250000 100000\n";
  CHECK(files.quota() == 3);
}

TEST_CASE("in a container the topmost directory is the group", "[unit][base]") {
  Files files;
  for (const char* path : {"/", "/docker/4711", "/../other", "/a/../../b"}) {
    files.texts = {{"/proc/self/cgroup", std::string("0::") + path + "\n"},
                   {"/sys/fs/cgroup/cpu.max", "150000 100000\n"}};
    INFO(path);
    CHECK(files.quota() == 2);
    files.texts = {{"/proc/self/cgroup", std::string("3:cpuacct,cpu:") + path + "\n"},
                   {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "150000\n"},
                   {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}};
    CHECK(files.quota() == 2);
  }
}

TEST_CASE("both versions at once", "[unit][base]") {
  Files files;
  files.texts = {{"/proc/self/cgroup", "7:memory:/m\n2:cpu,cpuacct:/g\n0::/u\n"},
                 {"/sys/fs/cgroup/cpu,cpuacct/g/cpu.cfs_quota_us", "400000\n"},
                 {"/sys/fs/cgroup/cpu,cpuacct/g/cpu.cfs_period_us", "100000\n"},
                 {"/sys/fs/cgroup/cpu/m/cpu.cfs_quota_us", "100000\n"},  // of another group
                 {"/sys/fs/cgroup/cpu/m/cpu.cfs_period_us", "100000\n"}};
  CHECK(files.quota() == 4);
  files.texts["/sys/fs/cgroup/unified/u/cpu.max"] = "300000 100000\n";
  CHECK(files.quota() == 3);
}

TEST_CASE("long and strange texts cost little and grant everything", "[unit][base]") {
  Files files;
  // A path that fits no buffer; its parents do.
  const std::string deep(3000, 'd');
  files.texts["/proc/self/cgroup"] = "0::/a/" + deep + "/x\n";
  files.texts["/sys/fs/cgroup/a/cpu.max"] = "500000 100000\n";
  CHECK(files.quota() == 5);
  // A line that is cut is no line.
  files.texts["/proc/self/cgroup"] = "1:x:/" + std::string(4085, 'y') + "\n0::/a";
  CHECK(files.quota() == no_quota);
  std::string slashes = "0::" + std::string(4000, '/');
  files.texts = {{"/proc/self/cgroup", slashes}, {"/sys/fs/cgroup/cpu.max", "500000 100000\n"}};
  CHECK(files.quota() == 5);
  std::string levels = "0::";
  for (int i = 0; i < 1000; ++i) levels += "/a";
  files.texts["/proc/self/cgroup"] = levels;
  files.asked = 0;
  CHECK(files.quota() == 5);
  CHECK(files.asked < 2100);
  files.texts["/proc/self/cgroup"] = std::string("0::/\0\xff\n\n:::\n", 12);
  CHECK(files.quota() == 5);
}

TEST_CASE("this machine has cores", "[unit][base]") {
  CHECK(physical_cores() >= 1);
  CHECK(physical_cores() <= max_workers);
}
