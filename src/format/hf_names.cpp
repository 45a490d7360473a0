// hf_names.cpp - the table of names, family by family.
#include "format/hf_names.h"

namespace inlay {
namespace {

constexpr bool vector = false, matrix = true;

constexpr std::string_view gated_prefixes[] = {"model.", "", "language_model.model."};
constexpr std::string_view gated_outputs[] = {"lm_head", "language_model.lm_head"};
constexpr HfTensor gated_outside[] = {
    {"token_embd", "embed_tokens"},
    {"output_norm", "norm", vector},
};
constexpr HfTensor gated_block[] = {
    {"attn_norm", "input_layernorm", vector},
    {"attn_q", "self_attn.q_proj", matrix, HfBias::attention, HfRows::queries},
    {"attn_k", "self_attn.k_proj", matrix, HfBias::attention, HfRows::keys},
    {"attn_v", "self_attn.v_proj", matrix, HfBias::attention},
    {"attn_output", "self_attn.o_proj", matrix, HfBias::attention_output},
    {"ffn_norm", "post_attention_layernorm", vector},
    {"ffn_gate", "mlp.gate_proj", matrix, HfBias::mlp},
    {"ffn_up", "mlp.up_proj", matrix, HfBias::mlp},
    {"ffn_down", "mlp.down_proj", matrix, HfBias::mlp},
};

constexpr std::string_view gpt_neox_prefixes[] = {"gpt_neox.", ""};
constexpr std::string_view gpt_neox_outputs[] = {"embed_out", "lm_head"};
constexpr HfTensor gpt_neox_outside[] = {
    {"token_embd", "embed_in"},
    {"output_norm", "final_layer_norm", vector, HfBias::always},
};
constexpr HfTensor gpt_neox_block[] = {
    {"attn_norm", "input_layernorm", vector, HfBias::always},
    {"attn_qkv", "attention.query_key_value", matrix, HfBias::always, HfRows::fused},
    {"attn_output", "attention.dense", matrix, HfBias::always},
    {"ffn_norm", "post_attention_layernorm", vector, HfBias::always},
    {"ffn_up", "mlp.dense_h_to_4h", matrix, HfBias::always},
    {"ffn_down", "mlp.dense_4h_to_h", matrix, HfBias::always},
};

constexpr std::string_view bloom_prefixes[] = {"transformer.", ""};
constexpr std::string_view bloom_outputs[] = {"lm_head"};
constexpr HfTensor bloom_outside[] = {
    {"token_embd", "word_embeddings"},
    {"token_embd_norm", "word_embeddings_layernorm", vector, HfBias::always},
    {"output_norm", "ln_f", vector, HfBias::always},
};
constexpr HfTensor bloom_block[] = {
    {"attn_norm", "input_layernorm", vector, HfBias::always},
    {"attn_qkv", "self_attention.query_key_value", matrix, HfBias::always, HfRows::fused},
    {"attn_output", "self_attention.dense", matrix, HfBias::always},
    {"ffn_norm", "post_attention_layernorm", vector, HfBias::always},
    {"ffn_up", "mlp.dense_h_to_4h", matrix, HfBias::always},
    {"ffn_down", "mlp.dense_4h_to_h", matrix, HfBias::always},
};

}  // namespace

constinit const HfNames hf_gated_names = {gated_prefixes, "norm",        "layers",   "mlp.act_fn",
                                          gated_outputs,  gated_outside, gated_block};
constinit const HfNames hf_gpt_neox_names = {
    gpt_neox_prefixes, "final_layer_norm", "layers",      "mlp.act",
    gpt_neox_outputs,  gpt_neox_outside,   gpt_neox_block};
constinit const HfNames hf_bloom_names = {
    bloom_prefixes, "ln_f", "h", "mlp.gelu_impl", bloom_outputs, bloom_outside, bloom_block};

}  // namespace inlay
