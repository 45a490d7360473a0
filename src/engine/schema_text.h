// schema_text.h - the text of a JSON schema, read into a tree.
#pragma once

#include <string_view>

#include "sample/schema/document.h"

namespace inlay {

// Fills an empty document. Errors name "schema", the path of keys and the byte: FORMAT (no JSON, or
// a key twice in an object), LIMIT (over 16 MiB of texts, 400,000 values, 128 levels), MEMORY.
Status read_schema(std::string_view text, schema::Document& document, Error& error);

}  // namespace inlay
