// The bit of the status word that check_true raises, beside those of core/kernel.h.
#pragma once
#include <stdint.h>

namespace pt {

constexpr uint32_t kStatusRefused = 1u << 5;

}  // namespace pt
