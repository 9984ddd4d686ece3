// Convolutions as products whose left operand is gathered from an NHWC image: no copy of the whole image by taps is
// ever made, only the block that the chunk multiplies next. The order of every sum is the product's (region.h).
#include "ops/conv2d/depthwise.h"
#include "ops/conv2d/gather.h"
#include "ops/conv2d/padded.h"
#include "ops/conv2d/winograd.h"
#include "ops/matmul/chunk.h"
#include "ops/matmul/finish.h"

namespace pt {
namespace PT_ISA {

// Stores finished sums one pixel at a time: the pixels of a strided gradient are not evenly apart.
template <class T>
inline void store_scattered(const ConvDesc& d, const KernelArgs* args, const Sums<T>& s, int64_t offset,
                            const MatmulChunk& c) {
  const int64_t size = element_size<T>(d.product.problem.out_type);
  GatherPixel p = pixel_of(d.gather, c.row);
  for (int64_t row = 0; row < c.rows; ++row, next_pixel(d.gather, p)) {
    char* at = args->data[d.product.problem.out_at] + (scattered_row(d, p) + offset + c.col) * size;
    store_block(s.sum + row * s.sum_row, s.sum_row, 1, c.cols, {at, d.product.problem.out_type, c.cols, 1});
  }
}

template <class T>
inline GatherSource source_of(const ConvDesc& d, const KernelArgs* args, int64_t offset) {
  const MatmulDesc& m = d.product;
  const int64_t size = element_size<T>(m.problem.left_type);
  const char* at = args->data[m.problem.left_at];
  return {at + offset * size, m.problem.left_type, at + d.source_elements * size};
}

// Rows are pixels.
template <class T>
void convolve(const KernelArgs* args, int64_t chunk) {
  const ConvDesc& d = *static_cast<const ConvDesc*>(args->desc);
  const MatmulDesc& m = d.product;
  T* scratch = reinterpret_cast<T*>(args->scratch + m.layout.left_block);
  const auto gathered = [&](int64_t, int64_t offset, const MatmulChunk& c) {
    return GatheredRows<T>{d.gather, source_of<T>(d, args, offset), c.row, c.rows, m.schedule.strips, scratch};
  };
  const auto padded = [&](int64_t, int64_t offset, const MatmulChunk& c) {
    return PaddedRows<T>(d.gather, source_of<T>(d, args, offset), c.row, c.rows, scratch);
  };
  const auto store = [&](const Sums<T>& s, const Target&, int64_t batch, const MatmulChunk& c) {
    if (m.problem.has_epilogue()) return run_epilogue(args, m, s, batch, c);
    store_scattered(d, args, s, batch_offsets(m.problem, batch).out, c);
  };
  m.schedule.padded_left ? product_chunk<T>(args, m, chunk, padded, store)
                         : product_chunk<T>(args, m, chunk, gathered, store);
}

// Rows are (tap, channel): the gradient of the weights.
template <class T>
void convolve_weight(const KernelArgs* args, int64_t chunk) {
  const ConvDesc& d = *static_cast<const ConvDesc*>(args->desc);
  const MatmulDesc& m = d.product;
  T* scratch = reinterpret_cast<T*>(args->scratch + m.layout.left_block);
  const auto gathered = [&](int64_t, int64_t offset, const MatmulChunk& c) {
    return GatheredColumns<T>{d.gather, source_of<T>(d, args, offset), c.row, c.rows, m.schedule.strips, scratch};
  };
  const auto padded = [&](int64_t, int64_t offset, const MatmulChunk& c) {
    return PaddedColumns<T>(d.gather, source_of<T>(d, args, offset), c.row, c.rows, scratch);
  };
  const auto store = [&](const Sums<T>& s, const Target& out, int64_t batch, const MatmulChunk& c) {
    finish_sums(args, m, s, out, batch, c);
  };
  m.schedule.padded_left ? product_chunk<T>(args, m, chunk, padded, store)
                         : product_chunk<T>(args, m, chunk, gathered, store);
}

template <class T>
void add_conv_groups(const KernelArgs* args, int64_t chunk) {
  const ConvDesc& d = *static_cast<const ConvDesc*>(args->desc);
  const MatmulDesc& m = d.product;
  add_groups_chunk<T>(args, m, chunk, [&](const Sums<T>& s, const Target& out, int64_t batch, const MatmulChunk& c) {
    finish_sums(args, m, s, out, batch, c);
  });
}

}  // namespace PT_ISA
}  // namespace pt

PT_KERNELS(conv2d, pt::PT_ISA::convolve<float>, pt::PT_ISA::convolve<double>, pt::PT_ISA::add_conv_groups<float>,
           pt::PT_ISA::add_conv_groups<double>, pt::PT_ISA::convolve_weight<float>, pt::PT_ISA::convolve_weight<double>,
           pt::PT_ISA::depthwise<float>, pt::PT_ISA::depthwise<double>, pt::PT_ISA::depthwise_weight<float>,
           pt::PT_ISA::depthwise_weight<double>, pt::PT_ISA::winograd, pt::PT_ISA::winograd_weights,
           pt::PT_ISA::winograd_grad, pt::PT_ISA::winograd_grad_groups);
