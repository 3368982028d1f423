/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * A wire with a temper: forwards every frame between two veth interfaces, and drops, duplicates, delays (so that others
 * overtake) or damages TCP frames by chance. ARP, neighbour discovery and ping are left in peace.
 *
 *   west ──▶ enter ──────────────────────────────────────────────▶ east        and the same from east to west
 *              │ delayed: due time in front                      ▲
 *              ├────────────────▶ late ◀─ laps until it is due ──┤
 *              └─ copy ─▶ copied ──▶ late                        │
 *
 * XDP cannot hold a frame, but it can send one round in circles: a delayed frame gets the time at which it is due
 * written in front of it and goes to and fro on a veth pair of its own until then.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/netns/trouble_abi.h"

const volatile struct trouble_config trouble_config = {0};

/* Frames seen so far in a direction: the number of the next one, whichever CPU it comes up on. */
__u64 trouble_frames[TROUBLE_DIRECTIONS] = {0};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, TROUBLE_DIRECTIONS* TROUBLE_COUNTS);
  __type(key, __u32);
  __type(value, __u64);
} trouble_counters SEC(".maps");

/* By direction: where frames leave. */
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(max_entries, TROUBLE_DIRECTIONS);
  __type(key, __u32);
  __type(value, __u32);
} trouble_exits SEC(".maps");

/* By direction: the pair on which delayed frames go to and fro. */
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(max_entries, TROUBLE_DIRECTIONS);
  __type(key, __u32);
  __type(value, __u32);
} trouble_laps SEC(".maps");

/* A broadcast goes to every interface of a map: the exit of the direction, and the pair that brings the copy back. */
struct trouble_both {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, __u32);
};
struct trouble_both trouble_both_eastward SEC(".maps"), trouble_both_westward SEC(".maps");

static __always_inline void count(__u32 direction, enum trouble_count kind) {
  __u32 key = direction * TROUBLE_COUNTS + kind;
  __u64* frames = bpf_map_lookup_elem(&trouble_counters, &key);

  if (frames) *frames += 1;
}

/* SplitMix64's finaliser. */
static __always_inline __u64 mix(__u64 x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/* Offset of the TCP header, or 0 when it is no TCP frame. Nobody here sends IPv4 options or extension headers. */
static __always_inline __u32 tcp_offset(const struct xdp_md* frame) {
  const __u8* data = (const __u8*)(long)frame->data;
  const __u8* end = (const __u8*)(long)frame->data_end;

  if (data + 54 > end) return 0;
  if (data[12] == 0x08 && data[13] == 0x00 && data[14] == 0x45 && data[23] == IPPROTO_TCP) return 34;
  if (data[12] == 0x86 && data[13] == 0xdd && data[20] == IPPROTO_TCP && data + 74 <= end) return 54;
  return 0;
}

/* Sends the frame, with its due time in front, into the laps. */
static __always_inline int send_round(struct xdp_md* frame, __u32 direction, __u64 chance) {
  __u64 due = bpf_ktime_get_ns() + (chance & 0xffffffff) * trouble_config.delay_max_ns / 0xffffffff;
  __u64* front;

  if (bpf_xdp_adjust_head(frame, -(int)sizeof due) != 0) return XDP_ABORTED;
  front = (__u64*)(long)frame->data;
  if ((void*)(front + 1) > (void*)(long)frame->data_end) return XDP_ABORTED;
  __builtin_memcpy(front, &due, sizeof due);
  return (int)bpf_redirect_map(&trouble_laps, direction, XDP_ABORTED);
}

/* Turns one bit behind the IP header over, so that only a TCP checksum can tell. */
static __always_inline void damage(struct xdp_md* frame, __u32 offset, __u64 chance) {
  __u64 length = frame->data_end - frame->data;
  __u64 at = offset + ((chance >> 3) & 0xffff) % (length - offset);
  __u8* byte;

  if (at > 0x3fff) return; /* the verifier wants to know a bound; no frame is longer */
  byte = (__u8*)(long)frame->data + at;
  if ((void*)(byte + 1) > (void*)(long)frame->data_end) return;
  *byte ^= (__u8)(1 << (chance & 7));
}

static __always_inline int enter(struct xdp_md* frame, __u32 direction, struct trouble_both* both) {
  __u32 offset = tcp_offset(frame);
  __u64 number, chances, more;

  if (offset == 0) return (int)bpf_redirect_map(&trouble_exits, direction, XDP_ABORTED);
  number = __sync_fetch_and_add(&trouble_frames[direction], 1);
  chances = mix(trouble_config.seed ^ mix(number * TROUBLE_DIRECTIONS + direction));
  more = mix(chances);
  count(direction, TROUBLE_SEEN);
  if ((__u32)chances < trouble_config.drop) {
    count(direction, TROUBLE_DROPPED);
    return XDP_DROP;
  }
  if ((__u32)more < trouble_config.corrupt) {
    count(direction, TROUBLE_CORRUPTED);
    damage(frame, offset, mix(more));
  }
  if ((chances >> 32) < trouble_config.duplicate) {
    count(direction, TROUBLE_DUPLICATED);
    return (int)bpf_redirect_map(both, 0, BPF_F_BROADCAST);
  }
  if ((more >> 32) < trouble_config.delay) {
    count(direction, TROUBLE_DELAYED);
    return send_round(frame, direction, mix(more));
  }
  return (int)bpf_redirect_map(&trouble_exits, direction, XDP_ABORTED);
}

/* A copy comes later than its original by chance, as a delayed frame does. */
static __always_inline int copied(struct xdp_md* frame, __u32 direction) {
  return send_round(frame, direction, mix(bpf_get_prandom_u32()));
}

static __always_inline int late(struct xdp_md* frame, __u32 direction) {
  const __u64* front = (const __u64*)(long)frame->data;
  __u64 due, now = bpf_ktime_get_ns();

  if ((void*)(front + 1) > (void*)(long)frame->data_end) return XDP_ABORTED;
  __builtin_memcpy(&due, front, sizeof due);
  count(direction, TROUBLE_LAPS);
  if (due > now) return due - now <= trouble_config.delay_max_ns ? XDP_TX : XDP_ABORTED; /* no frame of ours */
  if (bpf_xdp_adjust_head(frame, (int)sizeof due) != 0) return XDP_ABORTED;
  return (int)bpf_redirect_map(&trouble_exits, direction, XDP_ABORTED);
}

SEC("xdp") int enter_eastward(struct xdp_md* frame) { return enter(frame, TROUBLE_EASTWARD, &trouble_both_eastward); }
SEC("xdp") int enter_westward(struct xdp_md* frame) { return enter(frame, TROUBLE_WESTWARD, &trouble_both_westward); }
SEC("xdp") int copied_eastward(struct xdp_md* frame) { return copied(frame, TROUBLE_EASTWARD); }
SEC("xdp") int copied_westward(struct xdp_md* frame) { return copied(frame, TROUBLE_WESTWARD); }
SEC("xdp") int late_eastward(struct xdp_md* frame) { return late(frame, TROUBLE_EASTWARD); }
SEC("xdp") int late_westward(struct xdp_md* frame) { return late(frame, TROUBLE_WESTWARD); }
/* The end of the copies' pair that only sends: a veth hands redirected frames on when both ends have a program. */
SEC("xdp") int nothing(struct xdp_md* frame) {
  (void)frame;
  return XDP_DROP;
}

char trouble_license[] SEC("license") = "Dual BSD/GPL";
