#include "ops/functional.h"
#include "ops/pooling.h"

namespace pt {
namespace {

const Op* registered = pooling("avg_pool2d", "input", Pooled::Average)
                           .shape([](const InferContext& c) -> Types {
                             return {{c.in[0].dtype, pooled_shape(c)}};
                           })
                           .saves({false})
                           .vjp([](const VjpContext& c) -> Tensors {
                             Attrs attrs = c.attrs;
                             attrs.set("image", Ints{c.in_types[0].shape[1], c.in_types[0].shape[2]});
                             return {fn::call("avg_pool2d_backward", {c.grad[0]}, attrs)};
                           })
                           .doc(R"(the mean of each window of an image.
Shapes    input [n, h, w, c] -> [n, oh, ow, c]; kernel_size, stride and padding are one number or (rows, columns), and stride is
          kernel_size when left out; with ceil_mode the last windows may reach over the end
Dtypes    floats; f16 and bf16 accumulate in f32
Errors    input without four axes; a window larger than the padded image; padding above half the window
Grad      input
Numerics  padding counts as zeros, or not at all with count_include_pad=False; what lies beyond it never counts
Source    PyTorch, nn.functional.avg_pool2d)",
                                R"(>>> pt.nn.functional.avg_pool2d(pt.ones((1, 4, 4, 3)), 2).shape
(1, 2, 2, 3))");

const Op* backward =
    pooling("avg_pool2d_backward", "g", Pooled::Average)
        .attr_counts("image", 0)
        .shape([](const InferContext& c) -> Types {
          const Shape& g = c.in[0].shape;
          const Ints& image = c.attrs.ints("image");
          const PoolParams p = pool_params(c.attrs, c.op.name);
          c.expect(g.size() == 4 && image.size() == 2 && std::pair(g[1], g[2]) == pooled_sizes(image[0], image[1], p),
                   text("g is ", c.in[0], ", image = ", to_string(Attr(image)),
                        "; expected g to have the shape of avg_pool2d's result; check the sizes"));
          return {{c.in[0].dtype, {g[0], image[0], image[1], g[3]}}};
        })
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors { return {fn::call("avg_pool2d", {c.grad[0]}, pool_attrs(c.attrs))}; })
        .doc(
            R"(the gradient g of avg_pool2d's result as one of its image.
Shapes    g [n, oh, ow, c] -> [n, image..., c]
Dtypes    floats
Errors    sizes that no pooling has
Grad      g
Source    that of avg_pool2d)",
            R"(>>> pt.ops.functional.OPERATORS["avg_pool2d_backward"](pt.ones((1, 1, 1, 1)), 2, image=(2, 2)).numpy().ravel().tolist()
[0.25, 0.25, 0.25, 0.25])");

}  // namespace
}  // namespace pt
