#include "ops/reduce/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("all", reducing(ReduceKind::All));

}  // namespace
}  // namespace pt::cuda
