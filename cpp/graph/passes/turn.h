// What `simplify` asks before it repeats a call whose order with another one may be exchanged.
#pragma once
#include <vector>

#include "graph/graph.h"

namespace pt {

struct TurnedProduct {
  const GraphNode* product = nullptr;
  const GraphNode* cast = nullptr;  // of its result, if there is one in between
};

struct PooledGradient {
  const GraphNode* backward = nullptr;  // of the pooling
  int pooled = -1;                      // its result
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
  // The gradient of a maximum pooling whose only reader is this gradient of a ReLU before it. What a window's winner
  // holds is the window's maximum, so that the ReLU may let through or stop the gradient before it is spread.
  PooledGradient pooled_gradient(const GraphNode& node) const;

 private:
  const GraphNode* maker_of(int value) const;
  const GraphNode* own(int value, const GraphNode& reader, const char* op) const;

  const Graph& graph_;
  std::vector<int> reads_, by_products_;
};

Tensor swap_last_axes(const Tensor& x);

}  // namespace pt
