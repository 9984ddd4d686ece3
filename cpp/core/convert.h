// Single numbers in and out of memory of any dtype. Kernels convert arrays; this serves scalars and messages.
#pragma once
#include <cstdint>
#include <string_view>

#include "core/dtype.h"
#include "core/error.h"

namespace pt {

double load_number(const void* address, DType dtype);  // of a complex number the real part
void store_number(void* address, DType dtype, double value);
int64_t load_integer(const void* address, DType dtype);  // of u64 the same bits
struct OverflowError : Error {
  using Error::Error;
};  // Python: OverflowError
// Throws if an integer at an address, such as a Python number, is outside of an integer dtype. Arrays wrap when they
// are cast; a number that somebody wrote would wrap without their notice.
void check_holds(DType dtype, const void* address, DType from, std::string_view where);

float half_to_float(uint16_t bits);
uint16_t float_to_half(float value);  // rounds to nearest, ties to even
float bfloat_to_float(uint16_t bits);
uint16_t float_to_bfloat(float value);  // rounds to nearest, ties to even; NaN stays NaN

}  // namespace pt
