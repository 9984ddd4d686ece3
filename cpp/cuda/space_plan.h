// Makes what cuda/space.h has, for plan functions.
#pragma once
#include <bit>

#include "core/space.h"
#include "cuda/space.h"

namespace pt::cuda {

// For numbers up to `most`.
inline Divisor divisor(int64_t by, int64_t most) {
  Divisor d{by, 0, 0, 0, most >= (int64_t{1} << 31)};
  if (by <= 0) return d;
  if (by > 1) d.wide_magic = ~uint64_t{0} / static_cast<uint64_t>(by) + 1;
  if (d.wide) return d;
  // The quotient is (high half of n * magic + n) >> shift: Granlund and Montgomery, "Division by invariant integers
  // using multiplication", PLDI 1994.
  d.shift = static_cast<uint32_t>(std::bit_width(static_cast<uint64_t>(by - 1)));
  d.magic = static_cast<uint32_t>((((uint64_t{1} << d.shift) - static_cast<uint64_t>(by)) << 32) /
                                  static_cast<uint64_t>(by)) +
            1;
  return d;
}

inline Axes axes_of(const Space& space) {
  Axes axes{};
  axes.count = space.axes;
  axes.elements = space.count;
  for (int i = 0; i < space.axes; ++i) {
    axes.extent[i] = divisor(space.extent[i], space.count);
    axes.a[i] = space.a[i];
    axes.b[i] = space.b[i];
  }
  return axes;
}

// The widest units of a space. `a_stands`: all elements of the innermost axis are one of a.
inline Units units_of(Space space, int64_t element_bytes, bool a_stands = false) {
  const int last = space.axes - 1;
  const bool runs = space.extent[last] == 1 || (space.b[last] == element_bytes &&
                                                (a_stands ? space.a[last] == 0 : space.a[last] == element_bytes));
  const int64_t run = space.extent[last] * element_bytes;
  auto divides = [&](int64_t unit) {
    bool all = last == 0 || run % unit == 0;
    for (int i = 0; i < last; ++i) all = all && space.b[i] % unit == 0 && (a_stands || space.a[i] % unit == 0);
    return all;
  };
  int64_t unit = 16;
  while (unit > element_bytes && !(runs && divides(unit))) unit /= 2;
  Units units{};
  units.unit_bytes = static_cast<int32_t>(unit);
  units.element_bytes = static_cast<int32_t>(element_bytes);
  if (unit > element_bytes) {
    units.tail = run % unit / element_bytes;
    units.tail_at = run - run % unit;
    space.count = space.count / space.extent[last] * (run / unit);
    space.extent[last] = run / unit;
    space.a[last] = a_stands ? 0 : unit;
    space.b[last] = unit;
  }
  units.axes = axes_of(space);
  return units;
}

}  // namespace pt::cuda
