// folder.h - a Hugging Face folder to a Manifest: config.json and tensor names become the keys and
// names that GGUF files have.
#pragma once

#include "format/config_file.h"
#include "format/manifest.h"
#include "format/model_files.h"

namespace inlay {

// Reads config.json, the safetensors headers, generation_config.json and the tokenizer files into
// `manifest` (which is emptied first, and again on an error); no weight byte is read, except scales
// that decide a type, and biases that config.json does not know (those that are 0 are left out).
// The families: one line each in families.inc. Errors as read_gguf().
Status read_folder(ModelFiles& files, Manifest& manifest, Error& error);

// tokenizer.json (or, where there is none, the SentencePiece model tokenizer.model or spiece.model)
// and tokenizer_config.json to the keys tokenizer.ggml.* (and tokenizer.chat_template) of
// `manifest`. A folder without them adds nothing. Called by read_folder().
Status read_tokenizer_json(ModelFiles& files, Manifest& manifest, Error& error);

// A SentencePiece model to such keys; `config` of tokenizer_config.json may be empty. FORMAT,
// UNSUPPORTED (another model than unigram or BPE ...), LIMIT, MEMORY.
Status read_sentencepiece(const Source& source, const ConfigFile& config, Manifest& manifest,
                          Error& error);

}  // namespace inlay
