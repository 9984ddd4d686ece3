#include "ops/pieces.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  Shape shape = c.in[0].shape;
  const int axis = normal_axis(c.attrs.integer("axis"), shape.size(), c.op.name);
  const int64_t parts = c.attrs.integer("parts");
  c.expect(shape[axis] % parts == 0, text("x is ", c.in[0], ", parts = ", parts, ", axis = ", axis,
                                          "; expected a number that divides the axis; use slices for uneven parts"));
  check_pieces("split", parts);
  shape[axis] /= parts;
  return Types(static_cast<std::size_t>(parts), {c.in[0].dtype, shape});
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Shape& shape = in[0].shape();
  const int axis = normal_axis(attrs.integer("axis"), shape.size(), "split");
  const int64_t parts = attrs.integer("parts"), size = shape[axis] / parts;
  Tensors pieces;
  for (int64_t part = 0; part < parts; ++part) pieces.push_back(piece(in[0], axis, part * size, (part + 1) * size));
  return pieces;
}

// One copy of each part, where the gradients of slices would be added up, each in an array of the size of x.
Tensors gradient(const VjpContext& c) {
  Tensors parts(c.grad.begin(), c.grad.end());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].defined()) parts[i] = fn::zeros(c.out_types[i]);
  }
  return {fn::call("concat", parts, {{"axis", c.attrs.integer("axis")}})};
}

const Op* registered = define("split")
                           .in("x")
                           .attr_count("parts", 1)
                           .attr("axis", 0)
                           .outputs(kVarying)
                           .shape(infer)
                           .compose(definition)
                           .saves({false})
                           .vjp(gradient)
                           .complex()
                           .doc(R"(x cut into equal parts along an axis. Views.
Shapes    x [..., parts n, ...] -> parts times [..., n, ...]
Dtypes    all
Errors    a number of parts that does not divide the axis
Grad      x
Source    NumPy, split with a number of parts)",
                                R"(>>> [part.shape for part in pt.split(pt.ones((2, 6)), 3, axis=1)]
[(2, 2), (2, 2), (2, 2)])");

}  // namespace
}  // namespace pt
