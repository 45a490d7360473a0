// file_view.h - shows a Manifest to the graph, which knows no file format.
#pragma once

#include "format/manifest.h"
#include "graph/meta.h"

namespace inlay {

// The tensors of a file as they will be in memory.
struct TypedManifest {
  const Manifest& manifest;
  std::span<const Type> types;  // of each tensor; empty: as stored
};

// `file` outlives the view.
FileView view_of(const TypedManifest& file, std::string_view architecture);

}  // namespace inlay
