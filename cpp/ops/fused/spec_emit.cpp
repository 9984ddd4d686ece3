// From nodes to instructions: which value lives where, in which order.
#include <algorithm>
#include <utility>

#include "core/error.h"
#include "ops/fused/chains.h"
#include "ops/fused/lower.h"

namespace pt::fused {
namespace {

constexpr int64_t kAlign = 64;
int64_t aligned(int64_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }
int64_t whole_vectors(int64_t n) { return (n + kFusedLanes - 1) / kFusedLanes * kFusedLanes; }

class Emitter {
 public:
  Emitter(const Ir& ir, const Tiling& tiling)
      : ir_(ir),
        tiling_(tiling),
        slot_(ir.nodes.size(), -1),
        expanded_(ir.nodes.size(), -1),
        spread_in_(ir.nodes.size(), {-1, -1}),
        loaded_in_(ir.nodes.size(), -1),
        state_(ir.nodes.size(), -1),
        bound_(ir.nodes.size(), false),
        chained_to_(find_chains(ir, !tiling.multi_row || tiling.tile_cols > kSumLanes, !tiling.multi_row)),
        stored_(ir.nodes.size(), false) {
    if (tiling.multi_row) code_.turn_rows = rows_of_turn(ir);
    for (const Node& v : ir.nodes) {
      if (v.live && v.kind == StepKind::Store) stored_[std::size_t(v.args[0])] = true;
    }
    for (int i = 0; i < n(); ++i) {
      if (node(i).live && node(i).level == Level::Constant) emit_constant(i);
    }
    code_.prologue_end = int(code_.instrs.size());
    for (int phase = 0; phase < ir.phases; ++phase) emit_phase(phase);
    place();
  }
  Code take() { return std::move(code_); }

 private:
  int n() const { return int(ir_.nodes.size()); }
  const Node& node(int i) const { return ir_.nodes[i]; }
  bool spills(int i) const {
    if (tiling_.multi_row || (node(i).kind == StepKind::Load && is_read_again(i))) return false;
    for (int user = i + 1; user < n(); ++user) {
      const Node& u = node(user);
      if (!u.live || std::find(u.args.begin(), u.args.end(), i) == u.args.end()) continue;
      if (used_in(u) != node(i).phase) return true;
    }
    return false;
  }

  // Whether each phase reads an input where it lies: it is as it would be in a register, or too long to be kept.
  bool is_read_again(int load) const {
    constexpr int64_t kLongest = 16384;
    const FusedOperandDesc& operand = ir_.space.operands[std::size_t(node(load).operand)];
    return (operand.inner == 1 && operand.bytes == class_bytes(node(load).to)) || tiling_.row_length > kLongest;
  }

  int new_slot(FusedPlace place, FusedClass cls) {
    if (code_.slots.size() >= kFusedMaxSlots) {
      throw Error(text("[fused] a program needs more than ", kFusedMaxSlots,
                       " values; expected fewer; split it into two programs"));
    }
    code_.slots.push_back({place, uint8_t(class_bytes(cls)), 0});
    return int(code_.slots.size()) - 1;
  }
  FusedInstr blank(FusedCode code, const Node& from, FusedPlace level) const {
    FusedInstr instr{};
    instr.code = code;
    instr.from = from.from;
    instr.to = from.to;
    instr.storage = from.storage;
    instr.level = uint8_t(level);
    instr.op = int16_t(from.op);
    instr.dst = -1;
    instr.operand = int16_t(from.operand);
    instr.bits = from.external ? int64_t(reinterpret_cast<intptr_t>(from.external)) : from.bits;
    for (auto& arg : instr.args) arg = -1;
    return instr;
  }
  void push(const FusedInstr& instr) { code_.instrs.push_back(instr); }
  static FusedCode computing(const Node& v) {
    return v.kind == StepKind::Cast ? FusedCode::Cast : v.external ? FusedCode::External : FusedCode::Math;
  }

  // The slot that a node's value is read from by an instruction of that level.
  int read(int arg, FusedPlace level, int phase) {
    const Node& a = node(arg);
    if (level != FusedPlace::Register) return slot_[arg];
    if (a.level == Level::Row) return tiling_.multi_row ? expand(arg, phase) : spread(arg, phase);
    if (a.level == Level::Vector && a.kind == StepKind::Load) load(arg, phase);
    return slot_[arg];
  }
  void set_args(FusedInstr& instr, const std::vector<int>& args, FusedPlace level, int phase) {
    for (std::size_t i = 0; i < args.size(); ++i) {
      int slot = read(args[i], level, phase);
      instr.args[i] = int16_t(slot);
      if (advances(slot)) instr.steps |= uint8_t(1 << i);
    }
  }
  bool advances(int slot) const {
    FusedPlace place = code_.slots[slot].place;
    return place != FusedPlace::Constant;
  }

  // The value of the row that a tile is.
  int spread(int arg, int phase) {
    if (spread_in_[arg].first == phase) return spread_in_[arg].second;
    FusedInstr instr = blank(FusedCode::Spread, node(arg), FusedPlace::Constant);
    instr.args[0] = int16_t(slot_[arg]);
    instr.dst = int16_t(new_slot(FusedPlace::Constant, node(arg).to));
    push(instr);
    spread_in_[arg] = {phase, instr.dst};
    return instr.dst;
  }

  int expand(int arg, int phase, bool of_constant = false) {
    if (expanded_[arg] >= 0) return expanded_[arg];
    const int from = node(arg).level == Level::Row && !tiling_.multi_row ? spread(arg, phase) : slot_[arg];
    FusedInstr instr = blank(FusedCode::Expand, node(arg), FusedPlace::Register);
    instr.args[0] = int16_t(from);
    if (advances(from)) instr.steps = 1;
    int slot = new_slot(FusedPlace::Register, node(arg).to);
    instr.dst = int16_t(slot);
    push(instr);
    // One piece a phase when tiles have many rows: the block may be kept. A constant's is made where it is needed.
    if (!of_constant) expanded_[arg] = slot;
    return slot;
  }

  void load(int arg, int phase) {
    const bool kept = spills(arg);
    const int made_in = tiling_.multi_row || kept ? 0 : phase;
    if (loaded_in_[arg] == made_in) return;
    loaded_in_[arg] = made_in;
    const FusedOperandDesc& operand = ir_.space.operands[node(arg).operand];
    FusedInstr instr = blank(FusedCode::Load, node(arg), FusedPlace::Register);
    slot_[arg] = new_slot(kept ? FusedPlace::Spilled : FusedPlace::Register, node(arg).to);
    instr.dst = int16_t(slot_[arg]);
    // The memory may serve as the register, unless a store copies it at the end, when others may have written there.
    instr.steps = operand.bytes == class_bytes(node(arg).to) && !stored_[arg];
    const int64_t rests = tiling_.multi_row ? rows_at_rest(operand, ir_.space) : 0;
    const bool turns = code_.turn_rows > 0 && rests >= code_.turn_rows;
    instr.shared = rests == ir_.space.rows ? FusedShared::Chunk : turns ? FusedShared::Turn : FusedShared::Nobody;
    push(instr);
  }

  void emit_constant(int i) {
    const Node& v = node(i);
    if (v.kind == StepKind::Store) return;
    FusedCode code = v.kind == StepKind::Constant ? FusedCode::Fill
                     : v.kind == StepKind::Load   ? FusedCode::LoadScalar
                                                  : computing(v);
    FusedInstr instr = blank(code, v, FusedPlace::Constant);
    set_args(instr, v.args, FusedPlace::Constant, 0);
    slot_[i] = new_slot(FusedPlace::Constant, v.to);
    instr.dst = int16_t(slot_[i]);
    push(instr);
  }

  void emit_phase(int phase) {
    FusedPhase p{};
    p.row_begin = int(code_.instrs.size());
    // Stores come last: what they write may be the memory of an input.
    for (bool stores : {false, true}) {
      for (int i = 0; i < n(); ++i) {
        const Node& v = node(i);
        if (v.live && v.level == Level::Row && v.phase == phase && (v.kind == StepKind::Store) == stores) emit_row(i);
      }
    }
    p.piece_begin = int(code_.instrs.size());
    for (int i = 0; i < n(); ++i) {
      const Node& v = node(i);
      if (!v.live) continue;
      if (reduces_row(v.kind) && v.phase == phase + 1)
        emit_reduction(i, phase);
      else if (v.level == Level::Vector && v.phase == phase)
        emit_vector(i, phase);
    }
    emit_late_stores(phase);
    p.finish_begin = int(code_.instrs.size());
    for (int i = 0; i < n() && !tiling_.multi_row && !joins_rows(); ++i) {
      if (node(i).live && reduces_row(node(i).kind) && node(i).phase == phase + 1) emit_result(i, FusedCode::Finish);
    }
    p.end = int(code_.instrs.size());
    code_.phases.push_back(p);
  }

  bool joins_rows() const { return tiling_.joins_rows(ir_.space.cols); }
  void emit_result(int i, FusedCode code) {
    const Node& v = node(i);
    FusedInstr instr = blank(code, v, FusedPlace::Row);
    instr.reduce = reduction_of(v.kind);
    instr.state = state_[i];
    slot_[i] = new_slot(FusedPlace::Row, v.to);
    instr.dst = int16_t(slot_[i]);
    push(instr);
  }

  // All of their values are in registers before the first of them writes.
  void emit_late_stores(int phase) {
    std::vector<FusedInstr> stores;
    for (int i = 0; i < n(); ++i) {
      const Node& v = node(i);
      if (!v.live || v.kind != StepKind::Store || v.level != Level::Vector || v.phase != phase || bound_[i]) continue;
      FusedInstr instr = blank(FusedCode::Store, v, FusedPlace::Register);
      set_args(instr, v.args, FusedPlace::Register, phase);
      stores.push_back(instr);
    }
    for (const FusedInstr& instr : stores) push(instr);
  }

  void emit_row(int i) {
    const Node& v = node(i);
    if (reduces_row(v.kind)) {
      if (joins_rows()) emit_result(i, FusedCode::Join);
      return;  // else made by the phase before
    }
    FusedCode code = v.kind == StepKind::Load    ? FusedCode::LoadRow
                     : v.kind == StepKind::Store ? FusedCode::StoreRow
                                                 : computing(v);
    FusedInstr instr = blank(code, v, FusedPlace::Row);
    set_args(instr, v.args, FusedPlace::Row, v.phase);
    if (v.kind != StepKind::Store) {
      slot_[i] = new_slot(FusedPlace::Row, v.to);
      instr.dst = int16_t(slot_[i]);
    }
    push(instr);
  }

  void emit_reduction(int i, int phase) {
    const Node& v = node(i);
    FusedInstr instr = blank(tiling_.multi_row ? FusedCode::ReduceRows : FusedCode::Accumulate, v, FusedPlace::Row);
    instr.reduce = reduction_of(v.kind);
    const int arg = v.args[0];
    if (chained_to_[arg] == i) {
      set_chain(instr, summed_chain_of(ir_, chained_to_, arg), phase);
    } else {
      const bool constant = !tiling_.multi_row || node(arg).level == Level::Constant;
      const int slot =
          node(arg).level == Level::Vector ? read(arg, FusedPlace::Register, phase) : expand(arg, phase, constant);
      instr.args[0] = int16_t(slot);
    }
    if (tiling_.multi_row) {
      slot_[i] = new_slot(FusedPlace::Row, v.to);
      instr.dst = int16_t(slot_[i]);
    } else {
      state_[i] = int32_t(code_.n_reductions);
      instr.state = state_[i];
    }
    ++code_.n_reductions;
    push(instr);
  }

  FusedInstr emit_chain(int i, int phase) {
    FusedInstr instr = blank(FusedCode::Chain, node(i), FusedPlace::Register);
    set_chain(instr, chain_of(ir_, chained_to_, i), phase);
    return instr;
  }
  void set_chain(FusedInstr& instr, const Chain& chain, int phase) {
    instr.form = chain.form;
    instr.op = int16_t(chain.op);
    set_args(instr, chain.args, FusedPlace::Register, phase);
  }
  FusedInstr emit_choice(int i, int phase) {
    const Node &v = node(i), &c = node(v.args[0]);
    FusedInstr instr = blank(FusedCode::Select, v, FusedPlace::Register);
    instr.op = int16_t(compare_op(c));
    set_args(instr, {c.args[0], c.args[1], v.args[1], v.args[2]}, FusedPlace::Register, phase);
    return instr;
  }
  bool has_chain(const Node& v, int i) const {
    return v.kind == StepKind::Math &&
           std::any_of(v.args.begin(), v.args.end(), [&](int a) { return chained_to_[a] == i; });
  }

  FusedInstr emit_plain(int i, int phase) {
    const Node& v = node(i);
    FusedCode code = v.kind == StepKind::Uniform ? FusedCode::Uniform : computing(v);
    FusedInstr instr = blank(code, v, FusedPlace::Register);
    set_args(instr, v.args, FusedPlace::Register, phase);
    return instr;
  }

  // Of one row a tile: an addition, or a chain that ends in one.
  void emit_column_sum(int i, int phase) {
    const Node& v = node(i);
    const int arg = v.args[0];
    const bool chained = chained_to_[arg] == i;
    FusedInstr instr = blank(tiling_.multi_row ? FusedCode::AddColumns
                             : chained         ? FusedCode::Chain
                                               : FusedCode::Math,
                             v, FusedPlace::Register);
    std::vector<int> slots{new_slot(FusedPlace::Column, v.to)};
    instr.dst = int16_t(slots[0]);
    if (chained) {
      const Node& inner = node(arg);
      for (const int each : {inner.args[0], inner.args.back()})
        slots.push_back(read(each, FusedPlace::Register, phase));
      instr.form = FusedChain::Right;
      instr.op = int16_t(3 * chain_op(inner));  // of which the outer operation, 0, is the addition
    } else if (tiling_.multi_row) {
      const Level level = node(arg).level;
      slots = {level == Level::Constant ? expand(arg, phase, true) : read(arg, FusedPlace::Register, phase)};
    } else {
      slots.push_back(read(arg, FusedPlace::Register, phase));
      int add = -1;
      find_fact("add", &add);
      instr.op = int16_t(add);
    }
    for (std::size_t k = 0; k < slots.size(); ++k) {
      instr.args[k] = int16_t(slots[k]);
      if (advances(slots[k])) instr.steps |= uint8_t(1 << k);
    }
    code_.column_sums.push_back(i);
    push(instr);
  }

  void emit_vector(int i, int phase) {
    const Node& v = node(i);
    if (v.kind == StepKind::Load || v.kind == StepKind::Store) return;  // loaded when used, stored when made
    if (v.kind == StepKind::ColumnSum) return emit_column_sum(i, phase);
    if (chained_to_[i] >= 0) return;
    FusedInstr instr = !has_chain(v, i) ? emit_plain(i, phase)
                       : is_where(v)    ? emit_choice(i, phase)
                                        : emit_chain(i, phase);
    slot_[i] = new_slot(spills(i) ? FusedPlace::Spilled : FusedPlace::Register, v.to);
    instr.dst = int16_t(slot_[i]);
    // A plugin's function is promised that what it writes overlaps nothing that it reads.
    const int store = v.external ? -1 : store_in_place(i, phase);
    if (store >= 0) {
      FusedInstr bind = blank(FusedCode::Bind, node(store), FusedPlace::Register);
      bind.dst = instr.dst;
      push(bind);
    }
    push(instr);
    if (store >= 0) {
      FusedInstr write = blank(FusedCode::Store, node(store), FusedPlace::Register);
      set_args(write, node(store).args, FusedPlace::Register, phase);
      push(write);
      bound_[store] = true;
    }
  }

  // The node whose instruction computes this one.
  int computed_by(int i) const {
    while (chained_to_[i] >= 0) i = chained_to_[i];
    return i;
  }

  // A store that can happen the moment the value is made: no input that may be the same memory is read afterwards.
  int store_in_place(int value, int phase) const {
    if (code_.slots[slot_[value]].place == FusedPlace::Spilled) return -1;
    for (int store = value + 1; store < n(); ++store) {
      const Node& s = node(store);
      if (!s.live || s.kind != StepKind::Store || s.args[0] != value || s.phase != phase) continue;
      const FusedOperandDesc& output = ir_.space.operands[s.operand];
      bool read_later = output.bytes != class_bytes(s.to);
      for (int user = 0; user < n() && !read_later; ++user) {
        const Node& u = node(user);
        if (!u.live || used_in(u) != phase) continue;
        // A chained node reads when its user does; a store of a load, at the end.
        const int reads_at = u.kind == StepKind::Store ? n() : computed_by(user);
        if (reads_at <= value) continue;
        for (int arg : u.args) {
          read_later |= node(arg).kind == StepKind::Load && node(arg).level == Level::Vector &&
                        may_share(ir_.space.operands[node(arg).operand], output);
        }
      }
      if (!read_later) return store;
    }
    return -1;
  }
  // Cells for the registers, by linear scan over the instructions; then everything gets its place in scratch.
  void place() {
    std::vector<int> cell_bytes;
    std::vector<int> cell_of = assign_cells(cell_bytes);
    const int64_t block = whole_vectors(tiling_.tile_elements);
    int64_t offset = 0;
    std::vector<int64_t> cell_offset;
    for (int bytes : cell_bytes) {
      cell_offset.push_back(offset);
      // A line more each: blocks a multiple of 4 KiB apart would make a load wait for the store before it.
      offset += aligned(block * bytes) + kAlign;
      code_.bytes_per_element += bytes;
    }
    const std::vector<bool> operands = whole_operands();
    for (std::size_t i = 0; i < code_.slots.size(); ++i) {
      FusedSlot& slot = code_.slots[i];
      if (slot.place == FusedPlace::Register) {
        code_.in_memory = code_.in_memory && operands[i];
        slot.offset = cell_offset[cell_of[i]];
        continue;
      }
      if (slot.place == FusedPlace::Column) continue;
      int64_t elements = kFusedLanes;
      if (slot.place == FusedPlace::Row)
        elements = whole_vectors(tiling_.multi_row ? tiling_.tile_rows : tiling_.group_rows);
      if (slot.place == FusedPlace::Spilled) {
        elements = whole_vectors(tiling_.row_length) * tiling_.group_rows;
        code_.spilled_bytes += slot.bytes;
      }
      slot.offset = offset;
      offset += aligned(elements * slot.bytes);
    }
    const int64_t state_bytes = joins_rows() ? kJoinedBytes : aligned(sizeof(FusedState));
    for (FusedInstr& instr : code_.instrs) {
      if (instr.code == FusedCode::Accumulate || instr.code == FusedCode::Finish || instr.code == FusedCode::Join)
        instr.state = int32_t(offset + instr.state * state_bytes);
    }
    if (!tiling_.multi_row) offset += code_.n_reductions * state_bytes;
    code_.column_sums_at = offset;
    for (FusedSlot& slot : code_.slots) {
      if (slot.place != FusedPlace::Column) continue;
      slot.offset = offset;
      offset += aligned(whole_vectors(ir_.space.cols) * slot.bytes);
    }
    code_.column_sums_bytes = offset - code_.column_sums_at;
    code_.scratch_bytes = offset;
  }

  // Slots of operands whose own memory serves as the register, wherever a tile lies in it as it would in one.
  std::vector<bool> whole_operands() const {
    std::vector<bool> found(code_.slots.size());
    for (const FusedInstr& instr : code_.instrs) {
      const bool whole = instr.code == FusedCode::Bind || (instr.code == FusedCode::Load && instr.steps);
      if (whole && ir_.space.operands[std::size_t(instr.operand)].inner == 1) found[std::size_t(instr.dst)] = true;
    }
    return found;
  }

  std::vector<int> assign_cells(std::vector<int>& cell_bytes) const {
    const int n_instrs = int(code_.instrs.size());
    std::vector<int> last_use(code_.slots.size(), -1), cell_of(code_.slots.size(), -1);
    std::vector<bool> permanent(code_.slots.size(), false);
    for (int at = 0; at < n_instrs; ++at) {
      const FusedInstr& instr = code_.instrs[at];
      for (int arg : instr.args) {
        if (arg >= 0) last_use[arg] = at;
      }
      if (instr.dst >= 0) {
        last_use[instr.dst] = std::max(last_use[instr.dst], at);
        if (instr.shared != FusedShared::Nobody) permanent[instr.dst] = true;
      }
    }
    std::vector<bool> cell_free;
    auto is_register = [&](int slot) { return slot >= 0 && code_.slots[slot].place == FusedPlace::Register; };
    auto take_cell = [&](int slot) {
      const int bytes = code_.slots[slot].bytes;
      for (std::size_t cell = 0; cell < cell_bytes.size() && !permanent[slot]; ++cell) {
        if (cell_free[cell] && cell_bytes[cell] == bytes) {
          cell_free[cell] = false;
          return int(cell);
        }
      }
      cell_bytes.push_back(bytes);
      cell_free.push_back(false);
      return int(cell_bytes.size()) - 1;
    };
    for (int at = 0; at < n_instrs; ++at) {
      const FusedInstr& instr = code_.instrs[at];
      // An elementwise instruction may write where its dying argument was; a draw or an expansion has none, and a
      // plugin's function is promised otherwise.
      const bool apart = instr.code == FusedCode::External && is_register(instr.dst);
      if (apart && cell_of[instr.dst] < 0) cell_of[instr.dst] = take_cell(instr.dst);
      for (int arg : instr.args) {
        if (is_register(arg) && last_use[arg] == at && !permanent[arg] && cell_of[arg] >= 0) {
          cell_free[cell_of[arg]] = true;
        }
      }
      if (is_register(instr.dst) && cell_of[instr.dst] < 0) cell_of[instr.dst] = take_cell(instr.dst);
      if (is_register(instr.dst) && last_use[instr.dst] == at && !permanent[instr.dst]) {
        cell_free[cell_of[instr.dst]] = true;
      }
    }
    return cell_of;
  }

  const Ir& ir_;
  const Tiling& tiling_;
  Code code_;
  std::vector<int> slot_, expanded_;
  std::vector<std::pair<int, int>> spread_in_;  // the last phase, and the slot there
  std::vector<int> loaded_in_;
  std::vector<int32_t> state_;
  std::vector<bool> bound_;
  // Short rows are summed side by side, from memory; others may be sums of chains.
  std::vector<int> chained_to_;
  std::vector<bool> stored_;  // by a Store node
};

}  // namespace

Code emit(const Ir& ir, const Tiling& tiling) { return Emitter(ir, tiling).take(); }

}  // namespace pt::fused
