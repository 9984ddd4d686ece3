// What `simplify` asks before it repeats a transpose, or a cast of one.
#pragma once
#include <vector>

#include "graph/graph.h"

namespace pt {

struct TurnedProduct {
  const GraphNode* product = nullptr;
  const GraphNode* cast = nullptr;  // of its result, if there is one in between
};

class Turns {
 public:
  explicit Turns(const Graph& graph);
  // The product whose only reader is this transpose: as B^T A^T it is stored as its readers want it, like the gradient
  // of a weight that is used transposed. Each element is the same sum.
  TurnedProduct product(const GraphNode& node) const;
  // The transpose whose result this node casts for products (or their transposes) alone: the cast goes through memory
  // in its order if it comes first.
  const GraphNode* transpose_before(const GraphNode& node) const;

 private:
  const GraphNode* maker_of(int value) const;
  const GraphNode* own(int value, const GraphNode& reader, const char* op) const;

  const Graph& graph_;
  std::vector<int> reads_, by_products_;
};

Tensor swap_last_axes(const Tensor& x);

}  // namespace pt
