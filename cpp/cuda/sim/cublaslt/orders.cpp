#include "cuda/sim/cublaslt/orders.h"

#include <cstdlib>
#include <string>

namespace pt::simcublas {

uint64_t ordered(const char* key) {
  const char* given = std::getenv("POWERTRAIN_SIM_CUBLASLT");
  const std::string orders = std::string(",") + (given ? given : ""), wanted = std::string(",") + key + "=";
  const auto at = orders.find(wanted);
  return at == std::string::npos ? 0 : std::strtoull(orders.c_str() + at + wanted.size(), nullptr, 10);
}

}  // namespace pt::simcublas
