#include "ops/resampling.h"

#include <algorithm>

#include "core/convert.h"

namespace pt {

Tensor resampled(const Tensor& x, int axis, const std::vector<Tap>& taps) {
  Tensor sum;
  for (const Tap& tap : taps) {
    const auto n = static_cast<int64_t>(tap.place.size());
    Tensor index = Tensor::empty({DType::I64, {n}});
    std::copy(tap.place.begin(), tap.place.end(), reinterpret_cast<int64_t*>(index.host()));
    Tensor term = fn::call("take", {x, index}, {{"axis", int64_t{axis}}});
    if (taps.size() > 1) {
      Shape column;
      for (int i = 0; i < x.ndim(); ++i) column.push_back(i == axis ? n : 1);
      Tensor weight = Tensor::empty({x.dtype(), column});
      const auto size = static_cast<int64_t>(size_of(x.dtype()));
      for (int64_t i = 0; i < n; ++i) {
        store_number(weight.host() + i * size, x.dtype(), tap.weight[static_cast<std::size_t>(i)]);
      }
      term = term * weight;
    }
    sum = sum.defined() ? sum + term : term;
  }
  return sum;
}

}  // namespace pt
