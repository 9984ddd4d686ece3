// Programs that another op's kernel runs on its results (FusedAfter): for the plan of that op.
#pragma once
#include <string>

#include "ops/fused/cuda_program.h"
#include "ops/fused/machine.h"

namespace pt::cuda {

struct AfterPlan {
  FusedAfter program;
  uint32_t shared_bytes;  // dynamic, of a block
  double bytes;           // moved, the results left out
};

// Whether a program may be one; `why` receives the reason if not.
bool fits_after(const FusedProgram& program, std::string* why);
// For blocks of which so many threads run it.
AfterPlan plan_after(const FusedProgram& program, uint32_t threads);

}  // namespace pt::cuda
