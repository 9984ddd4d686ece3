// What values of the fused machine are, on every device.
#pragma once
#if !defined(__CUDACC_RTC__)
#include <stdint.h>
#endif

namespace pt {

// What a register of the machine holds. Other dtypes are converting loads and stores.
// u8 and u16 fit into I32, u32 into I64.
enum class FusedClass : uint8_t { F32, F64, I32, I64, Bool, U64 };
constexpr int kFusedClasses = 6;

// The element types of operands, in the order of DType. Complex numbers are operands of their parts.
enum class FusedStorage : uint8_t { Bool, U8, I8, I16, I32, I64, F16, BF16, F32, F64, U16, U32, U64 };

enum class FusedReduce : uint8_t { Sum, Prod, Max, Min };

constexpr int64_t kSumBlock = 1024;  // of the canonical row sum, with kSumLanes accumulators
constexpr int kSumLanes = 64;

constexpr int64_t kColumnBlock = 256;   // of the canonical column sum: elements of a chain
constexpr int64_t kColumnGroup = 4096;  // blocks add ascending within a group, groups add ascending

}  // namespace pt
