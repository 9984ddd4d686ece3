#include "ops/batching.h"
#include "ops/pieces.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  Shape shape = c.in[0].shape;
  c.expect(!shape.empty(), text("tensor 0 is ", c.in[0], "; expected at least one axis; use stack for scalars"));
  const int axis = normal_axis(c.attrs.integer("axis"), shape.size(), c.op.name);
  for (std::size_t i = 1; i < c.in.size(); ++i) {
    Shape other = c.in[i].shape;
    bool fits = other.size() == shape.size();
    for (int d = 0; fits && d < shape.size(); ++d) fits = d == axis || other[d] == shape[d];
    c.expect(fits, text("tensor 0 is ", c.in[0], ", tensor ", i, " is ", c.in[i],
                        "; expected equal sizes but along axis ", axis, "; slice or reshape one"));
    shape[axis] += other[axis];
  }
  return {{c.in[0].dtype, shape}};
}

// Each piece is a view of the whole, from where the one before it ends.
std::vector<View> pieces(std::span<const TensorType> in, const TensorType& out, const Attrs& attrs) {
  const int axis = normal_axis(attrs.integer("axis"), out.shape.size(), "concat");
  const Strides strides = row_major(out.shape);
  std::vector<View> views;
  int64_t begin = 0;
  for (const TensorType& piece : in) {
    views.push_back({piece.shape, strides, begin * strides[axis]});
    begin += piece.shape[axis];
  }
  return views;
}

Tensors gradient(const VjpContext& c) {
  const Shape& whole = c.out_types[0].shape;
  const int axis = normal_axis(c.attrs.integer("axis"), whole.size(), "concat");
  Tensors pieces(c.in_types.size());
  int64_t begin = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const int64_t end = begin + c.in_types[i].shape[axis];
    if (c.needs[i]) pieces[i] = piece(c.grad[0], axis, begin, end);
    begin = end;
  }
  return pieces;
}

const Op* registered = define("concat")
                           .in_list("tensors")
                           .attr("axis", 0)
                           .batch(batch_along_axis)
                           .shape(infer)
                           .joins_pieces(pieces)
                           .saves({false})
                           .vjp(gradient)
                           .complex()
                           .doc(
                               R"(tensors joined along an axis that they have.
Shapes    tensors [..., n_i, ...] each -> [..., sum of n_i, ...]
Dtypes    all; promoted to one
Errors    sizes that differ along another axis
Grad      tensors
Source    the array API standard 2024.12)",
                               R"(>>> pt.concat([pt.zeros(2), pt.ones(1)]).numpy().tolist()
[0.0, 0.0, 1.0])");

}  // namespace
}  // namespace pt
