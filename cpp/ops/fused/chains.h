// Arithmetic whose only user is arithmetic or a sum is computed by its user's instruction: the same roundings, without
// a way through memory. So is a comparison that one choice among values of its class waits for.
#pragma once
#include <vector>

#include "ops/fused/lower.h"

namespace pt::fused {

// An addition, subtraction or multiplication of floats: 0, 1 or 2; -1 for anything else.
int chain_op(const Node& v);
// A comparison of floats: its place in FusedCompare; -1 for anything else.
int compare_op(const Node& v);
bool is_where(const Node& v);

// For each node the one whose instruction computes it too, or -1. With `sums`, that may be a sum of F32 along the row;
// with `columns`, one down the columns.
std::vector<int> find_chains(const Ir& ir, bool sums, bool columns);

struct Chain {
  FusedChain form;
  int op;  // as FusedInstr has it
  std::vector<int> args;
};
// Of a node, and those chained to it; and of one that is chained to a sum.
Chain chain_of(const Ir& ir, const std::vector<int>& chained_to, int i);
Chain summed_chain_of(const Ir& ir, const std::vector<int>& chained_to, int i);

}  // namespace pt::fused
