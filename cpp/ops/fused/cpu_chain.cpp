// The loops of chain_table.h.
#include "ops/fused/chain_table.h"
#include "ops/fused/row_reduce.h"

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

// An argument, which advances with the elements or is one vector of equal lanes.
template <class T>
struct ChainArgument {
  const T* at;
  int64_t mask;
  ChainArgument(const char* p, unsigned steps, int k)
      : at(reinterpret_cast<const T*>(p)), mask(steps >> k & 1 ? -1 : 0) {}
  PT_FN vec<T, 16> load(int64_t i) const { return vec<T, 16>::load(at + (i & mask)); }
  PT_FN vec<T, 16> load_n(int64_t i, int64_t n) const { return mask ? vec<T, 16>::load_n(at + i, n) : load(0); }
};

// What a chain makes of elements i to i + 15 of its arguments.
template <FusedChain kForm, int kOps, class T>
struct ChainSource {
  using V = vec<T, 16>;
  static constexpr bool kBoth = kForm == FusedChain::Both;
  static constexpr bool kThree = kForm == FusedChain::Left || kForm == FusedChain::Right;
  static constexpr int kOuter = kOps % 3, kInner = kOps / 3 % 3, kArgs = kBoth ? 4 : kThree ? 3 : 2;
  ChainArgument<T> args[4];  // kArgs of them

  static PT_FN V value(const V* v) {
    if constexpr (kForm == FusedChain::Left) return chain_step<kOuter>(chain_step<kInner>(v[0], v[1]), v[2]);
    if constexpr (kForm == FusedChain::Right) return chain_step<kOuter>(v[0], chain_step<kInner>(v[1], v[2]));
    if constexpr (kBoth) return chain_step<kOuter>(chain_step<kInner>(v[0], v[1]), chain_step<kOps / 9>(v[2], v[3]));
    const V one = chain_step<kOuter>(v[0], v[1]);
    return kForm == FusedChain::Square ? one * one : one;
  }
  PT_FN V whole(int64_t i) const {
    V v[kArgs];
    PT_UNROLL for (int k = 0; k < kArgs; ++k) v[k] = args[k].load(i);
    return value(v);
  }
  template <class Op>
  PT_FN V some(int64_t i, int64_t n) const {
    V v[kArgs];
    PT_UNROLL for (int k = 0; k < kArgs; ++k) v[k] = args[k].load_n(i, n);
    return or_identity<Op, T>(value(v), n);
  }
};

template <FusedChain kForm, int kOps, class T>
static void chain_loop(char* dst, const char* a, const char* b, const char* c, const char* d, int64_t n,
                       unsigned steps) {
  const ChainSource<kForm, kOps, T> source{{{a, steps, 0}, {b, steps, 1}, {c, steps, 2}, {d, steps, 3}}};
  T* out = reinterpret_cast<T*>(dst);
  for (int64_t i = 0; i < n; i += kFusedLanes) store(out + i, source.whole(i));
}

template <FusedChain kForm, int kOps>
static void sum_loop(char* lanes, const char* a, const char* b, const char* c, int64_t n, unsigned steps) {
  const ChainSource<kForm, kOps, float> source{{{a, steps, 0}, {b, steps, 1}, {c, steps, 2}, {nullptr, steps, 3}}};
  add_to_lanes<ReduceSum>(reinterpret_cast<float*>(lanes), source, n);
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

template <FusedCompare kCompare, class T>
static void select_loop(char* dst, const char* a, const char* b, const char* c, const char* d, int64_t n,
                        unsigned steps) {
  const ChainArgument<T> w(a, steps, 0), x(b, steps, 1), y(c, steps, 2), z(d, steps, 3);
  T* out = reinterpret_cast<T*>(dst);
  for (int64_t i = 0; i < n; i += kFusedLanes)
    store(out + i, select(compare<kCompare>(w.load(i), x.load(i)), y.load(i), z.load(i)));
}

#define PT_SELECTS(T)                                                                \
  select_loop<FusedCompare::Greater, T>, select_loop<FusedCompare::GreaterEqual, T>, \
      select_loop<FusedCompare::Less, T>, select_loop<FusedCompare::LessEqual, T>,   \
      select_loop<FusedCompare::Equal, T>, select_loop<FusedCompare::NotEqual, T>
#define PT_CHAINS3(form, T, ops)                                                  \
  chain_loop<FusedChain::form, ops, T>, chain_loop<FusedChain::form, ops + 1, T>, \
      chain_loop<FusedChain::form, ops + 2, T>
#define PT_CHAINS9(form, T, ops) PT_CHAINS3(form, T, ops), PT_CHAINS3(form, T, ops + 3), PT_CHAINS3(form, T, ops + 6)
#define PT_CHAINS27(form, T) PT_CHAINS9(form, T, 0), PT_CHAINS9(form, T, 9), PT_CHAINS9(form, T, 18)

const ChainFn kChainsF32[3][27] = {
    {PT_CHAINS9(Left, float, 0)}, {PT_CHAINS9(Right, float, 0)}, {PT_CHAINS27(Both, float)}};
const ChainFn kChainsF64[3][27] = {
    {PT_CHAINS9(Left, double, 0)}, {PT_CHAINS9(Right, double, 0)}, {PT_CHAINS27(Both, double)}};
#define PT_SUMS3(form, ops) \
  sum_loop<FusedChain::form, ops>, sum_loop<FusedChain::form, ops + 1>, sum_loop<FusedChain::form, ops + 2>
#define PT_SUMS9(form) PT_SUMS3(form, 0), PT_SUMS3(form, 3), PT_SUMS3(form, 6)
const SumChainFn kChainSums[5][9] = {
    {PT_SUMS9(Left)}, {PT_SUMS9(Right)}, {}, {PT_SUMS3(One, 0)}, {PT_SUMS3(Square, 0)}};
const ChainFn kSelectsF32[6] = {PT_SELECTS(float)};
const ChainFn kSelectsF64[6] = {PT_SELECTS(double)};

}  // namespace PT_ISA
}  // namespace pt
