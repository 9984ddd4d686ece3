#include "ops/cpu_target.h"
#include "ops/scan/running.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu("cumulative_prod", running_plan(ScanKind::Prod));

}  // namespace
}  // namespace pt
