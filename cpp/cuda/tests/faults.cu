// Small kernels, each right, and wrong in the ways that faults.h lists: what the checker of the simulator has to find.
#include "cuda/async_copy.h"
#include "cuda/kernel.h"
#include "cuda/tests/faults.h"

namespace pt::cuda {

// Out = 2 * in.
PT_CUDA_KERNEL(faulty_scale, 3, FaultyRun, 128) {
  const Fault fault = params.fault;
  const float* in = reinterpret_cast<const float*>(operands.at[0]);
  float* out = reinterpret_cast<float*>(operands.at[1]);
  int64_t first = global_thread(), step = global_threads(), end = params.n;
  if (fault == Fault::EveryBlockAllElements) first = threadIdx.x, step = blockDim.x;
  if (fault == Fault::StrideOfBlock) step = blockDim.x;
  if (fault == Fault::OneElementTooMany) end = params.n + 1;
  if (fault == Fault::NoBoundsCheck) end = first + 1;
  if (fault == Fault::NoWalkOverGrid) end = min(end, first + 1);
  if (fault == Fault::ForeignPointer) in = reinterpret_cast<const float*>(uintptr_t(64));
  if (fault == Fault::WriteToParameters) const_cast<FaultyRun&>(params).rows = 1;
  if (fault == Fault::MisalignedFloat4 || fault == Fault::Float4OverTail) {
    const int64_t skip = fault == Fault::MisalignedFloat4;
    for (int64_t i = first; 4 * i + skip < end; i += step) {
      const float4 x = *reinterpret_cast<const float4*>(in + 4 * i + skip);
      *reinterpret_cast<float4*>(out + 4 * i + skip) = {2 * x.x, 2 * x.y, 2 * x.z, 2 * x.w};
    }
    return;
  }
  for (int64_t i = first; i < end; i += step) {
    float x = in[i];
    if (fault == Fault::ReadBeforeBegin) x = in[i - 1];
    if (fault == Fault::ReadNextOperand) x = in[params.n + i];
    if (fault == Fault::MisalignedDouble && i == 1) x = static_cast<float>(*reinterpret_cast<const double*>(in + i));
    if (fault == Fault::AddToUnwritten) {
      out[i] += 2 * x;
    } else if (fault == Fault::WriteToInput) {
      reinterpret_cast<float*>(operands.at[0])[i] = 2 * x;
    } else {
      out[fault == Fault::WriteOneFurther ? i + 1 : i] = 2 * x;
    }
  }
}

// Out[row] = sum of in[row], of at most 64 columns: a tree in shared memory.
PT_CUDA_KERNEL(faulty_row_sum, 2, FaultyRun, 64) {
  __shared__ float few[32];
  __shared__ float enough[64];
  __shared__ int last;
  const Fault fault = params.fault;
  const float* in = reinterpret_cast<const float*>(operands.at[0]);
  float* out = reinterpret_cast<float*>(operands.at[1]);
  float* const sums = fault == Fault::SharedTooSmall ? few : enough;
  const int t = threadIdx.x, columns = params.n;
  if (fault == Fault::ReturnBeforeBarrier && t >= columns) return;
  for (int row = blockIdx.x; row < params.rows; row += gridDim.x) {
    if (t < columns) {
      sums[t] = in[row * columns + t];
    } else if (fault != Fault::IdleThreadsLeaveSharedUnwritten) {
      sums[t] = 0;
    }
    if (t == 0) last = row;
    if (fault == Fault::FlagWithoutBarrier && last != row) return;
    if (fault == Fault::ReturnWhileOthersWait && t == 63) return;
    if (fault == Fault::BarriersInBothBranches) {
      if (t < columns) {
        __syncthreads();
      } else {
        __syncthreads();
      }
    } else if (fault != Fault::NoBarrierBeforeTree) {
      __syncthreads();
    }
    for (int half = 32; half > 0; half /= 2) {
      if (t < half) {
        sums[t] += sums[t + half + (fault == Fault::TreeReadsOneFurther)];
        if (fault == Fault::BarrierInBranch) __syncthreads();
      }
      if (fault != Fault::NoBarrierInTree && fault != Fault::BarrierInBranch) __syncthreads();
    }
    if (t == 1 || fault == Fault::EveryThreadStores) out[row] = sums[0];
    if (fault != Fault::NoBarrierAfterRow) __syncthreads();
  }
}

// Out[row] = sum of in[row], 32 columns: a warp to a row, and the first lane's number passed through shared memory.
PT_CUDA_KERNEL(faulty_warp_sum, 2, FaultyRun, 32) {
  __shared__ float handed[32];
  const Fault fault = params.fault;
  const int lane = threadIdx.x % kWarp;
  float sum = reinterpret_cast<const float*>(operands.at[0])[blockIdx.x * kWarp + lane];
  unsigned mask = 0xffffffffu;
  if (fault == Fault::MaskOfHalf) mask = 0x0000ffffu;
  if (fault == Fault::MasksDiffer && lane == 7) mask = 0x0fffffffu;
  if (fault == Fault::ReturnBeforeShuffle && lane == 31) return;
  if (fault == Fault::ShuffleFromOutsideOfMask) mask = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  if (fault != Fault::ShuffleInBranch || lane < 16) {
    for (int by = 16; by > 0; by /= 2) sum += __shfl_xor_sync(mask, sum, by);
  }
  if (fault == Fault::LoopsOfDifferentLength) {
    for (int i = 0; i < lane; ++i) sum += __shfl_sync(0xffffffffu, 0.0f, 0);
  }
  handed[lane] = sum;
  if (fault == Fault::ShuffleInPlaceOfSyncWarp) sum = __shfl_sync(0xffffffffu, sum, 0);
  if (fault == Fault::SyncOfOtherHalf) __syncwarp(lane < 16 ? 0x0000ffffu : 0xffff0000u);
  if (fault != Fault::NoSyncWarp && fault != Fault::ShuffleInPlaceOfSyncWarp && fault != Fault::SyncOfOtherHalf) {
    __syncwarp();
  }
  if (lane == 0) reinterpret_cast<float*>(operands.at[1])[blockIdx.x] = handed[31];
}

// Out[x] = how many of in are x, from zeros. In shared memory first, for each block.
PT_CUDA_KERNEL(faulty_count, 2, FaultyRun, 64) {
  __shared__ int counts[16];
  const Fault fault = params.fault;
  const int* in = reinterpret_cast<const int*>(operands.at[0]);
  int* out = reinterpret_cast<int*>(operands.at[1]);
  if (threadIdx.x < 16) counts[threadIdx.x] = 0;
  __syncthreads();
  for (int64_t i = global_thread(); i < params.n; i += global_threads()) {
    if (fault == Fault::PlainIncrement) {
      ++counts[in[i]];
    } else {
      atomicAdd(&counts[in[i]], 1);
    }
  }
  if (fault != Fault::PlainReadAfterAtomic) __syncthreads();
  if (threadIdx.x < 16) {
    const int count = counts[threadIdx.x];
    if (fault == Fault::PlainIncrementAcrossBlocks) {
      out[threadIdx.x] += count;
    } else if (fault == Fault::MisalignedAtomic) {
      atomicAdd(reinterpret_cast<int*>(reinterpret_cast<char*>(out + threadIdx.x) + 2), count);
    } else {
      atomicAdd(&out[threadIdx.x + (fault == Fault::AtomicOutside)], count);
    }
  }
}

// Out[column][row] = in[row][column], by tiles of 16 by 16 in dynamic shared memory.
PT_CUDA_KERNEL(faulty_transpose, 2, FaultyRun, 256) {
  PT_DYNAMIC_SHARED(float, tile);  // [16][17]
  const Fault fault = params.fault;
  const float* in = reinterpret_cast<const float*>(operands.at[0]);
  float* out = reinterpret_cast<float*>(operands.at[1]);
  const int x = threadIdx.x % 16, y = threadIdx.x / 16, columns = params.n, rows = params.rows;
  const int pitch = fault == Fault::DynamicTooSmall ? 18 : 17;
  for (int first_row = 0; first_row < rows; first_row += 16) {
    const int row = first_row + y, column = blockIdx.x * 16 + x;
    const int place = fault == Fault::TurnIntoOneColumn ? y * pitch : y * pitch + x;
    if (row < rows && column < columns) tile[place] = in[row * columns + column];
    if (fault != Fault::NoBarrierBeforeTurn) __syncthreads();
    const int to_row = blockIdx.x * 16 + y, to_column = first_row + x;
    const bool inside = to_row < columns && to_column < rows;
    const bool wrong = row < rows && column < columns;
    if (fault == Fault::TailOfOtherAxis ? wrong : inside) out[to_row * rows + to_column] = tile[x * pitch + y];
    if (fault != Fault::NoBarrierAfterTurn) __syncthreads();
  }
}

// Out[i] = sum over the rows of in[row][i turned within its 64], row after row through two buffers, the next one on its
// way while one is read. 64 columns.
PT_CUDA_KERNEL(faulty_pipeline, 2, FaultyRun, 16) {
  __shared__ __align__(16) float buffers[2][64];
  const Fault fault = params.fault;
  const float* in = reinterpret_cast<const float*>(operands.at[0]);
  const int t = threadIdx.x;
  const auto begin_row = [&](int row) {
    if (row < params.rows) {
      const int shift = fault == Fault::MisalignedCopy;
      copy_async<16>(&buffers[fault == Fault::OneBuffer ? 0 : row % 2][4 * t], in + row * 64 + 4 * t + shift);
    }
    commit_copies();  // an empty group too, so that all rows are counted alike
  };
  begin_row(0);
  float sum[4] = {0, 0, 0, 0};
  for (int row = 0; row < params.rows; ++row) {
    begin_row(row + 1);
    if (fault == Fault::WaitForOneTooFew) {
      wait_copies<2>();
    } else if (fault != Fault::NoWait && fault != Fault::EndWithoutWait) {
      wait_copies<1>();
    }
    if (fault == Fault::EndWithoutWait) return;
    if (fault != Fault::NoBarrierAfterWait) __syncthreads();
    const int other = 15 - t;
    for (int i = 0; i < 4; ++i) sum[i] += buffers[fault == Fault::OneBuffer ? 0 : row % 2][4 * other + i];
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i) reinterpret_cast<float*>(operands.at[1])[4 * t + i] = sum[i];
}

}  // namespace pt::cuda
