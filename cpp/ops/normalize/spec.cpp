#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/composed.h"

namespace pt {
namespace {

const Op* registered =
    define("normalize")
        .in("input", Takes::Number)
        .floats()
        .attr("p", 2.0)
        .attr("axis", -1)
        .attr("eps", 1e-12, non_negative)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor x = widened(in[0]);
          const Tensor norm =
              fn::call("vector_norm", {x},
                       {{"axis", Ints{attrs.integer("axis")}}, {"keepdims", true}, {"ord", attrs.number("p")}});
          const Tensor floor = fn::number(attrs.number("eps"));
          // By selection: at the floor the norm keeps its whole gradient, as clip has it.
          return {fn::cast(x / fn::where(fn::less(norm, floor), floor, norm), in[0].dtype())};
        })
        .doc(R"(input over its norm along an axis, which counts as at least eps.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32; f16 and bf16 in f32, rounded once
Errors    an axis that input does not have
Grad      input
Source    PyTorch, nn.functional.normalize)",
             R"(>>> pt.nn.functional.normalize(pt.tensor([3.0, 4.0])).numpy().tolist()
[0.6000000238418579, 0.800000011920929])");

const AutocastRule rule("normalize", Precision::Full);

}  // namespace
}  // namespace pt
