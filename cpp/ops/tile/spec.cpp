#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered =
    define("tile")
        .in("x")
        .attr_counts("repetitions", 0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Ints& given = attrs.ints("repetitions");
          Shape shape = in[0].shape();
          while (shape.size() < static_cast<int>(given.size())) shape.insert(0, 1);
          Tensor y = fn::reshape(in[0], shape);
          const int first = shape.size() - static_cast<int>(given.size());
          for (int axis = first; axis < shape.size(); ++axis) {
            const int64_t times = given[static_cast<std::size_t>(axis - first)];
            if (times == 1) continue;
            const auto [before, along, behind] = around_axis(y.shape(), axis);
            Shape whole = y.shape();
            whole[axis] *= times;
            const Tensor row = fn::reshape(y, {before, 1, along * behind});
            y = fn::reshape(fn::broadcast_to(row, {before, times, along * behind}), whole);
          }
          return {y};
        })
        .complex()
        .doc(R"(x repeated as a whole along its axes, the last ones first; more numbers than axes add axes in front.
Shapes    x [..., n, ...] -> [..., times n, ...]
Dtypes    all
Errors    a number below 0
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.tile(pt.arange(2), (2,)).numpy().tolist()
[0, 1, 0, 1])");

}  // namespace
}  // namespace pt
