// Running sums, products and places along an axis on a GPU.
#pragma once
#include "cuda/plans.h"
#include "ops/scan/desc.h"

namespace pt::cuda {

CudaPlan running(ScanKind kind);        // with the attributes axis, include_initial and reverse
CudaPlan running_place(ScanKind kind);  // with the attribute axis

}  // namespace pt::cuda
