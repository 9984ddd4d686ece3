// Faults that somebody could write into a kernel. Each is planted in one of the kernels of faults.cu; kRight in all.
#pragma once
#include <stdint.h>

namespace pt::cuda {

enum class Fault : int32_t {
  Right,
  // faulty_scale
  OneElementTooMany,
  NoBoundsCheck,
  ReadBeforeBegin,
  WriteOneFurther,
  WriteToInput,
  MisalignedFloat4,
  Float4OverTail,
  MisalignedDouble,
  NoWalkOverGrid,
  EveryBlockAllElements,
  StrideOfBlock,
  AddToUnwritten,
  ReadNextOperand,
  ForeignPointer,
  WriteToParameters,
  // faulty_row_sum
  NoBarrierBeforeTree,
  NoBarrierInTree,
  NoBarrierAfterRow,
  TreeReadsOneFurther,
  IdleThreadsLeaveSharedUnwritten,
  BarrierInBranch,
  BarriersInBothBranches,
  ReturnBeforeBarrier,
  ReturnWhileOthersWait,
  SharedTooSmall,
  EveryThreadStores,
  FlagWithoutBarrier,
  // faulty_warp_sum
  MaskOfHalf,
  ShuffleInBranch,
  ShuffleFromOutsideOfMask,
  MasksDiffer,
  ReturnBeforeShuffle,
  NoSyncWarp,
  ShuffleInPlaceOfSyncWarp,
  SyncOfOtherHalf,
  LoopsOfDifferentLength,
  // faulty_count
  PlainIncrement,
  PlainIncrementAcrossBlocks,
  PlainReadAfterAtomic,
  MisalignedAtomic,
  AtomicOutside,
  // faulty_transpose
  NoBarrierBeforeTurn,
  NoBarrierAfterTurn,
  TailOfOtherAxis,
  DynamicTooSmall,
  TurnIntoOneColumn,
  // faulty_pipeline
  NoWait,
  WaitForOneTooFew,
  NoBarrierAfterWait,
  OneBuffer,
  EndWithoutWait,
  MisalignedCopy,
};

struct FaultyRun {
  Fault fault;
  int32_t n;  // elements, or columns
  int32_t rows;
};

}  // namespace pt::cuda
