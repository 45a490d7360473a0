// arch.cpp - finds a family by name.
#include "arch/arch.h"

namespace inlay {

RecordArchitecture find_architecture(std::string_view name) {
#define INLAY_ARCH(family) \
  if (name == #family) return arch::family;
#include "arch/arch.inc"
#undef INLAY_ARCH
  return nullptr;
}

}  // namespace inlay
