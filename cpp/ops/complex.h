// Complex numbers by their parts: a complex tensor [...] and the real one [..., 2] are views of one memory, so an op of
// complex numbers is made of ops of real ones, and so is its gradient: dL/dRe + i dL/dIm, as PyTorch has it.
#pragma once
#include "ops/functional.h"

namespace pt {

Tensor parts_of(const Tensor& z);                         // [...] complex -> [..., 2]
Tensor joined(const Tensor& parts);                       // [..., 2] -> [...] complex
Tensor real_part(const Tensor& z);                        // a view; a real tensor as it is
Tensor imaginary_part(const Tensor& z);                   // a view; zeros of a real tensor
Tensor make_complex(const Tensor& re, const Tensor& im);  // of one dtype, broadcast
Tensor complex_product(const Tensor& a, const Tensor& b);
Tensor complex_quotient(const Tensor& a, const Tensor& b);

// Rules for `.complex(...)` of a spec: the same op on the parts, element by element; the same op along the same axes of
// the parts; whether a predicate holds for both parts, or for one of them.
ComposeFn on_parts(const std::string& op);
ComposeFn along_axes(const std::string& op);
ComposeFn both_parts(const std::string& op);
ComposeFn either_part(const std::string& op);

}  // namespace pt
