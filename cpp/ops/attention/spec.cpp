#include "ops/attention/definition.h"
#include "ops/autocast.h"
#include "ops/batching.h"
#include "ops/functional.h"

namespace pt {
namespace {

using namespace attention;

Types infer(const InferContext& c) {
  const Shape &q = c.in[0].shape, &k = c.in[1].shape, &v = c.in[2].shape;
  const bool axes = q.size() == 4 && k.size() == 4;
  c.expect(
      axes && k == v && q[0] == k[0] && q[3] == k[3] && k[2] > 0 && q[2] % k[2] == 0,
      text("query is ", c.in[0], ", key is ", c.in[1], ", value is ", c.in[2],
           "; expected [batch, time, heads, size] each, one batch and size, key and value alike, and their heads to "
           "divide query's; "
           "transpose or repeat one"));
  return {c.in[0], {compute_dtype(c.in[0].dtype), {q[0], q[2], q[1]}}};
}

const Op* registered =
    define("attention")
        .in("query", Takes::Float)
        .in("key", Takes::Float)
        .in("value", Takes::Float)
        .attr("is_causal", false)
        .attr_nullable("scale", AttrKind::Number)
        .outputs(2)
        .batch(batch_folded())
        .shape(infer)
        .compose(definition)
        .saves({true, true, true}, {true, true})
        .vjp([](const VjpContext& c) -> Tensors {
          const Tensor g = c.grad[0].defined() ? c.grad[0] : fn::zeros(c.out_types[0]);
          Tensors result =
              apply(find_op("attention_backward"), {c.in[0], c.in[1], c.in[2], c.out[0], c.out[1], g}, c.attrs);
          if (c.grad[1].defined()) {
            const Tensors more = log_sum_gradient(c.in[0], c.in[1], c.grad[1], c.attrs);
            result[0] = result[0] + more[0];
            result[1] = result[1] + more[1];
          }
          return result;
        })
        .doc(R"(scaled_dot_product_attention, and the log of the sum of each row's exponentials.
Shapes    query [b, t, h, d], key [b, s, g, d], value [b, s, g, d] -> [b, t, h, d], [b, h, t]
Dtypes    floats; f16 and bf16 are computed in f32
Errors    as scaled_dot_product_attention
Grad      query, key, value
Source    that of scaled_dot_product_attention)",
             R"(>>> out, log_sums = pt.ops.functional.OPERATORS["attention"](*[pt.zeros((1, 3, 2, 4))] * 3)
>>> out.shape, log_sums.shape
((1, 3, 2, 4), (1, 2, 3)))");

const AutocastRule rule("attention", Precision::Low);

}  // namespace
}  // namespace pt
