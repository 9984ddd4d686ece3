// Plans of matrix products that an elementwise program follows, in the product's own kernel where it is a chain of
// known operations.
#include <algorithm>

#include "core/error.h"
#include "ops/matmul/plan_cuda_followed.h"
#include "ops/matmul/plan_cuda_library.h"

namespace pt::cuda {
namespace {

// The walks of the program's operands come behind those of the product, which itself is not stored.
Batch batch_of_all(const Operand& a, const Operand& b, const Operand& c, const FusedProgram& program) {
  Batch batch = batch_of(a, b, c);
  const int n = c.shape.size();
  for (std::size_t i = 1; i < program.operands.size(); ++i) {
    const Strides& strides = program.operands[i].strides;
    Walk walk = {strides[n - 2], {}};
    for (int axis = 0; axis + 2 < n; ++axis) walk.batch.push_back(strides[axis]);
    batch.walks.push_back(walk);
  }
  simplify(batch);
  return batch;
}

}  // namespace

bool takes_product(const CudaFollowed& call, std::string* why) {
  const auto refuse = [&](const std::string& reason) {
    *why = reason;
    return false;
  };
  if (call.in[0].shape.size() < 2 || call.in[1].shape.size() < 2)
    return refuse("an operand of one axis; matrices are expected");
  if (call.program.extents != call.result.shape)
    return refuse(text("the calls behind it run over ", call.program.extents, "; the product's shape ",
                       call.result.shape, " is expected"));
  return takes_chain(call.in, call.result.dtype, call.program, why);
}

LaunchPlan plan_followed_product(const Operand& a, const Operand& b, const Operand& c, const FusedProgram& program,
                                 const CudaCall& call) {
  LaunchPlan plan;
  if (count(c.shape) == 0) return plan;
  const Batch batch = batch_of_all(a, b, c, program);
  EpilogueProduct params{describe(a, b, c, batch), {}};
  put_chain(params.then, program, c.dtype);
  for (int i = 0; i < params.then.n_operands; ++i) {
    const Walk& walk = batch.walks[3 + i];
    const std::span<const int64_t> apart(walk.batch.begin(), walk.batch.end());
    params.then.operands[i] = chain_operand(program.operands[i + 1], walk.row, apart, params.product.cols);
  }
  const auto append_own = [&](LaunchPlan& to, bool may_split) {
    append_followed(to, "matmul_", params, kernel_kind(a.dtype, b.dtype), may_split, call.units, bytes_behind(program));
  };
  if (call.products) {
    LaunchPlan own;
    append_own(own, false);
    std::optional<LaunchPlan> made =
        plan_followed_by_library(describe(a, b, c), params, own.launches.front(), c, program, call);
    if (made) return *made;
  }
  append_own(plan, true);
  return plan;
}

namespace {

const bool planned = on_cuda("matmul", CudaEpilogue{takes_product, [](const CudaFollowed& call) {
                                                      return plan_followed_product(call.in[0], call.in[1], call.result,
                                                                                   call.program, as_call(call));
                                                    }});

}  // namespace
}  // namespace pt::cuda
