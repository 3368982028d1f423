/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Answers what steer_decide() says about a frame instead of acting on it, so that tests can compare host by host. The
 * decision itself is the one of bpf/steer.bpf.c: the same header.
 */
#include "bpf/steer_decide.bpf.h"

__u32 probe_outcome = 0;
__u64 probe_host = 0;

SEC("xdp")
int probe(struct xdp_md* frame) {
  __u64 host;

  probe_outcome = steer_decide((const void*)(long)frame->data, (const void*)(long)frame->data_end, &host);
  probe_host = host;
  return XDP_PASS;
}

char probe_license[] SEC("license") = "Dual BSD/GPL";
