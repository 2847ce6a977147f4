//! Numbers that look random and can be had again: what happened once can be looked at twice. Not for secrets.

/// xorshift64*, by a seed.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        // Its one fixed point is 0.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`, which is not 0.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_and_evenly() {
        let draw = |seed| -> Vec<u64> {
            let mut random = Random::new(seed);
            (0..400).map(|_| random.below(4)).collect()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        for face in 0..4 {
            let times = draw(7).iter().filter(|one| **one == face).count();
            assert!((60..140).contains(&times), "{face}: {times}");
        }
    }
}
