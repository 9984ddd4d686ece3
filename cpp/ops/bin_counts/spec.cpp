#include "ops/functional.h"

namespace pt {
namespace {

const Op* registered =
    define("bin_counts")
        .in("x")
        .in("edges")
        .no_promotion()
        .no_gradient()
        .shape([](const InferContext& c) -> Types {
          c.expect(c.in[1].shape.size() == 1 && c.in[1].shape[0] > 1,
                   text("edges is ", c.in[1], "; expected two or more; pass their places"));
          return {{DType::I64, {c.in[1].shape[0] - 1}}};
        })
        .compose([](const Tensors& in, const Attrs&) -> Tensors {
          const int64_t n = in[1].size() - 1;
          const Tensor place = fn::reshape(fn::call("bin_index", in), {in[0].size()});
          const Tensor one = Tensor::full({DType::I64, place.shape()}, 1);
          const Tensor counts = fn::call("scatter_add", {place, one}, {{"size", n + 1}});
          return {fn::call("slice", {counts}, {{"start", Ints{0}}, {"stop", Ints{n}}})};
        })
        .doc(
            R"(how many elements fall into each bin between neighbouring edges.
Shapes    x [...], edges [n + 1] -> int64 [n]
Dtypes    all; x is compared in the dtype of the edges
Errors    less than two edges
Grad      none
Numerics  as bin_index: elements outside of the edges and NaN are in no bin
Source    NumPy, histogram)",
            R"(>>> pt.ops.functional.OPERATORS["bin_counts"](pt.tensor([0.5, 2.0, 9.0]), pt.tensor([0.0, 1.0, 2.0])).tolist()
[1, 1])");

}  // namespace
}  // namespace pt
