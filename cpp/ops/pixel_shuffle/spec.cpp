#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("pixel_shuffle")
        .in("input")
        .attr_count("upscale_factor", 1)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& x = in[0].shape();
          const int64_t r = attrs.integer("upscale_factor");
          if (x.size() != 4 || x[3] % (r * r) != 0) {
            throw ShapeError(
                text("[pixel_shuffle] input is ", in[0].type(), ", upscale_factor = ", r,
                     "; expected [n, h, w, channels] with channels that the square of upscale_factor divides; "
                     "change the channels"));
          }
          const int64_t channels = x[3] / (r * r);
          const Tensor parts = fn::reshape(in[0], {x[0], x[1], x[2], channels, r, r});
          return {fn::reshape(fn::transpose(parts, {0, 1, 4, 2, 5, 3}), {x[0], x[1] * r, x[2] * r, channels})};
        })
        .doc(R"(channels of a pixel as a square of pixels; channel (c r + i) r + j becomes channel c at row i, column j.
Shapes    input [n, h, w, c r r] -> [n, h r, w r, c], r being upscale_factor
Dtypes    all
Errors    input without four axes; channels that r r does not divide
Grad      input
Source    Shi et al. 2016)",
             R"(>>> pt.nn.functional.pixel_shuffle(pt.ones((1, 2, 2, 12)), 2).shape
(1, 4, 4, 3))");

const Op* inverse =
    define("pixel_unshuffle")
        .in("input")
        .attr_count("downscale_factor", 1)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& x = in[0].shape();
          const int64_t r = attrs.integer("downscale_factor");
          if (x.size() != 4 || x[1] % r != 0 || x[2] % r != 0) {
            throw ShapeError(
                text("[pixel_unshuffle] input is ", in[0].type(), ", downscale_factor = ", r,
                     "; expected [n, h, w, channels] with rows and columns that downscale_factor divides; pad input"));
          }
          const Tensor parts = fn::reshape(in[0], {x[0], x[1] / r, r, x[2] / r, r, x[3]});
          return {fn::reshape(fn::transpose(parts, {0, 1, 3, 5, 2, 4}), {x[0], x[1] / r, x[2] / r, x[3] * r * r})};
        })
        .doc(R"(each square of pixels as channels of one: the reverse of pixel_shuffle.
Shapes    input [n, h r, w r, c] -> [n, h, w, c r r], r being downscale_factor
Dtypes    all
Errors    input without four axes; rows or columns that r does not divide
Grad      input
Source    PyTorch, nn.functional.pixel_unshuffle)",
             R"(>>> pt.nn.functional.pixel_unshuffle(pt.ones((1, 4, 4, 3)), 2).shape
(1, 2, 2, 12))");

}  // namespace
}  // namespace pt
