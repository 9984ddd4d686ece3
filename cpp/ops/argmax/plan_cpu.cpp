#include "ops/cpu_target.h"
#include "ops/reduce/plan.h"

namespace pt {
namespace {

const OpPlan* planned = on_cpu("argmax", reducing(ReduceKind::ArgMax));

}  // namespace
}  // namespace pt
