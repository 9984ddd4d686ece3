#include "ops/reduce/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("sum", reducing(ReduceKind::Sum));
const bool followed = on_cuda("sum", reducing_then(ReduceKind::Sum));

}  // namespace
}  // namespace pt::cuda
