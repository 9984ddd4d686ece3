#include "ops/drawing.h"

#include "ops/functional.h"

namespace pt {

Tensor integers_of_shares(const Tensor& shares, int64_t range) {
  const Tensor scale = Tensor::scalar(static_cast<double>(range), DType::F64);
  return fn::cast(fn::call("floor", {shares * scale}), DType::I64);
}

}  // namespace pt
