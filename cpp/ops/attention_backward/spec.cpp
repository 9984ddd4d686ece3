#include "ops/attention/definition.h"
#include "ops/batching.h"

namespace pt {
namespace {

const Op* registered =
    define("attention_backward")
        .in("query", Takes::Float)
        .in("key", Takes::Float)
        .in("value", Takes::Float)
        .in("out", Takes::Float)
        .in("lse", Takes::Float)
        .in("g", Takes::Float)
        .attr("is_causal", false)
        .attr_nullable("scale", AttrKind::Number)
        .no_promotion()
        .outputs(3)
        .any_strides()
        .batch(batch_folded())
        .shape([](const InferContext& c) -> Types {
          c.expect(c.in[5] == c.in[3] && c.in[3] == c.in[0], text("g is ", c.in[5], ", out is ", c.in[3], ", query is ",
                                                                  c.in[0], "; expected one type; check the call"));
          return {c.in[0], c.in[1], c.in[2]};
        })
        .compose(attention::backward_definition)
        .doc(R"(the gradient g of attention's result as ones of query, key and value.
Shapes    query, out, g [b, t, h, d], key, value [b, s, g, d], lse [b, h, t] -> [b, t, h, d], [b, s, g, d], [b, s, g, d]
Dtypes    floats; f16 and bf16 are computed in f32
Grad      query, key, value, g)");

}  // namespace
}  // namespace pt
