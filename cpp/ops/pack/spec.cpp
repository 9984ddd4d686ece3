#include "ops/axes.h"
#include "ops/pieces.h"

namespace pt {
namespace {

Types infer(const InferContext& c) {
  const Ints& offsets = c.attrs.ints("offsets");
  const int64_t size = c.attrs.integer("size");
  c.expect(offsets.size() == c.in.size(), text("received ", c.in.size(), " tensors and ", offsets.size(),
                                               " offsets; expected one offset per tensor; pass as many"));
  int64_t end = 0;
  for (std::size_t i = 0; i < c.in.size(); ++i) {
    c.expect(c.in[i].dtype == c.in[0].dtype, text("tensor ", i, " is ", c.in[i], ", tensor 0 is ", c.in[0],
                                                  "; expected one dtype; convert it with astype"));
    const int64_t next = offsets[i] + count(c.in[i].shape);
    c.expect(
        offsets[i] >= end && next <= size,
        text("tensor ", i, " is ", c.in[i], " at offset ", offsets[i], ", the one before ends at ", end,
             ", size = ", size, "; expected pieces in order inside the size; pass larger offsets or a larger size"));
    end = next;
  }
  return {{c.in[0].dtype, {size}}};
}

std::vector<View> pieces(std::span<const TensorType> in, const TensorType&, const Attrs& attrs) {
  std::vector<View> views;
  for (std::size_t i = 0; i < in.size(); ++i)
    views.push_back({in[i].shape, row_major(in[i].shape), attrs.ints("offsets")[i]});
  return views;
}

// By the ops that every backend has anyway.
Tensors joined_lines(const Tensors& tensors, const Attrs& attrs) {
  const Ints& offsets = attrs.ints("offsets");
  const DType dtype = tensors[0].dtype();
  Tensors lines;
  int64_t end = 0;
  const auto zeros_to = [&](int64_t next) {
    if (next > end) lines.push_back(fn::zeros({dtype, Shape{next - end}}));
  };
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    zeros_to(offsets[i]);
    if (tensors[i].size() > 0) lines.push_back(as_line(tensors[i]));
    end = offsets[i] + tensors[i].size();
  }
  zeros_to(attrs.integer("size"));
  if (lines.empty()) return {fn::zeros({dtype, Shape{0}})};
  return {joined_at(std::move(lines), 0)};
}

const Op* registered =
    define("pack")
        .in_list("tensors")
        .attr_ints("offsets")
        .attr_required("size", AttrKind::Int)
        .no_promotion()
        .shape(infer)
        .joins_pieces(pieces)
        .portable(joined_lines)
        .saves({false})
        .vjp([](const VjpContext& c) -> Tensors {
          Tensors pieces(c.in_types.size());
          for (std::size_t i = 0; i < pieces.size(); ++i) {
            if (!c.needs[i]) continue;
            pieces[i] = fn::call("flat_view", {c.grad[0]},
                                 {{"offset", c.attrs.ints("offsets")[i]}, {"shape", to_ints(c.in_types[i].shape)}});
          }
          return pieces;
        })
        .doc(R"(tensors laid one after the other into one axis, at given offsets, with zeros between them.
Shapes    tensors [...] each -> [size]
Dtypes    all, but one for all tensors
Errors    tensors of several dtypes; pieces that overlap, are not in order, or reach past the size
Grad      tensors)",
             R"(>>> pt.ops.functional.OPERATORS["pack"]([pt.ones(2), pt.ones(1)], (0, 3), 5).numpy().tolist()
[1.0, 1.0, 0.0, 1.0, 0.0])");

}  // namespace
}  // namespace pt
