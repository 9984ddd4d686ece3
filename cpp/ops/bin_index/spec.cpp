#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("bin_index")
        .in("x")
        .in("edges")
        .no_promotion()
        .no_gradient()
        .shape([](const InferContext& c) -> Types {
          c.expect(c.in[1].shape.size() == 1 && c.in[1].shape[0] > 1,
                   text("edges is ", c.in[1], "; expected two or more; pass their places"));
          return {{DType::I64, c.in[0].shape}};
        })
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const Tensor& edges = in[1];
          const int64_t n = edges.size() - 1;
          const auto number = [](int64_t value) { return Tensor::scalar(static_cast<double>(value), DType::I64); };
          const Tensor x = fn::cast(in[0], edges.dtype());
          const Tensor last = fn::reshape(fn::call("slice", {edges}, {{"start", Ints{n}}, {"stop", Ints{n + 1}}}), {});
          const Tensor right = fn::call("searchsorted", {edges, x}, {{"side", "right"}});
          const Tensor place = fn::where(fn::equal(x, last), number(n), right) - number(1);
          return {fn::where(fn::less(place, number(0)), number(n), place)};
        })
        .doc(
            R"(the bin between neighbouring edges that each element falls into; n where it falls into none.
Shapes    x [...], edges [n + 1] -> int64 [...]
Dtypes    all; x is compared in the dtype of the edges
Errors    less than two edges
Grad      none
Numerics  bins hold their left edge, the last one its right edge too; NaN is in none; edges that do not rise give some
          bin
Source    NumPy, histogram)",
            R"(>>> pt.ops.functional.OPERATORS["bin_index"](pt.tensor([0.5, 2.0, 9.0]), pt.tensor([0.0, 1.0, 2.0])).tolist()
[0, 1, 2])");

}  // namespace
}  // namespace pt
