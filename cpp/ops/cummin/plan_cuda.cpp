#include "ops/scan/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("cummin_position", running_place(ScanKind::ArgMin));

}  // namespace
}  // namespace pt::cuda
