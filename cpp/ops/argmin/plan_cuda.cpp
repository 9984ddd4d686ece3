#include "ops/reduce/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("argmin", reducing(ReduceKind::ArgMin));

}  // namespace
}  // namespace pt::cuda
