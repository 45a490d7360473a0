// tokenizer_api.cpp - C interface: tokenizers and streaming decode.
#include <algorithm>

#include "api/checks.h"
#include "api/handles.h"
#include "text/encode_batch.h"
#include "text/stream.h"

using namespace inlay;

namespace {

constexpr std::uint32_t encode_flags = INLAY_ENCODE_ADD_SPECIAL | INLAY_ENCODE_PARSE_SPECIAL;

template <class T>
inlay_status give_array(const Array<T>& result, T* out, std::size_t capacity, std::size_t* count,
                        const char* what, Error& error) {
  *count = result.size();
  if (capacity < result.size()) {
    return code(fail(error, Status::limit, "{}: {} needed, the buffer has {}", what, result.size(),
                     capacity));
  }
  std::copy(result.begin(), result.end(), out);
  return INLAY_OK;
}

}  // namespace

inlay_status inlay_tokenizer_encode(const inlay_tokenizer* tokenizer, const char* text,
                                    size_t length, uint32_t flags, int32_t* ids, size_t capacity,
                                    size_t* count, inlay_error* error) {
  CallError call(error);
  if (!tokenizer) return null_argument(call, "tokenizer");
  if (!text && length) return null_argument(call, "text");
  if (!ids && capacity) return null_argument(call, "ids");
  if (!count) return null_argument(call, "count");
  const Model& model = *model_of(tokenizer);
  Array<std::int32_t> result(model.allocator());
  Status status = check_flags("encode", flags, encode_flags, call);
  if (!is_error(status)) {
    status = model.tokenizer()->encode({text ? text : "", length}, flags, result, call);
  }
  if (is_error(status)) return code(status);
  return give_array(result, ids, capacity, count, "encode: ids", call);
}

inlay_status inlay_tokenizer_encode_ranges(const inlay_tokenizer* tokenizer, const char* text,
                                           size_t length, uint32_t flags, int32_t* ids,
                                           inlay_range* ranges, size_t capacity, size_t* count,
                                           inlay_error* error) {
  CallError call(error);
  if (!tokenizer) return null_argument(call, "tokenizer");
  if (!text && length) return null_argument(call, "text");
  if (!ids && capacity) return null_argument(call, "ids");
  if (!ranges && capacity) return null_argument(call, "ranges");
  if (!count) return null_argument(call, "count");
  const Model& model = *model_of(tokenizer);
  Array<std::int32_t> result(model.allocator());
  Array<TextRange> places(model.allocator());
  Status status = check_flags("encode", flags, encode_flags, call);
  if (!is_error(status)) {
    status = model.tokenizer()->encode({text ? text : "", length}, flags, result, call, &places);
  }
  if (is_error(status)) return code(status);
  const inlay_status given = give_array(result, ids, capacity, count, "encode: ids", call);
  if (given < 0) return given;
  return give_array(places, ranges, capacity, count, "encode: ranges", call);
}

inlay_status inlay_tokenizer_encode_batch(const inlay_tokenizer* tokenizer, const inlay_text* texts,
                                          size_t text_count, uint32_t flags, uint32_t threads,
                                          int32_t* ids, size_t capacity, uint64_t* ends,
                                          size_t* count, inlay_error* error) {
  CallError call(error);
  if (!tokenizer) return null_argument(call, "tokenizer");
  if (!texts && text_count) return null_argument(call, "texts");
  if (!ids && capacity) return null_argument(call, "ids");
  if (!ends && text_count) return null_argument(call, "ends");
  if (!count) return null_argument(call, "count");
  for (size_t i = 0; i < text_count; ++i) {
    if (!texts[i].bytes && texts[i].length) return null_argument(call, "texts[i].bytes");
  }
  const Model& model = *model_of(tokenizer);
  Array<std::int32_t> result(model.allocator());
  Array<std::uint64_t> places(model.allocator());
  Status status = check_flags("encode", flags, encode_flags, call);
  if (!is_error(status)) {
    status = encode_batch(*model.tokenizer(), {texts, text_count}, flags, model.host().jobs,
                          threads, model.allocator(), result, places, call);
  }
  if (is_error(status)) return code(status);
  std::copy(places.begin(), places.end(), ends);
  return give_array(result, ids, capacity, count, "encode: ids", call);
}

inlay_status inlay_tokenizer_decode(const inlay_tokenizer* tokenizer, const int32_t* ids,
                                    size_t count, uint32_t flags, char* text, size_t capacity,
                                    size_t* length, inlay_error* error) {
  CallError call(error);
  if (!tokenizer) return null_argument(call, "tokenizer");
  if (!ids && count) return null_argument(call, "ids");
  if (!text && capacity) return null_argument(call, "text");
  if (!length) return null_argument(call, "length");
  const Model& model = *model_of(tokenizer);
  Array<char> result(model.allocator());
  Status status = check_flags("decode", flags, INLAY_DECODE_SPECIAL, call);
  if (!is_error(status)) {
    status = model.tokenizer()->decode({ids, count}, flags, result, call);
  }
  if (is_error(status)) return code(status);
  return give_array(result, text, capacity, length, "decode: bytes", call);
}

inlay_status inlay_tokenizer_piece(const inlay_tokenizer* tokenizer, int32_t id, const char** bytes,
                                   size_t* length) {
  if (!tokenizer || !bytes || !length) return INLAY_ERROR_ARGUMENT;
  const Tokenizer& t = *model_of(tokenizer)->tokenizer();
  if (!t.contains(id)) return INLAY_ERROR_ARGUMENT;
  const std::string_view piece = t.piece(id);
  *bytes = piece.data();
  *length = piece.size();
  return INLAY_OK;
}

inlay_status inlay_tokenizer_get_info(const inlay_tokenizer* tokenizer,
                                      inlay_tokenizer_info* info) {
  if (!tokenizer || !info) return INLAY_ERROR_ARGUMENT;
  const Tokenizer& t = *model_of(tokenizer)->tokenizer();
  inlay_tokenizer_info out{};
  out.size = t.size();
  out.model = t.model();
  out.bos = t.bos();
  out.eos = t.eos();
  out.unknown = t.unknown();
  out.padding = t.padding();
  out.adds_bos = t.adds_bos();
  out.adds_eos = t.adds_eos();
  return give_struct(out, info);
}

int inlay_tokenizer_is_end(const inlay_tokenizer* tokenizer, int32_t id) {
  return tokenizer && model_of(tokenizer)->tokenizer()->is_end(id) ? 1 : 0;
}

inlay_status inlay_stream_push(inlay_stream* stream, const inlay_tokenizer* tokenizer, int32_t id,
                               char* text, size_t capacity, size_t* length) {
  if (!stream || !tokenizer || (!text && capacity) || !length) return INLAY_ERROR_ARGUMENT;
  return code(
      stream_push(*stream, *model_of(tokenizer)->tokenizer(), id, {text, capacity}, *length));
}

inlay_status inlay_stream_finish(inlay_stream* stream, char* text, size_t capacity,
                                 size_t* length) {
  if (!stream || (!text && capacity) || !length) return INLAY_ERROR_ARGUMENT;
  return code(stream_finish(*stream, {text, capacity}, *length));
}
