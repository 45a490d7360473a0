// uri.cpp - references against a base (RFC 3986, section 5.2).
#include "sample/schema/references.h"

namespace inlay::schema {
namespace {

struct Uri {
  std::string_view scheme, authority, path, query;
  bool has_authority = false, has_query = false;
};

// Takes everything before the first of `ends` off the front.
std::string_view take_until(std::string_view& text, std::string_view ends) {
  const std::size_t at = text.find_first_of(ends);
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(part.size());
  return part;
}

Uri split(std::string_view text) {
  Uri uri;
  text = text.substr(0, text.find('#'));
  const std::size_t colon = text.find_first_of(":/?");
  if (colon != std::string_view::npos && colon > 0 && text[colon] == ':') {
    uri.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.substr(0, 2) == "//") {
    text.remove_prefix(2);
    uri.has_authority = true;
    uri.authority = take_until(text, "/?");
  }
  uri.path = take_until(text, "?");
  uri.has_query = !text.empty();
  if (uri.has_query) uri.query = text.substr(1);
  return uri;
}

class Writer {
 public:
  Writer(char* out, std::size_t capacity) : out_(out), capacity_(capacity) {}
  void put(std::string_view text) {
    for (const char c : text) {
      if (size_ < capacity_) out_[size_] = c;
      ++size_;
    }
  }
  // Writes a path without its "." and ".." pieces.
  void put_path(std::string_view before, std::string_view path) {
    const std::size_t begin = size_;
    std::string_view parts[] = {before, path};
    for (std::string_view part : parts) {
      while (!part.empty()) {
        const std::size_t slash = part.find('/');
        const std::string_view piece = part.substr(0, slash);
        const bool last = slash == std::string_view::npos;
        if (piece == "..") {
          back_up(begin);
        } else if (piece != ".") {
          put(piece);
          if (!last) put("/");
        }
        part.remove_prefix(last ? part.size() : slash + 1);
      }
    }
  }
  std::size_t size() const { return size_ <= capacity_ ? size_ : 0; }

 private:
  // Over the slash at the end to the one before.
  void back_up(std::size_t begin) {
    if (size_ > capacity_ || size_ <= begin + 1) return;
    --size_;
    while (size_ > begin && out_[size_ - 1] != '/') --size_;
  }

  char* out_;
  std::size_t capacity_, size_ = 0;
};

}  // namespace

std::size_t resolve_uri(std::string_view base_text, std::string_view reference_text, char* out,
                        std::size_t capacity) {
  const Uri base = split(base_text), reference = split(reference_text);
  Writer w(out, capacity);
  const bool own_scheme = !reference.scheme.empty();
  const std::string_view scheme = own_scheme ? reference.scheme : base.scheme;
  if (!scheme.empty()) {
    w.put(scheme);
    w.put(":");
  }
  const bool own_place = own_scheme || reference.has_authority;
  const Uri& place = own_place ? reference : base;
  if (place.has_authority) {
    w.put("//");
    w.put(place.authority);
  }
  const Uri* query = &reference;
  if (own_place || reference.path.substr(0, 1) == "/") {
    w.put_path("", reference.path);
  } else if (reference.path.empty()) {
    w.put_path("", base.path);
    if (!reference.has_query) query = &base;
  } else {
    const std::size_t slash = base.path.rfind('/');
    const bool bare = base.has_authority && base.path.empty();
    w.put_path(bare ? "/" : base.path.substr(0, slash == std::string_view::npos ? 0 : slash + 1),
               reference.path);
  }
  if (query->has_query) {
    w.put("?");
    w.put(query->query);
  }
  return w.size();
}

}  // namespace inlay::schema
