#include <limits>

#include "ops/autocast.h"
#include "ops/axes.h"
#include "ops/batching.h"
#include "ops/composed.h"

namespace pt {
namespace {

void check_rows(const InferContext& c) {
  const Shape &scores = c.in[0].shape, &labels = c.in[1].shape;
  const bool ranks = scores.size() == 3 && labels.size() == 2;
  const Shape rows = ranks ? Shape{scores[0]} : Shape{};
  c.expect(ranks && labels[0] == scores[0] && c.in[2].shape == rows && c.in[3].shape == rows,
           text("log_probs is ", c.in[0], ", targets is ", c.in[1], ", input_lengths is ", c.in[2],
                ", target_lengths is ", c.in[3],
                "; expected [n, t, classes], [n, s], [n] and [n]; put the batch first and pad targets to one length"));
  const int64_t blank = c.attrs.integer("blank");
  c.expect(blank >= 0 && blank < scores[2],
           text("blank = ", blank, ", log_probs is ", c.in[0], "; expected one of its classes; 0 is usual"));
  bool fits = c.in[0].dtype == DType::F32 || c.in[0].dtype == DType::F64;
  for (std::size_t i = 1; i < 4; ++i) fits = fits && c.in[i].dtype == DType::I64;
  c.expect(fits,
           text("log_probs is ", c.in[0], ", targets is ", c.in[1], ", input_lengths is ", c.in[2],
                ", target_lengths is ", c.in[3], "; expected f32 or f64, and int64; call ctc_loss, which casts them"));
}

OpBuilder rows_of_labels(const std::string& name) {
  OpBuilder op = define(name);
  op.in("log_probs", Takes::Float).in_index("targets").in_index("input_lengths").in_index("target_lengths");
  op.contiguous().may_fail().batch(batch_folded());
  return op;
}

Tensors definition(const Tensors& in, const Attrs& attrs) {
  Tensors rows{widened(in[0])};
  for (std::size_t i = 1; i < 4; ++i) {
    if (!is_int(in[i].dtype())) {
      const char* names[] = {"", "targets", "input_lengths", "target_lengths"};
      throw DTypeError(
          text("[ctc_loss] ", names[i], " is ", in[i].type(), "; expected integers; convert it with astype"));
    }
    rows.push_back(fn::cast(in[i], DType::I64));
  }
  Tensor loss = fn::call("ctc_rows", rows, {{"blank", attrs.integer("blank")}});
  if (attrs.flag("zero_infinity")) {
    const Tensor never = fn::equal(loss, fn::number(std::numeric_limits<double>::infinity()));
    loss = fn::where(never, fn::number(0), loss);
  }
  return {fn::cast(loss, in[0].dtype())};
}

const Op* registered =
    define("ctc_loss")
        .in("log_probs", Takes::Float)
        .in_index("targets")
        .in_index("input_lengths")
        .in_index("target_lengths")
        .attr("blank", 0)
        .attr("zero_infinity", false)
        .compose(definition)
        .doc(
            R"(minus the log-probability that the first steps of a row say its first targets, over all ways to place them in time.
Shapes    log_probs [n, t, classes], targets [n, s], input_lengths [n], target_lengths [n] -> [n]; input_lengths and target_lengths say how much of a row
          of log_probs and targets counts
Dtypes    floats, computed in f64; integers
Errors    shapes that do not match; blank is no class; a label or length out of range, reported when the call or the
          compiled step ends
Grad      log_probs; behind log_softmax as PyTorch, whose own by log_probs has the probabilities added
Numerics  inf where the steps are too few, or 0 there with zero_infinity, without a gradient
Source    Graves et al. 2006)",
            R"(>>> rows = pt.log_softmax(pt.zeros((1, 2, 2)))
>>> round(pt.ops.functional.OPERATORS["ctc_loss"](rows, pt.tensor([[1]]), pt.tensor([2]), pt.tensor([1])).item(), 4)
0.2877)");

const Op* rows =
    rows_of_labels("ctc_rows")
        .attr("blank", 0)
        .shape([](const InferContext& c) -> Types {
          check_rows(c);
          return {{c.in[0].dtype, {c.in[0].shape[0]}}};
        })
        .saves({true, true, true, true})
        .vjp([](const VjpContext& c) -> Tensors {
          return {fn::call("ctc_rows_backward", {c.in[0], c.in[1], c.in[2], c.in[3], c.grad[0]}, c.attrs), Tensor(),
                  Tensor(), Tensor()};
        })
        .doc(
            R"(ctc_loss of decided dtypes, inf where the steps are too few.
Shapes    log_probs [n, t, classes], targets [n, s], input_lengths [n], target_lengths [n] -> [n]
Dtypes    f32, f64; int64
Errors    as ctc_loss
Grad      log_probs, of the first order
Source    that of ctc_loss)",
            R"(>>> pt.ops.functional.OPERATORS["ctc_rows"](pt.zeros((1, 2, 3)), pt.tensor([[1]]), pt.tensor([2]), pt.tensor([1])).item()
-1.0986123085021973)");

const Op* backward =
    rows_of_labels("ctc_rows_backward")
        .in("g", Takes::Float)
        .attr("blank", 0)
        .shape([](const InferContext& c) -> Types {
          check_rows(c);
          c.expect(c.in[4] == TensorType{c.in[0].dtype, {c.in[0].shape[0]}},
                   text("g is ", c.in[4], ", log_probs is ", c.in[0],
                        "; expected one number for each row; check the sizes"));
          return {c.in[0]};
        })
        .doc(
            R"(the gradient g of ctc_rows as one of log_probs: what each class of a step has of the probability.
Shapes    log_probs [n, t, classes], targets [n, s], input_lengths [n], target_lengths [n], g [n] -> [n, t, classes]
Dtypes    f32, f64; int64
Errors    as ctc_loss; g of another shape
Grad      none
Numerics  0 where g is 0, also of a row that cannot be
Source    that of ctc_loss)",
            R"(>>> pt.ops.functional.OPERATORS["ctc_rows_backward"](pt.zeros((1, 1, 2)), pt.tensor([[1]]), pt.tensor([1]), pt.tensor([1]), pt.ones(1)).numpy().tolist()
[[[0.0, -1.0]]])");

const AutocastRule rule("ctc_loss", Precision::Full);

}  // namespace
}  // namespace pt
