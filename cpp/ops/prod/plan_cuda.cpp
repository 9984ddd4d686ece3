#include "ops/reduce/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("prod", reducing(ReduceKind::Prod));
const bool followed = on_cuda("prod", reducing_then(ReduceKind::Prod));

}  // namespace
}  // namespace pt::cuda
