// The roofline of this machine: what a kernel is measured against.
#pragma once

namespace pt {

// Per second, of all threads of the pool together. Copies count the bytes read and the bytes written.
struct Roofline {
  double flops;         // float32 multiply-adds, 2 each
  double memory_bytes;  // a copy far larger than the caches
  double cache_bytes;   // copies that stay in the cache of a core
};

// The best of what fits into so many seconds (at least one try of each), since what disturbs only makes it slower.
Roofline measure_roofline(double seconds);

}  // namespace pt
