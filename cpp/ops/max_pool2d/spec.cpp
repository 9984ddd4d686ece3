#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/pooling.h"

namespace pt {
namespace {

const Op* registered = pooling("max_pool2d", "input", Pooled::Maximum)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             return {apply(find_op("max_pool2d_with_index"), in, attrs)[0]};
                           })
                           .doc(R"(the maximum of each window of an image; NaN where the window holds one.
Shapes    input [n, h, w, c] -> [n, oh, ow, c]; kernel_size, stride, padding and dilation are one number or (rows, columns), and
          stride is the window when left out; with ceil_mode the last windows may reach over the end
Dtypes    floats
Errors    input without four axes; a window larger than the padded image, or of more than 256 elements; padding above half
          the window; a window without a pixel
Grad      input; to the first of equal elements
Numerics  padding never wins
Source    PyTorch, nn.functional.max_pool2d)",
                                R"(>>> pt.nn.functional.max_pool2d(pt.ones((1, 4, 4, 3)), 2).shape
(1, 2, 2, 3))");

const Op* with_index =
    pooling("max_pool2d_with_index", "input", Pooled::Maximum)
        .outputs(2)
        .shape([](const InferContext& c) -> Types {
          const Shape shape = pooled_shape(c);
          const PoolParams p = pool_params(c.attrs, c.op.name);
          c.expect(p.window_h * p.window_w <= 256, text("kernel_size = ", to_string(Attr(c.attrs.ints("kernel_size"))),
                                                        "; expected at most 256 elements; pool in two steps"));
          return {{c.in[0].dtype, shape}, {DType::U8, shape}};
        })
        .saves({false}, {false, true})
        .vjp([](const VjpContext& c) -> Tensors {
          Attrs attrs = c.attrs;
          attrs.set("image", Ints{c.in_types[0].shape[1], c.in_types[0].shape[2]});
          return {fn::call("max_pool2d_backward", {c.grad[0], c.out[1]}, attrs)};
        })
        .doc(
            R"(max_pool2d, and which element of its window won: row of the window times its width plus column.
Shapes    input [n, h, w, c] -> [n, oh, ow, c], uint8 [n, oh, ow, c]
Dtypes    floats
Errors    as max_pool2d
Grad      input
Source    that of max_pool2d)",
            R"(>>> y, winner = pt.ops.functional.OPERATORS["max_pool2d_with_index"](pt.tensor([1.0, 4.0, 3.0, 2.0]).reshape((1, 2, 2, 1)), 2)
>>> y.item(), winner.item()
(4.0, 1))");

// What `u` holds at the places that won: the reverse of the backward pass, for second derivatives.
Tensor pick(const Tensor& u, const Tensor& index, const Attrs& attrs) {
  const PoolParams p = pool_params(attrs, "max_pool2d_backward");
  const Shape &image = u.shape(), &pooled = index.shape();
  const auto whole = [](int64_t value) { return Tensor::scalar(static_cast<double>(value), DType::I64); };
  const Tensor place = fn::cast(index, DType::I64);
  const Tensor in_row = fn::call("floor_divide", {place, whole(p.window_w)});
  const Tensor in_column = place - in_row * whole(p.window_w);
  const Tensor first_row = counting(pooled[1], DType::I64) * whole(p.stride_h) - whole(p.pad_top);
  const Tensor first_column = counting(pooled[2], DType::I64) * whole(p.stride_w) - whole(p.pad_left);
  const Tensor row = in_row * whole(p.dilation_h) + fn::reshape(first_row, {pooled[1], 1, 1});
  const Tensor column = in_column * whole(p.dilation_w) + fn::reshape(first_column, {pooled[2], 1});
  const Tensor flat = fn::reshape(row * whole(image[2]) + column, {pooled[0], pooled[1] * pooled[2], pooled[3]});
  const Tensor pixels = fn::reshape(u, {image[0], image[1] * image[2], image[3]});
  return fn::reshape(fn::call("take_along_axis", {pixels, flat}, {{"axis", int64_t{1}}}), pooled);
}

const Op* backward =
    pooling("max_pool2d_backward", "g", Pooled::Maximum)
        .in_index("index")
        .attr_counts("image", 0)
        .shape([](const InferContext& c) -> Types {
          const Shape& g = c.in[0].shape;
          const Ints& image = c.attrs.ints("image");
          const PoolParams p = pool_params(c.attrs, c.op.name);
          c.expect(g.size() == 4 && c.in[1] == TensorType{DType::U8, g} && image.size() == 2 &&
                       std::pair(g[1], g[2]) == pooled_sizes(image[0], image[1], p),
                   text("g is ", c.in[0], ", index is ", c.in[1], ", image = ", to_string(Attr(image)),
                        "; expected both to have the shape of max_pool2d's result; check the sizes"));
          return {{c.in[0].dtype, {g[0], image[0], image[1], g[3]}}};
        })
        .saves({false, true})
        .vjp([](const VjpContext& c) -> Tensors {
          return {pick(c.grad[0], c.in[1], c.attrs), Tensor()};
        })
        .doc(
            R"(the gradient g of max_pool2d's result as one of its image: each goes to the element that won.
Shapes    g [n, oh, ow, c], index uint8 [n, oh, ow, c] -> [n, image..., c]
Dtypes    floats
Errors    sizes that no pooling has
Grad      g
Source    that of max_pool2d)",
            R"(>>> winner = pt.ops.functional.OPERATORS["max_pool2d_with_index"](pt.tensor([1.0, 4.0, 3.0, 2.0]).reshape((1, 2, 2, 1)), 2)[1]
>>> pt.ops.functional.OPERATORS["max_pool2d_backward"](pt.ones((1, 1, 1, 1)), winner, 2, image=(2, 2)).numpy().ravel().tolist()
[0.0, 1.0, 0.0, 0.0])");

}  // namespace
}  // namespace pt
