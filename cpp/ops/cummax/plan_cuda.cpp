#include "ops/scan/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("cummax_position", running_place(ScanKind::ArgMax));

}  // namespace
}  // namespace pt::cuda
