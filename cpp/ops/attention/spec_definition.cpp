#include <limits>

#include "ops/attention/definition.h"
#include "ops/axes.h"
#include "ops/functional.h"

namespace pt::attention {
namespace {

Tensor swap_middle(const Tensor& x) { return fn::transpose(x, {0, 2, 1, 3}); }  // [b, t, h, d] <-> [b, h, t, d]
Tensor swap_last(const Tensor& x) { return fn::transpose(x, {0, 1, 3, 2}); }

// [b, s, g, d] as [b, h, s, d]: each head once for all the heads of q that share it.
Tensor per_head(const Tensor& x, int64_t heads) {
  const Tensor by_head = swap_middle(widened(x));
  const Shape& shape = by_head.shape();
  if (shape[1] == heads) return by_head;
  const int64_t share = heads / shape[1];
  const Tensor wide = fn::reshape(by_head, {shape[0], shape[1], 1, shape[2], shape[3]});
  const Tensor repeated = fn::broadcast_to(wide, {shape[0], shape[1], share, shape[2], shape[3]});
  return fn::reshape(repeated, {shape[0], heads, shape[2], shape[3]});
}

// Back from [b, h, s, d] to [b, s, g, d]: what shares a head adds up.
Tensor per_group(const Tensor& x, int64_t groups, DType dtype) {
  const Shape& shape = x.shape();
  const Tensor grouped = fn::reshape(x, {shape[0], groups, shape[1] / groups, shape[2], shape[3]});
  return fn::cast(swap_middle(shape[1] == groups ? x : fn::sum(grouped, {2}, false)), dtype);
}

struct Weights {
  Tensor q, k;    // [b, h, t, d], [b, h, s, d]
  Tensor p, lse;  // [b, h, t, s], [b, h, t, 1]
};

Weights weights(const Tensor& query, const Tensor& key, const Attrs& attrs) {
  const int64_t heads = query.shape()[2], rows = query.shape()[1], columns = key.shape()[1];
  const Tensor q = swap_middle(widened(query)), k = per_head(key, heads);
  Tensor scores = scale_of(attrs, query.shape()) * fn::matmul(q, swap_last(k));
  if (attrs.flag("is_causal")) {
    const Tensor last = fn::reshape(counting(rows, DType::I64), {rows, 1}) +
                        Tensor::scalar(static_cast<double>(columns - rows), DType::I64);
    const Tensor seen = fn::call("less_equal", {counting(columns, DType::I64), last});
    scores = fn::where(seen, scores, fn::number(-std::numeric_limits<double>::infinity()));
  }
  const Tensor lse = fn::call("logsumexp", {scores}, {{"axis", Ints{-1}}, {"keepdims", true}});
  // A query that sees no key has weights of zero, not NaN.
  const Tensor shift = fn::where(fn::call("isfinite", {lse}), lse, fn::number(0));
  return {q, k, fn::exp(scores - shift), lse};
}

}  // namespace

Tensors definition(const Tensors& in, const Attrs& attrs) {
  const Shape& q = in[0].shape();
  const Weights w = weights(in[0], in[1], attrs);
  const Tensor out = swap_middle(fn::matmul(w.p, per_head(in[2], q[2])));
  return {fn::cast(out, in[0].dtype()), fn::reshape(w.lse, {q[0], q[2], q[1]})};
}

Tensors backward_definition(const Tensors& in, const Attrs& attrs) {
  const int64_t heads = in[0].shape()[2], groups = in[1].shape()[2];
  const Weights w = weights(in[0], in[1], attrs);
  const Tensor v = per_head(in[2], heads), g = swap_middle(widened(in[5]));
  const Tensor out = fn::matmul(w.p, v);
  const Tensor along = fn::sum(g * out, {3}, true);
  const Tensor ds = scale_of(attrs, in[0].shape()) * (w.p * (fn::matmul(g, swap_last(v)) - along));
  return {fn::cast(swap_middle(fn::matmul(ds, w.k)), in[0].dtype()),
          per_group(fn::matmul(swap_last(ds), w.q), groups, in[1].dtype()),
          per_group(fn::matmul(swap_last(w.p), g), groups, in[2].dtype())};
}

Tensors log_sum_gradient(const Tensor& q, const Tensor& k, const Tensor& dlse, const Attrs& attrs) {
  const Weights w = weights(q, k, attrs);
  const Tensor ds = scale_of(attrs, q.shape()) * (w.p * fn::reshape(widened(dlse), w.lse.shape()));
  return {fn::cast(swap_middle(fn::matmul(ds, w.k)), q.dtype()),
          per_group(fn::matmul(swap_last(ds), w.q), k.shape()[2], k.dtype())};
}

}  // namespace pt::attention
