// file_view.cpp - the functions behind a FileView.
#include "engine/file_view.h"

namespace inlay {
namespace {

const TypedManifest& file_of(const void* file) { return *static_cast<const TypedManifest*>(file); }

template <class T>
Status get(const void* file, std::string_view key, T* value, bool* present, Error& error) {
  const Manifest& manifest = file_of(file).manifest;
  *present = manifest.find(key) != nullptr;
  return *present ? manifest.get(key, *value, error) : Status::ok;
}

bool find_tensor(const void* file, std::string_view name, TensorShape* shape) {
  const auto& [manifest, types] = file_of(file);
  const TensorInfo* tensor = manifest.tensor(name);
  if (!tensor) return false;
  shape->index = static_cast<std::uint32_t>(tensor - manifest.tensors().data());
  shape->type = types.empty() ? tensor->type : types[shape->index];
  shape->rank = tensor->rank;
  for (int i = 0; i < 4; ++i) shape->shape[i] = tensor->shape[i];
  return true;
}

}  // namespace

FileView view_of(const TypedManifest& file, std::string_view architecture) {
  FileView view{};
  view.file = &file;
  view.name = file.manifest.file();
  view.architecture = architecture;
  view.get_u32 = get<std::uint32_t>;
  view.get_f32 = get<float>;
  view.get_bool = get<bool>;
  view.get_text = get<std::string_view>;
  view.find_tensor = find_tensor;
  return view;
}

}  // namespace inlay
