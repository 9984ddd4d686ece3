// Reductions of any axes on a GPU: an op with the attributes axis and keepdims.
#pragma once
#include "cuda/plans.h"
#include "ops/reduce/kind.h"

namespace pt::cuda {

CudaPlan reducing(ReduceKind kind);
// With an elementwise program behind it.
CudaEpilogue reducing_then(ReduceKind kind);

}  // namespace pt::cuda
