#include "ops/reduce/plan_cuda.h"

namespace pt::cuda {
namespace {

const bool planned = on_cuda("argmax", reducing(ReduceKind::ArgMax));

}  // namespace
}  // namespace pt::cuda
