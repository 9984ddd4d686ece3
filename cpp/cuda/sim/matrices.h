// What cuda/mma.h does on a device, in plain code: a warp's lanes give their fragments, and each gets its own.
#pragma once
#include "cuda/half.h"
#include "cuda/sim/block.h"
#include "cuda/sim/intrinsics.h"

namespace pt::cuda::sim {

constexpr uint32_t kAllLanes = 0xffffffffu;

inline uint32_t to_tf32(float x) {
  const uint32_t bits = bits_of<uint32_t>(x);
  if ((bits & 0x7f800000u) == 0x7f800000u) return bits & 0x7fffffu ? 0x7fffffffu : bits;
  return (bits + 0x1000u) & 0xffffe000u;
}

// How an element lies in a register, and how many do.
struct Half {
  static constexpr int kPerRegister = 2;
  static float at(uint32_t bits, int i) { return f16_to_float(static_cast<uint16_t>(bits >> (16 * i))); }
};
struct BFloat {
  static constexpr int kPerRegister = 2;
  static float at(uint32_t bits, int i) { return bits_of<float>(i ? bits & 0xffff0000u : bits << 16); }
};
struct TFloat {
  static constexpr int kPerRegister = 1;
  static float at(uint32_t bits, int) { return bits_of<float>(bits & 0xffffe000u); }
};

struct Fragments {
  uint32_t a[4], b[2];
  float c[4];
};

// Products are exact in double, and their sum is rounded to float once.
template <class Element>
void multiply_lanes(uint32_t, const void* const* in, void* const* out) {
  constexpr int kPer = Element::kPerRegister, kDepth = 8 * kPer;
  double a[16][kDepth], b[kDepth][8];
  for (int lane = 0; lane < 32; ++lane) {
    const auto* given = static_cast<const Fragments*>(in[lane]);
    const int r = lane / 4, q = lane % 4;
    for (int i = 0; i < kPer; ++i) {
      for (int part = 0; part < 4; ++part) {
        a[r + part % 2 * 8][kPer * q + part / 2 * 4 * kPer + i] = Element::at(given->a[part], i);
      }
      for (int part = 0; part < 2; ++part) b[kPer * q + part * 4 * kPer + i][r] = Element::at(given->b[part], i);
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
      double sum = static_cast<const Fragments*>(in[lane])->c[i];
      for (int k = 0; k < kDepth; ++k) sum += a[row][k] * b[k][column];
      static_cast<float*>(out[lane])[i] = static_cast<float>(sum);
    }
  }
}

template <class Element>
void multiply_fragments(const char* name, float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  const Fragments given{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}, {c[0], c[1], c[2], c[3]}};
  collective(name, multiply_lanes<Element>, kAllLanes, &given, c);
}

struct MatrixRow {
  uint16_t elements[8];
};

template <int kMatrices, bool kTurned>
void exchange_rows(uint32_t, const void* const* in, void* const* out) {
  const auto element = [&](int matrix, int row, int column) -> uint32_t {
    return static_cast<const MatrixRow*>(in[8 * matrix + row])->elements[column];
  };
  for (int lane = 0; lane < 32; ++lane) {
    const int r = lane / 4, q = lane % 4;
    for (int m = 0; m < kMatrices; ++m) {
      const uint32_t low = kTurned ? element(m, 2 * q, r) : element(m, r, 2 * q);
      const uint32_t high = kTurned ? element(m, 2 * q + 1, r) : element(m, r, 2 * q + 1);
      static_cast<uint32_t*>(out[lane])[m] = low | high << 16;
    }
  }
}

template <int kMatrices, bool kTurned>
void load_matrices(uint32_t (&to)[kMatrices], const void* row) {
  MatrixRow mine{};
  if (here.lane < 8 * kMatrices) {
    const uint4 bits = *static_cast<const uint4*>(row);  // by its own lane, so that a report says whose address it was
    memcpy(&mine, &bits, sizeof(mine));
  }
  collective("load_matrices", exchange_rows<kMatrices, kTurned>, kAllLanes, &mine, to);
}

}  // namespace pt::cuda::sim
