//! Circular transfers against flags that a test raises, and a fast DMA.

use std::vec::Vec;

mod receive;
mod send;

/// Buffers, by their words, and paces of a DMA: how many words it moves before each access.
fn paces() -> Vec<(u32, Vec<u32>)> {
    // Numbers of a generator that is good enough: Numerical Recipes' 32 bits.
    let mut state = 1u32;
    let mut random = move |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let mut pace = |words: u32| {
        let most = 1 + random(2 * words);
        (0..1 + random(40)).map(|_| if random(3) == 0 { random(most) } else { 0 }).collect()
    };
    [2, 4, 6, 16].into_iter().flat_map(|words| [words; 400]).map(|words| (words, pace(words))).collect()
}
