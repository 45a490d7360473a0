// references.cpp - a walk over all schemas of a document, and the ways back to them.
#include "sample/schema/references.h"

#include <algorithm>

#include "base/utf8.h"
#include "sample/schema/keywords.h"

namespace inlay::schema {
namespace {

using Kind = Document::Kind;

constexpr std::uint32_t none = 0xffffffffu;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Percent escapes of a fragment; false: too long.
bool unescape(std::string_view from, char* to, std::size_t capacity, std::size_t& size) {
  size = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (size == capacity) return false;
    const bool escape = from[i] == '%' && i + 2 < from.size() && hex_digit(from[i + 1]) >= 0 &&
                        hex_digit(from[i + 2]) >= 0;
    if (escape) {
      to[size++] = static_cast<char>(hex_digit(from[i + 1]) * 16 + hex_digit(from[i + 2]));
      i += 2;
    } else {
      to[size++] = from[i];
    }
  }
  return true;
}

}  // namespace

References::References(const Document& document)
    : document_(document),
      text_(document.allocator()),
      resources_(document.allocator()),
      by_uri_(document.allocator()),
      anchors_(document.allocator()),
      resource_(document.allocator()),
      waiting_(document.allocator()) {}

Status References::keep(std::string_view text, Text& kept) {
  kept = {static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(text.size())};
  if (text_.size() + text.size() > Document::max_text_bytes) return Status::limit;
  return text_.append({text.data(), text.size()});
}

std::uint32_t References::resource_of(ValueId value) const {
  while (value != no_value && resource_[value] == none) value = document_[value].parent;
  return value == no_value ? 0 : resource_[value];
}

std::uint32_t References::find_resource(std::string_view uri) const {
  const std::uint32_t* found = by_uri_.find(uri);
  return found ? *found : none;
}

Status References::add_anchor(std::uint32_t resource, ValueId name, ValueId schema, bool dynamic) {
  if (!document_.is(name, Kind::string)) return Status::ok;
  std::string_view text = document_.text(name);
  if (!text.empty() && text[0] == '#') text.remove_prefix(1);
  Anchor anchor{resource, {}, schema, dynamic};
  INLAY_TRY(keep(text, anchor.name));
  return anchors_.push(anchor);
}

// Notes what a schema calls itself.
Status References::read_schema(ValueId schema, Error& error) {
  ValueId id = document_.member(schema, "$id");
  if (id == no_value && old_id_) id = document_.member(schema, "id");
  if (document_.is(id, Kind::string)) {
    const std::string_view text = document_.text(id);
    if (!text.empty() && text[0] == '#') {
      INLAY_TRY(add_anchor(resource_of(schema), id, schema, false));
    } else {
      char uri[max_uri];
      const std::uint32_t outer = resource_of(document_[schema].parent);
      const std::size_t size = resolve_uri(view(resources_[outer].uri), text, uri, sizeof uri);
      if (text.size() && size == 0) {
        return fail(error, Status::limit, "schema: {}: an URI of over {} bytes",
                    document_.path(id).view(), max_uri);
      }
      if (schema == 0) {
        INLAY_TRY(keep({uri, size}, resources_[0].uri));
      } else {
        if (resources_.size() >= 4096) {
          return fail(error, Status::limit, "schema: over 4096 schemas with an $id");
        }
        resource_[schema] = static_cast<std::uint32_t>(resources_.size());
        Resource resource{{}, schema};
        INLAY_TRY(keep({uri, size}, resource.uri));
        INLAY_TRY(resources_.push(resource));
      }
    }
  }
  const std::uint32_t resource = resource_of(schema);
  INLAY_TRY(add_anchor(resource, document_.member(schema, "$anchor"), schema, false));
  return add_anchor(resource, document_.member(schema, "$dynamicAnchor"), schema, true);
}

Status References::push_children(ValueId schema) {
  for (const Keyword& keyword : keywords) {
    if (keyword.holds == Holds::nothing) continue;
    const ValueId held = document_.member(schema, keyword.name);
    if (held == no_value) continue;
    const bool is_array = document_.is(held, Kind::array);
    const bool lists = keyword.holds == Holds::list || (keyword.holds == Holds::items && is_array);
    if (!lists && (keyword.holds == Holds::one || keyword.holds == Holds::items)) {
      INLAY_TRY(waiting_.push(held));
      continue;
    }
    for (ValueId child = document_[held].first; child != no_value; child = document_[child].next) {
      INLAY_TRY(waiting_.push(child));
    }
  }
  return Status::ok;
}

Status References::read(Error& error) {
  const ValueId dialect = document_.member(0, "$schema");
  if (document_.is(dialect, Kind::string)) {
    const std::string_view text = document_.text(dialect);
    old_id_ = text.find("draft-04") != std::string_view::npos ||
              text.find("draft-03") != std::string_view::npos;
  }
  INLAY_TRY(resource_.resize(document_.size()));
  for (std::uint32_t& r : resource_) r = none;
  resource_[0] = 0;
  INLAY_TRY(resources_.push({{}, 0}));
  INLAY_TRY(waiting_.push(0));
  while (!waiting_.empty()) {
    const ValueId schema = waiting_.back();
    waiting_.pop();
    if (!document_.is(schema, Kind::object)) continue;
    INLAY_TRY(read_schema(schema, error));
    INLAY_TRY(push_children(schema));
  }
  return index_names();
}

Status References::index_names() {
  for (std::uint32_t i = 0; i < resources_.size(); ++i) {
    INLAY_TRY(by_uri_.insert(view(resources_[i].uri), i));
  }
  std::sort(anchors_.begin(), anchors_.end(), [this](const Anchor& a, const Anchor& b) {
    if (const int order = view(a.name).compare(view(b.name))) return order < 0;
    if (a.dynamic != b.dynamic) return a.dynamic;
    return a.resource != b.resource ? a.resource < b.resource : a.schema < b.schema;
  });
  return Status::ok;
}

// A JSON pointer (RFC 6901), unescaped from the fragment.
Status References::follow(ValueId from, std::string_view pointer, ValueId& target) const {
  target = from;
  char key[max_uri];
  while (!pointer.empty() && target != no_value) {
    pointer.remove_prefix(1);
    const std::string_view piece = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(piece.size());
    std::size_t size = 0;
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const bool escape =
          piece[i] == '~' && i + 1 < piece.size() && (piece[i + 1] == '0' || piece[i + 1] == '1');
      key[size++] = escape ? (piece[i + 1] == '0' ? '~' : '/') : piece[i];
      i += escape;
    }
    if (document_.is(target, Kind::object)) {
      target = document_.member(target, {key, size});
    } else if (document_.is(target, Kind::array)) {
      std::uint32_t index = 0;
      bool is_index = size > 0 && size < 7;
      for (std::size_t i = 0; i < size && is_index; ++i) {
        is_index = key[i] >= '0' && key[i] <= '9';
        index = index * 10 + static_cast<std::uint32_t>(key[i] - '0');
      }
      target = is_index ? document_.item(target, index) : no_value;
    } else {
      target = no_value;
    }
  }
  return Status::ok;
}

// Those of a name, by resource.
std::span<const References::Anchor> References::anchors(std::string_view name, bool dynamic) const {
  const auto before = [&](const Anchor& a, bool upper) {
    const int order = view(a.name).compare(name);
    return order != 0 ? order < 0 : a.dynamic != dynamic ? a.dynamic : upper;
  };
  const Anchor* begin = std::lower_bound(anchors_.begin(), anchors_.end(), false, before);
  return {begin, std::lower_bound(begin, anchors_.end(), true, before)};
}

const References::Anchor* References::find_anchor(std::uint32_t resource,
                                                  std::string_view name) const {
  for (const bool dynamic : {true, false}) {
    const std::span<const Anchor> all = anchors(name, dynamic);
    const auto found =
        std::lower_bound(all.begin(), all.end(), resource,
                         [](const Anchor& a, std::uint32_t r) { return a.resource < r; });
    if (found != all.end() && found->resource == resource) return &*found;
  }
  return nullptr;
}

// The outermost resource with the anchor wins; the root is always on the way.
Status References::choose_dynamic(const Anchor& anchor, ValueId reference, ValueId& target,
                                  Error& error) const {
  const std::span<const Anchor> all = anchors(view(anchor.name), true);
  target = all.front().resource == 0 ? all.front().schema : anchor.schema;
  if (all.front().resource == 0 || all.front().schema == all.back().schema) return Status::ok;
  return fail(error, Status::unsupported,
              "schema: {}: which schema is meant depends on the way there",
              document_.path(reference).view());
}

Status References::resolve(ValueId reference, bool dynamic, ValueId& target, Error& error) const {
  const std::string_view text = document_.text(reference);
  const std::uint32_t base = resource_of(reference);
  char uri[max_uri], fragment[max_uri];
  const std::size_t hash = text.find('#');
  const std::size_t size =
      resolve_uri(view(resources_[base].uri), text.substr(0, hash), uri, sizeof uri);
  // A size of 0 of some text: it was too long.
  const bool too_long = size == 0 && hash != 0 && !text.empty();
  std::uint32_t resource = hash == 0 ? base : too_long ? none : find_resource({uri, size});
  std::size_t fragment_size = 0;
  const std::string_view raw =
      hash == std::string_view::npos ? std::string_view() : slice(text, hash + 1, text.size());
  target = no_value;
  if (resource != none && unescape(raw, fragment, sizeof fragment, fragment_size)) {
    const std::string_view name(fragment, fragment_size);
    if (name.empty() || name[0] == '/') {
      INLAY_TRY(follow(resources_[resource].root, name, target));
    } else if (const Anchor* anchor = find_anchor(resource, name)) {
      target = anchor->schema;
      if (dynamic && anchor->dynamic) {
        return choose_dynamic(*anchor, reference, target, error);
      }
    }
  }
  if (target != no_value) return Status::ok;
  return fail(error, Status::unsupported, "schema: {}: '{}' is not in this document",
              document_.path(reference).view(), Shown(text));
}

}  // namespace inlay::schema
