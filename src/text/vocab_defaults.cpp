// vocab_defaults.cpp - what GGUF files do not spell out: how each kind of tokenizer treats its
// text.
#include "text/vocab_loader.h"

namespace inlay {

Status VocabLoader::set_defaults() {
  if (is("gemma4") || has_gemma_pre()) return set_gemma();
  if (is("gpt2")) return read_pre();
  switch (t_.model_) {
    case Model::bpe:
    case Model::unigram: return set_sentencepiece();
    case Model::wordpiece: return set_bert();
    default: return Status::ok;
  }
}

Status VocabLoader::read_pre() {
  t_.add_bos_ = source_.add_bos == Flag::yes;
  t_.pre_is_guessed_ = source_.pre.empty() || source_.pre == "default";
  const PretokenizerRule* rule = find_pretokenizer(source_.pre.empty() ? "default" : source_.pre);
  if (!rule) {
    return fail(error_, Status::unsupported, "tokenizer.ggml.pre: '{}' is not known",
                Shown(source_.pre));
  }
  t_.ignore_merges_ = rule->ignore_merges;
  if (rule->add_bos) t_.add_bos_ = source_.add_bos != Flag::no;
  return t_.pretokenizer_.compile(*rule, error_);
}

Status VocabLoader::load_steps(std::span<const std::string_view> normalizers,
                               std::span<const std::string_view> steps) {
  INLAY_TRY(t_.normalizers_.load(normalizers, source_.charsmap, error_));
  return t_.pretokenizer_.compile(steps, error_);
}

Status VocabLoader::set_sentencepiece() {
  const bool unigram = t_.model_ == Model::unigram;
  t_.by_scores_ = !unigram;
  t_.single_ = unigram;
  t_.fuse_unknown_ = true;
  t_.add_bos_ = unigram ? source_.add_bos == Flag::yes : source_.add_bos != Flag::no;
  if (unigram) t_.add_eos_ = source_.add_eos != Flag::no;
  t_.add_space_ = source_.add_space_prefix != Flag::no;
  const bool squeeze = t_.squeeze_spaces_ = source_.remove_spaces == Flag::yes;
  // The general form, or two plain steps that do the same where nothing is mapped.
  if (squeeze || !source_.charsmap.empty()) {
    const std::string_view step = t_.add_space_
                                      ? (squeeze ? "sentencepiece pxe" : "sentencepiece pe")
                                      : (squeeze ? "sentencepiece xe" : "sentencepiece e");
    return load_steps({&step, 1}, {});
  }
  const std::string_view steps[] = {"prepend \xe2\x96\x81", "replace 1  \xe2\x96\x81"};
  return load_steps(std::span(steps).subspan(t_.add_space_ ? 0 : 1), {});
}

Status VocabLoader::set_bert() {
  t_.add_bos_ = source_.add_bos != Flag::no;
  t_.add_eos_ = source_.add_eos != Flag::no && source_.add_sep != Flag::no;
  t_.max_word_ = 100;
  if (is_error(t_.word_prefix_.append({"##", 2}))) return out_of_memory();
  static constexpr std::string_view decoder[] = {"wordpiece 1 ##"};
  decoders_ = Decoders(decoder);
  INLAY_TRY(decoders_.check(error_));
  const bool lowercase = source_.lowercase != Flag::no;
  const bool strips =
      source_.strip_accents == Flag::absent ? lowercase : source_.strip_accents == Flag::yes;
  std::string_view steps[5] = {"bert_clean", "bert_ideographs"};
  std::size_t count = 2;
  if (strips) steps[count++] = "nfd";
  if (strips) steps[count++] = "bert_accents";
  if (lowercase) steps[count++] = "lowercase";
  static constexpr std::string_view cuts[] = {"set removed space", "set isolated punctuation"};
  return load_steps({steps, count}, cuts);
}

// Files that call themselves byte-level but are as Gemma's.
bool VocabLoader::has_gemma_pre() const {
  return is("gpt2") && !source_.rules.present &&
         (source_.pre == "gemma4" || source_.pre == "granite-embed-multi-311m" ||
          source_.pre == "sarvam-moe");
}

// Lines are pieces; U+2581 for spaces, and bytes for what is no token.
Status VocabLoader::set_gemma() {
  t_.add_bos_ = is("gpt2") ? source_.add_bos == Flag::yes : source_.add_bos != Flag::no;
  static constexpr std::string_view normalizer[] = {"replace 1  \xe2\x96\x81"};
  static constexpr std::string_view cut[] = {"set contiguous line"};
  return load_steps(normalizer, cut);
}

}  // namespace inlay
