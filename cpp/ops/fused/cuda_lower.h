// The steps of planning a fused program for CUDA; internal to plan_cuda*.cpp.
#pragma once
#include <vector>

#include "ops/fused/cuda_program.h"
#include "ops/fused/lower.h"

namespace pt::cuda::fused {

using namespace pt::fused;
using pt::fused::Node;

// How a program goes over its rows. In pass p the reductions are made that need those of p passes before. Values are
// computed again in every pass that needs them, so nothing outlives a pass but a row's values. All values of elements
// are stored in one pass: after the last one that reads what they may overwrite.
struct Passes {
  bool by_rows = false;    // false: no row has a value of its own, elements are all alike
  std::vector<int> depth;  // of a node: reductions, one after the other, that it needs
  int count = 1;
  int store = -1;  // the pass that stores values of elements
};
Passes passes_of(const Ir& ir);

// Whether a node has one value for a row or for all rows, as the program is run.
inline bool is_row_value(const Passes& passes, const Node& node) {
  return passes.by_rows ? node.level != Level::Vector : node.level == Level::Constant;
}
// The nodes that a pass computes for each element: arguments first, stores last.
std::vector<int> elements_of_pass(const Ir& ir, const Passes& passes, int pass);
inline bool reduces(const Node& node) { return reduces_row(node.kind); }

// Throws an Error for what no kernel on CUDA could run.
void check_for_cuda(const Ir& ir);

// The launches of a program without a compiler: plan_cuda_interpreter.cpp.
LaunchPlan interpret(const Ir& ir, int units);

// What a launch moves: of each load and store the elements that there are, once.
double moved_bytes(const Ir& ir);

// A row that is split: each part has so many columns, a power of two of blocks. All of them: it is not.
int64_t part_of_row(const Ir& ir, const Passes& passes, int units);

}  // namespace pt::cuda::fused
