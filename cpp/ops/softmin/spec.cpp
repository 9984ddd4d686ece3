#include "ops/autocast.h"
#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered = define("softmin")
                           .in("input", Takes::Number)
                           .floats()
                           .attr("axis", -1)
                           .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
                             return {fn::call("softmax", {-in[0]}, attrs)};
                           })
                           .doc(R"(softmax of -input along an axis.
Shapes    input [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    an axis that input does not have
Grad      input
Source    PyTorch, nn.functional.softmin)",
                                R"(>>> pt.nn.functional.softmin(pt.zeros(2)).numpy().tolist()
[0.5, 0.5])");

const AutocastRule rule("softmin", Precision::Full);

}  // namespace
}  // namespace pt
