#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("pixel_shuffle")
        .in("x")
        .attr_count("factor", 1)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& x = in[0].shape();
          const int64_t r = attrs.integer("factor");
          if (x.size() != 4 || x[3] % (r * r) != 0) {
            throw ShapeError(text("[pixel_shuffle] x is ", in[0].type(), ", factor = ", r,
                                  "; expected [n, h, w, channels] with channels that the square of factor divides; "
                                  "change the channels"));
          }
          const int64_t channels = x[3] / (r * r);
          const Tensor parts = fn::reshape(in[0], {x[0], x[1], x[2], channels, r, r});
          return {fn::reshape(fn::transpose(parts, {0, 1, 4, 2, 5, 3}), {x[0], x[1] * r, x[2] * r, channels})};
        })
        .doc(R"(channels of a pixel as a square of pixels; channel (c r + i) r + j becomes channel c at row i, column j.
Shapes    x [n, h, w, c r r] -> [n, h r, w r, c], r being factor
Dtypes    all
Errors    x without four axes; channels that r r does not divide
Grad      x
Source    Shi et al. 2016)",
             R"(>>> pt.pixel_shuffle(pt.ones((1, 2, 2, 12)), 2).shape
(1, 4, 4, 3))");

const Op* inverse =
    define("pixel_unshuffle")
        .in("x")
        .attr_count("factor", 1)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& x = in[0].shape();
          const int64_t r = attrs.integer("factor");
          if (x.size() != 4 || x[1] % r != 0 || x[2] % r != 0) {
            throw ShapeError(text("[pixel_unshuffle] x is ", in[0].type(), ", factor = ", r,
                                  "; expected [n, h, w, channels] with rows and columns that factor divides; pad x"));
          }
          const Tensor parts = fn::reshape(in[0], {x[0], x[1] / r, r, x[2] / r, r, x[3]});
          return {fn::reshape(fn::transpose(parts, {0, 1, 3, 5, 2, 4}), {x[0], x[1] / r, x[2] / r, x[3] * r * r})};
        })
        .doc(R"(each square of pixels as channels of one: the reverse of pixel_shuffle.
Shapes    x [n, h r, w r, c] -> [n, h, w, c r r], r being factor
Dtypes    all
Errors    x without four axes; rows or columns that r does not divide
Grad      x
Source    PyTorch, nn.functional.pixel_unshuffle)",
             R"(>>> pt.pixel_unshuffle(pt.ones((1, 4, 4, 3)), 2).shape
(1, 2, 2, 12))");

}  // namespace
}  // namespace pt
