#include <algorithm>

#include "ops/functional.h"

namespace pt {
namespace {

Ints order_of(const Attrs& attrs, int ndim) {
  Ints axes;
  if (!attrs.has("axes")) {
    for (int i = ndim - 1; i >= 0; --i) axes.push_back(i);
    return axes;
  }
  for (int64_t axis : attrs.ints("axes")) axes.push_back(normal_axis(axis, ndim, "permute_dims"));
  return axes;
}

const Op* registered =
    define("permute_dims")
        .in("x")
        .attr_ints("axes", std::nullopt, true)
        .batch([](const BatchContext& c) -> Tensors {
          Ints axes{0};
          for (int64_t axis : order_of(c.attrs, c.in[0].ndim() - 1)) axes.push_back(axis + 1);
          return {fn::transpose(c.in[0], axes)};
        })
        .shape([](const InferContext& c) -> Types {
          const Ints axes = order_of(c.attrs, c.in[0].shape.size());
          Ints sorted = axes;
          std::sort(sorted.begin(), sorted.end());
          bool permutes = sorted.size() == static_cast<std::size_t>(c.in[0].shape.size());
          for (std::size_t i = 0; permutes && i < sorted.size(); ++i) permutes = sorted[i] == static_cast<int64_t>(i);
          c.expect(permutes, text("axes = ", to_string(Attr(axes)), ", x is ", c.in[0],
                                  "; expected every axis of x once; leave axes out to reverse them"));
          Shape shape;
          for (int64_t axis : axes) shape.push_back(c.in[0].shape[static_cast<int>(axis)]);
          return {{c.in[0].dtype, shape}};
        })
        .view([](const Operand& in, const Attrs& attrs) -> std::optional<View> {
          View view;
          for (int64_t axis : order_of(attrs, in.shape.size())) {
            view.shape.push_back(in.shape[static_cast<int>(axis)]);
            view.strides.push_back(in.strides[static_cast<int>(axis)]);
          }
          return view;
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors {
          const Ints axes = order_of(c.attrs, c.in_types[0].shape.size());
          Ints back(axes.size());
          for (std::size_t i = 0; i < axes.size(); ++i)
            back[static_cast<std::size_t>(axes[i])] = static_cast<int64_t>(i);
          return {fn::transpose(c.grad[0], back)};
        })
        .doc(R"(x with its axes in another order: axis i of the result is axis axes[i] of x. A view.
Shapes    x [...] -> [...]; axes reversed when left out
Dtypes    all
Errors    axes that are not each axis of x once
Grad      x
Source    the array API standard 2024.12 (permute_dims))",
             R"(>>> pt.permute_dims(pt.ones((2, 3, 4)), (2, 0, 1)).shape
(4, 2, 3))");

}  // namespace
}  // namespace pt
