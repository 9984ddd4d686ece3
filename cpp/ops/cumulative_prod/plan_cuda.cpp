#include "ops/scan/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("cumulative_prod", running(ScanKind::Prod));

}  // namespace
}  // namespace pt::cuda
