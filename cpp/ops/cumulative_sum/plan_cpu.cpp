#include "ops/cpu_target.h"
#include "ops/scan/running.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu("cumulative_sum", running_plan(ScanKind::Sum));

}  // namespace
}  // namespace pt
