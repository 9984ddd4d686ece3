// The part of an LSTM that is sequential. The inputs' share of the gates, x w_ih + b for all steps, is one product that
// the caller has made; the gradient of w_hh is another, over all steps, of the shifted h and dgates.
//   i, f, g, o = parts of xw[t] + h[t - 1] w_hh;  c[t] = sigmoid(f) c[t - 1] + sigmoid(i) tanh(g);  h[t] = sigmoid(o)
//   tanh(c[t])
#pragma once
#include "core/launch.h"

namespace pt {

// f32 or f64. xw [B, T, 4 H], w_hh [H, 4 H] (any strides), h0, c0 [B, H] -> h, c [B, T, H], gates [B, T, 4 H]: each
// after its sigmoid or tanh, for the backward. All but w_hh are row-major. Operands in this order.
LaunchPlan plan_lstm(const Operand& xw, const Operand& w_hh, const Operand& h0, const Operand& c0, const Operand& h,
                     const Operand& c, const Operand& gates, const PlanContext& context);

// w_hh, c0, c, gates, dh, dc [B, T, H] -> dgates [B, T, 4 H], the gradient of xw; dh0, dc0 [B, H]. Operands in this
// order.
LaunchPlan plan_lstm_backward(const Operand& w_hh, const Operand& c0, const Operand& c, const Operand& gates,
                              const Operand& dh, const Operand& dc, const Operand& dgates, const Operand& dh0,
                              const Operand& dc0, const PlanContext& context);

}  // namespace pt
