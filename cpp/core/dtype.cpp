#include "core/dtype.h"

#include <algorithm>
#include <array>

#include "core/error.h"

namespace pt {
namespace {

// In the order of the enum.
constexpr std::array<DTypeInfo, kDTypes> kInfo{{
    {"bool", "bool", 1, Kind::Bool, 0},
    {"uint8", "u8", 1, Kind::Int, 1},
    {"int8", "i8", 1, Kind::Int, 1},
    {"int16", "i16", 2, Kind::Int, 2},
    {"int32", "i32", 4, Kind::Int, 3},
    {"int64", "i64", 8, Kind::Int, 4},
    {"float16", "f16", 2, Kind::Float, 0},
    {"bfloat16", "bf16", 2, Kind::Float, 1},
    {"float32", "f32", 4, Kind::Float, 2},
    {"float64", "f64", 8, Kind::Float, 3},
    {"uint16", "u16", 2, Kind::Int, 2},
    {"uint32", "u32", 4, Kind::Int, 3},
    {"uint64", "u64", 8, Kind::Int, 4},
    {"complex64", "c64", 8, Kind::Complex, 0},
    {"complex128", "c128", 16, Kind::Complex, 1},
}};

bool is_pair(DType a, DType b, DType x, DType y) { return (a == x && b == y) || (a == y && b == x); }

// A signed dtype holds what an unsigned one of half its size does.
DType promote_signs(DType with, DType without) {
  const int rank = info(without).rank;
  if (info(with).rank > rank) return with;
  constexpr DType wider[] = {DType::I16, DType::I32, DType::I64};
  if (rank <= 3) return wider[rank - 1];
  throw DTypeError(text("[promotion] received uint64 and ", info(with).name,
                        "; expected dtypes that one integer dtype holds; convert one of them with astype"));
}

}  // namespace

const DTypeInfo& info(DType dtype) { return kInfo[static_cast<std::size_t>(dtype)]; }

DType compute_dtype(DType dtype) { return dtype == DType::F16 || dtype == DType::BF16 ? DType::F32 : dtype; }

bool is_unsigned(DType dtype) {
  return dtype == DType::U8 || dtype == DType::U16 || dtype == DType::U32 || dtype == DType::U64;
}

DType part_dtype(DType complex) { return complex == DType::C128 ? DType::F64 : DType::F32; }
DType complex_dtype(DType part) { return part == DType::F64 ? DType::C128 : DType::C64; }

DType promote(DType a, DType b) {
  // Neither holds the other's values, so both give way to the next type that does.
  if (is_pair(a, b, DType::F16, DType::BF16)) return DType::F32;
  const DTypeInfo &x = info(a), &y = info(b);
  if (x.kind == Kind::Int && y.kind == Kind::Int && is_unsigned(a) != is_unsigned(b)) {
    return is_unsigned(a) ? promote_signs(b, a) : promote_signs(a, b);
  }
  if (is_pair(a, b, DType::C64, DType::F64)) return DType::C128;
  if (x.kind != y.kind) return x.kind > y.kind ? a : b;
  return x.rank >= y.rank ? a : b;
}

// PyTorch's other names; float, int and complex are what Python's classes are as dtypes.
constexpr std::array<std::pair<std::string_view, DType>, 9> kSpellings{{{"half", DType::F16},
                                                                        {"float", DType::F32},
                                                                        {"double", DType::F64},
                                                                        {"short", DType::I16},
                                                                        {"int", DType::I64},
                                                                        {"long", DType::I64},
                                                                        {"cfloat", DType::C64},
                                                                        {"cdouble", DType::C128},
                                                                        {"complex", DType::C64}}};

bool parse_dtype(std::string_view name, DType& out) {
  for (const auto& [spelling, dtype] : kSpellings) {
    if (spelling == name) return out = dtype, true;
  }
  auto found = std::find_if(kInfo.begin(), kInfo.end(),
                            [&](const DTypeInfo& entry) { return entry.name == name || entry.brief == name; });
  if (found == kInfo.end()) return false;
  out = static_cast<DType>(found - kInfo.begin());
  return true;
}

}  // namespace pt
