/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The door of a port: every received frame passes here before the kernel sees it. Frames of our hosts go to the AF_XDP
 * socket of the shard that owns the host, on whichever queue they came; all others go on to the kernel.
 *
 * Built on the kernel's UAPI headers alone: no vmlinux.h, so CAP_BPF and CAP_NET_ADMIN are enough to load it.
 */
#include "bpf/steer_decide.bpf.h"

/* One socket per queue and shard, at queue * shards + shard. A socket that is closed leaves by itself. */
struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, 1); /* user space sets queues * shards */
  __type(key, __u32);
  __type(value, __u32);
} steer_sockets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, STEER_OUTCOMES);
  __type(key, __u32);
  __type(value, __u64); /* frames */
} steer_counters SEC(".maps");

/* Preemption is off and XDP does not nest: the counters of this CPU are ours. */
static __always_inline void count(__u32 outcome) {
  __u64* frames = bpf_map_lookup_elem(&steer_counters, &outcome);

  if (frames) *frames += 1;
}

SEC("xdp")
int steer(struct xdp_md* frame) {
  __u64 host;
  enum steer_outcome outcome = steer_decide((const void*)(long)frame->data, (const void*)(long)frame->data_end, &host);
  int action;

  if (outcome != STEER_REDIRECTED) {
    count(outcome);
    return XDP_PASS;
  }
  /* Where no socket is, the frame is dropped: our hosts are never the kernel's, which might forward it, flood it into a
   * bridge, or answer in their place. */
  action = (int)bpf_redirect_map(
      &steer_sockets, frame->rx_queue_index * steer_config.shards + (__u32)host % steer_config.shards, XDP_DROP);
  count(action == XDP_REDIRECT ? STEER_REDIRECTED : STEER_NO_SOCKET);
  return action;
}

char steer_license[] SEC("license") = "Dual BSD/GPL";
