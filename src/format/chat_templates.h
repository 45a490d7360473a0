// chat_templates.h - the chat templates of a folder to keys: tokenizer.chat_template and, for named
// ones, tokenizer.chat_template.<name>.
#pragma once

#include "format/config_file.h"
#include "format/manifest.h"
#include "format/model_files.h"

namespace inlay {

// `config` of tokenizer_config.json. A file chat_template.jinja comes before what is in it. Errors:
// FORMAT, LIMIT (a template over limits::string_bytes), IO, MEMORY.
Status add_chat_templates(ModelFiles& files, const ConfigFile& config, Manifest& manifest,
                          Error& error);

}  // namespace inlay
