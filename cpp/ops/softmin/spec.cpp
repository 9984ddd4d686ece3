#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("softmin")
                           .in("x", Takes::Number)
                           .floats()
                           .attr("axis", -1)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             return {fn::call("softmax", {-in[0]}, attrs)};
                           })
                           .doc(R"(softmax of -x along an axis.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    an axis that x does not have
Grad      x
Source    PyTorch, nn.functional.softmin)",
                                R"(>>> pt.softmin(pt.zeros(2)).numpy().tolist()
[0.5, 0.5])");

const AutocastRule rule("softmin", Precision::Full);

}  // namespace
}  // namespace pt
