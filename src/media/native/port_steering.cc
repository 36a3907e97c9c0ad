// Owns the program at the socket lookup (BPF_PROG_TYPE_SK_LOOKUP), written out in instructions: no compiler or library is needed.
#include "port_steering.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vector>

namespace media {

namespace {

constexpr uint32_t kPorts = 65536;

int bpf(int command, bpf_attr* attributes) { return static_cast<int>(syscall(SYS_bpf, command, attributes, sizeof *attributes)); }

int make_map(uint32_t type, uint32_t value_size, uint32_t entries, uint32_t flags) {
  bpf_attr a{};
  a.map_type = type;
  a.key_size = sizeof(uint32_t);
  a.value_size = value_size;
  a.max_entries = entries;
  a.map_flags = flags;
  return bpf(BPF_MAP_CREATE, &a);
}

/// Writes instructions; every jump leads to the end.
class Assembler {
 public:
  void add(int code, int to, int from, int offset, int immediate) {
    bpf_insn each{};
    each.code = static_cast<uint8_t>(code);
    each.dst_reg = static_cast<uint8_t>(to) & 0xf;
    each.src_reg = static_cast<uint8_t>(from) & 0xf;
    each.off = static_cast<int16_t>(offset);
    each.imm = immediate;
    instructions_.push_back(each);
  }
  void move(int to, int from) { add(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }
  void load_word(int to, int from, int offset) { add(BPF_LDX | BPF_MEM | BPF_W, to, from, offset, 0); }
  void store_word(int offset, int from) { add(BPF_STX | BPF_MEM | BPF_W, BPF_REG_10, from, offset, 0); }
  void call(int helper) { add(BPF_JMP | BPF_CALL, 0, 0, 0, helper); }
  void end_unless(int reg, uint32_t value) { jump(BPF_JMP32 | BPF_JNE | BPF_K, reg, static_cast<int>(value)); }
  void end_if_zero(int reg) { jump(BPF_JMP | BPF_JEQ | BPF_K, reg, 0); }
  /// r0 = &map[the word at `offset` of the stack], or the end.
  void look_up(int map, int offset) {
    add(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map);
    add(0, 0, 0, 0, 0);
    move(BPF_REG_2, BPF_REG_10);
    add(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, offset);
    call(BPF_FUNC_map_lookup_elem);
    end_if_zero(BPF_REG_0);
  }
  /// The end: the lookup goes on, with what was assigned.
  std::vector<bpf_insn>& finish() {
    for (const size_t at : jumps_) instructions_[at].off = static_cast<int16_t>(instructions_.size() - at - 1);
    add(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, SK_PASS);
    add(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
    return instructions_;
  }

 private:
  void jump(int code, int reg, int value) {
    jumps_.push_back(instructions_.size());
    add(code, reg, 0, 0, value);
  }

  std::vector<bpf_insn> instructions_;
  std::vector<size_t> jumps_;
};

}  // namespace

PortSteering::Descriptor::~Descriptor() {
  if (fd >= 0) close(fd);
}

std::unique_ptr<PortSteering> PortSteering::make(const Endpoint& address) {
  // The program compares with the address that a packet was sent to.
  const bool v6 = address.any.sa_family == AF_INET6;
  const in6_addr& six = address.v6.sin6_addr;
  if (v6 ? IN6_IS_ADDR_UNSPECIFIED(&six) || IN6_IS_ADDR_LINKLOCAL(&six) : address.v4.sin_addr.s_addr == INADDR_ANY) return nullptr;
  std::unique_ptr<PortSteering> made(new PortSteering);
  return made->load(address) ? std::move(made) : nullptr;
}

PortSteering::~PortSteering() {
  if (table_) munmap(table_, kPorts * sizeof *table_);
}

bool PortSteering::load(const Endpoint& address) {
  ports_.fd = make_map(BPF_MAP_TYPE_ARRAY, sizeof *table_, kPorts, BPF_F_MMAPABLE);
  sockets_.fd = make_map(BPF_MAP_TYPE_SOCKMAP, sizeof(uint64_t), kMaxSockets, 0);
  if (ports_.fd < 0 || sockets_.fd < 0) return false;
  void* table = mmap(nullptr, kPorts * sizeof *table_, PROT_READ | PROT_WRITE, MAP_SHARED, ports_.fd, 0);
  if (table == MAP_FAILED) return false;
  table_ = static_cast<uint64_t*>(table);

  constexpr int kContext = BPF_REG_6, kSocket = BPF_REG_7;
  constexpr int kPort = -4, kPlace = -8;  // on the stack
  Assembler code;
  code.move(kContext, BPF_REG_1);
  code.load_word(BPF_REG_2, kContext, offsetof(bpf_sk_lookup, protocol));
  code.end_unless(BPF_REG_2, IPPROTO_UDP);
  code.load_word(BPF_REG_2, kContext, offsetof(bpf_sk_lookup, family));
  code.end_unless(BPF_REG_2, address.any.sa_family);
  if (address.any.sa_family == AF_INET6) {
    for (int i = 0; i < 4; i++) {
      code.load_word(BPF_REG_2, kContext, static_cast<int>(offsetof(bpf_sk_lookup, local_ip6)) + 4 * i);
      code.end_unless(BPF_REG_2, address.v6.sin6_addr.s6_addr32[i]);
    }
  } else {
    code.load_word(BPF_REG_2, kContext, offsetof(bpf_sk_lookup, local_ip4));
    code.end_unless(BPF_REG_2, address.v4.sin_addr.s_addr);
  }
  code.load_word(BPF_REG_2, kContext, offsetof(bpf_sk_lookup, local_port));
  code.store_word(kPort, BPF_REG_2);
  code.look_up(ports_.fd, kPort);
  code.load_word(BPF_REG_2, BPF_REG_0, 0);
  code.end_if_zero(BPF_REG_2);
  code.add(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -1);
  code.store_word(kPlace, BPF_REG_2);
  code.look_up(sockets_.fd, kPlace);
  code.move(kSocket, BPF_REG_0);
  code.move(BPF_REG_1, kContext);
  code.move(BPF_REG_2, kSocket);
  code.add(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0);
  code.call(BPF_FUNC_sk_assign);
  code.move(BPF_REG_1, kSocket);
  code.call(BPF_FUNC_sk_release);
  const std::vector<bpf_insn>& instructions = code.finish();

  bpf_attr program{};
  program.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
  program.expected_attach_type = BPF_SK_LOOKUP;
  program.insns = reinterpret_cast<uintptr_t>(instructions.data());
  program.insn_cnt = static_cast<uint32_t>(instructions.size());
  program.license = reinterpret_cast<uintptr_t>("MIT");
  program_.fd = bpf(BPF_PROG_LOAD, &program);
  if (program_.fd < 0) return false;

  // The sockets are of this thread's network namespace, and so is the lookup.
  Descriptor space;
  space.fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  bpf_attr link{};
  link.link_create.prog_fd = static_cast<uint32_t>(program_.fd);
  link.link_create.target_fd = static_cast<uint32_t>(space.fd);
  link.link_create.attach_type = BPF_SK_LOOKUP;
  link_.fd = space.fd < 0 ? -1 : bpf(BPF_LINK_CREATE, &link);
  return link_.fd >= 0;
}

bool PortSteering::add(uint32_t place, int fd) {
  const uint64_t value = static_cast<uint64_t>(fd);
  bpf_attr a{};
  a.map_fd = static_cast<uint32_t>(sockets_.fd);
  a.key = reinterpret_cast<uintptr_t>(&place);
  a.value = reinterpret_cast<uintptr_t>(&value);
  a.flags = BPF_ANY;
  return place < kMaxSockets && bpf(BPF_MAP_UPDATE_ELEM, &a) == 0;
}

}  // namespace media
