#include <algorithm>

#include "ops/axes.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("pad")
        .in("x")
        .attr_ints("before")
        .attr_ints("after")
        .attr("value", 0.0)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Shape& shape = in[0].shape();
          const Ints &before = attrs.ints("before"), &after = attrs.ints("after");
          const auto axes = static_cast<std::size_t>(shape.size());
          const auto counts = [](int64_t n) { return n >= 0; };
          if (before.size() != axes || after.size() != axes || !std::all_of(before.begin(), before.end(), counts) ||
              !std::all_of(after.begin(), after.end(), counts)) {
            throw ShapeError(text("[pad] before = ", to_string(Attr(before)), ", after = ", to_string(Attr(after)),
                                  ", x is ", in[0].type(),
                                  "; expected a number of at least 0 per axis; slice to remove elements"));
          }
          Ints wide = to_ints(shape);
          for (std::size_t i = 0; i < axes; ++i) wide[i] += before[i] + after[i];
          return {fn::call(
              "slice_scatter", {in[0]},
              {{"shape", wide}, {"start", before}, {"step", Ints(axes, 1)}, {"value", attrs.number("value")}})};
        })
        .doc(R"(x surrounded by a value: before[i] elements of it before axis i and after[i] behind.
Shapes    x [n, ...] -> [before + n + after, ...]
Dtypes    all
Errors    not one number per axis; a negative number
Grad      x)",
             R"(>>> pt.pad(pt.ones(2), (1,), (2,)).numpy().tolist()
[0.0, 1.0, 1.0, 0.0, 0.0])");

}  // namespace
}  // namespace pt
