// How the processor computes with floating-point numbers: rounding, and whether it takes denormal ones for zero. It
// belongs to each thread, and anybody may have changed it: libraries built with -ffast-math do when they are loaded.
#pragma once
#include <cstdint>

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>
#endif

namespace pt {

// The mode that the engine's numbers are defined by, until the end of the block; then the one from before.
class DefaultFloatMode {
 public:
  DefaultFloatMode() : before_(read()) {
    if (differs()) write((before_ & ~kMode) | kDefault);
  }
  ~DefaultFloatMode() {
    if (differs()) write(before_);
  }
  DefaultFloatMode(const DefaultFloatMode&) = delete;
  DefaultFloatMode& operator=(const DefaultFloatMode&) = delete;

 private:
  bool differs() const { return (before_ & kMode) != kDefault; }
#if defined(__x86_64__) || defined(__i386__)
  using Word = uint32_t;
  static constexpr Word kMode = 0xffc0, kDefault = 0x1f80;  // of MXCSR; its low bits note what has happened
  static Word read() { return _mm_getcsr(); }
  static void write(Word word) { _mm_setcsr(word); }
#elif defined(__aarch64__)
  using Word = uint64_t;
  static constexpr Word kMode = ~Word{0}, kDefault = 0;  // of FPCR
  static Word read() {
    Word word;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void write(Word word) { asm volatile("msr fpcr, %0" : : "r"(word)); }
#else
  using Word = uint32_t;  // no mode is known
  static constexpr Word kMode = 0, kDefault = 0;
  static Word read() { return 0; }
  static void write(Word) {}
#endif
  Word before_;
};

}  // namespace pt
