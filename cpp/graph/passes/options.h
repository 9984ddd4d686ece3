// Apart from the passes, so that a new pass is compiled with few files.
#pragma once
#include "ops/rewrite_rules.h"

namespace pt {

// What is off: switches of pt.compile, single passes and rewrite rules.
struct PassOptions {
  SwitchedOff off;
};

}  // namespace pt
