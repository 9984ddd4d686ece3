// Adding into elements by index on a GPU, as ops/scatter_add/plan.h has it.
#pragma once
#include "core/launch.h"

namespace pt::cuda {

LaunchPlan plan_scatter_add(const Operand& index, const Operand& updates, const Operand& out, int axis,
                            bool accumulate);

// How elements that are put to one place along an axis are joined. `empty` is what is there before the first.
struct PutJoin {
  const char *lines, *sorted;  // kernels
  double empty;
  bool rounds_once;  // in a wider type, so that all of one place have to be joined before they are stored
};
LaunchPlan plan_put_along(const Operand& index, const Operand& updates, const Operand& out, int axis,
                          const PutJoin& join);

}  // namespace pt::cuda
