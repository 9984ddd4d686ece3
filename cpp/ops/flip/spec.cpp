#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("flip")
        .in("x")
        .attr_ints("axis", std::nullopt, true)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& shape = in[0].shape();
          const Ints axes = reduced_axes(attrs, shape.size(), "flip");
          Ints start, stop, step;
          for (int i = 0; i < shape.size(); ++i) {
            const bool reversed = contains(axes, i);
            start.push_back(reversed ? shape[i] - 1 : 0);
            stop.push_back(reversed ? -1 : shape[i]);
            step.push_back(reversed ? -1 : 1);
          }
          return {fn::call("slice", {in[0]}, {{"start", start}, {"stop", stop}, {"step", step}})};
        })
        .complex()
        .doc(R"(x with the order of its elements reversed along axes: all of them, or the given ones. A view.
Shapes    x [...] -> [...]
Dtypes    all
Errors    an axis that x does not have, or named twice
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.flip(pt.arange(3)).numpy().tolist()
[2, 1, 0])");

}  // namespace
}  // namespace pt
