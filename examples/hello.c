/* hello.c - text from a model in C, on nothing but inlay.h.
 *
 * Build: cmake --build build/release --target hello_c
 * Run:   build/release/bin/hello_c model.gguf "Once upon a time"
 */
#include <inlay/inlay.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PROMPT = 1024, MAX_TOKENS = 100 };

static int fail(const inlay_error* error) {
  fprintf(stderr, "%s: %s\n", inlay_status_name(error->status), error->text);
  return 1;
}

/* Text of the tokens that the steps draw, until the model or MAX_TOKENS ends it. */
static inlay_status print_text(inlay_session* session, const inlay_tokenizer* tokenizer,
                               inlay_error* error) {
  inlay_stream stream = {.started = 1}; /* it goes on the prompt's text */
  inlay_event event = {.struct_size = sizeof event};
  char text[1024];
  size_t length = 0;
  while (event.finish == INLAY_FINISH_NONE) {
    inlay_status status = inlay_session_step(session, 0, &event, error);
    if (status != INLAY_TOKEN) return status;
    if (event.finish == INLAY_FINISH_END) break;
    status = inlay_stream_push(&stream, tokenizer, event.token, text, sizeof text, &length);
    if (status < 0) return status;
    fwrite(text, 1, length, stdout);
    fflush(stdout);
  }
  if (inlay_stream_finish(&stream, text, sizeof text, &length) == INLAY_OK) {
    fwrite(text, 1, length, stdout);
  }
  return INLAY_OK;
}

static inlay_status generate(inlay_session* session, const inlay_tokenizer* tokenizer,
                             const char* prompt, inlay_error* error) {
  int32_t ids[MAX_PROMPT];
  size_t count = 0;
  inlay_sequence sequence = 0;
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  inlay_status status = inlay_tokenizer_encode(
      tokenizer, prompt, strlen(prompt), INLAY_ENCODE_ADD_SPECIAL, ids, MAX_PROMPT, &count, error);
  if (status >= 0) status = inlay_session_add(session, &sequence, error);
  if (status >= 0) status = inlay_session_feed(session, sequence, ids, count, 0, error);
  if (status >= 0) {
    status = inlay_session_generate(session, sequence, &sampler, MAX_TOKENS, error);
  }
  return status >= 0 ? print_text(session, tokenizer, error) : status;
}

int main(int count, char** arguments) {
  const char* path = count > 1 ? arguments[1] : "model.gguf";
  const char* prompt = count > 2 ? arguments[2] : "Once upon a time";
  inlay_error error = {0};
  inlay_source source;
  inlay_model* model = NULL;
  inlay_session* session = NULL;

  inlay_source_path(&source, path, strlen(path));
  inlay_status status = inlay_model_open(&source, NULL, &model, &error);
  if (status >= 0) status = inlay_session_open(model, NULL, &session, &error);
  if (status >= 0) {
    printf("%s", prompt);
    status = generate(session, inlay_model_get_tokenizer(model), prompt, &error);
    printf("\n");
  }
  inlay_session_close(session);
  inlay_model_release(model);
  return status >= 0 ? 0 : fail(&error);
}
