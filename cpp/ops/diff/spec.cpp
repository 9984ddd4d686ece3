#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

const Op* registered =
    define("diff")
        .in("x")
        .attr("n", 1)
        .attr("axis", -1)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const int axis = normal_axis(attrs.integer("axis"), in[0].ndim(), "diff");
          const int64_t times = attrs.integer("n");
          if (times < 0) {
            throw ShapeError(text("[diff] n = ", times, "; expected at least 0; 1 is the difference of neighbours"));
          }
          Tensor x = in[0];
          for (int64_t i = 0; i < times; ++i) {
            const int64_t size = x.shape()[axis], most = std::max<int64_t>(size, 1);
            const Tensor later = piece(x, axis, std::min<int64_t>(1, size), size), before = piece(x, axis, 0, most - 1);
            x = x.dtype() == DType::Bool ? fn::call("not_equal", {later, before}) : later - before;
          }
          return {x};
        })
        .complex()
        .doc(R"(the difference of each element and the one before along an axis, taken n times.
Shapes    x [..., m, ...] -> [..., max(m - n, 0), ...]
Dtypes    all; of bool, where neighbours differ
Errors    an axis that x does not have; n below 0
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.diff(pt.tensor([1, 4, 9])).numpy().tolist()
[3, 5])");

}  // namespace
}  // namespace pt
