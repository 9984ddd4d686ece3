#include <numbers>

#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

constexpr double kLn10 = 2.30258509299404568402;

const Op* registered = define("log10")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] / (kLn10 * c.in[0])}; })
                           .complex([](const Tensors& in, const Attrs&) -> Tensors {
                             return {joined(parts_of(fn::log(in[0])) * std::numbers::log10e)};
                           })
                           .doc(R"(the logarithm to the base 10, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Numerics  -inf at 0, NaN below
Source    the array API standard 2024.12)",
                                R"(>>> round(pt.log10(1000.0).item(), 5)
3.0)");

const AutocastRule rule("log10", Precision::Full);

}  // namespace
}  // namespace pt
