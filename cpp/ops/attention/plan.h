// Scaled dot product attention without a queries x keys matrix. q, k, v and their gradients may have any strides, so
// that one [batch, row, 3, heads, size] buffer can hold all three. k and v may have fewer heads than q, each shared by
// as many neighbouring heads of q (grouped queries). f32 and f64; f16 and bf16 are computed in f32.
#pragma once
#include "core/attrs.h"
#include "core/launch.h"

namespace pt {

namespace attention {

// What scores are multiplied with: the attribute, or else one over the root of the size of q's heads.
double scale_of(const Attrs& attrs, const Shape& q);

}  // namespace attention

// q, out [B, Tq, H, D]; k, v [B, Tk, Hkv, D]; lse [B, H, Tq] in the compute dtype: the log of the sum of a row's
// exponentials, for the backward. With `causal`, query i sees the keys up to i + Tk - Tq; one that sees none gives
// zeros.
LaunchPlan plan_attention(const Operand& q, const Operand& k, const Operand& v, const Operand& out, const Operand& lse,
                          bool causal, double scale);

// Operands in this order: q, k, v, out, lse, dout, dq, dk, dv.
LaunchPlan plan_attention_backward(const Operand& q, const Operand& k, const Operand& v, const Operand& out,
                                   const Operand& lse, const Operand& dout, const Operand& dq, const Operand& dk,
                                   const Operand& dv, bool causal, double scale);

}  // namespace pt
