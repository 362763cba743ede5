/*
** find_names.h: names of their own for what each instruction set defines.
**
** To be included twice: behind the macros that find_vector.h asks for, which makes of `load`, say,
** a mm_kernel_avx2_load; and at the end of find_vector.h, which undoes that. So all of them can
** stand in one translation unit, which the amalgamation is. What find_vector.h defines has its
** place in both lists here: a name that is missing is defined twice in the amalgamation, and the
** compiler says so.
*/
#ifndef MM_FIND_NAMES
#define MM_FIND_NAMES

#define MM_FIND_JOIN(kernel, name) kernel##_##name
#define MM_FIND_OWN(kernel, name) MM_FIND_JOIN(kernel, name)

/* By the file for the instruction set. */
#define vec MM_FIND_OWN(KERNEL, vec)
#define mask MM_FIND_OWN(KERNEL, mask)
#define load MM_FIND_OWN(KERNEL, load)
#define splat MM_FIND_OWN(KERNEL, splat)
#define equal MM_FIND_OWN(KERNEL, equal)
#define both MM_FIND_OWN(KERNEL, both)
#define either MM_FIND_OWN(KERNEL, either)
#define any MM_FIND_OWN(KERNEL, any)
#define lanes MM_FIND_OWN(KERNEL, lanes)
#define population MM_FIND_OWN(KERNEL, population)
#define table MM_FIND_OWN(KERNEL, table)
#define pick MM_FIND_OWN(KERNEL, pick)
#define high_halves MM_FIND_OWN(KERNEL, high_halves)
#define common MM_FIND_OWN(KERNEL, common)
#define set_vec MM_FIND_OWN(KERNEL, set_vec)
#define set_load MM_FIND_OWN(KERNEL, set_load)
#define set_test MM_FIND_OWN(KERNEL, set_test)
#define store MM_FIND_OWN(KERNEL, store)
#define head_vecs MM_FIND_OWN(KERNEL, head_vecs)
#define heads_load MM_FIND_OWN(KERNEL, heads_load)
#define head_byte MM_FIND_OWN(KERNEL, head_byte)
#define heads_test MM_FIND_OWN(KERNEL, heads_test)
#define kernel_usable MM_FIND_OWN(KERNEL, kernel_usable)

/* By find_vector.h. */
#define direction MM_FIND_OWN(KERNEL, direction)
#define first_lane MM_FIND_OWN(KERNEL, first_lane)
#define last_lane MM_FIND_OWN(KERNEL, last_lane)
#define lanes_below MM_FIND_OWN(KERNEL, lanes_below)
#define ahead MM_FIND_OWN(KERNEL, ahead)
#define kernel_same MM_FIND_OWN(KERNEL, kernel_same)
#define kernel_same_back MM_FIND_OWN(KERNEL, kernel_same_back)
#define kernel_differ MM_FIND_OWN(KERNEL, kernel_differ)
#define fits MM_FIND_OWN(KERNEL, fits)
#define fit_each MM_FIND_OWN(KERNEL, fit_each)
#define verify MM_FIND_OWN(KERNEL, verify)
#define earned MM_FIND_OWN(KERNEL, earned)
#define save MM_FIND_OWN(KERNEL, save)
#define look MM_FIND_OWN(KERNEL, look)
#define look_forward MM_FIND_OWN(KERNEL, look_forward)
#define look_counting MM_FIND_OWN(KERNEL, look_counting)
#define look_backward MM_FIND_OWN(KERNEL, look_backward)
#define pair MM_FIND_OWN(KERNEL, pair)
#define pair_load MM_FIND_OWN(KERNEL, pair_load)
#define pair_test MM_FIND_OWN(KERNEL, pair_test)
#define scan_up MM_FIND_OWN(KERNEL, scan_up)
#define scan_down MM_FIND_OWN(KERNEL, scan_down)
#define kernel_find MM_FIND_OWN(KERNEL, kernel_find)
#define kernel_count MM_FIND_OWN(KERNEL, kernel_count)
#define kernel_rfind MM_FIND_OWN(KERNEL, kernel_rfind)
#define pair_line MM_FIND_OWN(KERNEL, pair_line)
#define sweep_hits MM_FIND_OWN(KERNEL, sweep_hits)
#define sweep_block MM_FIND_OWN(KERNEL, sweep_block)
#define off_line MM_FIND_OWN(KERNEL, off_line)
#define is_line_free MM_FIND_OWN(KERNEL, is_line_free)
#define kernel_sweep MM_FIND_OWN(KERNEL, kernel_sweep)
#define member MM_FIND_OWN(KERNEL, member)
#define member_load MM_FIND_OWN(KERNEL, member_load)
#define member_test MM_FIND_OWN(KERNEL, member_test)
#define set_up MM_FIND_OWN(KERNEL, set_up)
#define set_down MM_FIND_OWN(KERNEL, set_down)
#define member_line MM_FIND_OWN(KERNEL, member_line)
#define set_sweep_block MM_FIND_OWN(KERNEL, set_sweep_block)
#define set_sweep MM_FIND_OWN(KERNEL, set_sweep)
#define line_population MM_FIND_OWN(KERNEL, line_population)
#define set_count_block MM_FIND_OWN(KERNEL, set_count_block)
#define set_count MM_FIND_OWN(KERNEL, set_count)
#define kernel_find_set MM_FIND_OWN(KERNEL, kernel_find_set)
#define kernel_rfind_set MM_FIND_OWN(KERNEL, kernel_rfind_set)
#define kernel_count_set MM_FIND_OWN(KERNEL, kernel_count_set)
#define kernel_sweep_set MM_FIND_OWN(KERNEL, kernel_sweep_set)
#define members_in MM_FIND_OWN(KERNEL, members_in)
#define places_in MM_FIND_OWN(KERNEL, places_in)
#define kernel_places MM_FIND_OWN(KERNEL, kernel_places)
#define past_others MM_FIND_OWN(KERNEL, past_others)
#define kernel_find_run MM_FIND_OWN(KERNEL, kernel_find_run)
#define kernel_heads MM_FIND_OWN(KERNEL, kernel_heads)
#define FORWARD MM_FIND_OWN(KERNEL, FORWARD)
#define BACKWARD MM_FIND_OWN(KERNEL, BACKWARD)
#define COUNTING MM_FIND_OWN(KERNEL, COUNTING)

#else
#undef MM_FIND_NAMES
#undef MM_FIND_JOIN
#undef MM_FIND_OWN

#undef KERNEL
#undef TARGET
#undef WIDTH
#undef LANE_LOG
#undef FULL
#undef NARROWER
#undef INLINE
#undef ALWAYS
#undef FAR
#undef LOOK
#undef LINE
#undef STREAM
#undef BLOCK_VECS
#undef TOGETHER
#undef vec
#undef mask
#undef load
#undef splat
#undef equal
#undef both
#undef either
#undef any
#undef lanes
#undef population
#undef table
#undef pick
#undef high_halves
#undef common
#undef set_vec
#undef set_load
#undef set_test
#undef store
#undef head_vecs
#undef heads_load
#undef head_byte
#undef heads_test
#undef kernel_usable
#undef direction
#undef first_lane
#undef last_lane
#undef lanes_below
#undef ahead
#undef kernel_same
#undef kernel_same_back
#undef kernel_differ
#undef fits
#undef fit_each
#undef verify
#undef earned
#undef save
#undef look
#undef look_forward
#undef look_counting
#undef look_backward
#undef pair
#undef pair_load
#undef pair_test
#undef scan_up
#undef scan_down
#undef kernel_find
#undef kernel_count
#undef kernel_rfind
#undef pair_line
#undef sweep_hits
#undef sweep_block
#undef off_line
#undef is_line_free
#undef kernel_sweep
#undef member
#undef member_load
#undef member_test
#undef set_up
#undef set_down
#undef member_line
#undef set_sweep_block
#undef set_sweep
#undef line_population
#undef set_count_block
#undef set_count
#undef kernel_find_set
#undef kernel_rfind_set
#undef kernel_count_set
#undef kernel_sweep_set
#undef members_in
#undef places_in
#undef kernel_places
#undef past_others
#undef kernel_find_run
#undef kernel_heads
#undef FORWARD
#undef BACKWARD
#undef COUNTING

#endif
