// clock.h - the system's monotonic clock as an inlay_clock.
#pragma once

#include "inlay/inlay.h"

namespace inlay {

inlay_clock system_clock();

}  // namespace inlay
