#include "ops/reduce/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("max", reducing(ReduceKind::Max));
const bool followed = on_cuda("max", reducing_then(ReduceKind::Max));

}  // namespace
}  // namespace pt::cuda
