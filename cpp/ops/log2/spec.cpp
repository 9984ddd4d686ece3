#include <numbers>

#include "ops/autocast.h"
#include "ops/complex.h"
#include "ops/functional.h"

namespace pt {
namespace {

constexpr double kLn2 = 0.69314718055994530942;

const Op* registered = define("log2")
                           .in("x", Takes::Number)
                           .floats()
                           .elementwise()
                           .vjp([](const VjpContext& c) -> Tensors { return {c.grad[0] / (kLn2 * c.in[0])}; })
                           .complex([](const Tensors& in, const Attrs&) -> Tensors {
                             return {joined(parts_of(fn::log(in[0])) * std::numbers::log2e)};
                           })
                           .doc(R"(the logarithm to the base 2, element by element.
Shapes    x [...] -> [...]
Dtypes    floats; integers are computed in float32
Errors    none
Grad      x
Numerics  exact for powers of 2; -inf at 0, NaN below
Source    the array API standard 2024.12)",
                                R"(>>> pt.log2(8.0).item()
3.0)");

const AutocastRule rule("log2", Precision::Full);

}  // namespace
}  // namespace pt
