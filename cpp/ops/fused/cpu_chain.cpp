// The loops of chain_table.h.
#include "ops/fused/chain_table.h"

namespace pt {
namespace PT_ISA {

template <int kOp, class V>
PT_FN V chain_step(V a, V b) {
  if constexpr (kOp == 0)
    return a + b;
  else if constexpr (kOp == 1)
    return a - b;
  else
    return a * b;
}

template <FusedChain kForm, int kOps, class V>
static void chain_loop(char* dst, const char* const* args, int64_t n, unsigned steps) {
  using T = element_of<V>;
  constexpr int outer = kOps % 3, left = kOps / 3 % 3, right = kForm == FusedChain::Both ? kOps / 9 : left;
  constexpr bool both = kForm == FusedChain::Both;
  T* out = reinterpret_cast<T*>(dst);
  const T* in[4];
  int64_t step[4];
  for (int k = 0; k < (both ? 4 : 3); ++k) {
    in[k] = reinterpret_cast<const T*>(args[k]);
    step[k] = steps >> k & 1 ? V::lanes : 0;
  }
  for (int64_t i = 0; i < n; i += V::lanes) {
    V a = V::load(in[0]), b = V::load(in[1]), c = V::load(in[2]);
    V result;
    if constexpr (kForm == FusedChain::Left)
      result = chain_step<outer>(chain_step<left>(a, b), c);
    else if constexpr (kForm == FusedChain::Right)
      result = chain_step<outer>(a, chain_step<right>(b, c));
    else
      result = chain_step<outer>(chain_step<left>(a, b), chain_step<right>(c, V::load(in[3])));
    store(out + i, result);
    for (int k = 0; k < (both ? 4 : 3); ++k) in[k] += step[k];
  }
}

template <FusedCompare kCompare, class V>
PT_FN mask_of<V> compare(V a, V b) {
  if constexpr (kCompare == FusedCompare::Greater)
    return a > b;
  else if constexpr (kCompare == FusedCompare::GreaterEqual)
    return a >= b;
  else if constexpr (kCompare == FusedCompare::Less)
    return a < b;
  else if constexpr (kCompare == FusedCompare::LessEqual)
    return a <= b;
  else if constexpr (kCompare == FusedCompare::Equal)
    return a == b;
  else
    return a != b;
}

template <FusedCompare kCompare, class V>
static void select_loop(char* dst, const char* const* args, int64_t n, unsigned steps) {
  using T = element_of<V>;
  T* out = reinterpret_cast<T*>(dst);
  const T* in[4];
  int64_t step[4];
  for (int k = 0; k < 4; ++k) {
    in[k] = reinterpret_cast<const T*>(args[k]);
    step[k] = steps >> k & 1 ? V::lanes : 0;
  }
  for (int64_t i = 0; i < n; i += V::lanes) {
    store(out + i, select(compare<kCompare>(V::load(in[0]), V::load(in[1])), V::load(in[2]), V::load(in[3])));
    for (int k = 0; k < 4; ++k) in[k] += step[k];
  }
}

#define PT_SELECTS(V)                                                                \
  select_loop<FusedCompare::Greater, V>, select_loop<FusedCompare::GreaterEqual, V>, \
      select_loop<FusedCompare::Less, V>, select_loop<FusedCompare::LessEqual, V>,   \
      select_loop<FusedCompare::Equal, V>, select_loop<FusedCompare::NotEqual, V>
#define PT_CHAINS3(form, V, ops)                                                  \
  chain_loop<FusedChain::form, ops, V>, chain_loop<FusedChain::form, ops + 1, V>, \
      chain_loop<FusedChain::form, ops + 2, V>
#define PT_CHAINS9(form, V, ops) PT_CHAINS3(form, V, ops), PT_CHAINS3(form, V, ops + 3), PT_CHAINS3(form, V, ops + 6)
#define PT_CHAINS27(form, V) PT_CHAINS9(form, V, 0), PT_CHAINS9(form, V, 9), PT_CHAINS9(form, V, 18)
using V32 = vec<float, 16>;
using V64 = vec<double, 16>;

const ChainFn kChainsF32[3][27] = {{PT_CHAINS9(Left, V32, 0)}, {PT_CHAINS9(Right, V32, 0)}, {PT_CHAINS27(Both, V32)}};
const ChainFn kChainsF64[3][27] = {{PT_CHAINS9(Left, V64, 0)}, {PT_CHAINS9(Right, V64, 0)}, {PT_CHAINS27(Both, V64)}};
const ChainFn kSelectsF32[6] = {PT_SELECTS(V32)};
const ChainFn kSelectsF64[6] = {PT_SELECTS(V64)};

}  // namespace PT_ISA
}  // namespace pt
