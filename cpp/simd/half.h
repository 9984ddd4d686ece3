// f16 and bf16 in integer arithmetic, for the instruction sets without converting instructions and for the tests of
// those with them. Round to nearest even; a NaN stays a NaN: it becomes quiet and keeps its upper payload bits.
#pragma once

namespace pt {
namespace PT_ISA {

PT_FN float bf16_to_float(bf16 x) { return bit_cast<float>(uint32_t(x.bits) << 16); }

PT_FN bf16 float_to_bf16(float x) {
  uint32_t bits = bit_cast<uint32_t>(x);
  uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  uint32_t quiet_nan = (bits >> 16) | 0x40u;
  return bf16{uint16_t((bits & 0x7fffffffu) > 0x7f800000u ? quiet_nan : rounded)};
}

PT_FN float f16_to_float(f16 x) {
  uint32_t sign = uint32_t(x.bits & 0x8000u) << 16;
  uint32_t magnitude = x.bits & 0x7fffu;
  // Subtracting in float normalises a denormal half exactly: 2^-14 (1 + m / 1024) - 2^-14.
  float small = bit_cast<float>((113u << 23) + (magnitude << 13)) - bit_cast<float>(113u << 23);
  uint32_t denormal = bit_cast<uint32_t>(small);
  uint32_t normal = (magnitude << 13) + (112u << 23);
  uint32_t special = (magnitude << 13) | 0x7f800000u | (magnitude > 0x7c00u ? 0x400000u : 0u);
  uint32_t bits = magnitude >= 0x7c00u ? special : magnitude >= 0x400u ? normal : denormal;
  return bit_cast<float>(sign | bits);
}

PT_FN f16 float_to_f16(float x) {
  uint32_t bits = bit_cast<uint32_t>(x);
  uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
  uint32_t normal = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  // Adding 0.5 puts the units of a denormal half at the lowest bit of the float: the addition rounds.
  uint32_t denormal = bit_cast<uint32_t>(bit_cast<float>(magnitude) + 0.5f) - bit_cast<uint32_t>(0.5f);
  uint32_t half = magnitude > 0x7f800000u     ? nan
                  : magnitude >= 0x477ff000u  ? 0x7c00u
                  : magnitude >= (113u << 23) ? normal
                                              : denormal;
  return f16{uint16_t(sign | half)};
}

}  // namespace PT_ISA
}  // namespace pt
