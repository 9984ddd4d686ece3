#include "ops/reduce/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("any", reducing(ReduceKind::Any));

}  // namespace
}  // namespace pt::cuda
