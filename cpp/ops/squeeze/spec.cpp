#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("squeeze")
                           .in("x")
                           .attr_ints("axis", std::nullopt, true)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             const Shape& full = in[0].shape();
                             Ints axes = reduced_axes(attrs, full.size(), "squeeze");
                             for (int64_t axis : axes) {
                               if (full[static_cast<int>(axis)] == 1 || !attrs.has("axis")) continue;
                               throw ShapeError(text("[squeeze] x is ", in[0].type(), ", axis = ", axis, " has size ",
                                                     full[static_cast<int>(axis)],
                                                     "; expected size 1; choose another axis or leave it out"));
                             }
                             std::erase_if(axes, [&](int64_t axis) { return full[static_cast<int>(axis)] != 1; });
                             return {fn::reshape(in[0], reduced_shape(full, axes, false))};
                           })
                           .complex()
                           .doc(R"(x without axes of size 1: all of them, or the given ones. A view.
Shapes    x [..., 1, ...] -> [...]
Dtypes    all
Errors    an axis whose size is not 1, or that x does not have
Grad      x
Source    the array API standard 2024.12)",
                                R"(>>> pt.squeeze(pt.ones((1, 3, 1))).shape
(3,))");

}  // namespace
}  // namespace pt
