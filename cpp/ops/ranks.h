// Elements by their place in order along an axis, or of all: what quantiles are made of.
#pragma once
#include "ops/functional.h"

namespace pt {

struct Ranked {
  Tensor below, above;  // the elements in order on both sides of the place
  double between = 0;   // 0: the place is that of `below`
  Tensor last;          // the largest element, NaN where there is one
  TensorType type;      // of the result

  // y where no element is NaN.
  Tensor result(const Tensor& y) const;
};

// At a share q of the way from the smallest element to the largest; `axis` and `keepdims` are attributes of `op`.
Ranked ranked(const std::string& op, const Tensor& x, const Attrs& attrs, double q);

}  // namespace pt
