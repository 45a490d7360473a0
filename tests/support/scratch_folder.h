// scratch_folder.h - a folder of a test's own, gone with all that is in it when the test ends.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace inlay::test {

class ScratchFolder {
 public:
  ScratchFolder() {
    namespace fs = std::filesystem;
    for (int i = 0; i < 10000 && path_.empty(); ++i) {
      const fs::path path = fs::temp_directory_path() / ("inlay-test-" + std::to_string(i));
      std::error_code taken;
      if (fs::create_directory(path, taken)) path_ = path.string();
    }
    if (path_.empty()) throw std::runtime_error("no scratch folder");
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  // Writes the file and gives its path.
  std::string add(const std::string& name, const std::vector<unsigned char>& bytes) const {
    const std::string path = *this / name;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return path;
  }
  std::string add(const std::string& name, const std::string& text) const {
    return add(name, std::vector<unsigned char>(text.begin(), text.end()));
  }
  // Names of all that is there, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string path_;
};

}  // namespace inlay::test
