// Rows of a fused program in the interpreter on CUDA.
#pragma once
#include "ops/fused/cuda_machine.h"
#include "ops/fused/cuda_order.h"

namespace pt {
namespace PT_ISA {

struct RowRunner {
  Machine<cuda::FusedCuda> machine;
  int lane, warp;  // within the group
  int64_t row = 0, part = 0, col_begin = 0, col_end = 0;

  PT_FN const cuda::FusedCuda& program() const { return machine.program; }
  PT_FN bool leads() const { return lane == 0 && warp == 0; }
  PT_FN void wait() const {
    if (program().warps > 1)
      __syncthreads();
    else
      __syncwarp();
  }
  PT_FN int section(int number) const { return machine.tail<uint16_t>(program().sections_at)[number]; }
  // Calls f(op) for the reductions of a pass.
  template <class F>
  PT_FN void each_reduction(int pass, F f) const {
    const FusedOp* ops = machine.tail<FusedOp>(program().ops_at);
    for (int i = section(1 + 2 * pass); i < section(2 + 2 * pass); ++i) {
      const FusedOp op = ops[i];
      if (op.code == FusedOpCode::Accumulate) f(op);
    }
  }
  PT_FN char* unit(int reduction, int of_warp) const {
    const int warps = machine.threads / cuda::kWarp;
    return machine.shared + program().units_at + (reduction * warps + machine.group * program().warps + of_warp) * 8;
  }
  PT_FN char* stack(int reduction) const {
    return machine.shared + program().stack_at + (reduction * machine.groups + machine.group) * cuda::kFusedDepth * 8;
  }
  PT_FN char* partial(int reduction) const {
    return machine.data[program().n_operands] +
           ((row * program().parts + part) * program().n_reductions + reduction) * 8;
  }

  PT_FN void run_block(int pass, int64_t begin) {
    each_reduction(pass, [&](const FusedOp& op) {
      with_reduction(op, [&](auto reduce, auto zero) {
        using T = decltype(zero);
        for (int e = 0; e < 2; ++e) {
          *reinterpret_cast<T*>(machine.at(op.dst, e, sizeof(T) == 8)) = decltype(reduce)::template identity<T>();
        }
      });
    });
    machine.count = 2;
    machine.step = cuda::kWarp;
    machine.end = col_end;
    for (int64_t at = begin; at < begin + kSumBlock && at < col_end; at += kSumLanes) {
      machine.first = at + lane;
      machine.execute(section(1 + 2 * pass), section(2 + 2 * pass), row);
    }
    each_reduction(pass, [&](const FusedOp& op) {
      with_reduction(op, [&](auto reduce, auto zero) {
        using T = decltype(zero);
        using Op = decltype(reduce);
        const T low = *reinterpret_cast<const T*>(machine.at(op.dst, 0, sizeof(T) == 8));
        const T high = *reinterpret_cast<const T*>(machine.at(op.dst, 1, sizeof(T) == 8));
        const T sum = join_lanes<Op>(Op::one(low, high));
        if (lane == 0) *reinterpret_cast<T*>(unit(op.args[2], warp)) = sum;
      });
    });
  }

  // The results of `count` neighbouring blocks, one for each warp of the group, go on the stacks.
  PT_FN void push_blocks(int pass, int64_t done, int count) const {
    each_reduction(pass, [&](const FusedOp& op) {
      with_reduction(op, [&](auto reduce, auto zero) {
        using T = decltype(zero);
        using Op = decltype(reduce);
        const auto* units = reinterpret_cast<const T*>(unit(op.args[2], 0));
        push_unit<Op>(reinterpret_cast<T*>(stack(op.args[2])), done,
                      join_units<Op, cuda::kFusedThreads / cuda::kWarp>(units, 8 / int(sizeof(T)), count));
      });
    });
  }

  // Returns how many results are on the stacks.
  PT_FN int64_t run_pass(int pass) {
    const int warps = program().warps;
    const bool reduces = section(1 + 2 * pass) < section(2 + 2 * pass);
    if (!reduces) return 0;
    bool any = false;
    each_reduction(pass, [&](const FusedOp&) { any = true; });
    const int64_t blocks = (col_end - col_begin + kSumBlock - 1) / kSumBlock;
    int64_t waves = 0;
    for (int64_t block = 0; block < blocks; block += warps, ++waves) {
      if (block + warp < blocks) run_block(pass, col_begin + (block + warp) * kSumBlock);
      if (!any) continue;
      wait();
      if (leads()) push_blocks(pass, waves, int(blocks - block < warps ? blocks - block : warps));
      wait();
    }
    return waves;
  }

  // The same from what other launches have left in the workspace.
  PT_FN int64_t run_partials() {
    const int parts = program().parts;
    each_reduction(0, [&](const FusedOp& op) {
      with_reduction(op, [&](auto reduce, auto zero) {
        using T = decltype(zero);
        using Op = decltype(reduce);
        for (int begin = 0; begin < parts; begin += cuda::kWarp) {
          const int count = parts - begin < cuda::kWarp ? parts - begin : cuda::kWarp;
          part = begin + lane;
          T value = lane < count ? *reinterpret_cast<const T*>(partial(op.args[2])) : T(0);
          value = join_neighbours<Op>(value, count);
          if (lane == 0) push_unit<Op>(reinterpret_cast<T*>(stack(op.args[2])), begin / cuda::kWarp, value);
        }
      });
    });
    return (parts + cuda::kWarp - 1) / cuda::kWarp;
  }

  PT_FN void finish_pass(int pass, int64_t waves) const {
    each_reduction(pass, [&](const FusedOp& op) {
      with_reduction(op, [&](auto reduce, auto zero) {
        using T = decltype(zero);
        const T value = finish_units<decltype(reduce)>(reinterpret_cast<const T*>(stack(op.args[2])), waves);
        const bool parted = program().run == cuda::FusedRun::Parts;
        char* to = parted ? partial(op.args[2]) : machine.at(op.args[1], 0, true);
        *reinterpret_cast<T*>(to) = value;
      });
    });
  }

  template <class F>
  PT_FN void set_bases(F base) const {
    const int lanes = program().warps * cuda::kWarp;
    for (int operand = warp * cuda::kWarp + lane; operand < program().n_operands; operand += lanes)
      machine.bases()[operand * machine.groups + machine.group] = base(operand);
  }

  PT_FN void run_row() {
    set_bases([&](int operand) { return machine.offset_of_row(operand, row); });
    wait();
    if (leads()) machine.execute_row(section(0), section(1), row);
    wait();
    for (int pass = 0; pass < program().n_passes; ++pass) {
      const int64_t waves = program().run == cuda::FusedRun::Combine ? run_partials() : run_pass(pass);
      if (leads()) {
        finish_pass(pass, waves);
        if (program().run != cuda::FusedRun::Parts)
          machine.execute_row(section(2 + 2 * pass), section(3 + 2 * pass), row);
      }
      wait();
    }
  }

  PT_FN void run() {
    const int64_t parts = program().run == cuda::FusedRun::Parts ? program().parts : 1;
    set_bases([](int) { return int64_t(0); });
    wait();
    if (leads()) machine.execute_row(0, section(0), 0);
    wait();
    const int64_t items = program().rows * parts, step = int64_t(gridDim.x) * machine.groups;
    for (int64_t item = int64_t(blockIdx.x) * machine.groups + machine.group; item < items; item += step) {
      row = item / parts;
      part = item - row * parts;
      col_begin = part * program().part_cols;
      col_end = parts > 1 && col_begin + program().part_cols < program().cols ? col_begin + program().part_cols
                                                                              : program().cols;
      run_row();
    }
  }
};

}  // namespace PT_ISA
}  // namespace pt
