// What POWERTRAIN_SIM_CUBLASLT orders of the simulated library:
//
//   version=110500        the version that it says it has
//   fail_create=1         the call of cublasLtCreate, counted from one, that fails; also fail_choice and fail_product
//   refuse=1              no algorithm for any product
//   no_epilogues=1        no algorithm takes one
#pragma once
#include <cstdint>

namespace pt::simcublas {

uint64_t ordered(const char* key);  // 0 where it says nothing
inline bool ordered_to_fail(const char* key, uint64_t call) { return ordered(key) == call; }

}  // namespace pt::simcublas
