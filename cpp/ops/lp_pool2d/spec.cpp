#include "ops/axes.h"
#include "ops/composed.h"
#include "ops/pooling.h"
#include "ops/window.h"

namespace pt {
namespace {

const Op* registered =
    define("lp_pool2d")
        .in("input", Takes::Float)
        .attr("norm_type", 2.0, positive)
        .attr_counts("kernel_size", 1)
        .attr_counts("stride", 1, std::nullopt, true)
        .attr("ceil_mode", false)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const double p = attrs.number("norm_type");
          Attrs how{{"kernel_size", attrs.ints("kernel_size")}, {"ceil_mode", attrs.flag("ceil_mode")}};
          if (attrs.has("stride")) how.set("stride", attrs.ints("stride"));
          const auto [rows, columns] = pair_of(attrs, "kernel_size", "lp_pool2d");
          const double elements = static_cast<double>(rows * columns);
          const Tensor x = widened(in[0]);
          const Tensor mean = fn::call("avg_pool2d", {fn::call("pow", {x, fn::number(p)})}, how);
          // A window of zeros has no direction in which it grows.
          const Tensor sum = elements * mean, zero = fn::number(0), empty = fn::equal(sum, zero);
          const Tensor root = fn::call("pow", {fn::where(empty, fn::number(1), sum), fn::number(1 / p)});
          return {fn::cast(fn::where(empty, zero, root), in[0].dtype())};
        })
        .doc(R"(the p-th root of the sum of input^p over each window of an image, p being norm_type.
Shapes    input [n, h, w, c] -> [n, oh, ow, c]; kernel_size and stride are one number or (rows, columns), and stride is kernel_size
          when left out; with ceil_mode the last windows may reach over the end
Dtypes    floats; f16 and bf16 are computed in f32 and rounded once
Errors    input without four axes; a window larger than the image; norm_type <= 0
Grad      input; 0 where the sum is 0
Numerics  a window that reaches over the end is weighed up to a whole one, as PyTorch does; NaN where a sum is below 0, which an odd norm_type allows
Source    PyTorch, nn.functional.lp_pool2d)",
             R"(>>> pt.nn.functional.lp_pool2d(pt.ones((1, 4, 4, 3)), kernel_size=2).numpy()[0, 0, 0].tolist()
[2.0, 2.0, 2.0])");

}  // namespace
}  // namespace pt
