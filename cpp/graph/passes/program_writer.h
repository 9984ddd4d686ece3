// Turns the members of a group, one after the other, into a program of the fused machine.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "graph/graph.h"

namespace pt {

// How the machine does this call, if it is a reduction along the last axis that keeps it.
std::optional<StepKind> row_reduction(const Graph& graph, const GraphNode& node);
// Of a sum of floats that keeps its axes, the last one whole, and sums along all that follow the leading ones that it
// keeps too: how many rows each of its sums has, which are neighbours. 0 for anything else, and for a single column.
int64_t rows_of_column_sum(const Graph& graph, const GraphNode& node);
// Values of these dtypes live in registers as they live in memory; the narrow ones are rounded by a store, or
// where another member reads them.
bool register_exact(DType dtype);

class ProgramWriter {
 public:
  ProgramWriter(const Graph& graph, const Shape& space);
  void member(const GraphNode& node);
  // The node that replaces the group; `stored` are the values that others read.
  GraphNode finish(const std::vector<int>& stored);

 private:
  int value_step(int value);
  int operand(int value);
  int rounded(int step, DType dtype);
  int push(const FusedStep& step);
  bool constant(int value, double& number) const;

  const Graph& graph_;
  FusedProgram program_;
  std::map<int, int> steps_;  // value -> step
  std::set<int> exact_;       // narrow values whose step has what memory would hold
  std::vector<int> inputs_;
};

}  // namespace pt
