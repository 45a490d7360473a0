// mix.cpp - the rules of mixes.inc, applied to the tensors of a model.
#include "engine/mix.h"

#include <charconv>

#include "base/diagnostics.h"
#include "quant/encode.h"

namespace inlay {
namespace {

enum class Role : std::uint8_t {
  any,
  output,
  embedding,
  attn_q,
  attn_k,
  attn_v,
  attn_output,
  ffn_gate,
  ffn_up,
  ffn_down,
};
enum class Where : std::uint8_t { all, first_2, first_4, first_16th, first_8th, middle, spread };
enum class When : std::uint8_t { always, grouped, experts_8, blind, stacked };

struct Rule {
  const char* mixes;
  Role role;
  Where where;
  When when;
  const char* type;
};

struct Fallback {
  const char* type;
  const char* instead;
};

constexpr Rule rules[] = {
#define INLAY_RULE(mixes, role, where, when, type) \
  {mixes, Role::role, Where::where, When::when, #type},
#include "engine/mixes.inc"
};

constexpr Fallback fallbacks[] = {
#define INLAY_FALLBACK(type, instead) {#type, #instead},
#include "engine/mixes.inc"
};

constexpr const char* staying[] = {
#define INLAY_STAYS(pattern) pattern,
#include "engine/mixes.inc"
};

constexpr std::uint64_t tiny_elements = 1024;        // not worth a scale
constexpr std::uint64_t most_columns = 0xffffffffu;  // what decoders and encoders of rows count to

bool is_vector(const TensorInfo& tensor) { return tensor.elements == tensor.shape[0]; }

bool stays(const TensorInfo& tensor) {
  if (tensor.elements < tiny_elements || !tensor.name.ends_with(".weight")) return true;
  for (const char* pattern : staying) {
    if (matches(pattern, tensor.name)) return true;
  }
  return false;
}

// What stays does so as it is, only half vectors become F32: they are small, and readers want that.
Type staying_type(const TensorInfo& tensor) {
  const bool half = tensor.type == Type::F16 || tensor.type == Type::BF16;
  return is_vector(tensor) && half ? Type::F32 : tensor.type;
}

// What rules ask of the model as a whole.
struct ModelFacts {
  std::uint32_t layers = 0;
  std::uint32_t experts = 0;
  std::uint32_t queries_per_key = 1;  // query heads that share a key head
  bool tied = true;                   // the embedding is the output, too
};

std::uint32_t stated(const Manifest& manifest, std::string_view architecture, const char* key) {
  char text[160];
  print(text, sizeof text, "{}.{}", architecture, key);
  Error ignored{};
  std::uint32_t value = 0;
  // Some files have a number for each layer here: the first speaks for all.
  if (const Value* found = manifest.find(text); found && found->is_array()) {
    std::uint64_t first = 0;
    return found->integer(0, first) && first <= 0xffffffffu ? static_cast<std::uint32_t>(first) : 0;
  }
  return is_error(manifest.get_or(text, value, 0u, ignored)) ? 0 : value;
}

// The layer of "blk.<layer>.<rest>"; false when the name is no such.
bool split_name(std::string_view name, std::uint32_t* layer, std::string_view* rest) {
  if (!name.starts_with("blk.")) return false;
  const char* end = name.data() + name.size();
  const auto [next, wrong] = std::from_chars(name.data() + 4, end, *layer);
  if (wrong != std::errc{} || next == end || *next != '.') return false;
  *rest = {next + 1, static_cast<std::size_t>(end - next - 1)};
  return true;
}

ModelFacts facts_of(const Manifest& manifest) {
  ModelFacts facts;
  std::string_view architecture;
  Error ignored{};
  if (!is_error(manifest.get_or("general.architecture", architecture, {}, ignored))) {
    const std::uint32_t queries = stated(manifest, architecture, "attention.head_count");
    const std::uint32_t keys = stated(manifest, architecture, "attention.head_count_kv");
    facts.experts = stated(manifest, architecture, "expert_count");
    if (keys) facts.queries_per_key = queries / keys;
  }
  for (const TensorInfo& tensor : manifest.tensors()) {
    std::uint32_t layer = 0;
    std::string_view rest;
    if (tensor.name == "output.weight") facts.tied = false;
    if (!split_name(tensor.name, &layer, &rest) || layer >= 0xffff) continue;
    if (layer >= facts.layers) facts.layers = layer + 1;
  }
  return facts;
}

Role role_of(std::string_view name, const ModelFacts& facts, std::uint32_t* layer) {
  std::string_view rest;
  if (!split_name(name, layer, &rest)) {
    if (name == "output.weight") return Role::output;
    const bool table = name == "token_embd.weight" || name == "per_layer_token_embd.weight";
    return !table ? Role::any : facts.tied ? Role::output : Role::embedding;
  }
  const struct {
    std::string_view begin;
    Role role;
  } names[] = {
      {"attn_qkv.", Role::attn_v},  {"attn_kv_b.", Role::attn_v},
      {"attn_v.", Role::attn_v},    {"attn_k.", Role::attn_k},
      {"attn_q.", Role::attn_q},    {"attn_output.", Role::attn_output},
      {"ffn_gate", Role::ffn_gate}, {"ffn_up", Role::ffn_up},
      {"ffn_down", Role::ffn_down},
  };
  for (const auto& known : names) {
    if (rest.starts_with(known.begin)) return known.role;
  }
  return Role::any;
}

bool applies(Where where, std::uint32_t i, std::uint32_t n) {
  const bool first = i < n / 8, last = i >= 7 * n / 8;
  switch (where) {
    case Where::all: return true;
    case Where::first_2: return i < 2;
    case Where::first_4: return i < 4;
    case Where::first_16th: return i < n / 16;
    case Where::first_8th: return first;
    case Where::middle: return !first && !last;
    case Where::spread: return first || last || (i - n / 8) % 3 == 2;
  }
  return false;
}

bool applies(When when, const TensorInfo& tensor, const ModelFacts& facts, bool importance) {
  switch (when) {
    case When::always: return true;
    case When::grouped: return facts.queries_per_key >= 4 || facts.experts >= 4;
    case When::experts_8: return facts.experts == 8;
    case When::blind: return !importance;
    case When::stacked: return tensor.shape[2] > 1;
  }
  return false;
}

const char* type_by_rules(const Mix& mix, const TensorInfo& tensor, const ModelFacts& facts,
                          bool importance) {
  std::uint32_t layer = 0;
  const Role role = role_of(tensor.name, facts, &layer);
  if (role == Role::output) return mix.output;
  if (role == Role::embedding) return mix.embedding;
  if (mix.is_plain()) return mix.base;
  for (const Rule& rule : rules) {
    if ((rule.role == role || rule.role == Role::any) && matches(rule.mixes, mix.name) &&
        applies(rule.where, layer, facts.layers) && applies(rule.when, tensor, facts, importance)) {
      return rule.type;
    }
  }
  return mix.base;
}

Status expect_type(std::string_view mix, std::string_view name, Type* type, Error& error) {
  if (find_type(name, type)) return Status::ok;
  return fail(error, Status::unsupported, "{}: this build has no type {}", Shown(mix), Shown(name));
}

// `type`, or the nearest that the rows of `tensor` fit.
Type fitting(const TensorInfo& tensor, Type type, const inlay_log& log) {
  const std::uint64_t k = tensor.shape[0];
  if (row_bytes(type, k)) return type;
  Type instead = Type::F16, other{};
  for (const Fallback& fallback : fallbacks) {
    if (type_info(type)->name == std::string_view(fallback.type) &&
        find_type(fallback.instead, &other) && row_bytes(other, k)) {
      instead = other;
    }
  }
  tell(log, INLAY_LOG_WARNING, "{}: rows of {} do not fit blocks of {} ({}): {} instead",
       Shown(tensor.name), k, type_info(type)->block_elements, type_info(type)->name,
       type_info(instead)->name);
  return instead;
}

const inlay_keep* kept(std::span<const inlay_keep> keep, std::string_view name) {
  for (const inlay_keep& k : keep) {
    if (matches(k.pattern, name)) return &k;
  }
  return nullptr;
}

// Patterns that match no matrix are mistakes, most likely.
void warn_of_idle(const Manifest& manifest, const MixOptions& options) {
  if (!options.log.write) return;
  for (const inlay_keep& k : options.keep) {
    bool works = false;
    for (const TensorInfo& tensor : manifest.tensors()) {
      works = works || (!is_vector(tensor) && matches(k.pattern, tensor.name));
    }
    if (works) continue;
    tell(options.log, INLAY_LOG_WARNING, "keep: no matrix has a name like {}", Shown(k.pattern));
  }
}

}  // namespace

Status choose_types(const Manifest& manifest, const Mix& mix, const MixOptions& options,
                    std::span<Type> types, Error& error) {
  const ModelFacts facts = facts_of(manifest);
  for (const inlay_keep& k : options.keep) {
    Type type{};
    if (!k.pattern || !k.type || !find_type(k.type, &type) || !has_encoder(type)) {
      return fail(error, Status::argument, "keep {}: \"{}\" is no type",
                  Shown(k.pattern ? k.pattern : "NULL"), Shown(k.type ? k.type : "NULL"));
    }
  }
  for (std::size_t i = 0; i < types.size(); ++i) {
    const TensorInfo& tensor = manifest.tensors()[i];
    if (tensor.shape[0] > most_columns) {
      return fail(error, Status::limit, "{}: rows of {} elements, at most {}", Shown(tensor.name),
                  tensor.shape[0], most_columns);
    }
    const inlay_keep* keep = kept(options.keep, tensor.name);
    if (is_vector(tensor) || !has_encoder(tensor.type) || (!keep && stays(tensor))) {
      types[i] = staying_type(tensor);
      continue;
    }
    const char* name = keep ? keep->type : type_by_rules(mix, tensor, facts, options.importance);
    INLAY_TRY(expect_type(mix.name, name, &types[i], error));
    types[i] = fitting(tensor, types[i], options.log);
  }
  warn_of_idle(manifest, options);
  return Status::ok;
}

}  // namespace inlay
