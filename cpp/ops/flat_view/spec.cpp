#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered =
    define("flat_view")
        .in("flat")
        .attr("offset", 0)
        .attr_shape("shape")
        .shape([](const InferContext& c) -> Types {
          const Shape shape(c.attrs.ints("shape"));
          const int64_t offset = c.attrs.integer("offset");
          c.expect(c.in[0].shape.size() == 1 && offset >= 0 && offset + count(shape) <= c.in[0].shape[0],
                   text("flat is ", c.in[0], ", offset = ", offset, ", shape = ", shape,
                        "; expected a piece inside one axis; pass an offset and shape that fit"));
          return {{c.in[0].dtype, shape}};
        })
        .view([](const Operand& in, const Attrs& attrs) -> std::optional<View> {
          const Shape shape(attrs.ints("shape"));
          View view{shape, row_major(shape), attrs.integer("offset") * in.strides[0]};
          for (int i = 0; i < shape.size(); ++i) view.strides[i] *= in.strides[0];
          return view;
        })
        .portable([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape shape(attrs.ints("shape"));
          const int64_t offset = attrs.integer("offset");
          return {fn::reshape(part_of(in[0], 0, offset, offset + count(shape)), shape)};
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors {
          return {fn::call("update_flat_view", {fn::zeros(c.in_types[0]), c.grad[0]},
                           {{"offset", c.attrs.integer("offset")}})};
        })
        .doc(R"(a piece of a tensor of one axis, as a shape of its own. A view: how a parameter lies in the flat buffer.
Shapes    flat [n] -> shape
Dtypes    all
Errors    a piece that is not inside flat
Grad      flat)",
             R"(>>> pt.ops.functional.OPERATORS["flat_view"](pt.arange(6), 2, (2, 2)).numpy().tolist()
[[2, 3], [4, 5]])");

}  // namespace
}  // namespace pt
