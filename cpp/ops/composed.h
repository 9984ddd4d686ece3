// Elementwise ops that are made of others, or whose gradients are: f16 and bf16 are computed in f32 and rounded once,
// in their gradients too.
#pragma once
#include "ops/functional.h"

namespace pt {

using UnaryFormula = std::function<Tensor(const Tensor& x, const Attrs& attrs)>;
using BinaryFormula = std::function<Tensor(const Tensor& a, const Tensor& b)>;

// Begins the spec of an op of one input: its value, and the derivative of that.
OpBuilder composed_unary(const std::string& name, const std::string& input, UnaryFormula value, UnaryFormula slope);
// The same where the value is a formula (math.h).
OpBuilder formula_unary(const std::string& name, const std::string& input, UnaryFormula slope);

// Of two inputs that broadcast: the value, and its derivatives towards both.
OpBuilder composed_binary(const std::string& name, const std::string& a, const std::string& b, BinaryFormula value,
                          BinaryFormula slope_a, BinaryFormula slope_b);

// The slope of what is flat up to low and from high on: 1 between them, 0 on them.
Tensor slope_between(const Tensor& x, double low, double high);

// For attr().
std::string share(const Attr& value);  // 0 <= value <= 1

namespace fn {

inline Tensor abs(const Tensor& x) { return call("abs", {x}); }
inline Tensor log1p(const Tensor& x) { return call("log1p", {x}); }
inline Tensor expm1(const Tensor& x) { return call("expm1", {x}); }
inline Tensor sigmoid(const Tensor& x) { return call("sigmoid", {x}); }
inline Tensor softplus(const Tensor& x) { return call("log1p_exp", {x}); }
inline Tensor minimum(const Tensor& a, const Tensor& b) { return call("minimum", {a, b}); }
inline Tensor copysign(const Tensor& a, const Tensor& b) { return call("copysign", {a, b}); }
inline Tensor less_equal(const Tensor& a, const Tensor& b) { return call("less_equal", {a, b}); }
inline Tensor logical_or(const Tensor& a, const Tensor& b) { return call("logical_or", {a, b}); }

}  // namespace fn
}  // namespace pt
