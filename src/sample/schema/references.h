// references.h - what $ref means: $id, $anchor and $dynamicAnchor of a document, and pointers into
// it.
#pragma once

#include "sample/schema/document.h"

namespace inlay::schema {

class References {
 public:
  explicit References(const Document& document);

  // Walks the schemas of the document. Errors: LIMIT, MEMORY; FORMAT: an $id that is no text ...
  Status read(Error& error);

  // The schema that a $ref or $dynamicRef (the value) names. Errors: UNSUPPORTED: it is not in the
  // document, or which one it is depends on the way there.
  Status resolve(ValueId reference, bool dynamic, ValueId& target, Error& error) const;

 private:
  static constexpr std::uint32_t max_uri = 2048;
  struct Text {
    std::uint32_t begin = 0, size = 0;
  };
  struct Resource {
    Text uri;
    ValueId root = no_value;
  };
  struct Anchor {
    std::uint32_t resource;
    Text name;
    ValueId schema;
    bool dynamic;
  };

  std::string_view view(Text t) const { return {text_.data() + t.begin, t.size}; }
  Status keep(std::string_view text, Text& kept);
  Status read_schema(ValueId schema, Error& error);
  Status push_children(ValueId schema);
  Status add_anchor(std::uint32_t resource, ValueId name, ValueId schema, bool dynamic);
  Status index_names();
  std::span<const Anchor> anchors(std::string_view name, bool dynamic) const;
  const Anchor* find_anchor(std::uint32_t resource, std::string_view name) const;
  std::uint32_t resource_of(ValueId value) const;
  std::uint32_t find_resource(std::string_view uri) const;
  Status follow(ValueId from, std::string_view pointer, ValueId& target) const;
  Status choose_dynamic(const Anchor& anchor, ValueId reference, ValueId& target,
                        Error& error) const;

  const Document& document_;
  Array<char> text_;
  Array<Resource> resources_;
  HashMap<std::string_view, std::uint32_t> by_uri_;  // once read; the first of each
  Array<Anchor> anchors_;          // once read: by name, dynamic ones first, then by resource
  Array<std::uint32_t> resource_;  // of each value that is a schema; none: its parent's
  Array<ValueId> waiting_;
  bool old_id_ = false;  // drafts 3 and 4: "id"
};

// `reference` seen from `base` (RFC 3986, 5.2), without fragment, into `out` (max_uri bytes);
// returns its length, or 0 when it does not fit.
std::size_t resolve_uri(std::string_view base, std::string_view reference, char* out,
                        std::size_t capacity);

}  // namespace inlay::schema
