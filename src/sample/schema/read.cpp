// read.cpp - one value after the other, from the reader of JSON to the tree.
#include "sample/schema/read.h"

#include "format/json.h"

namespace inlay::schema {
namespace {

class TreeReader {
 public:
  TreeReader(std::string_view text, Document& document, Error& error)
      : json_(text, "schema", document.allocator(), error),
        document_(document),
        key_(document.allocator()) {}

  Status read() {
    add(no_value, {});
    while (parent_ != no_value && !is_error(json_.status())) next();
    return json_.finish();
  }

 private:
  // The next member or item of the container at hand, or its end.
  void next() {
    const bool object = document_.is(parent_, Document::Kind::object);
    std::string_view key;
    if (object ? json_.next_key(key) : json_.next_item()) {
      key_.clear();
      check(key_.append({key.data(), key.size()}));
      add(parent_, {key_.data(), key_.size()});
    } else if (!is_error(json_.status())) {
      parent_ = document_[parent_].parent;
    }
  }

  void add(ValueId parent, std::string_view key) {
    ValueId id = no_value;
    std::string_view text;
    bool truth = false;
    switch (json_.peek()) {
      case JsonReader::Kind::object:
        if (json_.begin_object() && keep(parent, key, Document::Kind::object, {}, id)) parent_ = id;
        return;
      case JsonReader::Kind::array:
        if (json_.begin_array() && keep(parent, key, Document::Kind::array, {}, id)) parent_ = id;
        return;
      case JsonReader::Kind::string:
        if (json_.text(text)) keep(parent, key, Document::Kind::string, text, id);
        return;
      case JsonReader::Kind::number:
        if (json_.number_text(text)) keep(parent, key, Document::Kind::number, text, id);
        return;
      case JsonReader::Kind::boolean:
        if (json_.boolean(truth)) keep(parent, key, Document::Kind::boolean, {}, id, truth);
        return;
      case JsonReader::Kind::null:
      case JsonReader::Kind::none:
        if (json_.null()) keep(parent, key, Document::Kind::null, {}, id);
        return;
    }
  }

  bool keep(ValueId parent, std::string_view key, Document::Kind kind, std::string_view text,
            ValueId& id, bool truth = false) {
    return check(document_.add(parent, key, kind, text, truth, id));
  }

  bool check(Status status) {
    if (status == Status::format) json_.refuse(status, "this key is there twice");
    if (status == Status::limit) json_.refuse(status, "a schema of over 400000 values or 16 MiB");
    if (status == Status::memory) json_.refuse(status, "out of memory");
    return !is_error(status);
  }

  JsonReader json_;
  Document& document_;
  Array<char> key_;
  ValueId parent_ = no_value;
};

}  // namespace

Status read_document(std::string_view text, Document& document, Error& error) {
  TreeReader reader(text, document, error);
  return reader.read();
}

Status read(std::string_view text, const CompileOptions& options, grammar::Rules& rules,
            Error& error) {
  Document document(rules.allocator());
  INLAY_TRY(read_document(text, document, error));
  return compile(document, options, rules, error);
}

}  // namespace inlay::schema

namespace inlay::grammar {

Status read_schema(std::string_view text, Rules& rules, Error& error) {
  return schema::read(text, {}, rules, error);
}

Status read_schema_text(std::string_view text, Rules& rules, Error& error) {
  schema::CompileOptions options;
  options.spelling = schema::Spelling::any;
  options.space = schema::Space::any;
  return schema::read(text, options, rules, error);
}

Status read_schema_ordered(std::string_view text, Rules& rules, Error& error) {
  schema::CompileOptions options;
  options.ordered = options.closed = options.one_type = options.ignore_unique = true;
  return schema::read(text, options, rules, error);
}

}  // namespace inlay::grammar
