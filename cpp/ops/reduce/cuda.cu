// Column reductions in the order of the CPU's: chains of 256 elements, which add ascending within groups of 4,096,
// which add ascending. A thread takes a chain, so that a warp reads rows of 32 neighbours.
#include "ops/fused/cuda_machine.h"
#include "ops/reduce/cuda_items.h"

namespace pt::cuda {

template <class Op, class Load>
PT_DEVICE typename Load::type join_chain(const char* column, const ReduceItems& of, int64_t begin, int64_t end) {
  using T = typename Load::type;
  T chain = Op::template identity<T>();
  if (of.reduced.count == 1) {
    const int64_t stride = of.reduced.a[0];
    const char* at = column + begin * stride;
#pragma unroll Load::at_once
    for (int64_t k = begin; k < end; ++k, at += stride) chain = Op::one(chain, Load::load(at, of));
  } else {
    for (int64_t k = begin; k < end; ++k) chain = Op::one(chain, Load::load(column + offsets_of(of.reduced, k).a, of));
  }
  return chain;
}

template <class Op, class Load>
PT_DEVICE void reduce_columns_as(const Operands<3>& operands, const ReduceColumns& params, char* memory) {
  using T = typename Load::type;
  const ReduceItems& of = params.of;
  T* chains = reinterpret_cast<T*>(memory);
  const int64_t width = blockDim.x, tiles = (of.items + width - 1) / width;
  for (int64_t group = blockIdx.y; group < params.groups; group += gridDim.y) {
    const int64_t first = group * kColumnGroup, last = min(first + kColumnGroup, of.n_reduced);
    const int64_t begin = first + int64_t(threadIdx.y) * kColumnBlock, end = min(begin + kColumnBlock, last);
    for (int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
      const int64_t item = tile * width + threadIdx.x;
      const bool here = item < of.items;
      if (here && (begin < last || threadIdx.y == 0))
        chains[threadIdx.y * width + threadIdx.x] =
            join_chain<Op, Load>(column_of(operands.at[0], of, item), of, begin, end);
      __syncthreads();
      if (here && threadIdx.y == 0) {
        T joined = chains[threadIdx.x];
        for (int64_t k = 1; first + k * kColumnBlock < last; ++k)
          joined = Op::one(joined, chains[k * width + threadIdx.x]);
        if (params.groups == 1)
          put_result(operands.at[1], of, item, Op::one(Op::template identity<T>(), joined));
        else
          reinterpret_cast<T*>(operands.at[2])[group * of.items + item] = joined;
      }
      __syncthreads();
    }
  }
}

template <class Op, class Load>
PT_DEVICE void reduce_chains_as(const Operands<3>& operands, const ReduceColumns& params) {
  const ReduceItems& of = params.of;
  auto* sums = reinterpret_cast<typename Load::type*>(operands.at[2]);
  for (int64_t chain = int64_t(blockIdx.y) * blockDim.y + threadIdx.y; chain < params.parts;
       chain += int64_t(gridDim.y) * blockDim.y) {
    const int64_t begin = chain * kColumnBlock, end = min(begin + kColumnBlock, of.n_reduced);
    for (int64_t item = global_thread(); item < of.items; item += global_threads())
      sums[chain * of.items + item] = join_chain<Op, Load>(column_of(operands.at[0], of, item), of, begin, end);
  }
}

template <class Op, class T>
PT_DEVICE void join_groups(const Operands<3>& operands, const ReduceColumns& params) {
  const int64_t items = params.of.items;
  const T* parts = reinterpret_cast<const T*>(operands.at[2]);
  for (int64_t item = global_thread(); item < items; item += global_threads()) {
    T total = Op::template identity<T>();
    for (int64_t first = 0; first < params.parts; first += params.parts_of_group) {
      const int64_t last = min(first + params.parts_of_group, params.parts);
      T group = parts[first * items + item];
      for (int64_t part = first + 1; part < last; ++part) group = Op::one(group, parts[part * items + item]);
      total = Op::one(total, group);
    }
    put_result(operands.at[1], params.of, item, total);
  }
}

// What a launch with a program behind it reads and writes as the reduction alone would: the results are the program's
// first operand.
PT_DEVICE Operands<3> of_reduction(const Operands<kThenOperands>& operands, const ReduceColumnsThen& params) {
  char* const source = operands.at[params.source];
  return {{source, operands.at[0], source}, operands.status, operands.halted};
}

// The program, by the threads of a block's first row: calls each(f) for the results that this thread has written.
template <class Each>
PT_DEVICE void run_after(const Operands<kThenOperands>& operands, const ReduceColumnsThen& params, char* registers,
                         const Each& each) {
  PT_ISA::Machine<FusedAfter> machine{params.after, operands.at, registers, int(threadIdx.x), int(blockDim.x), 0, 1};
  const uint16_t* sections = machine.tail<uint16_t>(params.after.sections_at);
  const bool first_row = threadIdx.y == 0;
  if (first_row && threadIdx.x == 0) machine.execute_row(0, sections[0], 0);
  __syncthreads();
  machine.end = params.columns.of.items;
  if (first_row)
    each([&](int64_t item) {
      machine.first = item;
      machine.execute(sections[0], sections[1], 0);
    });
}

}  // namespace pt::cuda

PT_CUDA_KERNEL(reduce_columns, 3, pt::cuda::ReduceColumns, pt::cuda::kReduceThreads, 1) {
  using namespace pt::cuda;
  [[maybe_unused]] __shared__ __align__(8) char memory[kReduceThreads * 8];
  pt::PT_ISA::with_combine(params.of.combine, [&](auto op) {
    with_load(params.of, [&](auto load) { reduce_columns_as<decltype(op), decltype(load)>(operands, params, memory); });
  });
}

PT_CUDA_KERNEL(reduce_chains, 3, pt::cuda::ReduceColumns, 256) {
  using namespace pt::cuda;
  pt::PT_ISA::with_combine(params.of.combine, [&](auto op) {
    with_load(params.of, [&](auto load) { reduce_chains_as<decltype(op), decltype(load)>(operands, params); });
  });
}

PT_CUDA_KERNEL(reduce_groups, 3, pt::cuda::ReduceColumns, 256) {
  using namespace pt::cuda;
  pt::PT_ISA::with_combine(params.of.combine, [&](auto op) {
    with_load(params.of,
              [&](auto load) { join_groups<decltype(op), typename decltype(load)::type>(operands, params); });
  });
}

// With a program behind it; the sums of all columns are there at once, as there is one group of chains.
PT_CUDA_KERNEL(reduce_columns_then, pt::cuda::kThenOperands, pt::cuda::ReduceColumnsThen, pt::cuda::kReduceThreads, 1) {
  using namespace pt::cuda;
  [[maybe_unused]] __shared__ __align__(8) char memory[kReduceThreads * 8];
  PT_DYNAMIC_SHARED(char, registers);
  const ReduceItems& of = params.columns.of;
  const Operands<3> own = of_reduction(operands, params);
  pt::PT_ISA::with_combine(of.combine, [&](auto op) {
    with_load(of, [&](auto load) { reduce_columns_as<decltype(op), decltype(load)>(own, params.columns, memory); });
  });
  run_after(operands, params, registers, [&](const auto& run) {
    for (int64_t item = int64_t(blockIdx.x) * blockDim.x + threadIdx.x; item < of.items;
         item += int64_t(gridDim.x) * blockDim.x)
      run(item);
  });
}

PT_CUDA_KERNEL(reduce_groups_then, pt::cuda::kThenOperands, pt::cuda::ReduceColumnsThen, 256) {
  using namespace pt::cuda;
  PT_DYNAMIC_SHARED(char, registers);
  const ReduceItems& of = params.columns.of;
  const Operands<3> own = of_reduction(operands, params);
  pt::PT_ISA::with_combine(of.combine, [&](auto op) {
    with_load(of, [&](auto load) { join_groups<decltype(op), typename decltype(load)::type>(own, params.columns); });
  });
  run_after(operands, params, registers, [&](const auto& run) {
    for (int64_t item = global_thread(); item < of.items; item += global_threads()) run(item);
  });
}
