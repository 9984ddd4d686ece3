#include "core/convert.h"

#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>

namespace pt {
namespace {

template <class T>
T load(const void* address) {
  T value;
  std::memcpy(&value, address, sizeof(T));
  return value;
}

template <class T>
void store(void* address, T value) {
  std::memcpy(address, &value, sizeof(T));
}

// C++ leaves the conversion of numbers out of range undefined; here they saturate, and NaN becomes 0.
template <class T>
T to_integer(double value) {
  if (std::isnan(value)) return 0;
  if (value <= static_cast<double>(std::numeric_limits<T>::min())) return std::numeric_limits<T>::min();
  if (value >= static_cast<double>(std::numeric_limits<T>::max())) return std::numeric_limits<T>::max();
  return static_cast<T>(value);
}

// As of simd/half.h: a float that, rounded again to 16 bits, gives what x rounded once would.
float round_to_odd(double x) {
  const auto nearest = static_cast<float>(x);
  const auto bits = std::bit_cast<uint32_t>(nearest);
  if (std::isnan(x) || static_cast<double>(nearest) == x || (bits & 1) != 0) return nearest;
  return std::bit_cast<float>(std::fabs(x) > std::fabs(static_cast<double>(nearest)) ? bits + 1 : bits - 1);
}

}  // namespace

float bfloat_to_float(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t float_to_bfloat(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float half_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const int exponent = (bits >> 10) & 31;
  const uint32_t fraction = bits & 0x3ff;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | (fraction << 13));
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | static_cast<uint32_t>(exponent + 112) << 23 | (fraction << 13));
}

uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const float magnitude = std::fabs(value);
  if (std::isnan(value)) return static_cast<uint16_t>(sign | 0x7e00 | ((bits >> 13) & 0x3ff));
  if (magnitude >= 65520.0f) return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < 0x1p-14f) {  // subnormal: adding 0.5 leaves the rounded fraction in the low bits
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(magnitude + 0.5f) - std::bit_cast<uint32_t>(0.5f)));
  }
  const uint32_t m = std::bit_cast<uint32_t>(magnitude);
  return static_cast<uint16_t>(sign | ((m + 0xfff + ((m >> 13) & 1) - (112u << 23)) >> 13));
}

double load_number(const void* address, DType dtype) {
  switch (dtype) {
    case DType::F16:
      return half_to_float(load<uint16_t>(address));
    case DType::BF16:
      return bfloat_to_float(load<uint16_t>(address));
    case DType::F32:
      return load<float>(address);
    case DType::F64:
      return load<double>(address);
    case DType::U64:
      return static_cast<double>(load<uint64_t>(address));
    case DType::C64:
      return load<float>(address);
    case DType::C128:
      return load<double>(address);
    default:
      return static_cast<double>(load_integer(address, dtype));
  }
}

int64_t load_integer(const void* address, DType dtype) {
  switch (dtype) {
    case DType::Bool:
      return load<uint8_t>(address) != 0;
    case DType::U8:
      return load<uint8_t>(address);
    case DType::I8:
      return load<int8_t>(address);
    case DType::I16:
      return load<int16_t>(address);
    case DType::I32:
      return load<int32_t>(address);
    case DType::I64:
      return load<int64_t>(address);
    case DType::U16:
      return load<uint16_t>(address);
    case DType::U32:
      return load<uint32_t>(address);
    case DType::U64:
      return static_cast<int64_t>(load<uint64_t>(address));
    default:
      return to_integer<int64_t>(load_number(address, dtype));
  }
}

void check_holds(DType dtype, const void* address, DType from, std::string_view where) {
  const int64_t value = load_integer(address, from);
  const bool beyond = from == DType::U64 && value < 0;  // what int64 does not hold
  const int bits = static_cast<int>(8 * size_of(dtype));
  const uint64_t most = ~uint64_t{0} >> (64 - bits + (is_unsigned(dtype) ? 0 : 1));
  const int64_t least = is_unsigned(dtype) ? 0 : -static_cast<int64_t>(most) - 1;
  if (value < 0 && !beyond ? value >= least : static_cast<uint64_t>(value) <= most) return;
  const std::string received = beyond ? text(static_cast<uint64_t>(value)) : text(value);
  throw OverflowError(text("[", where, "] received ", received, " for ", info(dtype).name,
                           "; expected an integer from ", least, " to ", most,
                           "; use a dtype that holds it, or cast an array, which wraps"));
}

void store_number(void* address, DType dtype, double value) {
  switch (dtype) {
    case DType::Bool:
      store<uint8_t>(address, value != 0);
      break;
    case DType::U8:
      store(address, to_integer<uint8_t>(value));
      break;
    case DType::I8:
      store(address, to_integer<int8_t>(value));
      break;
    case DType::I16:
      store(address, to_integer<int16_t>(value));
      break;
    case DType::I32:
      store(address, to_integer<int32_t>(value));
      break;
    case DType::I64:
      store(address, to_integer<int64_t>(value));
      break;
    case DType::F16:
      store(address, float_to_half(round_to_odd(value)));
      break;
    case DType::BF16:
      store(address, float_to_bfloat(round_to_odd(value)));
      break;
    case DType::F32:
      store(address, static_cast<float>(value));
      break;
    case DType::F64:
      store(address, value);
      break;
    case DType::U16:
      store(address, to_integer<uint16_t>(value));
      break;
    case DType::U32:
      store(address, to_integer<uint32_t>(value));
      break;
    case DType::U64:
      store(address, to_integer<uint64_t>(value));
      break;
    case DType::C64:
      store(address, std::complex<float>(static_cast<float>(value)));
      break;
    case DType::C128:
      store(address, std::complex<double>(value));
      break;
  }
}

}  // namespace pt
