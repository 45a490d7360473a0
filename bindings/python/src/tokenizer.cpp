// tokenizer.cpp - text to ids, ids to text, and the stream that gives out whole characters.
#include "core.h"

namespace inlay_python {

const inlay_tokenizer* Model::tokenizer(const ModelOwner& model) const {
  const inlay_tokenizer* result = inlay_model_get_tokenizer(model.handle);
  if (!result) throw Failure{INLAY_ERROR_STATE, "the model file has no tokenizer"};
  return result;
}

namespace {

// Runs call(buffer, capacity, &count) with more room while that is what is missing.
template <typename Buffer, typename Call>
inlay_status fill(Buffer& buffer, Call call) {
  while (true) {
    size_t count = 0;
    const inlay_status status = call(buffer.data(), buffer.size(), &count);
    if (status == INLAY_ERROR_LIMIT && count > buffer.size()) {
      buffer.resize(count);
      continue;
    }
    if (status >= 0) buffer.resize(count);
    return status;
  }
}

py::list encode(const Model& model, const py::bytes& text, uint32_t flags) {
  const auto owner = model.owner();
  const inlay_tokenizer* tokenizer = model.tokenizer(*owner);
  const std::string_view bytes = text;
  std::vector<int32_t> ids(bytes.size() + 8);
  inlay_error error{};
  inlay_status status;
  {
    py::gil_scoped_release unlocked;
    status = fill(ids, [&](int32_t* to, size_t capacity, size_t* count) {
      return inlay_tokenizer_encode(tokenizer, bytes.data(), bytes.size(), flags, to, capacity,
                                    count, &error);
    });
  }
  check(status, error);
  py::list result(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) result[i] = ids[i];
  return result;
}

// (ids, begins and ends in bytes)
py::tuple encode_ranges(const Model& model, const py::bytes& text, uint32_t flags) {
  const auto owner = model.owner();
  const inlay_tokenizer* tokenizer = model.tokenizer(*owner);
  const std::string_view bytes = text;
  std::vector<int32_t> ids(bytes.size() + 8);
  std::vector<inlay_range> ranges;
  inlay_error error{};
  inlay_status status;
  {
    py::gil_scoped_release unlocked;
    status = fill(ids, [&](int32_t* to, size_t capacity, size_t* count) {
      ranges.resize(capacity);
      return inlay_tokenizer_encode_ranges(tokenizer, bytes.data(), bytes.size(), flags, to,
                                           ranges.data(), capacity, count, &error);
    });
  }
  check(status, error);
  py::list list(ids.size()), places(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    list[i] = ids[i];
    places[i] = py::make_tuple(ranges[i].begin, ranges[i].end);
  }
  return py::make_tuple(list, places);
}

py::list encode_batch(const Model& model, const std::vector<py::bytes>& texts, uint32_t flags,
                      uint32_t threads) {
  const auto owner = model.owner();
  const inlay_tokenizer* tokenizer = model.tokenizer(*owner);
  std::vector<inlay_text> views;
  size_t room = 8;
  for (const py::bytes& text : texts) {
    const std::string_view bytes = text;
    views.push_back({bytes.data(), bytes.size()});
    room += bytes.size() / 2 + 4;
  }
  std::vector<int32_t> ids(room);
  std::vector<uint64_t> ends(texts.size());
  inlay_error error{};
  inlay_status status;
  {
    py::gil_scoped_release unlocked;
    status = fill(ids, [&](int32_t* to, size_t capacity, size_t* count) {
      return inlay_tokenizer_encode_batch(tokenizer, views.data(), views.size(), flags, threads, to,
                                          capacity, ends.data(), count, &error);
    });
  }
  check(status, error);
  py::list result(texts.size());
  uint64_t at = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    py::list one(ends[i] - at);
    for (uint64_t k = at; k < ends[i]; ++k) one[k - at] = ids[k];
    result[i] = one;
    at = ends[i];
  }
  return result;
}

py::bytes decode(const Model& model, const py::iterable& ids, uint32_t flags) {
  const auto owner = model.owner();
  const inlay_tokenizer* tokenizer = model.tokenizer(*owner);
  const std::vector<int32_t> list = to_ids(ids);
  std::string text(list.size() * 8 + 16, '\0');
  inlay_error error{};
  inlay_status status;
  {
    py::gil_scoped_release unlocked;
    status = fill(text, [&](char* to, size_t capacity, size_t* length) {
      return inlay_tokenizer_decode(tokenizer, list.data(), list.size(), flags, to, capacity,
                                    length, &error);
    });
  }
  check(status, error);
  return py::bytes(text);
}

std::string no_token(int32_t id) {
  return "token id " + std::to_string(id) + " is outside the vocabulary";
}

py::bytes piece(const Model& model, int32_t id) {
  const auto owner = model.owner();
  const char* bytes = nullptr;
  size_t length = 0;
  check(inlay_tokenizer_piece(model.tokenizer(*owner), id, &bytes, &length), no_token(id));
  return py::bytes(bytes, length);
}

bool is_end(const Model& model, int32_t id) {
  const auto owner = model.owner();
  return inlay_tokenizer_is_end(model.tokenizer(*owner), id) != 0;
}

py::object or_none(int32_t id) { return id < 0 ? py::none() : py::object(py::int_(id)); }

py::dict info(const Model& model) {
  const auto owner = model.owner();
  inlay_tokenizer_info info{};
  info.struct_size = sizeof(info);
  check(inlay_tokenizer_get_info(model.tokenizer(*owner), &info), "tokenizer info");
  py::dict result;
  result["size"] = info.size;
  result["model"] = to_text(info.model);
  result["bos"] = or_none(info.bos);
  result["eos"] = or_none(info.eos);
  result["unknown"] = or_none(info.unknown);
  result["padding"] = or_none(info.padding);
  result["adds_bos"] = info.adds_bos != 0;
  result["adds_eos"] = info.adds_eos != 0;
  return result;
}

bool has_tokenizer(const Model& model) {
  return inlay_model_get_tokenizer(model.owner()->handle) != nullptr;
}

// inlay._inlay.Stream
class Stream {
 public:
  explicit Stream(bool continues) { stream_.started = continues; }

  py::str push(const Model& model, int32_t id) {
    const auto owner = model.owner();
    const inlay_tokenizer* tokenizer = model.tokenizer(*owner);
    std::string text(64, '\0');
    check(fill(text,
               [&](char* to, size_t capacity, size_t* length) {
                 return inlay_stream_push(&stream_, tokenizer, id, to, capacity, length);
               }),
          no_token(id));
    return to_text(text);
  }

  py::str finish() {
    char text[24];
    size_t length = 0;
    check(inlay_stream_finish(&stream_, text, sizeof(text), &length), "end of stream");
    return to_text(text, length);
  }

 private:
  inlay_stream stream_{};
};

}  // namespace

void add_tokenizer(py::class_<Model>& model, py::module_& module) {
  model.def("encode", &encode)
      .def("encode_ranges", &encode_ranges)
      .def("encode_batch", &encode_batch)
      .def("decode", &decode)
      .def("piece", &piece)
      .def("is_end", &is_end)
      .def("tokenizer_info", &info)
      .def("has_tokenizer", &has_tokenizer);
  py::class_<Stream>(module, "Stream")
      .def(py::init<bool>())
      .def("push", &Stream::push)
      .def("finish", &Stream::finish);
}

}  // namespace inlay_python
