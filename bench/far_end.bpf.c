/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The far end of a wire: counts every frame and drops it, before the kernel has spent anything on it. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} far_end_frames SEC(".maps");

SEC("xdp") int far_end_drop(struct xdp_md* frame) {
  __u32 key = 0;
  __u64* frames = bpf_map_lookup_elem(&far_end_frames, &key);

  (void)frame;
  if (frames) *frames += 1;
  return XDP_DROP;
}

char far_end_license[] SEC("license") = "Dual BSD/GPL";
