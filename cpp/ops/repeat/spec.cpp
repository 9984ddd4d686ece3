#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

// Which element comes at each place of the result.
Tensor places(const Ints& repeats) {
  Ints all;
  for (std::size_t i = 0; i < repeats.size(); ++i) {
    all.insert(all.end(), static_cast<std::size_t>(repeats[i]), static_cast<int64_t>(i));
  }
  Tensor index = Tensor::empty({DType::I64, {static_cast<int64_t>(all.size())}});
  std::copy(all.begin(), all.end(), reinterpret_cast<int64_t*>(index.host()));
  return index;
}

const Op* registered =
    define("repeat")
        .in("x")
        .attr_counts("repeats", 0)
        .attr_nullable("axis", AttrKind::Int)
        .compose([](const Tensors& in, const Attrs& attrs) -> Tensors {
          const Tensor x = attrs.has("axis") ? in[0] : fn::reshape(in[0], {in[0].size()});
          const int axis = attrs.has("axis") ? normal_axis(attrs.integer("axis"), x.ndim(), "repeat") : 0;
          const Ints& repeats = attrs.ints("repeats");
          const auto n = static_cast<std::size_t>(x.shape()[axis]);
          if (repeats.size() != 1 && repeats.size() != n) {
            throw ShapeError(text("[repeat] repeats = ", to_string(Attr(repeats)), ", x has ", n,
                                  " elements along the axis; expected one number, or one for each; pass as many"));
          }
          if (repeats.size() != 1) return {fn::call("take", {x, places(repeats)}, {{"axis", int64_t{axis}}})};
          const auto [before, along, behind] = around_axis(x.shape(), axis);
          Shape whole = x.shape();
          whole[axis] *= repeats[0];
          const Tensor column = fn::reshape(x, {before, along, 1, behind});
          return {fn::reshape(fn::broadcast_to(column, {before, along, repeats[0], behind}), whole)};
        })
        .complex()
        .doc(R"(each element of x so many times in a row, along an axis.
Shapes    x [..., n, ...] -> [..., times n, ...]; axis None goes through all elements in row-major order
Dtypes    all
Errors    an axis that x does not have; neither one number nor one for each element; a number below 0
Grad      x
Source    the array API standard 2024.12)",
             R"(>>> pt.repeat(pt.arange(3), 2).numpy().tolist()
[0, 0, 1, 1, 2, 2])");

}  // namespace
}  // namespace pt
