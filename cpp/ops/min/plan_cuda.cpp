#include "ops/reduce/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("min", reducing(ReduceKind::Min));
const bool followed = on_cuda("min", reducing_then(ReduceKind::Min));

}  // namespace
}  // namespace pt::cuda
