#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

Tensors of_complex(const Tensors& in, const Attrs& given) {
  Attrs attrs = given;
  const int ndim = in[1].ndim() - in[0].ndim() + 1;
  attrs.set("axis", int64_t{normal_axis(given.integer("axis"), ndim, "scatter_add")});
  return {joined(fn::call("scatter_add", {in[0], parts_of(in[1])}, attrs))};
}

Tensors batch_updates(const BatchContext& c) {
  const int axis = normal_axis(c.attrs.integer("axis"), c.types[0].shape.size(), c.op.name);
  const int64_t n = c.attrs.integer("size");
  const Tensor updates = with_rows(c.in[1], c.batched[1], c.rows);
  if (!c.batched[0]) {
    return {fn::call("scatter_add", {c.in[0], updates}, {{"axis", int64_t{axis + 1}}, {"size", n}})};
  }
  if (axis > 0) return batch_unrolled(c);
  const Tensor index = index_in_rows(c.in[0], n, c.rows);
  const Tensor sums = fn::call("scatter_add", {index, updates}, {{"axis", int64_t{0}}, {"size", n * c.rows}});
  return {fn::reshape(sums, in_rows(c.rows, c.types[0].shape))};
}

const Op* registered =
    define("scatter_add")
        .in_index("index")
        .in("updates", Takes::Number)
        .attr("axis", 0)
        .attr_required("size", AttrKind::Int)
        .batch(batch_updates)
        .shape([](const InferContext& c) -> Types {
          const Shape &index = c.in[0].shape, &updates = c.in[1].shape;
          const int ndim = updates.size() - index.size() + 1;
          c.expect(ndim >= 1, text("index is ", c.in[0], ", updates is ", c.in[1],
                                   "; expected updates to have the axes of index; expand updates"));
          const int axis = normal_axis(c.attrs.integer("axis"), ndim, c.op.name);
          bool fits = is_wide_index(c.in[0].dtype);
          for (int i = 0; i < index.size(); ++i) fits = fits && updates[axis + i] == index[i];
          c.expect(fits,
                   text("index is ", c.in[0], ", updates is ", c.in[1], ", axis = ", axis,
                        "; expected int32 or int64, and the sizes of index in updates from the axis on; reshape one"));
          Shape shape;
          for (int i = 0; i < axis; ++i) shape.push_back(updates[i]);
          shape.push_back(c.attrs.integer("size"));
          for (int i = axis + index.size(); i < updates.size(); ++i) shape.push_back(updates[i]);
          return {{c.in[1].dtype, shape}};
        })
        .indexes([](std::span<const TensorType>, const Attrs& attrs) -> Indexed {
          return {0, attrs.integer("size")};
        })
        .saves({true, false})
        .vjp([](const VjpContext& c) -> Tensors {
          const int axis = normal_axis(c.attrs.integer("axis"), c.out_types[0].shape.size(), "scatter_add");
          return {Tensor(), fn::call("take", {c.grad[0], c.in[0]}, {{"axis", int64_t{axis}}})};
        })
        .complex(of_complex)
        .doc(R"(zeros with updates added at the given places along an axis: the gradient of take.
Shapes    index [i...], updates [a..., i..., b...] -> [a..., size, b...]
Dtypes    updates all numbers; index int32 or int64
Errors    an index outside -size..size-1, reported when the call or the compiled step ends
Grad      updates
Numerics  updates of one place add up in their order, f16 and bf16 in f32
Source    PyTorch, index_add)",
             R"(>>> pt.ops.functional.OPERATORS["scatter_add"](pt.tensor([1, 1]), pt.ones(2), size=3).numpy().tolist()
[0.0, 2.0, 0.0])");

}  // namespace
}  // namespace pt
