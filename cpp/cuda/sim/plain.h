// Kernels with parameters of their own, as plugins write them: PT_SIM_PLAIN(name) behind such a function registers it.
// NVRTC's stand-in appends it for each that it finds in a source.
#pragma once
#include "cuda/sim/registry.h"

namespace pt::cuda::sim {

// An argument, in the block in which a launch keeps all of them.
struct Argument {
  int at, bytes;
  bool address;
};

struct PlainKernel {
  Kernel kernel;  // whose parameters are that block; it has no operands
  const Argument* arguments;
  int count;
  const PlainKernel* next = nullptr;
};

extern "C" __attribute__((visibility("default"))) bool pt_cuda_sim_register_plain(PlainKernel* kernel);
const PlainKernel* find_plain(const Kernel* kernel);  // nullptr for one with operands

template <class T>
struct is_address {
  static constexpr bool value = false;
};
template <class T>
struct is_address<T*> {
  static constexpr bool value = true;
};

// Where each argument lies in their block, aligned as a device would have it.
template <class... Args>
struct PlainArguments {
  static constexpr int kCount = sizeof...(Args);
  Argument all[kCount + 1]{};
  constexpr PlainArguments() {
    constexpr int sizes[] = {static_cast<int>(sizeof(Args))..., 0};
    constexpr int alignments[] = {static_cast<int>(alignof(Args))..., 1};
    constexpr bool addresses[] = {is_address<Args>::value..., false};
    int end = 0;
    for (int i = 0; i < kCount; ++i) {
      end = (end + alignments[i] - 1) / alignments[i] * alignments[i];
      all[i] = {end, sizes[i], addresses[i]};
      end += sizes[i];
    }
    all[kCount] = {end, 0, false};
  }
};

template <auto kFunction, class F = decltype(kFunction)>
struct Plain;
template <auto kFunction, class... Args>
struct Plain<kFunction, void (*)(Args...)> {
  static constexpr PlainArguments<Args...> kArguments{};
  static constexpr int kBytes = kArguments.all[sizeof...(Args)].at;

  static void run(const void*, const void* block) { call(static_cast<const char*>(block), Indices<sizeof...(Args)>()); }

 private:
  template <int... i>
  struct Sequence {};
  template <int n, int... i>
  struct Make : Make<n - 1, n - 1, i...> {};
  template <int... i>
  struct Make<0, i...> {
    using type = Sequence<i...>;
  };
  template <int n>
  using Indices = typename Make<n>::type;
  template <int... i>
  static void call([[maybe_unused]] const char* block, Sequence<i...>) {
    kFunction(*reinterpret_cast<const Args*>(block + kArguments.all[i].at)...);
  }
};

}  // namespace pt::cuda::sim

#define PT_SIM_PLAIN(name)                                                                            \
  static pt::cuda::sim::PlainKernel name##_plain{                                                     \
      {#name, 0, pt::cuda::sim::Plain<&name>::kBytes, 1024, false, pt::cuda::sim::Plain<&name>::run}, \
      pt::cuda::sim::Plain<&name>::kArguments.all,                                                    \
      pt::cuda::sim::Plain<&name>::kArguments.kCount};                                                \
  [[maybe_unused]] static const bool name##_plain_registered = pt::cuda::sim::pt_cuda_sim_register_plain(&name##_plain);
