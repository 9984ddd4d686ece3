#include "ops/kept_layout.h"

#include <algorithm>
#include <numeric>

#include "ops/functional.h"
#include "ops/tape.h"

namespace pt {
namespace {

constexpr int64_t kFewElements = 4096;  // of which any order is as good

// Axes by falling stride; those of one element, whose stride says nothing, before all others.
Ints by_stride(const Tensor& x) {
  Ints order(static_cast<std::size_t>(x.ndim()));
  std::iota(order.begin(), order.end(), 0);
  const auto longer =
      std::stable_partition(order.begin(), order.end(), [&](int64_t a) { return x.shape()[int(a)] == 1; });
  std::stable_sort(longer, order.end(),
                   [&](int64_t a, int64_t b) { return x.strides()[int(a)] > x.strides()[int(b)]; });
  return order;
}

template <class Axes>
Axes permuted(const Axes& axes, const Ints& order) {
  Axes result;
  for (int64_t axis : order) result.push_back(axes[int(axis)]);
  return result;
}

bool is_row_major_in(const Tensor& x, const Ints& order) {
  return is_row_major(permuted(x.shape(), order), permuted(x.strides(), order));
}

}  // namespace

Ints storage_order(const Tensors& inputs) {
  const Tensor* first = nullptr;
  for (const Tensor& x : inputs) {
    if (!x.defined() || x.ndim() == 0) continue;
    if (x.row_major() || x.size() < kFewElements || (first && x.shape() != first->shape())) return {};
    if (!first) first = &x;
  }
  if (!first) return {};
  // A number's gradient is a sum over all elements, whose order is that of the axes.
  const auto is_number = [](const Tensor& x) { return x.defined() && x.ndim() == 0; };
  if (std::any_of(inputs.begin(), inputs.end(), is_number) && depends_on_tape(inputs)) return {};
  Ints order = by_stride(*first);
  const auto fits = [&](const Tensor& x) { return !x.defined() || x.ndim() == 0 || is_row_major_in(x, order); };
  if (!std::all_of(inputs.begin(), inputs.end(), fits)) return {};
  return order;
}

Tensors apply_in_order(const Op& op, const Tensors& inputs, const Attrs& attrs, const Ints& order) {
  Tensors turned;
  for (const Tensor& x : inputs) turned.push_back(x.defined() && x.ndim() > 0 ? fn::transpose(x, order) : x);
  Ints back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) back[std::size_t(order[i])] = int64_t(i);
  Tensors results = apply(op, std::move(turned), attrs);
  for (Tensor& y : results) y = fn::transpose(y, back);
  return results;
}

}  // namespace pt
