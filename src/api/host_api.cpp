// host_api.cpp - C interface: version, status names, host, sources, sinks, instruction sets.
#include "api/checks.h"
#include "engine/units.h"

using namespace inlay;

const char* inlay_status_name(inlay_status status) {
  return status_name(static_cast<Status>(status));
}

const char* inlay_version(void) { return INLAY_VERSION_STRING; }

uint32_t inlay_abi_version(void) { return INLAY_ABI_VERSION; }

void inlay_host_init(inlay_host* host, size_t size) { give_options(inlay_host{}, host, size); }

void inlay_source_init(inlay_source* source, size_t size) {
  give_options(inlay_source{}, source, size);
}

void inlay_sink_init(inlay_sink* sink, size_t size) { give_options(inlay_sink{}, sink, size); }

uint32_t inlay_isa_count(void) { return unit_count(); }
const char* inlay_isa_name(uint32_t index) { return unit_name(index); }
int inlay_isa_usable(uint32_t index) { return unit_usable(index) ? 1 : 0; }
