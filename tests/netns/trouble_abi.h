/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What the two halves of the trouble box agree on: trouble.bpf.c, which acts on frames, and trouble.cc, which sets it
 * up and reads its counters. Written once, for C and C++.
 */
#pragma once

#include <linux/types.h>

/* Where a frame comes in: the kernel's side is east, Myriad's is west. Frames to the east have direction 0. */
enum trouble_direction { TROUBLE_EASTWARD, TROUBLE_WESTWARD, TROUBLE_DIRECTIONS };

/* What was done to TCP frames. One frame may be counted as more than one of the first four. */
enum trouble_count {
  TROUBLE_SEEN,
  TROUBLE_DROPPED,
  TROUBLE_DUPLICATED,
  TROUBLE_DELAYED,
  TROUBLE_CORRUPTED,
  TROUBLE_LAPS, /* of delayed frames and copies */
  TROUBLE_COUNTS
};

/* Shares of frames, each in units of 2^-32. What happens to the n-th TCP frame of a direction depends on the seed, the
 * direction and n alone. */
struct trouble_config {
  __u64 seed;
  __u32 drop;
  __u32 duplicate;
  __u32 delay;
  __u32 corrupt;
  __u32 delay_max_ns; /* a delayed frame or a copy comes later by up to this */
};
