// The dtype registry: what each element type is called, how large it is, and of what kind.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pt {

enum class DType : uint8_t { Bool, U8, I8, I16, I32, I64, F16, BF16, F32, F64, U16, U32, U64, C64, C128 };
inline constexpr int kDTypes = 15;

enum class Kind : uint8_t { Bool, Int, Float, Complex };

struct DTypeInfo {
  std::string_view name;   // as Python spells it: "float32"
  std::string_view brief;  // as errors spell it: "f32"
  std::size_t size;        // bytes of one element
  Kind kind;
  int rank;  // order of promotion within the kind
};

const DTypeInfo& info(DType dtype);
inline std::size_t size_of(DType dtype) { return info(dtype).size; }
inline bool is_float(DType dtype) { return info(dtype).kind == Kind::Float; }
inline bool is_int(DType dtype) { return info(dtype).kind == Kind::Int; }
inline bool is_half(DType dtype) { return dtype == DType::F16 || dtype == DType::BF16; }  // floats of 16 bits
inline bool is_complex(DType dtype) { return info(dtype).kind == Kind::Complex; }
inline bool is_continuous(DType dtype) { return is_float(dtype) || is_complex(dtype); }  // what has gradients
bool is_unsigned(DType dtype);                                                           // u8 to u64

// The dtype of a complex number's parts, and of the number whose parts have this dtype.
DType part_dtype(DType complex);
DType complex_dtype(DType part);

// The dtype whose arithmetic an op uses: f16 and bf16 are storage, computed in f32.
DType compute_dtype(DType dtype);

// The dtype of an operation on two tensors, as the array API promotes; integer with float gives the float. Throws for
// u64 with a signed integer, which no integer dtype holds.
DType promote(DType a, DType b);

// Parses "float32" or "f32"; returns false for an unknown name.
bool parse_dtype(std::string_view name, DType& out);

}  // namespace pt
