#include "core/dtype.h"

#include <algorithm>
#include <array>

namespace pt {
namespace {

// In the order of the enum.
constexpr std::array<DTypeInfo, kDTypes> kInfo{{
    {"bool", "bool", 1, Kind::Bool, 0},
    {"uint8", "u8", 1, Kind::Int, 0},
    {"int8", "i8", 1, Kind::Int, 1},
    {"int16", "i16", 2, Kind::Int, 2},
    {"int32", "i32", 4, Kind::Int, 3},
    {"int64", "i64", 8, Kind::Int, 4},
    {"float16", "f16", 2, Kind::Float, 0},
    {"bfloat16", "bf16", 2, Kind::Float, 1},
    {"float32", "f32", 4, Kind::Float, 2},
    {"float64", "f64", 8, Kind::Float, 3},
}};

bool is_pair(DType a, DType b, DType x, DType y) { return (a == x && b == y) || (a == y && b == x); }

}  // namespace

const DTypeInfo& info(DType dtype) { return kInfo[static_cast<std::size_t>(dtype)]; }

DType compute_dtype(DType dtype) { return dtype == DType::F16 || dtype == DType::BF16 ? DType::F32 : dtype; }

DType promote(DType a, DType b) {
  // Neither of these pairs holds the other's values, so both give way to the next type that does.
  if (is_pair(a, b, DType::U8, DType::I8)) return DType::I16;
  if (is_pair(a, b, DType::F16, DType::BF16)) return DType::F32;
  const DTypeInfo &x = info(a), &y = info(b);
  if (x.kind != y.kind) return x.kind > y.kind ? a : b;
  return x.rank >= y.rank ? a : b;
}

bool parse_dtype(std::string_view name, DType& out) {
  auto found = std::find_if(kInfo.begin(), kInfo.end(),
                            [&](const DTypeInfo& entry) { return entry.name == name || entry.brief == name; });
  if (found == kInfo.end()) return false;
  out = static_cast<DType>(found - kInfo.begin());
  return true;
}

}  // namespace pt
