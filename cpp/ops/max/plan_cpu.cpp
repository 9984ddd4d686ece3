#include "ops/cpu_target.h"
#include "ops/reduce/plan.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu("max", reducing(ReduceKind::Max));

}  // namespace
}  // namespace pt
