// exp, log, sin... of vectors: polynomials with explicit fused multiply-adds, so that every instruction set gives the
// same bits. Full range, with the infinities, zeros and NaNs of IEEE 754; errors are at most 2 units in the last place,
// as cpp/tests/simd_test.cpp measures them; those of tan and the inverse hyperbolic functions at most 3.5, of
// error_function.h and gamma.h at most 5, where a result is not beside a zero below 0.
#pragma once
#include "simd/arcsine.h"
#include "simd/arctangent.h"
#include "simd/error_function.h"
#include "simd/exponential.h"
#include "simd/gamma.h"
#include "simd/gelu_argument.h"
#include "simd/hyperbolic.h"
#include "simd/logarithm.h"
#include "simd/power.h"
#include "simd/remainder.h"
#include "simd/trigonometric.h"
