#include <algorithm>

#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/functional.h"
#include "ops/reduction.h"

namespace pt {
namespace {

const Op* registered =
    composed_reduction("var")
        .attr("correction", 0.0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& full = in[0].shape();
          const Ints given = reduced_axes(attrs, full.size(), "var");
          // All elements are one row, whose passes need no memory of their own.
          const bool flat = full.size() > 1 && int(given.size()) == full.size();
          const Tensor x = flat ? fn::reshape(widened(in[0]), {in[0].size()}) : widened(in[0]);
          const Ints axes = flat ? Ints{0} : given;
          // Two passes: one pass loses all digits when |mean| >> std.
          const Tensor centered = x - fn::mean(x, axes, true);
          const Tensor squares = fn::square(centered);
          const double correction = attrs.number("correction");
          const double left = static_cast<double>(reduced_count(x.shape(), axes)) - correction;
          // With the axes kept, all of it is one program, and so is its gradient.
          const Tensor var = fn::cast(correction == 0 ? fn::mean(squares, axes, true)
                                                      : fn::sum(squares, axes, true) / fn::number(std::max(left, 0.0)),
                                      in[0].dtype());
          return {fn::reshape(var, reduced_shape(full, given, attrs.flag("keepdims")))};
        })
        .doc(R"(the mean of the squared distance from the mean (divided by n - correction: 1 makes it unbiased).
Shapes    x [...] -> x without the axes; axis None, an integer or a tuple; keepdims leaves size 1 where an axis was
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that x does not have
Grad      x
Numerics  two passes; NaN without elements; divided by 0 where correction leaves none
Source    the array API standard 2024.12)",
             R"(>>> pt.var(pt.arange(4)).item()
1.25)");

const AutocastRule rule("var", Precision::Full);

}  // namespace
}  // namespace pt
