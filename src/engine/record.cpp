// record.cpp - from metadata to the final program.
#include "engine/record.h"

#include "arch/arch.h"
#include "base/diagnostics.h"
#include "graph/plan.h"

namespace inlay {

Status record_program(const FileView& file, Program& program, Error& error, bool observed) {
  const RecordArchitecture record = find_architecture(file.architecture);
  if (!record) {
    return fail(error, Status::unsupported, "{}: general.architecture: this build has no \"{}\"",
                Shown(file.name), Shown(file.architecture));
  }
  const Meta meta(file, error);
  Graph graph(meta, program);
  record(meta, graph);
  if (is_error(graph.status())) {
    return graph.status() == Status::memory ? fail_memory(error, "program") : graph.status();
  }
  if (program.logits == no_value) {
    return fail(error, Status::internal, "{}: the program has no logits", Shown(file.name));
  }
  fuse(program);
  if (observed && is_error(observe(program))) return fail_memory(error, "program");
  find_lifetimes(program);
  return Status::ok;
}

}  // namespace inlay
