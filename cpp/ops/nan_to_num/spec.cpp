#include <limits>

#include "ops/complex.h"
#include "ops/composed.h"

namespace pt {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double largest(DType dtype) {
  switch (dtype) {
    case DType::F16:
      return 65504.0;
    case DType::BF16:
      return 0x1.fep127;
    case DType::F64:
      return std::numeric_limits<double>::max();
    default:
      return std::numeric_limits<float>::max();
  }
}

const Op* registered =
    define("nan_to_num")
        .in("x")
        .attr("nan", 0.0)
        .attr_nullable("posinf", AttrKind::Number)
        .attr_nullable("neginf", AttrKind::Number)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor& x = in[0];
          if (!is_float(x.dtype())) return {x};
          const double end = largest(x.dtype());
          const auto number = [&](const char* name, double preset) {
            return fn::number(attrs.has(name) ? attrs.number(name) : preset);
          };
          Tensor kept = fn::where(fn::call("isnan", {x}), number("nan", 0.0), x);
          kept = fn::where(fn::equal(x, fn::number(kInfinity)), number("posinf", end), kept);
          return {fn::where(fn::equal(x, fn::number(-kInfinity)), number("neginf", -end), kept)};
        })
        .complex(on_parts("nan_to_num"))
        .doc(R"(x with numbers in place of NaN and of infinities: 0 and the ends of the dtype, unless others are given.
Shapes    x [...] -> [...]
Dtypes    all; of complex numbers both parts; integers and bool stay as they are
Errors    none
Grad      x where it is finite, 0 elsewhere
Source    NumPy, nan_to_num)",
             R"(>>> pt.nan_to_num(pt.tensor([1.0, float("nan"), float("inf")]), posinf=9.0).numpy().tolist()
[1.0, 0.0, 9.0])");

}  // namespace
}  // namespace pt
