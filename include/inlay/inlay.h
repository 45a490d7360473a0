/* inlay.h - the C interface of inlay: open a model file, run it inside your process, step by step.
 *
 * Conventions
 *  1. Nothing here ends the process, prints, throws, or keeps global state. Every failure is a
 *     status.
 *  2. Functions that can fail return inlay_status: 0 done, > 0 flow (nothing is wrong), < 0 error.
 *     Where a function takes `inlay_error* error`, it may be NULL; on an error it receives status
 *     and text. On success it is left alone. After an error the object stays usable, as before the
 *     call.
 *  3. Structs of options begin with struct_size. Fill them with their ..._defaults function, then
 *     change fields. A struct of an older, smaller version keeps working: these functions are
 *     compiled into the program and give its sizeof to ..._init, which writes no byte behind it.
 *     Structs that inlay fills (info, plan, event ...) are given with struct_size = sizeof.
 *  4. Text is UTF-8 as (pointer, length); a trailing zero is never needed. Text that is returned
 *     stays owned by the object it came from and lives as long as that object.
 *  5. Handles: a model is immutable and may be used by any number of threads at once; it is
 *     reference counted, and a session keeps its model alive. A session has one owner: one call at
 *     a time, from any thread. Only inlay_session_cancel may be called beside another call.
 *  6. A buffer that is too small gives INLAY_ERROR_LIMIT and the size that is needed.
 *  7. All memory comes from the host's allocator (the stacks of built-in threads excepted).
 *     inlay_session_step allocates nothing.
 *  8. A mistake of the caller (NULL handle, value out of range) is INLAY_ERROR_ARGUMENT, never a
 *     crash.
 *  9. Opening and quantizing a model and stepping run in the default floating-point mode with
 *     denormals flushed, and so do the host functions they call; the caller's mode is restored on
 *     return.
 */
#ifndef INLAY_INLAY_H
#define INLAY_INLAY_H

#include <stddef.h>
#include <stdint.h>

#include "inlay/config.h"
#include "inlay/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ---------------------------------------------------------------------------------- */

typedef int32_t inlay_status;
enum {
  INLAY_OK = 0,
  /* flow */
  INLAY_YIELD = 1,  /* the budget is spent or a cancel was asked for; call again to go on */
  INLAY_TOKEN = 2,  /* a sequence with a sampler has a new token */
  INLAY_LOGITS = 3, /* a sequence without a sampler has logits rows to read before the next step */
  INLAY_DONE = 4,   /* nothing is left to do until something is fed */
  /* errors */
  INLAY_ERROR_ARGUMENT = -1,    /* the call itself is wrong */
  INLAY_ERROR_MEMORY = -2,      /* the allocator returned NULL */
  INLAY_ERROR_IO = -3,          /* a file or read callback failed */
  INLAY_ERROR_FORMAT = -4,      /* the file breaks the rules of its format */
  INLAY_ERROR_UNSUPPORTED = -5, /* well-formed, but not something this build can run */
  INLAY_ERROR_LIMIT = -6,       /* over a stated limit: context, sequences, buffer capacity */
  INLAY_ERROR_STATE = -7,       /* not possible now: weights not loaded, sequence dropped, busy */
  INLAY_ERROR_CANCELLED = -8,   /* the host asked a long operation (opening a model) to stop */
  INLAY_ERROR_INTERNAL = -9     /* a defect of inlay; please report it */
};

/* Longest error text, with its trailing zero. */
#define INLAY_ERROR_TEXT 508

typedef struct inlay_error {
  inlay_status status;
  char text[INLAY_ERROR_TEXT]; /* one line, zero-terminated, names the field and both values */
} inlay_error;

/* The name of a status in lower case ("ok", "yield", "format" ...); "unknown" for other numbers. */
INLAY_API const char* inlay_status_name(inlay_status status);
/* "0.1.0" of the library that is really linked. */
INLAY_API const char* inlay_version(void);
/* INLAY_ABI_VERSION of the library that is really linked. */
INLAY_API uint32_t inlay_abi_version(void);

/* ---- Host ------------------------------------------------------------------------------------ */

/* Memory. `allocate` returns `size` bytes aligned to `alignment` (a power of two) or NULL;
 * `release` gets the same size and alignment back. Called from whichever thread runs inlay. NULL
 * functions: the C library's heap. */
typedef struct inlay_allocator {
  void* user;
  void* (*allocate)(void* user, size_t size, size_t alignment);
  void (*release)(void* user, void* block, size_t size, size_t alignment);
} inlay_allocator;

/* Workers. `run` calls task(argument, i) once for every i in [0, count), in any order, on any
 * threads, at the same time or one after the other, and returns when all calls have returned.
 * Results never depend on how. count is never over `workers`. A NULL `run`: built-in threads. */
typedef struct inlay_jobs {
  void* user;
  uint32_t workers; /* how many calls can run at the same time, 1 to 256 */
  void (*run)(void* user, uint32_t count, void (*task)(void* argument, uint32_t index),
              void* argument);
} inlay_jobs;

/* Time in nanoseconds from any fixed point, never going back; workers ask at the same time. NULL:
 * the system's monotonic clock. */
typedef struct inlay_clock {
  void* user;
  uint64_t (*now)(void* user);
} inlay_clock;

enum { INLAY_LOG_WARNING = 1, INLAY_LOG_INFO = 2 };

/* Messages. NULL: silence. `text` has `length` bytes and is only valid during the call. */
typedef struct inlay_log {
  void* user;
  void (*write)(void* user, int level, const char* text, size_t length);
} inlay_log;

typedef struct inlay_host {
  uint32_t struct_size;
  inlay_allocator allocator;
  inlay_jobs jobs;
  inlay_clock clock;
  inlay_log log;
} inlay_host;

INLAY_API void inlay_host_init(inlay_host* host, size_t size);
static inline void inlay_host_defaults(inlay_host* host) { inlay_host_init(host, sizeof *host); }

/* ---- Where bytes come from ------------------------------------------------------------------- */

enum {
  INLAY_SOURCE_PATH = 1,
  INLAY_SOURCE_MEMORY = 2,
  INLAY_SOURCE_CALLBACK = 3,
  INLAY_SOURCE_DESCRIPTOR = 4,
  INLAY_SOURCE_PARTS = 5
};

typedef struct inlay_source {
  uint32_t struct_size;
  uint32_t kind;
  const char* text; /* path, or a name for error texts (may be NULL); copied */
  size_t text_length;
  const void* data; /* memory: borrowed, unchanged until the model is released; any alignment */
  uint64_t size;    /* memory, callback, descriptor: bytes in all */
  void* user;
  /* callback: copy bytes [offset, offset + size) to `destination`; INLAY_OK or an error status,
   * which ends the opening: INLAY_ERROR_CANCELLED as that, any other as INLAY_ERROR_IO. Only called
   * with ranges inside [0, size), from the thread that opens the model or restores a snapshot, and
   * from the one that calls inlay_model_quantize: `user` must live as long as any is still to come.
   */
  inlay_status (*read)(void* user, uint64_t offset, void* destination, size_t size);
  uint64_t offset;                  /* descriptor: where the file begins in it */
  int64_t descriptor;               /* descriptor: of the operating system; borrowed */
  const struct inlay_source* parts; /* parts: the files of one model; borrowed until it is open */
  size_t part_count;
} inlay_source;

/* All zero but struct_size. */
INLAY_API void inlay_source_init(inlay_source* source, size_t size);

/* A file, mapped into memory, or a folder (config.json, *.safetensors, tokenizer.json). Of a split
 * GGUF model the path of its first part; the others lie beside it. `path` is UTF-8 on every system.
 * It must not shrink while the model lives: a mapped file that loses bytes faults in the reader;
 * use a callback source, or INLAY_MEMORY_COPIED, where that can happen. */
static inline void inlay_source_path(inlay_source* source, const char* path, size_t length) {
  inlay_source_init(source, sizeof *source);
  if (!source) return;
  source->kind = INLAY_SOURCE_PATH;
  source->text = path;
  source->text_length = length;
}
/* A block of memory that already holds the file; its weights are used in place, nothing is copied.
 */
static inline void inlay_source_memory(inlay_source* source, const void* data, size_t size) {
  inlay_source_init(source, sizeof *source);
  if (!source) return;
  source->kind = INLAY_SOURCE_MEMORY;
  source->data = data;
  source->size = size;
}
/* Bytes through a function (archives, encrypted files); weights are copied to host memory. */
static inline void inlay_source_callback(inlay_source* source, uint64_t size, void* user,
                                         inlay_status (*read)(void* user, uint64_t offset,
                                                              void* destination, size_t size)) {
  inlay_source_init(source, sizeof *source);
  if (!source) return;
  source->kind = INLAY_SOURCE_CALLBACK;
  source->size = size;
  source->user = user;
  source->read = read;
}
/* A file inside an open one (an asset of a package): `size` bytes from `offset` on, 0: to its end.
 * Mapped like a path; the descriptor may be closed once the model is open. */
static inline void inlay_source_descriptor(inlay_source* source, int64_t descriptor,
                                           uint64_t offset, uint64_t size) {
  inlay_source_init(source, sizeof *source);
  if (!source) return;
  source->kind = INLAY_SOURCE_DESCRIPTOR;
  source->descriptor = descriptor;
  source->offset = offset;
  source->size = size;
}
/* Several files that are one model: all parts of a split GGUF file in any order, or the files of a
 * folder by their names ("config.json", "model.safetensors" ... in `text` of each). */
static inline void inlay_source_parts(inlay_source* source, const inlay_source* parts,
                                      size_t count) {
  inlay_source_init(source, sizeof *source);
  if (!source) return;
  source->kind = INLAY_SOURCE_PARTS;
  source->parts = parts;
  source->part_count = count;
}

/* ---- Where bytes go -------------------------------------------------------------------------- */

/* What `write` gets is appended to what it got before. INLAY_OK, or an error status, which ends the
 * writing: INLAY_ERROR_CANCELLED as that, any other as INLAY_ERROR_IO. */
typedef struct inlay_sink {
  uint32_t struct_size;
  uint32_t reserved;
  const char* path; /* UTF-8; used when write is NULL. Written beside it under a new
                               name that ends in .part, renamed when whole */
  size_t path_length;
  void* user;
  inlay_status (*write)(void* user, const void* data, size_t size);
} inlay_sink;

/* All zero but struct_size. */
INLAY_API void inlay_sink_init(inlay_sink* sink, size_t size);

static inline void inlay_sink_path(inlay_sink* sink, const char* path, size_t length) {
  inlay_sink_init(sink, sizeof *sink);
  if (!sink) return;
  sink->path = path;
  sink->path_length = length;
}
static inline void inlay_sink_callback(inlay_sink* sink, void* user,
                                       inlay_status (*write)(void* user, const void* data,
                                                             size_t size)) {
  inlay_sink_init(sink, sizeof *sink);
  if (!sink) return;
  sink->user = user;
  sink->write = write;
}

/* How far a long operation has come; another return value than 0 cancels it (the operation then
 * fails with INLAY_ERROR_CANCELLED). Called from the thread that called inlay, about 100 times.
 * NULL: none. */
typedef struct inlay_progress {
  void* user;
  int (*report)(void* user, uint64_t done, uint64_t total); /* bytes of weights */
} inlay_progress;

/* ---- Model ----------------------------------------------------------------------------------- */

typedef struct inlay_model inlay_model;
typedef struct inlay_tokenizer inlay_tokenizer;

enum {
  INLAY_OPEN_METADATA = 1, /* keys, tensor list and tokenizer; any architecture, even no tensors */
  INLAY_OPEN_PROGRAM =
      2, /* and the recorded program: plan and explain work; no weight byte is read */
  INLAY_OPEN_WEIGHTS = 3 /* and the weights: sessions can be opened */
};

enum {
  INLAY_MEMORY_MAPPED = 0, /* weights that lie in a mapped file or the host's block stay there */
  INLAY_MEMORY_COPIED = 1, /* all weights are read into host memory, quantized rows side by side as
                              the kernels like to read them: the same bytes, the same bits, faster
                              steps; the file is not needed after */
  INLAY_MEMORY_HUGE_PAGES = 2 /* as COPIED, and the system is asked for huge pages: a little faster
                                 where it has them, and the slowest opening */
};

typedef struct inlay_model_options {
  uint32_t struct_size;
  uint32_t depth;         /* INLAY_OPEN_...; default INLAY_OPEN_WEIGHTS */
  const inlay_host* host; /* copied; NULL: defaults */
  /* Zero-terminated name from inlay_isa_name; NULL: the best one here. "amx", where it is the best
   * one, makes the process ask Linux for its tile registers, once: the alternate signal stacks of
   * all its threads (sigaltstack) must then have at least AT_MINSIGSTKSZ bytes, as getauxval gives
   * it. Where one is smaller Linux refuses, and "avx512" is taken. */
  const char* isa;
  /* The type of the matrices in memory, zero-terminated: NULL or "stored": as the file has them; a
   * name that inlay_model_quantize takes ("Q8_0", "Q4_K_M" ...): they are encoded while loading, to
   * the bits that inlay_model_quantize would write; "auto": as stored if the plan's weights fit
   * weight_budget, else the best of Q8_0, Q6_K, Q5_K_M, Q4_K_M, Q3_K_M, Q2_K that does. */
  const char* weights;
  uint64_t weight_budget;  /* bytes; for "auto" only */
  uint32_t memory;         /* INLAY_MEMORY_... */
  uint32_t check_weights;  /* 1: all weights are read once and refused (FORMAT) where one is NaN or
                              infinite, naming tensor and place. Default 0 */
  uint32_t importance;     /* 1: sessions can collect an importance matrix, see
                              inlay_session_write_importance. Default 0 */
  uint32_t threads;        /* that load weights, with the caller's; 0: physical cores. Unused with
                              host jobs */
  inlay_progress progress; /* of loading weights */
} inlay_model_options;

INLAY_API void inlay_model_options_init(inlay_model_options* options, size_t size);
static inline void inlay_model_options_defaults(inlay_model_options* options) {
  inlay_model_options_init(options, sizeof *options);
}

/* Opens a model. `options` may be NULL. On success *model has one reference.
 * Errors: IO, FORMAT, UNSUPPORTED (architecture, tensor type, instruction set), LIMIT (a file with
 * more keys, tensors or bytes of text than any real one; weights over weight_budget), MEMORY,
 * ARGUMENT, CANCELLED. */
INLAY_API inlay_status inlay_model_open(const inlay_source* source,
                                        const inlay_model_options* options, inlay_model** model,
                                        inlay_error* error);
INLAY_API void inlay_model_retain(inlay_model* model);
/* Gives one reference back; NULL is allowed. The last one frees everything before it returns. */
INLAY_API void inlay_model_release(inlay_model* model);

typedef struct inlay_model_info {
  uint32_t struct_size;
  uint32_t depth;           /* how far it was opened */
  const char* architecture; /* zero-terminated, e.g. "llama" */
  const char* name;         /* general.name, or "" */
  const char* isa;          /* the instruction set unit in use; "" below INLAY_OPEN_PROGRAM */
  uint64_t parameters;      /* elements of all tensors */
  uint64_t weight_bytes;    /* bytes of all tensors as stored */
  uint64_t token_bytes;     /* weight bytes read to compute one token; 0 below INLAY_OPEN_PROGRAM */
  uint32_t context_length;  /* as trained; 0: not stated */
  uint32_t width;           /* of the residual stream */
  uint32_t layers;
  uint32_t vocabulary; /* rows of the logits; tokens of the tokenizer below INLAY_OPEN_PROGRAM */
  uint64_t metadata_count;
  uint64_t tensor_count;
} inlay_model_info;

/* Thread-safe, as the two functions below. */
INLAY_API inlay_status inlay_model_get_info(const inlay_model* model, inlay_model_info* info);

typedef struct inlay_metadata {
  uint32_t struct_size;
  uint32_t is_array;
  const char* key;
  size_t key_length;
  const char* type; /* zero-terminated: "u32", "string", "f32" ...; of the elements for an array */
  uint64_t count;   /* elements of an array, else 1 */
  const char* text; /* the value when it is a string, else NULL */
  size_t text_length;
  double number; /* the value when it is a number or a bool */
} inlay_metadata;

/* The index-th key of the file, in file order. ARGUMENT when index is not under metadata_count. */
INLAY_API inlay_status inlay_model_get_metadata(const inlay_model* model, uint64_t index,
                                                inlay_metadata* metadata);

typedef struct inlay_tensor {
  uint32_t struct_size;
  uint32_t rank; /* 1 to 4 */
  const char* name;
  size_t name_length;
  const char* type;  /* zero-terminated: "F32", "Q4_K" ... */
  uint64_t shape[4]; /* innermost (contiguous) first, as in the file */
  uint64_t offset;   /* of the data, from the start of the source */
  uint64_t bytes;
} inlay_tensor;

INLAY_API inlay_status inlay_model_get_tensor(const inlay_model* model, uint64_t index,
                                              inlay_tensor* tensor);

/* The model's tokenizer; lives as long as the model. NULL: the file has none. */
INLAY_API const inlay_tokenizer* inlay_model_get_tokenizer(const inlay_model* model);

/* ---- Quantization ---------------------------------------------------------------------------- */

/* Overrides the type of matrices. `pattern` matches the whole name; * stands for any text, ? for
 * one character. Both zero-terminated. */
typedef struct inlay_keep {
  const char* pattern;
  const char* type;
} inlay_keep;

typedef struct inlay_quantize_options {
  uint32_t struct_size;
  uint32_t threads; /* with the caller's; 0: physical cores. Unused with host jobs */
  const char*
      type; /* zero-terminated: a tensor type ("Q8_0", "Q5_K", "BF16" ...) or a mix ("Q4_K_M",
               "Q3_K_L", "IQ2_M", "MXFP4_MOE" ...); docs/quantization.md lists them */
  const inlay_source* importance; /* a file that inlay_session_write_importance wrote; NULL: none */
  const inlay_keep* keep;         /* the first that matches a name wins */
  size_t keep_count;
  inlay_progress progress;
} inlay_quantize_options;

INLAY_API void inlay_quantize_options_init(inlay_quantize_options* options, size_t size);
static inline void inlay_quantize_options_defaults(inlay_quantize_options* options) {
  inlay_quantize_options_init(options, sizeof *options);
}

/* Writes the model as one GGUF file with its matrices encoded as `type`. A model opened to
 * INLAY_OPEN_METADATA is enough; its source is read again, a callback from the calling thread. Only
 * matrices are encoded, vectors stay floats. Memory: a few rows a thread. A matrix whose rows are
 * no multiple of a type's block gets the nearest type that fits; the host's log is told. The same
 * bytes for any number of threads. Errors: ARGUMENT (unknown type), UNSUPPORTED, IO, MEMORY, LIMIT,
 * CANCELLED, FORMAT (a weight is not finite, or too large for its type; an importance file that
 * does not fit the model). */
INLAY_API inlay_status inlay_model_quantize(const inlay_model* model, const inlay_sink* sink,
                                            const inlay_quantize_options* options,
                                            inlay_error* error);

/* The names that inlay_quantize_options::type takes, zero-terminated; NULL past the end. */
INLAY_API const char* inlay_quantize_type_name(uint32_t index);

/* ---- Instruction sets ------------------------------------------------------------------------ */

/* Units compiled into this library, slowest first; every one gives the same bits. */
INLAY_API uint32_t inlay_isa_count(void);
/* Zero-terminated name of unit `index`; NULL past the end. */
INLAY_API const char* inlay_isa_name(uint32_t index);
/* 1 if this processor can run it, else 0. */
INLAY_API int inlay_isa_usable(uint32_t index);

/* ---- Tokenizer ------------------------------------------------------------------------------- */

enum {
  INLAY_ENCODE_ADD_SPECIAL = 1,  /* begin / end tokens where the model's metadata asks for them */
  INLAY_ENCODE_PARSE_SPECIAL = 2 /* text such as <|im_end|> becomes its control token. Never set it
                                    for text that a user typed. */
};
enum { INLAY_DECODE_SPECIAL = 1 /* control tokens are written as their text, else left out */ };

/* Text to ids. *count receives how many there are, also when `capacity` is too small (then
 * INLAY_ERROR_LIMIT; nothing useful is in `ids`). Text with invalid UTF-8 is taken byte by byte.
 * What the vocabulary cannot spell becomes its unknown token, or is left out where it has none.
 * Thread-safe. Allocates from the model's allocator while it runs. */
INLAY_API inlay_status inlay_tokenizer_encode(const inlay_tokenizer* tokenizer, const char* text,
                                              size_t length, uint32_t flags, int32_t* ids,
                                              size_t capacity, size_t* count, inlay_error* error);

/* Bytes [begin, end) of a text. */
typedef struct inlay_range {
  uint32_t begin;
  uint32_t end;
} inlay_range;
/* As inlay_tokenizer_encode; ranges[i] is where in `text` token i is from (room for `capacity`).
 * Tokens around text have empty ranges at its ends. A token that is a part of a character has
 * those bytes; where normalization wrote the text anew, all bytes that its own came from. Several
 * tokens can be from one place, and from places that overlap. Errors as above. Thread-safe. */
INLAY_API inlay_status inlay_tokenizer_encode_ranges(const inlay_tokenizer* tokenizer,
                                                     const char* text, size_t length,
                                                     uint32_t flags, int32_t* ids,
                                                     inlay_range* ranges, size_t capacity,
                                                     size_t* count, inlay_error* error);

typedef struct inlay_text {
  const char* bytes; /* may be NULL when length is 0 */
  size_t length;
} inlay_text;
/* Many texts at once: ids of texts[0], then of texts[1] ...; those of texts[i] end at ends[i] (room
 * for `text_count`, always written). Each text gives what inlay_tokenizer_encode gives. Runs on the
 * jobs of the model's host; without them on `threads` threads with the caller's (0: physical
 * cores). *count and `capacity` as above. The first text that fails is named. Thread-safe. */
INLAY_API inlay_status inlay_tokenizer_encode_batch(const inlay_tokenizer* tokenizer,
                                                    const inlay_text* texts, size_t text_count,
                                                    uint32_t flags, uint32_t threads, int32_t* ids,
                                                    size_t capacity, uint64_t* ends, size_t* count,
                                                    inlay_error* error);

/* Ids to text: the inverse of encode without added tokens. Buffer rule as above. Thread-safe. */
INLAY_API inlay_status inlay_tokenizer_decode(const inlay_tokenizer* tokenizer, const int32_t* ids,
                                              size_t count, uint32_t flags, char* text,
                                              size_t capacity, size_t* length, inlay_error* error);
/* The bytes one token stands for (may be part of a UTF-8 character; control tokens: their name). */
INLAY_API inlay_status inlay_tokenizer_piece(const inlay_tokenizer* tokenizer, int32_t id,
                                             const char** bytes, size_t* length);

typedef struct inlay_tokenizer_info {
  uint32_t struct_size;
  uint32_t size;     /* ids are 0 .. size - 1 */
  const char* model; /* zero-terminated: "llama", "gpt2" ... as in the file */
  int32_t bos;       /* -1: none */
  int32_t eos;
  int32_t unknown;
  int32_t padding;
  uint32_t adds_bos;
  uint32_t adds_eos;
} inlay_tokenizer_info;

INLAY_API inlay_status inlay_tokenizer_get_info(const inlay_tokenizer* tokenizer,
                                                inlay_tokenizer_info* info);
/* 1: a generation ends with this token (end of text, of turn, of message), else 0. */
INLAY_API int inlay_tokenizer_is_end(const inlay_tokenizer* tokenizer, int32_t id);

/* Streaming decode: never gives out a broken UTF-8 character. Zero-initialise, then push ids. */
typedef struct inlay_stream {
  unsigned char held[8]; /* bytes of a character that is not complete yet */
  uint32_t held_length;
  uint32_t started; /* 0 before the first token; set it to 1 at first where the tokens go on a text,
                       such as a prompt: the space before their first word then stays */
} inlay_stream;

/* Appends token `id`; *length bytes of whole characters are in `text` (perhaps 0). Bytes that can
 * never become a character come out as U+FFFD. LIMIT: capacity too small; nothing is consumed. */
INLAY_API inlay_status inlay_stream_push(inlay_stream* stream, const inlay_tokenizer* tokenizer,
                                         int32_t id, char* text, size_t capacity, size_t* length);
/* The end: what is still held, as U+FFFD if it is no whole character. At most 24 bytes. */
INLAY_API inlay_status inlay_stream_finish(inlay_stream* stream, char* text, size_t capacity,
                                           size_t* length);

/* ---- Chat ------------------------------------------------------------------------------------ */

/* A compiled chat template: messages to the text of a prompt, exactly as transformers'
 * apply_chat_template renders it, or an error that names line and tag. Immutable; any number of
 * threads may render with it. It has no part of the model: either may go first. */
typedef struct inlay_chat inlay_chat;
/* A rendered prompt: text, and where its bytes come from. Immutable. */
typedef struct inlay_prompt inlay_prompt;
/* A reply of a model as it is parsed. One owner. */
typedef struct inlay_reply inlay_reply;

enum { INLAY_CHAT_NO_TRIM = 1 /* Jinja's trim_blocks and lstrip_blocks off */ };

typedef struct inlay_chat_options {
  uint32_t struct_size;
  uint32_t flags;         /* INLAY_CHAT_... */
  const inlay_host* host; /* whose allocator is used; NULL: the model's, or the C library's */
  /* A named template of the model (tokenizer.chat_template.NAME: "tool_use", "rag" ...); NULL: its
   * only or default one. There is no other template for one that is missing. */
  const char* name;
  size_t name_length;
  /* A template to use instead of the model's; NULL: the model's. */
  const char* text;
  size_t text_length;
  /* What one rendering may take; 0: the default. */
  uint64_t value_bytes;  /* of memory. Default 128 MiB */
  uint64_t output_bytes; /* of text. Default 16 MiB */
  uint64_t steps;        /* of evaluation, some tens of nanoseconds each. Default 4,000,000 */
} inlay_chat_options;

INLAY_API void inlay_chat_options_init(inlay_chat_options* options, size_t size);
static inline void inlay_chat_options_defaults(inlay_chat_options* options) {
  inlay_chat_options_init(options, sizeof *options);
}

/* Compiles the template of `model`, or options->text, for which `model` may be NULL (then there are
 * no bos_token and eos_token). Errors: UNSUPPORTED (the model has no template, or none of that
 * name), FORMAT with line and tag, LIMIT (over 1 MiB, or nested over 200 deep), MEMORY, ARGUMENT.
 */
INLAY_API inlay_status inlay_chat_open(const inlay_model* model, const inlay_chat_options* options,
                                       inlay_chat** chat, inlay_error* error);
INLAY_API void inlay_chat_close(inlay_chat* chat); /* NULL is allowed */

/* One turn. Texts that are NULL are left out of it. */
typedef struct inlay_message {
  const char* role; /* "system", "user", "assistant", "tool" ...; trusted, see inlay_segment */
  size_t role_length;
  const char* content;
  size_t content_length;
  const char* reasoning; /* as reasoning_content */
  size_t reasoning_length;
  /* JSON array of calls: {"id", "type": "function", "function": {"name", "arguments": {...}}} */
  const char* tool_calls;
  size_t tool_calls_length;
  const char* name; /* of the tool whose result this is */
  size_t name_length;
  const char* tool_call_id;
  size_t tool_call_id_length;
} inlay_message;

/* What strftime_now of templates tells. year 0: none; a template that asks is then an error. */
typedef struct inlay_date {
  int32_t year;
  int32_t month; /* 1 to 12 */
  int32_t day;   /* 1 to 31 */
  int32_t hour;
  int32_t minute;
  int32_t second;
} inlay_date;

typedef struct inlay_chat_input {
  uint32_t struct_size;
  uint32_t generation_prompt; /* 1: the text ends where the answer begins. Default 1 */
  const inlay_message* messages;
  size_t message_count;
  const char* messages_json; /* instead: a JSON array of messages with any fields */
  size_t messages_json_length;
  const char* tools; /* JSON array of tools; NULL: none */
  size_t tools_length;
  /* JSON object of more variables, such as {"enable_thinking": false}; they come before all others.
   * Without any messages the template has these variables alone. */
  const char* variables;
  size_t variables_length;
  inlay_date date;
} inlay_chat_input;

INLAY_API void inlay_chat_input_init(inlay_chat_input* input, size_t size);
static inline void inlay_chat_input_defaults(inlay_chat_input* input) {
  inlay_chat_input_init(input, sizeof *input);
}

/* Messages to a prompt. Errors: ARGUMENT (the template itself refuses the messages, or asks for the
 * date), FORMAT (broken JSON; what the template does with these values is an error in Jinja, with
 * line and tag), LIMIT, MEMORY. Thread-safe. */
INLAY_API inlay_status inlay_chat_render(const inlay_chat* chat, const inlay_chat_input* input,
                                         inlay_prompt** prompt, inlay_error* error);
INLAY_API void inlay_prompt_close(inlay_prompt* prompt); /* NULL is allowed */

/* A stretch of a prompt's text that comes from the template (and the roles), or from values: the
 * contents of messages, tools and variables, in which control tokens must not be found. */
typedef struct inlay_segment {
  size_t end;        /* in bytes; it begins where the one before ends */
  uint32_t is_value; /* 0: of the template */
  uint32_t reserved;
} inlay_segment;

/* The prompt's text and its segments; both live as long as it does. */
INLAY_API inlay_status inlay_prompt_get(const inlay_prompt* prompt, const char** text,
                                        size_t* length, const inlay_segment** segments,
                                        size_t* count);

/* Ids of a prompt, of its bytes from `from` on (0: all; what a conversation has more than before):
 * control tokens are found in bytes of the template only, so that no text of a message can become
 * one. Begin and end tokens are those the template writes. As inlay_tokenizer_encode otherwise. */
INLAY_API inlay_status inlay_tokenizer_encode_prompt(const inlay_tokenizer* tokenizer,
                                                     const inlay_prompt* prompt, size_t from,
                                                     int32_t* ids, size_t capacity, size_t* count,
                                                     inlay_error* error);

/* Replies. Parts of a reply that are reasoning or tool calls are told apart while it comes. Decode
 * tokens with INLAY_DECODE_SPECIAL for it: marks are control tokens in many models. Bytes that look
 * like a call and become none are told as content; nothing is lost. */
enum {
  INLAY_DELTA_CONTENT = 1,   /* text is more of the answer */
  INLAY_DELTA_REASONING = 2, /* text is more of the reasoning */
  INLAY_DELTA_CALL = 3,      /* a tool call begins; text is the tool's name */
  INLAY_DELTA_ARGUMENTS = 4, /* text is more of its arguments, a JSON value */
  INLAY_DELTA_CALL_END = 5   /* the call is whole */
};

typedef struct inlay_delta {
  uint32_t struct_size;
  uint32_t kind; /* INLAY_DELTA_... */
  uint32_t call; /* which tool call, counted from 0 */
  uint32_t reserved;
  const char* text; /* valid until the next push */
  size_t length;
} inlay_delta;

/* Names of the formats: "llama3", "hermes", "mistral", "deepseek", "harmony", "gemma4",
 * "functionary", "functionary3.1", "plain"; NULL past the end. */
INLAY_API const char* inlay_reply_format_name(uint32_t index);

/* `format`: zero-terminated name; NULL: that of the chat's template. `prompt` (may be NULL): the
 * one that was rendered; a prompt that ends inside of reasoning makes the reply begin there. Uses
 * the allocator of `chat`, or the C library's when it is NULL. Errors: ARGUMENT (unknown format,
 * neither format nor chat), MEMORY. */
INLAY_API inlay_status inlay_reply_open(const inlay_chat* chat, const char* format,
                                        const inlay_prompt* prompt, inlay_reply** reply,
                                        inlay_error* error);
INLAY_API void inlay_reply_close(inlay_reply* reply); /* NULL is allowed */
/* More bytes of the reply, cut anywhere. Deltas of earlier pushes are gone. LIMIT: a reply over
 * 64 MiB. */
INLAY_API inlay_status inlay_reply_push(inlay_reply* reply, const char* text, size_t length,
                                        inlay_error* error);
/* The reply is over: what is still held back is told. */
INLAY_API inlay_status inlay_reply_finish(inlay_reply* reply, inlay_error* error);
/* The next delta of the latest push or finish; DONE: no more. */
INLAY_API inlay_status inlay_reply_next(inlay_reply* reply, inlay_delta* delta);
/* The format in use, zero-terminated. */
INLAY_API const char* inlay_reply_format(const inlay_reply* reply);

/* ---- Sampler --------------------------------------------------------------------------------- */

typedef struct inlay_logit_bias {
  int32_t token;
  float bias; /* added to the token's logit; -INFINITY forbids it */
} inlay_logit_bias;

/* UTF-8 bytes of the caller's; no trailing zero is needed. */
typedef struct inlay_text_view {
  const char* text;
  size_t length;
} inlay_text_view;

/* A token that may be drawn. */
typedef struct inlay_candidate {
  int32_t id;
  float logit;  /* -INFINITY: never drawn */
  float weight; /* its probability; those of the whole list add up to 1 */
} inlay_candidate;

/* What a host stage changes. It may change logits and leave candidates out: `list` then has the
 * others without a gap, `count` of them, at least one. Ids stay in ascending order; weights that
 * are written are not looked at. All of it is valid during the call only. */
typedef struct inlay_candidates {
  uint32_t struct_size;
  uint32_t reserved;
  inlay_candidate* list; /* in the ascending order of ids */
  size_t count;
  const int32_t* tokens; /* of the sequence so far, oldest first */
  size_t token_count;
  uint64_t position; /* of the token to be drawn */
} inlay_candidates;

/* A stage of the host's own. INLAY_OK, or an error status, which becomes that of the draw. It is
 * called from the thread that steps, inside the step: to keep the step free of allocations and
 * system calls is up to it. The same candidates and tokens have to give the same result, or the
 * text is not reproducible. */
typedef struct inlay_host_stage {
  void* user;
  inlay_status (*apply)(void* user, inlay_candidates* candidates);
} inlay_host_stage;

/* The stages, in the order in which they run by default. docs/samplers.md has the formula of each.
 * The draw is always the last. */
enum {
  INLAY_STAGE_LOGIT_BIAS = 1,
  INLAY_STAGE_PENALTIES = 2,
  INLAY_STAGE_DRY = 3,
  INLAY_STAGE_CUSTOM = 4, /* host_stages, one after the other */
  INLAY_STAGE_TOP_N_SIGMA = 5,
  INLAY_STAGE_TOP_K = 6,
  INLAY_STAGE_DYNAMIC_TEMPERATURE = 7,
  INLAY_STAGE_TEMPERATURE = 8,
  INLAY_STAGE_TYPICAL_P = 9,
  INLAY_STAGE_TOP_P = 10,
  INLAY_STAGE_MIN_P = 11,
  INLAY_STAGE_XTC = 12,
  INLAY_STAGE_INFILL = 13,
  INLAY_STAGE_MIROSTAT = 14,
  INLAY_STAGE_ADAPTIVE_P = 15,
  INLAY_STAGE_DRAW = 16 /* not for lists */
};
/* "top_k", "dry" ..., zero-terminated; NULL: no such stage. */
INLAY_API const char* inlay_sampler_stage_name(uint32_t stage);

typedef struct inlay_logprob {
  int32_t token;
  float logprob; /* natural logarithm of its probability; -INFINITY: none */
} inlay_logprob;
enum { INLAY_LOGPROBS_MAX = 64 };
enum {
  INLAY_LOGPROBS_MODEL = 0,     /* of the model's own distribution: log-softmax of its logits */
  INLAY_LOGPROBS_CANDIDATES = 1 /* of what was drawn from: after all stages */
};

typedef struct inlay_sampler_options {
  uint32_t struct_size;
  float temperature;       /* >= 0; 0: the largest logit, lowest id on a tie. Default 0.8 */
  uint32_t top_k;          /* 0: off. Default 40 */
  float top_p;             /* (0, 1]; 1: off. Default 0.95 */
  float min_p;             /* [0, 1]; 0: off. Default 0.05 */
  float repeat_penalty;    /* > 0; 1: off. Default 1 (Keskar et al. 2019, arXiv:1909.05858) */
  float frequency_penalty; /* per occurrence, subtracted; 0: off */
  float presence_penalty;  /* once per token that occurred, subtracted; 0: off */
  uint32_t penalty_window; /* how many of the latest tokens the penalties look at. Default 64 */
  uint64_t seed; /* the draw depends on (seed, stream, position) alone; tokens that were dropped by
                    INLAY_CONTEXT_DROP count as positions */
  uint64_t stream;              /* sets sequences of one seed apart. Default 0 */
  const inlay_logit_bias* bias; /* copied */
  size_t bias_count;            /* at most 1024 */

  float xtc_probability;       /* [0, 1]; 0: off */
  float xtc_threshold;         /* [0, 1]; over 0.5: off. Default 0.1 */
  float typical_p;             /* (0, 1]; 1: off. Default 1 */
  float top_n_sigma;           /* >= 0; 0: off */
  float dry_multiplier;        /* >= 0; 0: off */
  float dry_base;              /* >= 1. Default 1.75 */
  uint32_t dry_allowed_length; /* >= 1. Default 2 */
  uint32_t dry_window;         /* how many of the latest tokens count, at most 8192. Default 1024 */
  /* Texts that a repetition does not reach across; copied. At most 16 of 1 to 32 bytes. Default:
   * newline, colon, quotation mark, asterisk. */
  const inlay_text_view* dry_breakers;
  size_t dry_breaker_count;
  float dynatemp_range;    /* >= 0: temperature - range to temperature + range; 0: off */
  float dynatemp_exponent; /* >= 0. Default 1 */
  uint32_t mirostat;  /* 0: off; 1, 2: that version, and by default top-n-sigma, top-k, typical-p,
                         top-p, min-p, XTC and infill do not run */
  float mirostat_tau; /* surprise that is aimed at, bits. [0, 100]. Default 5 */
  float mirostat_eta; /* [0, 100]. Default 0.1 */
  float adaptive_target; /* [0, 1]; under 0: off. Default -1 */
  float adaptive_decay;  /* [0, 0.99]. Default 0.9 */
  uint32_t infill;       /* 1: on. Default 0 */
  /* Numbers INLAY_STAGE_... in the order in which they run, each at most once; others do not run.
   * Copied. mirostat or adaptive-p, if on, has to be the last. NULL: the default order. */
  const uint32_t* stages;
  size_t stage_count;
  const inlay_host_stage* host_stages; /* copied; at most 8 */
  size_t host_stage_count;
  uint32_t logprobs;    /* how many of the best are listed with each token, at most
                           INLAY_LOGPROBS_MAX; 0: none */
  uint32_t logprobs_of; /* INLAY_LOGPROBS_... */
} inlay_sampler_options;

INLAY_API void inlay_sampler_options_init(inlay_sampler_options* options, size_t size);
static inline void inlay_sampler_options_defaults(inlay_sampler_options* options) {
  inlay_sampler_options_init(options, sizeof *options);
}

/* Functions of a row of logits. Pure: the same bits on every machine; they take no memory. */

/* The `count` best of a row, best first, lower ids first on a tie, with ln p of the softmax over
 * the whole row. *written: how many; fewer than `count` only where the row is shorter. Errors:
 * ARGUMENT; FORMAT (a logit is NaN or infinite), STATE (all are -INFINITY). */
INLAY_API inlay_status inlay_logits_top(const float* logits, size_t vocabulary, inlay_logprob* top,
                                        size_t count, size_t* written, inlay_error* error);
/* Classifier-free guidance (Sanchez et al. 2023, arXiv:2306.17806): out = u + scale (c - u), c and
 * u the log-softmax of `logits` and of `negative`; a token that either forbids is forbidden. `out`
 * may be one of the two. Errors: as above, and ARGUMENT (scale is no finite number). */
INLAY_API inlay_status inlay_logits_guide(const float* logits, const float* negative,
                                          size_t vocabulary, float scale, float* out,
                                          inlay_error* error);

/* A sampler of its own, for logits that the host has or has changed. One owner, as a session. */
typedef struct inlay_sampler inlay_sampler;

/* For rows of the model's vocabulary; the model must be opened to INLAY_OPEN_PROGRAM at least, and
 * is kept alive. Takes all its memory now, from the model's host. NULL options: the defaults. */
INLAY_API inlay_status inlay_sampler_open(inlay_model* model, const inlay_sampler_options* options,
                                          inlay_sampler** sampler, inlay_error* error);
INLAY_API void inlay_sampler_close(inlay_sampler* sampler);
/* Draws the token at `position` that follows `tokens` (oldest first; only the latest count). The
 * errors are those of inlay_session_step. No allocation. */
INLAY_API inlay_status inlay_sampler_draw(inlay_sampler* sampler, const float* logits,
                                          size_t vocabulary, const int32_t* tokens,
                                          size_t token_count, uint64_t position, int32_t* token,
                                          inlay_error* error);

/* ---- Session --------------------------------------------------------------------------------- */

typedef struct inlay_session inlay_session;
typedef uint64_t inlay_sequence; /* 0 is never a sequence */

/* What keys and values are kept as. Q8_0 and Q4_0 take 8.5 and 4.5 bits a number, in blocks of 32.
 */
enum {
  INLAY_KV_AUTO = 0,
  INLAY_KV_F32 = 1,
  INLAY_KV_F16 = 2,
  INLAY_KV_BF16 = 3,
  INLAY_KV_Q8_0 = 4,
  INLAY_KV_Q4_0 = 5
};

typedef struct inlay_session_options {
  uint32_t struct_size;
  uint32_t context;     /* tokens one sequence can hold; 0: as trained, at most 4096. */
  uint32_t sequences;   /* how many at once; 0: 1. Default 1 */
  uint32_t chunk;       /* most tokens in one pass over the weights, up to 8192; 0: 256 */
  uint32_t logits_rows; /* most rows of logits in one pass; 0: one for each sequence. With
                           fewer, generations take turns */
  uint32_t kv_type;     /* INLAY_KV_...; AUTO: F32 for a model of F32 weights, else F16 */
  uint32_t threads;     /* without host jobs: threads incl. the caller's; 0: physical cores, as far
                           as affinity and a container's quota allow */
  uint32_t
      value_type; /* INLAY_KV_... of the values, kv_type is then of the keys; AUTO: as kv_type */
  /* 1: what is computed is found again by its tokens, see "Prefixes" below. 0: every sequence
   * computes its own tokens. The results are the same bits. Default 1; always 0 when the model was
   * opened with `importance`. */
  uint32_t reuse;
  /* Tokens whose keys and values the session can hold, rounded up to pages of 64. 0: a full context
   * for every sequence, which never runs out. Less: sequences compete for it. More: prefixes are
   * remembered for longer. */
  uint64_t kv_tokens;
  uint32_t trace_events; /* entries a worker keeps for inlay_session_write_trace; 0: no trace */
  uint32_t reserved;     /* 0 */
} inlay_session_options;

INLAY_API void inlay_session_options_init(inlay_session_options* options, size_t size);
static inline void inlay_session_options_defaults(inlay_session_options* options) {
  inlay_session_options_init(options, sizeof *options);
}

/* Bytes of memory, exact: what is held once a session is open. While opening, some working memory
 * comes on top for a moment (a few times the largest vector of the file, and lists of the program).
 */
typedef struct inlay_plan {
  uint32_t struct_size;
  uint64_t
      metadata; /* keys, tensor list, tokenizer, program: taken from the allocator by the model */
  uint64_t weights; /* weights in use: matrices as stored or as converted, vectors as F32; each that
                       is not used where it lies rounded up to 64 bytes */
  uint64_t state;   /* key/value cache and token lists of a session */
  uint64_t scratch; /* everything else of a session: activations, logits, sampler arrays */
  uint64_t total;   /* the sum of the four */
  uint64_t borrowed; /* the part of `weights` used where it lies (mapped file, host's memory block);
                        total - borrowed is what the allocator gives */
} inlay_plan;

/* What a session with these options takes, before anything of it is allocated. Thread-safe.
 * The model must be opened to INLAY_OPEN_PROGRAM at least (else STATE). */
INLAY_API inlay_status inlay_model_plan(const inlay_model* model,
                                        const inlay_session_options* options, inlay_plan* plan,
                                        inlay_error* error);
/* The recorded program as text, one instruction a line. Buffer rule 6. Thread-safe. */
INLAY_API inlay_status inlay_model_explain(const inlay_model* model,
                                           const inlay_session_options* options, char* text,
                                           size_t capacity, size_t* length, inlay_error* error);

/* Opens a session; takes all its memory now. `options` may be NULL.
 * Errors: ARGUMENT, LIMIT (context over 2^20, sequences over 1024 ...), MEMORY, STATE (no weights).
 */
INLAY_API inlay_status inlay_session_open(inlay_model* model, const inlay_session_options* options,
                                          inlay_session** session, inlay_error* error);
/* Frees everything, threads included, before it returns; NULL is allowed. */
INLAY_API void inlay_session_close(inlay_session* session);

/* A new empty sequence. LIMIT when `sequences` of them exist. */
INLAY_API inlay_status inlay_session_add(inlay_session* session, inlay_sequence* sequence,
                                         inlay_error* error);
/* Ends a sequence. What it has computed is remembered for others until its pages are needed. STATE
 * when it is not alive. */
INLAY_API inlay_status inlay_session_drop(inlay_session* session, inlay_sequence sequence);

/* Prefixes. Keys and values lie in pages of 64 tokens, which sequences share: whatever a session
 * has computed is found again by its tokens, also of sequences that are gone, and is not computed
 * twice: a chat that feeds its whole history anew pays for the new tokens only, and thirty
 * characters with one prompt hold it once. A page is copied when two sequences go on from it
 * differently. Reuse and computation give the same bits. Nothing is asked of the host;
 * inlay_session_get_info tells how much was reused. Tokens whose logits are wanted (the last one
 * fed, and all of INLAY_FEED_ALL_LOGITS) are always computed. */

/* A second sequence with the same tokens, sampler and settings; pages are shared. It may sample
 * from the logits of the first at once. LIMIT when `sequences` of them exist. */
INLAY_API inlay_status inlay_session_fork(inlay_session* session, inlay_sequence sequence,
                                          inlay_sequence* copy, inlay_error* error);
/* Back to the first `length` tokens. What was computed behind them is remembered, as by drop, but
 * for tokens of the page that the sequence goes on in. A sampler stays and draws again from there.
 * A pass in flight with later rows of it begins anew. Errors: ARGUMENT (more than the sequence
 * has), STATE. */
INLAY_API inlay_status inlay_session_rewind(inlay_session* session, inlay_sequence sequence,
                                            uint32_t length, inlay_error* error);

/* What happens when a sequence has more tokens than the context. */
enum {
  /* A generation ends with INLAY_FINISH_CONTEXT; feeding more is LIMIT. The default. */
  INLAY_CONTEXT_STOP = 0,
  /* As STOP, and a generation that may not fit (length + max_tokens over the context, or no
   * max_tokens) is refused with LIMIT when it is asked for. */
  INLAY_CONTEXT_REFUSE = 1,
  /* The tokens behind the first `keep` are forgotten, as many as needed and at least half of them;
   * the rest moves up to their positions and is computed again. So the sequence is at any time what
   * its tokens are, and has the bits of a sequence that was fed them. */
  INLAY_CONTEXT_DROP = 2
};
/* `keep` (for DROP): tokens that are never forgotten, such as a system prompt; under the context.
 * Errors: ARGUMENT, STATE. */
INLAY_API inlay_status inlay_session_set_context_policy(inlay_session* session,
                                                        inlay_sequence sequence, uint32_t policy,
                                                        uint32_t keep, inlay_error* error);

/* Logits for every token fed, not only for the last. A pass has at most `logits_rows` of them:
 * raise that option with `chunk`, or the prompt goes through the weights a few tokens at a time. A
 * sequence with a sampler tells tokens, no rows. */
enum { INLAY_FEED_ALL_LOGITS = 1 };

/* Appends tokens that the next steps will compute. All or nothing.
 * Errors: ARGUMENT (an id outside the vocabulary), LIMIT (over the context; kv_tokens are spent),
 * STATE. */
INLAY_API inlay_status inlay_session_feed(inlay_session* session, inlay_sequence sequence,
                                          const int32_t* ids, size_t count, uint32_t flags,
                                          inlay_error* error);
/* Gives the sequence a sampler: once its fed tokens are computed each step tells a token and feeds
 * it back. The token told with finish != NONE is the last: it is not fed, and the sampler is gone.
 * To go on, feed it (or what should stand there instead) and call this again; without feeding, the
 * same position is drawn again. max_tokens 0: until end of text or context. NULL options: takes the
 * sampler away. Errors: ARGUMENT (a value out of its range, too many biases), LIMIT (see
 * INLAY_CONTEXT_REFUSE), STATE. */
INLAY_API inlay_status inlay_session_generate(inlay_session* session, inlay_sequence sequence,
                                              const inlay_sampler_options* options,
                                              uint64_t max_tokens, inlay_error* error);

enum {
  INLAY_STOP_IGNORE_END = 1 /* end-of-generation tokens are tokens as others */
};
enum { INLAY_STOP_MAX = 32 };
/* Tokens that end a generation of this sequence, besides the model's own ends; replaces what was
 * set before. At most INLAY_STOP_MAX. Errors: ARGUMENT, LIMIT, STATE. */
INLAY_API inlay_status inlay_session_set_stop(inlay_session* session, inlay_sequence sequence,
                                              const int32_t* ids, size_t count, uint32_t flags,
                                              inlay_error* error);

/* Texts that end a generation of this sequence, wherever tokens begin and end; replaces what was
 * set before, count 0 takes them away. What is generated is watched from the inlay_session_generate
 * before or after this call on; forks have the same texts. The earliest end decides; of several
 * texts that end at the same byte the longest. Each is UTF-8 of 1 to INLAY_STOP_TEXT_LENGTH bytes,
 * all together at most INLAY_STOP_TEXT_BYTES in at most INLAY_STOP_TEXT_MAX texts. Compiled here,
 * with memory of the host; a step takes time in proportion to the bytes of its token, however many
 * texts there are. Errors: ARGUMENT, LIMIT, MEMORY, STATE, UNSUPPORTED (no tokenizer). */
enum { INLAY_STOP_TEXT_LENGTH = 256, INLAY_STOP_TEXT_MAX = 65536, INLAY_STOP_TEXT_BYTES = 1 << 20 };
INLAY_API inlay_status inlay_session_set_stop_texts(inlay_session* session, inlay_sequence sequence,
                                                    const inlay_text_view* texts, size_t count,
                                                    inlay_error* error);

/* The text that the sequence's latest token added, once TOKEN was told of it, until the next call
 * that changes the session: whole characters only, nothing that may still become a stop text, and
 * nothing of the tokens or texts that end a generation. What was held back comes when it can be no
 * stop text any more, at the latest with the last token. When inlay_session_generate takes the
 * sampler away, the text is what was still held back. *length may be 0. The pieces of a generation
 * are what inlay_stream_push gives for a stream that goes on from the tokens before. Errors: STATE
 * (nothing was told of the sequence since the last change), UNSUPPORTED (no tokenizer). */
INLAY_API inlay_status inlay_session_text(const inlay_session* session, inlay_sequence sequence,
                                          const char** text, size_t* length);

/* Log-probabilities of the sequence's latest token, as inlay_sampler_options::logprobs asked for,
 * valid as inlay_session_text. STATE when there are none. */
typedef struct inlay_logprobs {
  uint32_t struct_size;
  uint32_t count;           /* of `top`; fewer than asked for where there are fewer candidates */
  inlay_logprob token;      /* the one that was drawn */
  const inlay_logprob* top; /* the best, best first, lower ids first on a tie */
} inlay_logprobs;
INLAY_API inlay_status inlay_session_logprobs(const inlay_session* session, inlay_sequence sequence,
                                              inlay_logprobs* logprobs);

enum {
  INLAY_FINISH_NONE = 0,
  INLAY_FINISH_END = 1,      /* an end-of-generation token was drawn */
  INLAY_FINISH_TOKENS = 2,   /* max_tokens reached */
  INLAY_FINISH_CONTEXT = 3,  /* the context is full */
  INLAY_FINISH_STOP = 4,     /* a token of inlay_session_set_stop was drawn */
  INLAY_FINISH_PAGES = 5,    /* kv_tokens are spent: other sequences hold all pages */
  INLAY_FINISH_GRAMMAR = 6,  /* the text of inlay_session_constrain is whole: nothing can follow */
  INLAY_FINISH_TEXT = 7,     /* a text of inlay_session_set_stop_texts was completed */
  INLAY_FINISH_CANCELLED = 8 /* never in an event: for helpers that end a text when asked to */
};

typedef struct inlay_event {
  uint32_t struct_size;
  inlay_sequence sequence; /* whom it concerns, also on an error; 0: nobody in particular */
  int32_t token;           /* for TOKEN, else -1 */
  uint32_t finish;         /* INLAY_FINISH_...: why this was the sequence's last token */
  uint32_t dropped;        /* tokens that INLAY_CONTEXT_DROP forgot to make room for this one */
  uint32_t stop_text;      /* for INLAY_FINISH_TEXT: the index of the text, else 0 */
  uint32_t reserved;
} inlay_event;

/* Computes until something is to be told or the budget is spent.
 * budget: nanoseconds; 0: no limit. At least one tile of work is done in each call, so that even a
 * budget of 1 ns goes forward. A tile is some tens of microseconds on a current processor (64 KiB
 * of weights for up to 64 tokens; one token and head of attention, so longer in contexts of many
 * thousands); the draw of a token is one piece too.
 * Returns TOKEN or LOGITS (event says whose; others of the same pass follow in the next calls
 * without further work), YIELD, DONE, or an error. The results do not depend on the budget. Errors
 * of a sampler: FORMAT (a logit is NaN: the weights are damaged), STATE (every token is forbidden);
 * event->sequence says whose, and that sampler is taken away. No allocation, and on the caller's
 * thread alone no system call. */
INLAY_API inlay_status inlay_session_step(inlay_session* session, uint64_t budget,
                                          inlay_event* event, inlay_error* error);
/* The same with a budget in tiles of work, exactly: what a step does is then the same on every
 * machine. tiles 0 is 1. The draw of a token counts as none. */
INLAY_API inlay_status inlay_session_step_tiles(inlay_session* session, uint64_t tiles,
                                                inlay_event* event, inlay_error* error);
/* Asks a running step, or the next one that has work, to return YIELD at the next tile. Nothing is
 * lost: the work in flight goes on with the step after it. Thread-safe. */
INLAY_API void inlay_session_cancel(inlay_session* session);

/* Logits of the sequence's latest pass: rows of `vocabulary` floats, valid until the next step,
 * feed or drop. *position is the position of the first row. STATE when there are none, or a pass is
 * in flight. */
INLAY_API inlay_status inlay_session_logits(const inlay_session* session, inlay_sequence sequence,
                                            const float** logits, uint32_t* rows,
                                            uint32_t* position);
/* Tokens of the sequence: computed, and fed but not computed yet. */
INLAY_API inlay_status inlay_session_length(const inlay_session* session, inlay_sequence sequence,
                                            uint32_t* computed, uint32_t* pending);
/* The tokens of the sequence, computed or not. Buffer rule 6. */
INLAY_API inlay_status inlay_session_tokens(const inlay_session* session, inlay_sequence sequence,
                                            int32_t* ids, size_t capacity, size_t* count);
/* Forgets what was fed but is not computed yet. A pass in flight with rows of it begins anew. */
INLAY_API inlay_status inlay_session_clear(inlay_session* session, inlay_sequence sequence);

/* Snapshots: tokens, keys and values, sampler and settings of a sequence as a file. A restored
 * sequence goes on with the same bits as the saved one, on any machine and with any number of
 * threads. Only what is used is written. The file names the model (a hash over its keys, tensors
 * and samples of its weights), the types of keys and values, and the version of the order of sums;
 * one that does not fit is refused (UNSUPPORTED), as is one that is cut or damaged (FORMAT). */
enum {
  /* Only what came since this sequence was last saved or restored: append the bytes to that file.
   * One sequence, and a sink with a `write` function. */
  INLAY_SAVE_APPEND = 1
};
/* sequence 0: all of them, in the ascending order of the low 32 bits of their handles. Between any
 * two steps, also with a pass in flight. Errors: STATE (not alive; APPEND of a sequence that was
 * never saved), ARGUMENT, IO, MEMORY, CANCELLED. */
INLAY_API inlay_status inlay_session_save(inlay_session* session, inlay_sequence sequence,
                                          uint32_t flags, const inlay_sink* sink,
                                          inlay_error* error);
enum {
  /* What the file holds may serve other sequences as a prefix, too. Only for files that nobody else
   * can write: a forged one would change their answers. */
  INLAY_RESTORE_SHARE = 1
};
/* Adds the sequences of a file to those of the session, in the order of the file: all of them or,
 * on an error, none. *count
 * receives how many the file has, also when `capacity` is too small (LIMIT). Errors: FORMAT,
 * UNSUPPORTED (another model, key/value type or version), LIMIT (context, sequences, kv_tokens),
 * IO, CANCELLED, MEMORY, STATE. The source is read piece by piece, by the calling thread, and not
 * needed afterwards. */
INLAY_API inlay_status inlay_session_restore(inlay_session* session, const inlay_source* source,
                                             uint32_t flags, inlay_sequence* sequences,
                                             size_t capacity, size_t* count, inlay_error* error);

/* What a session is and what it has done since it was opened. Times are of the host's clock, of the
 * caller's thread; a pass with prompts and generated tokens is split by its rows. */
typedef struct inlay_session_info {
  uint32_t struct_size;
  uint32_t context; /* tokens of one sequence */
  uint32_t sequences;
  uint32_t alive;        /* sequences that exist now */
  uint64_t pages;        /* of 64 tokens */
  uint64_t pages_used;   /* by sequences, each counted once */
  uint64_t pages_cached; /* remembered prefixes of nobody; free for use */
  uint64_t page_bytes;
  uint64_t passes;
  uint64_t tokens_computed; /* rows that went through the model */
  uint64_t tokens_reused;   /* found instead */
  uint64_t tokens_drawn;
  uint64_t tokens_dropped; /* by INLAY_CONTEXT_DROP */
  uint64_t prefill_ns;     /* rows of prompts */
  uint64_t decode_ns;      /* rows of a sequence that waits for one token */
  uint64_t sample_ns;
  uint64_t weight_bytes_read; /* each weight once a pass */
  uint64_t kv_bytes_read;     /* by attention */
} inlay_session_info;

INLAY_API inlay_status inlay_session_get_info(const inlay_session* session,
                                              inlay_session_info* info);

/* What ran when: the latest `trace_events` instructions of each worker, as JSON in the Trace Event
 * Format that chrome://tracing and Perfetto open. Errors: STATE (the session was opened without
 * trace_events), IO, MEMORY, CANCELLED. */
INLAY_API inlay_status inlay_session_write_trace(const inlay_session* session,
                                                 const inlay_sink* sink, inlay_error* error);

/* Writes what the session saw of the inputs of every matrix since it was opened, as a GGUF file of
 * general.type "imatrix" (the form of llama.cpp: <tensor>.in_sum2 and <tensor>.counts): for
 * inlay_quantize_options::importance. Errors: STATE (the model was opened without `importance`, or
 * nothing was computed), FORMAT (a sum is no finite float), IO, CANCELLED, MEMORY. */
INLAY_API inlay_status inlay_session_write_importance(const inlay_session* session,
                                                      const inlay_sink* sink, inlay_error* error);

/* ---- Grammars -------------------------------------------------------------------------------- */

/* What a text may be: in llama.cpp's grammar language, as a regular expression, or as a JSON
 * schema. Compiled once, immutable, counted references, thread-safe; used by any number of
 * sequences and matchers. See docs/constrained-output.md. */
typedef struct inlay_grammar inlay_grammar;
enum {
  INLAY_GRAMMAR_GBNF = 0,  /* the rule `root` is the start */
  INLAY_GRAMMAR_REGEX = 1, /* ECMA-262, without lookaround and backreferences; matches the whole */
  /* JSON schemas, draft 2020-12; what no grammar can hold is refused with its JSON pointer. */
  INLAY_GRAMMAR_SCHEMA = 2,        /* instances as a program writes them: for generation */
  INLAY_GRAMMAR_SCHEMA_TEXT = 3,   /* however JSON may write them: for texts that are there */
  INLAY_GRAMMAR_SCHEMA_ORDERED = 4 /* by llama.cpp's conventions: members in the order of
                                      `properties`, no others unless the schema speaks of them;
                                      a root without a type means one; uniqueItems is not held */
};
/* `model`: whose tokens the grammar will allow; it is kept alive, needs a tokenizer, and gives the
 * memory. NULL: for text alone; then the memory is from `host` (NULL: the C library's).
 * Time and memory are bounded whatever the text says. Errors: FORMAT (rule or path, place, reason:
 * undefined rule, left recursion, no text can match ...), UNSUPPORTED, LIMIT, MEMORY. */
INLAY_API inlay_status inlay_grammar_compile(uint32_t language, const char* text, size_t length,
                                             inlay_model* model, const inlay_host* host,
                                             inlay_grammar** grammar, inlay_error* error);
INLAY_API void inlay_grammar_retain(inlay_grammar* grammar);
/* NULL is allowed. */
INLAY_API void inlay_grammar_release(inlay_grammar* grammar);

/* Where one text stands in its grammar. One owner at a time; keeps the grammar alive. Takes all its
 * memory when it is made. A token that is not allowed leaves it as it was. */
typedef struct inlay_matcher inlay_matcher;
INLAY_API inlay_status inlay_matcher_new(inlay_grammar* grammar, inlay_matcher** matcher,
                                         inlay_error* error);
/* NULL is allowed. */
INLAY_API void inlay_matcher_free(inlay_matcher* matcher);
INLAY_API void inlay_matcher_reset(inlay_matcher* matcher);
/* The state of another matcher of the same grammar (else ARGUMENT). */
INLAY_API inlay_status inlay_matcher_assign(inlay_matcher* matcher, const inlay_matcher* from);
/* Takes text as far as the grammar allows: *taken bytes of it. Errors: LIMIT (nested too deeply,
 * too ambiguous): then none of it. */
INLAY_API inlay_status inlay_matcher_accept_text(inlay_matcher* matcher, const char* text,
                                                 size_t length, size_t* taken, inlay_error* error);
/* STATE: the token is not allowed here. An end token is where the text can end. */
INLAY_API inlay_status inlay_matcher_accept_token(inlay_matcher* matcher, int32_t token,
                                                  inlay_error* error);
/* The tokens that may come next: bit (id % 64) of word (id / 64). `count`: words, exactly
 * (tokens of the vocabulary + 63) / 64, else ARGUMENT. STATE: the vocabulary has no token for what
 * must follow. */
INLAY_API inlay_status inlay_matcher_mask(inlay_matcher* matcher, uint64_t* words, size_t count,
                                          inlay_error* error);
/* 1: the text may end here. */
INLAY_API int inlay_matcher_can_end(const inlay_matcher* matcher);
/* 1: nothing but an end can follow. */
INLAY_API int inlay_matcher_is_over(const inlay_matcher* matcher);
/* The bytes that must follow, as far as there is no choice and `capacity` reaches. */
INLAY_API size_t inlay_matcher_forced(inlay_matcher* matcher, char* text, size_t capacity);

typedef struct inlay_constrain_options {
  uint32_t struct_size;
  uint32_t first; /* token of the sequence at which the text of the grammar begins; UINT32_MAX (the
                     default): behind what it has now. Tokens from there on are checked at once */
  const char* trigger;   /* everything is free until this text has come; the grammar begins */
  size_t trigger_length; /* behind it. 0: no such text; at most 256 */
  int32_t trigger_token; /* or behind this token; -1: none */
  uint32_t reserved;     /* 0 */
} inlay_constrain_options;
INLAY_API void inlay_constrain_options_init(inlay_constrain_options* options, size_t size);
static inline void inlay_constrain_options_defaults(inlay_constrain_options* options) {
  inlay_constrain_options_init(options, sizeof *options);
}

/* From here on the sequence's tokens must follow the grammar, the fed ones (else STATE, nothing is
 * fed) and the drawn ones: before all other stages of sampling, tokens that it does not allow are
 * out. A generation ends with INLAY_FINISH_GRAMMAR at the token behind which nothing can follow;
 * one that max_tokens or the context will end is led to a whole text, as far as there is room.
 * fork copies the state, rewind and clear go back in it; a snapshot does not hold it: constrain a
 * restored sequence again, with `first`. Replaces the grammar that was set before; NULL takes it
 * away. Takes memory now (about 3 MB), none in steps. `grammar` must be compiled for the session's
 * model. `options` may be NULL. Errors: ARGUMENT, STATE (not alive; tokens from `first` on break
 * the grammar), LIMIT, MEMORY. */
INLAY_API inlay_status inlay_session_constrain(inlay_session* session, inlay_sequence sequence,
                                               inlay_grammar* grammar,
                                               const inlay_constrain_options* options,
                                               inlay_error* error);
/* Feeds the tokens of the text that the grammar forces next, as the tokenizer spells it behind the
 * last token, so that one pass computes them all instead of one each. To be called after a token
 * was told, before the next step. *count of them are in `ids`; often 0. They count for max_tokens.
 * Allocates. Errors: as feed. */
INLAY_API inlay_status inlay_session_jump(inlay_session* session, inlay_sequence sequence,
                                          int32_t* ids, size_t capacity, size_t* count,
                                          inlay_error* error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* INLAY_INLAY_H */
