// file_view.h - shows a Manifest to the graph, which knows no file format.
#pragma once

#include "format/manifest.h"
#include "graph/meta.h"

namespace inlay {

FileView view_of(const Manifest& manifest, std::string_view architecture);

}  // namespace inlay
