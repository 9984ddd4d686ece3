#include "ops/scan/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("cumulative_sum", running(ScanKind::Sum));

}  // namespace
}  // namespace pt::cuda
