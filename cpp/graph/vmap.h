// One function for each row of its inputs, as one computation for all rows.
#pragma once
#include "graph/region.h"

namespace pt {

// The function sees one row of each input that is `batched` (its first axis is the rows) and the others as they are.
// Every result gets a first axis of rows.
Tensors vectorized(const Function& function, const Tensors& inputs, const std::vector<char>& batched, int64_t rows);

// What a graph gives for all rows, each result with the rows in front, from its inputs.
Tensors batched_results(const Graph& graph, const Tensors& inputs, const std::vector<char>& batched, int64_t rows);

}  // namespace pt
