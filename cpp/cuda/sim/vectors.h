// The vector types of CUDA, with its alignments.
#pragma once
#include <stdint.h>

#define PT_SIM_VECTORS(type, name, align2, align4)                            \
  struct name##1 {                                                            \
    type x;                                                                   \
  };                                                                          \
  struct alignas(align2) name##2 {                                            \
    type x, y;                                                                \
  };                                                                          \
  struct name##3 {                                                            \
    type x, y, z;                                                             \
  };                                                                          \
  struct alignas(align4) name##4 {                                            \
    type x, y, z, w;                                                          \
  };                                                                          \
  inline name##2 make_##name##2(type x, type y) { return {x, y}; }            \
  inline name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; } \
  inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }

PT_SIM_VECTORS(signed char, char, 2, 4)
PT_SIM_VECTORS(unsigned char, uchar, 2, 4)
PT_SIM_VECTORS(short, short, 4, 8)
PT_SIM_VECTORS(unsigned short, ushort, 4, 8)
PT_SIM_VECTORS(int, int, 8, 16)
PT_SIM_VECTORS(unsigned int, uint, 8, 16)
PT_SIM_VECTORS(float, float, 8, 16)
#undef PT_SIM_VECTORS

#define PT_SIM_PAIR(type, name) \
  struct alignas(16) name {     \
    type x, y;                  \
  };                            \
  inline name make_##name(type x, type y) { return {x, y}; }
PT_SIM_PAIR(double, double2)
PT_SIM_PAIR(long long, longlong2)
PT_SIM_PAIR(unsigned long long, ulonglong2)
#undef PT_SIM_PAIR

struct dim3 {
  unsigned int x = 1, y = 1, z = 1;
  constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
};
