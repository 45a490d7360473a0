// host_api.cpp - C interface: version, status names, host, sources, sinks, instruction sets.
#include "api/checks.h"
#include "engine/units.h"

using namespace inlay;

const char* inlay_status_name(inlay_status status) {
  return status_name(static_cast<Status>(status));
}

const char* inlay_version(void) { return INLAY_VERSION_STRING; }

uint32_t inlay_abi_version(void) { return INLAY_ABI_VERSION; }

void inlay_host_defaults(inlay_host* host) {
  if (!host) return;
  *host = {};
  host->struct_size = sizeof *host;
}

void inlay_source_path(inlay_source* source, const char* path, size_t length) {
  if (!source) return;
  *source = {};
  source->struct_size = sizeof *source;
  source->kind = INLAY_SOURCE_PATH;
  source->text = path;
  source->text_length = length;
}

void inlay_source_memory(inlay_source* source, const void* data, size_t size) {
  if (!source) return;
  *source = {};
  source->struct_size = sizeof *source;
  source->kind = INLAY_SOURCE_MEMORY;
  source->data = data;
  source->size = size;
}

void inlay_source_callback(inlay_source* source, uint64_t size, void* user,
                           inlay_status (*read)(void*, uint64_t, void*, size_t)) {
  if (!source) return;
  *source = {};
  source->struct_size = sizeof *source;
  source->kind = INLAY_SOURCE_CALLBACK;
  source->size = size;
  source->user = user;
  source->read = read;
}

void inlay_source_descriptor(inlay_source* source, int64_t descriptor, uint64_t offset,
                             uint64_t size) {
  if (!source) return;
  *source = {};
  source->struct_size = sizeof *source;
  source->kind = INLAY_SOURCE_DESCRIPTOR;
  source->descriptor = descriptor;
  source->offset = offset;
  source->size = size;
}

void inlay_source_parts(inlay_source* source, const inlay_source* parts, size_t count) {
  if (!source) return;
  *source = {};
  source->struct_size = sizeof *source;
  source->kind = INLAY_SOURCE_PARTS;
  source->parts = parts;
  source->part_count = count;
}

void inlay_sink_path(inlay_sink* sink, const char* path, size_t length) {
  if (!sink) return;
  *sink = {};
  sink->struct_size = sizeof *sink;
  sink->path = path;
  sink->path_length = length;
}

void inlay_sink_callback(inlay_sink* sink, void* user,
                         inlay_status (*write)(void* user, const void* data, size_t size)) {
  if (!sink) return;
  *sink = {};
  sink->struct_size = sizeof *sink;
  sink->user = user;
  sink->write = write;
}

uint32_t inlay_isa_count(void) { return unit_count(); }
const char* inlay_isa_name(uint32_t index) { return unit_name(index); }
int inlay_isa_usable(uint32_t index) { return unit_usable(index) ? 1 : 0; }
