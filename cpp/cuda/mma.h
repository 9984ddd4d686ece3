// Products of small matrices by a whole warp: C[16, 8] += A[16, K] @ B[K, 8], in registers of its 32 lanes. The results
// of different devices differ in their last bits: no rule says in which order and width they add.
//
// Which elements a lane holds, with r = lane / 4 and q = lane % 4 (PTX ISA, "Matrix fragments for mma"):
//
//   K = 16, f16 or bf16, two to a register, the lower column in the lower half
//     a[0]: A[r][2q, 2q + 1]   a[1]: A[r + 8][2q, 2q + 1]   a[2]: A[r][2q + 8, 2q + 9]   a[3]: A[r + 8][2q + 8, 2q + 9]
//     b[0]: B[2q, 2q + 1][r]   b[1]: B[2q + 8, 2q + 9][r]
//   K = 8, tf32: the bits of floats, of which the lower 13 are not looked at
//     a[0]: A[r][q]   a[1]: A[r + 8][q]   a[2]: A[r][q + 4]   a[3]: A[r + 8][q + 4]
//     b[0]: B[q][r]   b[1]: B[q + 4][r]
//   c[0], c[1]: C[r][2q, 2q + 1]   c[2], c[3]: C[r + 8][2q, 2q + 1]
#pragma once
#include "cuda/kernel.h"
#if defined(PT_CUDA_SIM)
#include "cuda/sim/matrices.h"
#endif

namespace pt::cuda {

#if defined(PT_CUDA_SIM)
#define PT_MMA(name, shape_and_types, Element)                                      \
  PT_DEVICE void name(float(&c)[4], const uint32_t(&a)[4], const uint32_t(&b)[2]) { \
    sim::multiply_fragments<sim::Element>(#name, c, a, b);                          \
  }
#else
#define PT_MMA(name, shape_and_types, Element)                                        \
  PT_DEVICE void name(float(&c)[4], const uint32_t(&a)[4], const uint32_t(&b)[2]) {   \
    asm volatile("mma.sync.aligned." shape_and_types                                  \
                 " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"   \
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])                     \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1])); \
  }
#endif
PT_MMA(mma_f16, "m16n8k16.row.col.f32.f16.f16.f32", Half)
PT_MMA(mma_bf16, "m16n8k16.row.col.f32.bf16.bf16.f32", BFloat)
PT_MMA(mma_tf32, "m16n8k8.row.col.f32.tf32.tf32.f32", TFloat)
#undef PT_MMA

// The float as tf32, to nearest, ties away from zero; its bits.
PT_DEVICE uint32_t to_tf32(float x) {
#if defined(PT_CUDA_SIM)
  return sim::to_tf32(x);
#else
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
  return bits;
#endif
}

// Loads kMatrices (1, 2 or 4) matrices of 8 rows of 16 bytes from shared memory. Lane 8m + i gives the address of row i
// of matrix m, a multiple of 16. Of elements of two bytes, lane 4r + q gets M[r][2q, 2q + 1] of matrix m in to[m];
// where they are turned, M[2q, 2q + 1][r]. So a row-major A[16][16] gives mma_f16's `a` by the addresses of A[lane %
// 16][lane / 16 * 8], and a row-major B[16][8] its `b`, turned, by those of B[lane % 16][0].
template <int kMatrices, bool kTurned = false>
PT_DEVICE void load_matrices(uint32_t (&to)[kMatrices], const void* row) {
  static_assert(kMatrices == 1 || kMatrices == 2 || kMatrices == 4);
#if defined(PT_CUDA_SIM)
  sim::load_matrices<kMatrices, kTurned>(to, row);
#else
  const uint32_t at = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (kMatrices == 4 && kTurned) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(at)
                 : "memory");
  } else if constexpr (kMatrices == 4) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(at)
                 : "memory");
  } else if constexpr (kMatrices == 2 && kTurned) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                 : "=r"(to[0]), "=r"(to[1])
                 : "r"(at)
                 : "memory");
  } else if constexpr (kMatrices == 2) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(to[0]), "=r"(to[1])
                 : "r"(at)
                 : "memory");
  } else if constexpr (kTurned) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(to[0]) : "r"(at) : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(to[0]) : "r"(at) : "memory");
  }
#endif
}

}  // namespace pt::cuda
