#include "cuda/plans.h"
#include "ops/fused/programs.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("astype", [](const CudaCall& call) {
  return plan_fused(cast_program(call.in[0], call.out[0]), call.capability, call.units, call.printed);
});

}  // namespace
}  // namespace pt::cuda
