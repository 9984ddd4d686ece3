#include "ops/copy/plan_cuda.h"

#include "cuda/plans.h"
#include "ops/fill/plan_cuda.h"
#include "ops/pack/plan.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("pack", [](const CudaCall& call) {
  auto fill = [&](const std::vector<FillPiece>& pieces, uint64_t pattern) {
    return fill_pieces(pieces, pattern, static_cast<int>(size_of(call.out[0].dtype)));
  };
  return plan_pack(call.in, call.out[0], call.attrs, plan_copy, fill);
});

}  // namespace
}  // namespace pt::cuda
