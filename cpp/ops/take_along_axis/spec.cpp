#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/complex.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

// The index is one for both parts.
Tensors of_complex(const Tensors& in, const Attrs& attrs) {
  const int axis = normal_axis(attrs.integer("axis"), in[0].ndim(), "take_along_axis");
  Shape shape = in[1].shape();
  shape.push_back(1);
  const Tensors parts{parts_of(in[0]), fn::reshape(in[1], shape)};
  return {joined(fn::call("take_along_axis", parts, {{"axis", int64_t{axis}}}))};
}

// x and index broadcast against each other, except along the axis.
Shape result_shape(const Shape& x, const Shape& index, int axis, const std::string& where) {
  Shape a = x, b = index;
  const int64_t n = index[axis];
  a[axis] = b[axis] = 1;
  Shape shape = broadcast(a, b, where);
  shape[axis] = n;
  return shape;
}

const Op* registered =
    define("take_along_axis")
        .in("x")
        .in_index("indices")
        .attr("axis", -1)
        .batch(batch_along_axis_broadcast)
        .shape([](const InferContext& c) -> Types {
          const Shape &x = c.in[0].shape, &index = c.in[1].shape;
          c.expect(x.size() == index.size() && is_wide_index(c.in[1].dtype),
                   text("x is ", c.in[0], ", indices is ", c.in[1],
                        "; expected int32 or int64 indices with as many axes as x; reshape indices"));
          return {{c.in[0].dtype,
                   result_shape(x, index, normal_axis(c.attrs.integer("axis"), x.size(), c.op.name), c.op.name)}};
        })
        .indexes([](std::span<const TensorType> in, const Attrs& attrs) -> Indexed {
          return {1, in[0].shape[normal_axis(attrs.integer("axis"), in[0].shape.size(), "take_along_axis")]};
        })
        .saves({false, true})
        .vjp([](const VjpContext& c) -> Tensors {
          const Shape& x = c.in_types[0].shape;
          const int axis = normal_axis(c.attrs.integer("axis"), x.size(), "take_along_axis");
          const Tensor index = fn::broadcast_to(c.in[1], c.grad[0].shape());
          const Tensor all =
              fn::call("put_along_axis", {index, c.grad[0]}, {{"axis", int64_t{axis}}, {"size", x[axis]}});
          return {unbroadcast(all, x), Tensor()};
        })
        .complex(of_complex)
        .doc(
            R"(for each place of indices, the element of x at that place along the axis and at the same place along the others.
Shapes    x [..., n, ...], indices [..., k, ...] -> [..., k, ...], broadcast along the other axes
Dtypes    x all; indices int32 or int64
Errors    another number of axes; an index outside -n..n-1, reported when the call or the compiled step ends
Grad      x
Numerics  an index below 0 counts from the end
Source    the array API standard 2024.12)",
            R"(>>> pt.take_along_axis(pt.ones((2, 3)), pt.zeros((2, 1), "int64"), 1).shape
(2, 1))");

}  // namespace
}  // namespace pt
