#include "ops/cpu_target.h"
#include "ops/scan/running.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu("cummax_position", running_place_plan(ScanKind::ArgMax));

}  // namespace
}  // namespace pt
