#include "cuda/sim/modules.h"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <utility>

namespace pt::cuda::sim {
namespace {

struct Module {
  std::string path;
  uintptr_t base;
  struct Range {
    uintptr_t begin, end;
  };
  std::vector<Range> loaded;
  char* thread_memory = nullptr;  // of this thread
  int64_t thread_bytes = 0;
};

std::string own_path() {
  char path[4096];
  const ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path));
  return bytes < 0 ? "" : std::string(path, bytes);
}

std::vector<Module> modules() {
  std::vector<Module> all;
  const auto add = [](dl_phdr_info* info, std::size_t, void* to) {
    Module module{info->dlpi_name[0] ? info->dlpi_name : own_path(), info->dlpi_addr, {}};
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      const auto& part = info->dlpi_phdr[i];
      const uintptr_t begin = info->dlpi_addr + part.p_vaddr;
      if (part.p_type == PT_LOAD) module.loaded.push_back({begin, begin + part.p_memsz});
      if (part.p_type == PT_TLS) {
        module.thread_memory = static_cast<char*>(info->dlpi_tls_data);
        module.thread_bytes = static_cast<int64_t>(part.p_memsz);
      }
    }
    static_cast<std::vector<Module>*>(to)->push_back(std::move(module));
    return 0;
  };
  dl_iterate_phdr(add, &all);
  return all;
}

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> plain(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  const std::string whole = status == 0 ? plain.get() : name;
  const std::size_t at = whole.rfind("::");  // "row_sums_body(...)::sums" says more than a reader needs
  return at == std::string::npos ? whole : whole.substr(at + 2);
}

// A shared variable: where it lies in a thread's memory of the module, and its name for people.
struct Symbol {
  uint64_t offset;
  int64_t bytes;
  std::string name;
};

// The symbol table that a linker leaves in a file; local names are in no other.
std::vector<Symbol> read_symbols(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream content;
  content << in.rdbuf();
  const std::string file = std::move(content).str();
  std::vector<Symbol> found;
  if (file.size() < sizeof(Elf64_Ehdr)) return found;
  const auto* header = reinterpret_cast<const Elf64_Ehdr*>(file.data());
  const auto* sections = reinterpret_cast<const Elf64_Shdr*>(file.data() + header->e_shoff);
  for (int i = 0; i < header->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const char* names = file.data() + sections[sections[i].sh_link].sh_offset;
    const auto* symbols = reinterpret_cast<const Elf64_Sym*>(file.data() + sections[i].sh_offset);
    for (std::size_t s = 0; s < sections[i].sh_size / sizeof(Elf64_Sym); ++s) {
      if (ELF64_ST_TYPE(symbols[s].st_info) != STT_TLS || symbols[s].st_shndx == SHN_UNDEF || !symbols[s].st_size) {
        continue;
      }
      if (std::strstr(names + symbols[s].st_name, "pt_sim_gap_")) continue;
      found.push_back({symbols[s].st_value, static_cast<int64_t>(symbols[s].st_size),
                       "shared variable " + demangled(names + symbols[s].st_name)});
    }
  }
  return found;
}

// Read once for each module: a test's own file has 20 megabytes, and is asked about at each change of the kernel.
const std::vector<Symbol>& symbols_of(const Module& module) {
  static std::mutex busy;
  static auto& known = *new std::map<std::pair<std::string, uintptr_t>, std::vector<Symbol>>;
  const std::lock_guard lock(busy);
  const auto [at, is_new] = known.try_emplace({module.path, module.base});
  if (is_new) at->second = read_symbols(module.path);
  return at->second;
}

std::vector<Region> thread_symbols(const Module& module) {
  std::vector<Region> found;
  for (const Symbol& symbol : symbols_of(module)) {
    found.push_back({module.thread_memory + symbol.offset, symbol.bytes, symbol.name, true, false, true});
  }
  return found;
}

// Of the calls that were made one, the innermost outside of the headers that the simulator answers for.
std::string ask_addr2line(const std::string& path, uintptr_t offset) {
  std::ostringstream command;
  command << "addr2line -i -e '" << path << "' 0x" << std::hex << offset << " 2>/dev/null";
  FILE* pipe = popen(command.str().c_str(), "r");
  if (!pipe) return "";
  char buffer[1024];
  std::string chosen;
  while (std::fgets(buffer, sizeof(buffer), pipe)) {
    std::string line(buffer);
    line = line.substr(0, line.find_first_of(" \n"));
    const auto in = [&](const char* place) { return line.find(place) != std::string::npos; };
    const bool of_simulator = in("cuda/sim/") || in("cuda/async_copy.h") || in("cuda/mma.h");
    if (chosen.empty() && !of_simulator && !in("??")) chosen = line;
  }
  pclose(pipe);
  std::size_t folder = chosen.rfind('/');  // with one folder, as files of all ops have the same name
  if (folder != std::string::npos && folder > 0) folder = chosen.rfind('/', folder - 1);
  return folder == std::string::npos ? chosen : chosen.substr(folder + 1);
}

const Module* module_of(const void* address, const std::vector<Module>& among) {
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (const Module& module : among) {
    for (const auto& range : module.loaded) {
      if (at >= range.begin && at < range.end) return &module;
    }
  }
  return nullptr;
}

}  // namespace

std::vector<Region> shared_variables(const void* code) {
  const std::vector<Module> all = modules();
  const Module* module = module_of(code, all);
  if (!module || !module->thread_memory) return {};
  std::vector<Region> found = thread_symbols(*module);
  if (found.empty())
    found.push_back({module->thread_memory, module->thread_bytes, "shared variables", true, false, true});
  return found;
}

bool in_static_memory(const void* address) {
  thread_local std::vector<Module> known;
  if (module_of(address, known)) return true;
  known = modules();  // one may have been loaded since
  return module_of(address, known) != nullptr;
}

std::string line_of(const void* return_address) {
  static std::mutex busy;
  static auto& known = *new std::map<const void*, std::string>;
  const std::lock_guard lock(busy);
  const auto [at, is_new] = known.try_emplace(return_address);
  if (is_new) {
    const std::vector<Module> all = modules();
    const void* call = static_cast<const char*>(return_address) - 1;
    if (const Module* module = module_of(call, all)) {
      at->second = ask_addr2line(module->path, reinterpret_cast<uintptr_t>(call) - module->base);
    }
  }
  return at->second;
}

std::string at_line(const void* return_address) {
  const std::string line = line_of(return_address);
  return line.empty() ? "" : " (" + line + ")";
}

}  // namespace pt::cuda::sim
