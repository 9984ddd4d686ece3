#include "ops/reduce/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("prod", reducing(ReduceKind::Prod));

}  // namespace
}  // namespace pt::cuda
