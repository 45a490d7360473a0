/// inlay.hpp - the whole C++ interface: header-only, over the C interface of inlay.h.
///
///     #include <inlay/inlay.hpp>
///     #include <iostream>
///
///     int main() {
///       auto model = inlay::Model::open("model.gguf");
///       if (!model) return std::cerr << model.error().text() << '\n', 1;
///       for (std::string_view piece : model->generate("Once upon a time")) std::cout << piece;
///     }
///
///   result.hpp     Status, Error, Result<T>, Exception
///   host.hpp       Host: memory, workers, clock, log
///   files.hpp      Source, Sink, Progress
///   model.hpp      Model, plan, explain, quantize, instruction sets
///   tokenizer.hpp  Tokenizer, TextStream
///   chat.hpp       Chat, Prompt, Reply: templates, and replies as reasoning, calls and content
///   sampler.hpp    SamplerOptions
///   grammar.hpp    Grammar, Matcher: what a text may be
///   session.hpp    Session: feed, step within a budget, logits, fork, rewind, save, restore
///   generate.hpp   Generation: text in a loop
///   beam.hpp       beam_search: the likeliest texts
///
/// C++20; works with and without exceptions and run-time types.
#ifndef INLAY_INLAY_HPP
#define INLAY_INLAY_HPP

#include "inlay/beam.hpp"
#include "inlay/chat.hpp"
#include "inlay/files.hpp"
#include "inlay/generate.hpp"
#include "inlay/grammar.hpp"
#include "inlay/host.hpp"
#include "inlay/model.hpp"
#include "inlay/result.hpp"
#include "inlay/sampler.hpp"
#include "inlay/session.hpp"
#include "inlay/tokenizer.hpp"

#endif  // INLAY_INLAY_HPP
