#include "veth_world.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace myriad::xsk::test {
namespace {

FileDescriptor present_namespace() { return FileDescriptor{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)}; }

std::string path_of(const FileDescriptor& file) {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(file.get());
}

constexpr bpf_insn instruction(int code, unsigned dst, unsigned src, int offset, std::int32_t immediate) {
  bpf_insn made{};
  made.code = static_cast<__u8>(code);
  made.dst_reg = dst & 0xf;
  made.src_reg = src & 0xf;
  made.off = static_cast<__s16>(offset);
  made.imm = immediate;
  return made;
}
constexpr bpf_insn load(int width, unsigned dst, unsigned src, int offset) {
  return instruction(BPF_LDX | BPF_MEM | width, dst, src, offset, 0);
}
constexpr bpf_insn set(unsigned dst, std::int32_t value) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value);
}
constexpr bpf_insn copy(unsigned dst, unsigned src) { return instruction(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0); }
constexpr bpf_insn compute(int operation, unsigned dst, std::int32_t value) {
  return instruction(BPF_ALU64 | operation | BPF_K, dst, 0, 0, value);
}
constexpr bpf_insn jump_unless_equal(unsigned dst, std::int32_t value, int by) {
  return instruction(BPF_JMP | BPF_JNE | BPF_K, dst, 0, by, value);
}

int load_steering(int map, std::uint32_t shards) {
  const auto modulus = static_cast<std::int32_t>(shards);
  constexpr int kPass = 22;  // index of the last instruction but one
  const std::array<bpf_insn, 24> program{
      copy(6, 1),
      load(BPF_W, 2, 6, 0),  // data
      load(BPF_W, 3, 6, 4),  // data_end
      copy(4, 2),
      compute(BPF_ADD, 4, 64),
      instruction(BPF_JMP | BPF_JGT | BPF_X, 4, 3, kPass - 6, 0),
      load(BPF_B, 5, 2, 0),
      jump_unless_equal(5, 0x02, kPass - 8),
      load(BPF_B, 5, 2, 1),
      jump_unless_equal(5, 0x4d, kPass - 10),
      load(BPF_W, 4, 6, 16),  // rx_queue_index
      instruction(BPF_STX | BPF_MEM | BPF_B, 2, 4, static_cast<int>(Steering::kQueueByte), 0),
      load(BPF_B, 5, 2, 5),
      compute(BPF_MOD, 5, modulus),
      copy(2, 4),
      compute(BPF_MUL, 2, modulus),
      instruction(BPF_ALU64 | BPF_ADD | BPF_X, 2, 5, 0, 0),
      instruction(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),  // two instructions long
      instruction(0, 0, 0, 0, 0),
      set(3, XDP_PASS),
      instruction(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_redirect_map),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
      set(0, XDP_PASS),
      instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  return ::bpf_prog_load(BPF_PROG_TYPE_XDP, "test_steering", "GPL", program.data(), program.size(), nullptr);
}

}  // namespace

VethWorld::VethWorld(std::uint32_t queues, std::uint32_t mtu_bytes) { build(queues, mtu_bytes); }

void VethWorld::build(std::uint32_t queues, std::uint32_t mtu_bytes) {
  before_ = present_namespace();
  if (::unshare(CLONE_NEWNET) != 0) {
    missing_ = "a network namespace cannot be made: root is needed";
    return;
  }
  far_ = present_namespace();
  if (::unshare(CLONE_NEWNET) != 0) {
    missing_ = "a second network namespace cannot be made";
    return;
  }
  near_ = present_namespace();
  const std::string sizes = " numtxqueues " + std::to_string(queues) + " numrxqueues " + std::to_string(queues);
  const std::string mtu = " mtu " + std::to_string(mtu_bytes);
  bool built = ip("link add near" + sizes + mtu + " type veth peer name far netns " + path_of(far_) + sizes + mtu) &&
               ip("link set near addrgenmode none up");
  in_far([&] { built = built && ip("link set far addrgenmode none up"); });
  if (!built) missing_ = "a veth pair cannot be made: the ip command and the veth module are needed";
}

VethWorld::~VethWorld() {
  if (before_.is_open()) ::setns(before_.get(), CLONE_NEWNET);
}

void VethWorld::in_far(const std::function<void()>& action) {
  ::setns(far_.get(), CLONE_NEWNET);
  action();
  ::setns(near_.get(), CLONE_NEWNET);
}

bool VethWorld::ip(const std::string& arguments) { return std::system(("ip " + arguments).c_str()) == 0; }

std::string VethWorld::ip_output(const std::string& arguments) {
  std::string output;
  FILE* const command = ::popen(("ip " + arguments).c_str(), "r");
  if (command == nullptr) return output;
  std::array<char, 512> part{};
  while (std::fgets(part.data(), part.size(), command) != nullptr) output += part.data();
  ::pclose(command);
  return output;
}

Steering::Steering(unsigned interface_index, std::uint32_t queues, std::uint32_t shards, bool generic) {
  const auto step = [this](int fd) {
    if (fd < 0) os_error_ = errno;
    return FileDescriptor{fd};
  };
  map_ = step(::bpf_map_create(BPF_MAP_TYPE_XSKMAP, "sockets", sizeof(__u32), sizeof(__u32), queues * shards, nullptr));
  if (os_error_ != 0) return;
  program_ = step(load_steering(map_.get(), shards));
  if (os_error_ != 0) return;
  bpf_link_create_opts options{};
  options.sz = sizeof options;
  options.flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
  link_ = step(::bpf_link_create(program_.get(), static_cast<int>(interface_index), BPF_XDP, &options));
}

void Steering::point_to(Port& port) {
  for (std::uint32_t queue = 0; queue < port.queues(); ++queue) {
    for (std::uint32_t shard = 0; shard < port.shard_count(); ++shard) {
      const __u32 key = queue * port.shard_count() + shard;
      const int fd = port.socket_fd(queue, shard);
      if (::bpf_map_update_elem(map_.get(), &key, &fd, BPF_ANY) != 0) os_error_ = errno;
    }
  }
}

MacAddress host_mac(std::uint8_t last) { return {{0x02, 0x4d, 0, 0, 0, last}}; }

std::vector<std::uint8_t> numbered_frame(const MacAddress& destination, std::uint32_t number, std::size_t size) {
  std::vector<std::uint8_t> frame(size);
  destination.store(frame.data());
  host_mac(0xee).store(frame.data() + 6);
  store_be16(frame.data() + 12, 0x0800);
  frame[14] = 0x45;
  store_be16(frame.data() + 16, static_cast<std::uint16_t>(size - 14));
  frame[22] = 64;
  frame[23] = 17;
  Ipv4Address{0x0a000000U + number % 251}.store(frame.data() + 26);
  Ipv4Address{0x0a010000U + number % 241}.store(frame.data() + 30);
  store_be16(frame.data() + 34, static_cast<std::uint16_t>(1024 + number % 30011));
  store_be16(frame.data() + 36, 9);
  store_be16(frame.data() + 38, static_cast<std::uint16_t>(size - 34));
  store_be32(frame.data() + 42, number);
  for (std::size_t i = 46; i < size; ++i) frame[i] = static_cast<std::uint8_t>(number + i);
  return frame;
}

std::uint32_t number_of(Bytes frame) { return load_be32(frame.data() + 42); }

FarPeer::FarPeer(VethWorld& world) {
  world.in_far([&] {
    std::uint16_t all_protocols = 0;
    store_be16(reinterpret_cast<std::uint8_t*>(&all_protocols), ETH_P_ALL);
    socket_ = FileDescriptor{::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const int room = 64 << 20;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    const int one = 1;
    ::setsockopt(socket_.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = all_protocols;
    address.sll_ifindex = static_cast<int>(::if_nametoindex("far"));
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  });
}

int FarPeer::send(Bytes frame) {
  return ::send(socket_.get(), frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size()) ? 0 : errno;
}

std::optional<std::vector<std::uint8_t>> FarPeer::receive() {
  std::vector<std::uint8_t> frame(4096);
  const auto size = ::recv(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  frame.resize(static_cast<std::size_t>(size));
  return frame;
}

std::uint64_t FarPeer::offered() {
  tpacket_stats statistics{};
  socklen_t size = sizeof statistics;
  // The kernel counts from zero again after each question.
  if (::getsockopt(socket_.get(), SOL_PACKET, PACKET_STATISTICS, &statistics, &size) == 0) {
    offered_ += statistics.tp_packets;
  }
  return offered_;
}

Crank::Crank(Port& port) : port_(port), batch_(64) {
  for (std::uint32_t shard = 0; shard < port.shard_count(); ++shard) pools_.emplace_back(port.area(), shard);
}

void Crank::turn(const OnFrame& on_frame) {
  for (std::uint32_t shard = 0; shard < port_.shard_count(); ++shard) {
    ShardPort& plug = port_.shard(shard);
    plug.reap([&](FrameIndex frame) { give_home(frame); });
    plug.refill(pools_[shard]);
    const std::uint32_t count = plug.receive(batch_);
    for (std::uint32_t i = 0; i < count; ++i) {
      if (on_frame) on_frame(shard, batch_[i].bytes);
      give_home(batch_[i].frame);
    }
    plug.kick();
  }
}

bool Crank::send(std::uint32_t shard, Bytes bytes) {
  const auto frame = pools_[shard].take();
  if (!frame) return false;
  std::copy(bytes.begin(), bytes.end(), port_.area().chunk(*frame).begin());
  const TxFrame ready{*frame, static_cast<std::uint32_t>(bytes.size())};
  if (port_.shard(shard).submit({&ready, 1}) == 1) return true;
  pools_[shard].give(*frame);
  return false;
}

std::uint64_t Crank::in_pools() const {
  std::uint64_t sum = 0;
  for (const FramePool& pool : pools_) sum += pool.size();
  return sum;
}

bool Crank::conserved() const {
  return static_cast<std::int64_t>(in_pools()) + port_.frames_in_kernel() == std::int64_t{port_.area().count()};
}

PortCounters Crank::totals() const {
  PortCounters sum;
  for (std::uint32_t shard = 0; shard < port_.shard_count(); ++shard) {
    const PortCounters& one = port_.shard(shard).counters();
    sum.frames_tx += one.frames_tx;
    sum.bytes_tx += one.bytes_tx;
    sum.frames_rx += one.frames_rx;
    sum.bytes_rx += one.bytes_rx;
    sum.tx_kicks += one.tx_kicks;
    sum.eagain += one.eagain;
    sum.ebusy_lost += one.ebusy_lost;
    sum.tx_down += one.tx_down;
    sum.tx_errors += one.tx_errors;
  }
  return sum;
}

XdpStatistics Crank::statistics() const {
  XdpStatistics sum;
  for (std::uint32_t shard = 0; shard < port_.shard_count(); ++shard) {
    const XdpStatistics one = port_.shard(shard).statistics();
    sum.rx_dropped += one.rx_dropped;
    sum.rx_invalid_descs += one.rx_invalid_descs;
    sum.tx_invalid_descs += one.tx_invalid_descs;
    sum.rx_ring_full += one.rx_ring_full;
    sum.rx_fill_ring_empty_descs += one.rx_fill_ring_empty_descs;
  }
  return sum;
}

}  // namespace myriad::xsk::test
