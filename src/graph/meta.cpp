// meta.cpp - checked reading of an architecture's keys.
#include "graph/meta.h"

#include "base/diagnostics.h"

namespace inlay {
namespace {

constexpr std::uint32_t max_width = 1u << 20;
constexpr std::uint32_t max_layers = 512;
constexpr std::uint32_t max_heads = 4096;
constexpr std::uint32_t max_head_size = 4096;

bool within(float value, float min, float max) { return value >= min && value <= max; }

}  // namespace

void Meta::refuse(Status status) const {
  if (!is_error(status_)) status_ = status;
}

Meta::Key Meta::full(std::string_view key) const {
  Key k;
  k.length = print(k.text, sizeof k.text, "{}.{}", file_.architecture, key);
  if (k.length >= sizeof k.text) k.length = sizeof k.text - 1;
  return k;
}

// True when the key is there and nothing has gone wrong.
template <class T, class Get>
bool Meta::get(std::string_view key, Get getter, T& value) const {
  if (is_error(status_)) return false;
  bool present = false;
  refuse(getter(file_.file, full(key).view(), &value, &present, error_));
  return present && !is_error(status_);
}

std::uint32_t Meta::number_or(std::string_view key, std::uint32_t fallback, std::uint32_t min,
                              std::uint32_t max) const {
  std::uint32_t value = fallback;
  if (!get(key, file_.get_u32, value)) return fallback;
  if (value < min || value > max) {
    refuse(fail(error_, Status::format, "{}: {}: expected {} to {}, file has {}", Shown(file_.name),
                full(key).view(), min, max, value));
    return fallback;
  }
  return value;
}

std::uint32_t Meta::number(std::string_view key, std::uint32_t min, std::uint32_t max) const {
  std::uint32_t value = min;
  if (get(key, file_.get_u32, value)) return number_or(key, min, min, max);
  if (!is_error(status_)) {
    refuse(fail(error_, Status::format, "{}: {}: key is missing", Shown(file_.name),
                full(key).view()));
  }
  return min;
}

float Meta::real_or(std::string_view key, float fallback, float min, float max) const {
  float value = fallback;
  if (!get(key, file_.get_f32, value)) return fallback;
  if (!within(value, min, max)) {  // also refuses NaN
    refuse(fail(error_, Status::format, "{}: {}: expected {} to {}, file has {}", Shown(file_.name),
                full(key).view(), min, max, value));
    return fallback;
  }
  return value;
}

bool Meta::flag_or(std::string_view key, bool fallback) const {
  bool value = fallback;
  return get(key, file_.get_bool, value) ? value : fallback;
}

std::string_view Meta::text_or(std::string_view key, std::string_view fallback) const {
  std::string_view value = fallback;
  return get(key, file_.get_text, value) ? value : fallback;
}

std::uint32_t Meta::width() const { return number("embedding_length", 1, max_width); }
std::uint32_t Meta::layers() const { return number("block_count", 1, max_layers); }
std::uint32_t Meta::feed_forward_width() const {
  return number("feed_forward_length", 1, 4 * max_width);
}
float Meta::rms_eps() const {
  return real_or("attention.layer_norm_rms_epsilon", 1e-5f, 0.0f, 1.0f);
}
float Meta::layer_norm_eps() const {
  return real_or("attention.layer_norm_epsilon", 1e-5f, 0.0f, 1.0f);
}

Heads Meta::heads() const {
  Heads h{1, 1, 1, 1};
  h.query = number("attention.head_count", 1, max_heads);
  h.kv = number_or("attention.head_count_kv", h.query, 1, max_heads);
  if (is_error(status_)) return {1, 1, 1, 1};
  if (h.query % h.kv != 0) {
    refuse(fail(error_, Status::format, "{}: {}: {} key/value heads do not divide {} query heads",
                Shown(file_.name), full("attention.head_count_kv").view(), h.kv, h.query));
    return {1, 1, 1, 1};
  }
  const std::uint32_t even = width() / h.query;
  const bool stated = number_or("attention.key_length", 0, 1, max_head_size) != 0;
  if (!stated && !is_error(status_) && (even == 0 || width() % h.query != 0)) {
    refuse(fail(error_, Status::format, "{}: {}: {} heads do not divide a width of {}",
                Shown(file_.name), full("attention.head_count").view(), h.query, width()));
    return {1, 1, 1, 1};
  }
  h.key_size = number_or("attention.key_length", even ? even : 1, 1, max_head_size);
  h.value_size = number_or("attention.value_length", h.key_size, 1, max_head_size);
  return h;
}

Rope Meta::rope(const Heads& heads, RopePairs order) const {
  Rope r{order, heads.key_size / 2, 10000.0f, 1.0f};
  const std::uint32_t rotated =
      number_or("rope.dimension_count", heads.key_size & ~1u, 2, heads.key_size);
  if (rotated % 2 != 0) {
    refuse(fail(error_, Status::format, "{}: {}: expected an even number, file has {}",
                Shown(file_.name), full("rope.dimension_count").view(), rotated));
  }
  r.pairs = rotated / 2;
  r.base = real_or("rope.freq_base", 10000.0f, 1.0f, 1e12f);
  // A factor without a type is linear scaling, as the oldest files have it.
  const std::string_view type = text_or("rope.scaling.type", "linear");
  float factor = real_or("rope.scale_linear", 1.0f, 1.0f / 16, 1e6f);  // the older key
  factor = real_or("rope.scaling.factor", factor, 1.0f / 16, 1e6f);
  if (type == "linear") {
    r.position_scale = 1.0f / factor;
  } else if (type != "none") {
    refuse(fail(error_, Status::unsupported, "{}: {}: expected none or linear, file has {}",
                Shown(file_.name), full("rope.scaling.type").view(), Shown(type)));
  }
  return r;
}

}  // namespace inlay
