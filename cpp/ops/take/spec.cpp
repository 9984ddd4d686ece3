#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/complex.h"
#include "ops/functional.h"
#include "ops/pieces.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs& attrs) {
  const int axis = normal_axis(attrs.integer("axis"), in[0].ndim(), "take");
  return {joined(fn::call("take", {parts_of(in[0]), in[1]}, {{"axis", int64_t{axis}}}))};
}

Shape result_shape(const Shape& x, const Shape& index, int axis) {
  Shape shape;
  for (int i = 0; i < axis; ++i) shape.push_back(x[i]);
  for (int64_t size : index) shape.push_back(size);
  for (int i = axis + 1; i < x.size(); ++i) shape.push_back(x[i]);
  return shape;
}

Tensors batch_places(const BatchContext& c) {
  const int axis = normal_axis(c.attrs.integer("axis"), c.in[0].ndim() - c.batched[0], c.op.name);
  if (!c.batched[1]) return {fn::call("take", {c.in[0], c.in[1]}, {{"axis", int64_t{axis + 1}}})};
  if (c.batched[0] && axis > 0) return batch_unrolled(c);
  if (c.batched[0]) {
    Shape all = c.in[0].shape();
    const int64_t n = all[1];
    all.erase(0);
    all[0] = n * c.rows;
    return {fn::call("take", {fn::reshape(c.in[0], all), index_in_rows(c.in[1], n, c.rows)}, {{"axis", int64_t{0}}})};
  }
  const Tensor taken = fn::call("take", {c.in[0], c.in[1]}, {{"axis", int64_t{axis}}});
  return {fn::transpose(taken, moved_axis(taken.ndim(), axis, 0))};
}

const Op* registered =
    define("take")
        .in("x")
        .in_index("indices")
        .attr("axis", 0)
        .batch(batch_places)
        .shape([](const InferContext& c) -> Types {
          const Shape &x = c.in[0].shape, &index = c.in[1].shape;
          const int axis = normal_axis(c.attrs.integer("axis"), x.size(), c.op.name);
          c.expect(x.size() + index.size() - 1 <= kMaxDims,
                   text("x is ", c.in[0], ", indices is ", c.in[1], "; expected at most ", kMaxDims,
                        " axes in the result; reshape indices"));
          c.expect(is_wide_index(c.in[1].dtype),
                   text("indices is ", c.in[1], "; expected int32 or int64; convert it with astype"));
          return {{c.in[0].dtype, result_shape(x, index, axis)}};
        })
        .indexes([](std::span<const TensorType> in, const Attrs& attrs) -> Indexed {
          return {1, in[0].shape[normal_axis(attrs.integer("axis"), in[0].shape.size(), "take")]};
        })
        .saves({false, true})
        .vjp([](const VjpContext& c) -> Tensors {
          const Shape& x = c.in_types[0].shape;
          const int axis = normal_axis(c.attrs.integer("axis"), x.size(), "take");
          return {fn::call("scatter_add", {c.in[1], c.grad[0]}, {{"axis", int64_t{axis}}, {"size", x[axis]}}),
                  Tensor()};
        })
        .complex(of_complex)
        .doc(R"(the elements of x at the given places along an axis. x[indices] calls it for the first axis.
Shapes    x [a..., n, b...], indices [i...] -> [a..., i..., b...]
Dtypes    x all; indices int32 or int64
Errors    an index outside -n..n-1, reported when the call or the compiled step ends
Grad      x
Numerics  an index below 0 counts from the end
Source    the array API standard 2024.12)",
             R"(>>> pt.take(pt.arange(5), pt.tensor([4, 0])).numpy().tolist()
[4, 0])");

}  // namespace
}  // namespace pt
