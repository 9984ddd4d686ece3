#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

Tensor rolled(const Tensor& x, int axis, int64_t shift) {
  const int64_t n = x.shape()[axis];
  const int64_t cut = n == 0 ? 0 : ((-shift) % n + n) % n;
  if (cut == 0) return x;
  return fn::call("concat", {piece(x, axis, cut, n), piece(x, axis, 0, cut)}, {{"axis", int64_t{axis}}});
}

const Op* registered =
    define("roll")
        .in("x")
        .attr_ints("shift")
        .attr_ints("axis", std::nullopt, true)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& shape = in[0].shape();
          const Ints& shift = attrs.ints("shift");
          if (!attrs.has("axis")) {
            if (shift.size() != 1) {
              throw ShapeError(text("[roll] shift = ", to_string(Attr(shift)),
                                    ", axis = None; expected one number for all elements; pass an axis for each"));
            }
            return {fn::reshape(rolled(fn::reshape(in[0], {in[0].size()}), 0, shift[0]), shape)};
          }
          const Ints& axes = attrs.ints("axis");
          if (shift.size() != axes.size() && shift.size() != 1) {
            throw ShapeError(text("[roll] shift = ", to_string(Attr(shift)), ", axis = ", to_string(Attr(axes)),
                                  "; expected one number, or one per axis; pass as many of both"));
          }
          Tensor y = in[0];
          for (std::size_t i = 0; i < axes.size(); ++i) {
            y = rolled(y, normal_axis(axes[i], shape.size(), "roll"), shift[shift.size() == 1 ? 0 : i]);
          }
          return {y};
        })
        .complex()
        .doc(R"(x with its elements moved along axes; what leaves at one end comes in at the other.
Shapes    x [...] -> [...]; axis None moves through all elements in row-major order
Dtypes    all
Errors    an axis that x does not have; neither one number nor one per axis
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.roll(pt.arange(4), 1).numpy().tolist()
[3, 0, 1, 2])");

}  // namespace
}  // namespace pt
