// What every kernel of a fused program on CUDA computes in which order.
#include <algorithm>
#include <bit>

#include "core/error.h"
#include "core/integers.h"
#include "cuda/launch.h"
#include "ops/fused/cuda_lower.h"

namespace pt::cuda::fused {

void check_for_cuda(const Ir& ir) {
  for (const Node& node : ir.nodes) {
    if (node.live && node.external) {
      throw Error(
          "[fused] a plugin's formula is part of a program for CUDA; expected formulas of the engine; compute it "
          "on the CPU");
    }
  }
  if (ir.space.operands.size() >= std::size_t(kMostOperands)) {
    throw Error(text("[fused] a program for CUDA has ", ir.space.operands.size(), " operands; expected fewer than ",
                     kMostOperands, "; compute it in two steps"));
  }
}

std::vector<int> elements_of_pass(const Ir& ir, const Passes& passes, int pass) {
  std::vector<bool> needed(ir.nodes.size(), false);
  const auto need = [&](int node) { needed[node] = needed[node] || !is_row_value(passes, ir.nodes[node]); };
  const auto is_end = [&](int i) {
    const Node& node = ir.nodes[i];
    if (node.kind == StepKind::Store) return node.level == Level::Vector && pass == passes.store;
    return reduces(node) && passes.depth[i] == pass + 1;
  };
  std::vector<int> order, stores;
  for (int i = int(ir.nodes.size()) - 1; i >= 0; --i) {
    if (!ir.nodes[i].live) continue;
    if (is_end(i)) needed[i] = true;
    if (!needed[i]) continue;
    for (int arg : ir.nodes[i].args) need(arg);
    (ir.nodes[i].kind == StepKind::Store ? stores : order).push_back(i);
  }
  std::reverse(order.begin(), order.end());
  order.insert(order.end(), stores.rbegin(), stores.rend());
  return order;
}

Passes passes_of(const Ir& ir) {
  Passes passes;
  passes.by_rows = ir.has_reduction;
  passes.depth.resize(ir.nodes.size(), 0);
  int deepest = 0, store = -1;
  for (std::size_t i = 0; i < ir.nodes.size(); ++i) {
    const Node& node = ir.nodes[i];
    if (!node.live) continue;
    int& depth = passes.depth[i];
    for (int arg : node.args) depth = std::max(depth, passes.depth[arg]);
    if (reduces(node)) deepest = std::max(deepest, ++depth);
    if (node.kind != StepKind::Store) continue;
    if (node.level == Level::Row) passes.by_rows = true;
    if (node.level == Level::Vector) store = std::max(store, depth);
  }
  if (store >= 0) {
    const auto overwritten = [&](const FusedOperandDesc& input) {
      return std::any_of(ir.nodes.begin(), ir.nodes.end(), [&](const Node& node) {
        return node.live && node.kind == StepKind::Store && node.level == Level::Vector &&
               may_share(ir.space.operands[node.operand], input);
      });
    };
    for (int pass = store + 1; pass < deepest; ++pass) {
      for (int i : elements_of_pass(ir, passes, pass)) {
        const Node& node = ir.nodes[i];
        if (node.kind == StepKind::Load && overwritten(ir.space.operands[node.operand])) store = pass;
      }
    }
  }
  passes.store = store;
  passes.count = std::max({deepest, store + 1, 1});
  return passes;
}

double moved_bytes(const Ir& ir) {
  double bytes = 0;
  for (const Node& node : ir.nodes) {
    if (!node.live || (node.kind != StepKind::Load && node.kind != StepKind::Store)) continue;
    const FusedOperandDesc& operand = ir.space.operands[std::size_t(node.operand)];
    double elements = operand.inner == 0 ? 1 : double(ir.space.cols);
    for (std::size_t axis = 0; axis < ir.space.outer.size(); ++axis) {
      if (operand.outer[axis] != 0) elements *= double(ir.space.outer[axis]);
    }
    bytes += elements * operand.bytes;
  }
  return bytes;
}

int64_t part_of_row(const Ir& ir, const Passes& passes, int units) {
  constexpr int64_t kLeast = 8 * kSumBlock;
  const int64_t rows = ir.space.rows, cols = ir.space.cols;
  if (!ir.has_reduction || passes.count > 1 || rows >= units || cols < 2 * kLeast) return cols;
  const int64_t wanted = ceil_div(cols, ceil_div(4 * int64_t(units), rows));
  const auto part = int64_t(std::bit_ceil(uint64_t(std::max(wanted, kLeast))));
  return part < cols ? part : cols;
}

}  // namespace pt::cuda::fused
