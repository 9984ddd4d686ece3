#include "ops/grids.h"

#include "ops/functional.h"

namespace pt {

Tensor powers_of(double base, const Tensor& exponents) {
  return fn::call("pow", {Tensor::scalar(base, DType::F64), exponents});
}

}  // namespace pt
