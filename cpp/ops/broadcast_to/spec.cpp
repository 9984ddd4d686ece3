#include "ops/batching.h"
#include "ops/elementwise.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("broadcast_to")
        .in("x")
        .attr_shape("shape")
        .batch([](const BatchContext& c) -> Tensors {
          Shape shape = c.in[0].shape();
          while (shape.size() <= c.types[0].shape.size()) shape.insert(1, 1);
          return {fn::broadcast_to(fn::reshape(c.in[0], shape), in_rows(c.rows, c.types[0].shape))};
        })
        .shape([](const InferContext& c) -> Types {
          const Shape to(c.attrs.ints("shape")), from = c.in[0].shape;
          const int extra = to.size() - from.size();
          bool fits = extra >= 0;
          for (int i = 0; fits && i < from.size(); ++i) fits = from[i] == to[i + extra] || from[i] == 1;
          c.expect(fits,
                   text("x is ", c.in[0], ", shape = ", to_string(Attr(c.attrs.ints("shape"))),
                        "; expected each size of x to be that of the shape, counted from the end, or 1; reshape x"));
          return {{c.in[0].dtype, to}};
        })
        .view([](const Operand& in, const Attrs& attrs) -> std::optional<View> {
          const Shape to(attrs.ints("shape"));
          return View{to, broadcast_strides(in.shape, in.strides, to), 0};
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors { return {unbroadcast(c.grad[0], c.in_types[0].shape)}; })
        .doc(R"(x repeated along axes of size 1, and along new axes in front. A view.
Shapes    x [...] -> shape
Dtypes    all
Errors    a shape to which x does not broadcast
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.broadcast_to(pt.ones(3), (2, 3)).shape
(2, 3))");

}  // namespace
}  // namespace pt
