//! What may be shown once: states of logins, names of logout tokens, proofs of a key.

use std::collections::HashSet;

use super::session::Key;

/// As much of a digest as tells two things apart.
type Mark = [u8; 16];

/// What was shown, for one span at least and two at most. It is bounded: where more is shown, the oldest is forgotten early.
#[derive(Debug)]
pub struct Once {
    lasts: u64,
    most: usize,
    since: u64,
    recent: HashSet<Mark>,
    before: HashSet<Mark>,
}

impl Once {
    /// For what is good for less than so many seconds, and so many things in them.
    pub fn new(lasts: u64, most: usize) -> Self {
        Self { lasts, most, since: 0, recent: HashSet::new(), before: HashSet::new() }
    }

    /// True the first time for what has this digest.
    pub fn is_new(&mut self, digest: &Key, now: u64) -> bool {
        self.turn(now);
        let mut mark = Mark::default();
        mark.iter_mut().zip(digest).for_each(|(own, byte)| *own = *byte);
        if self.before.contains(&mark) || self.recent.contains(&mark) {
            return false;
        }
        if self.recent.len() >= self.most {
            self.begin_span(now);
        }
        self.recent.insert(mark)
    }

    /// Forgets what is over.
    pub fn turn(&mut self, now: u64) {
        if now.saturating_sub(self.since) >= self.lasts {
            self.begin_span(now);
        }
    }

    fn begin_span(&mut self, now: u64) {
        self.before = std::mem::take(&mut self.recent);
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u8) -> Key {
        [number; 32]
    }

    #[test]
    fn what_was_shown_is_not_new_while_it_is_good() {
        let mut once = Once::new(100, 10);
        assert!(once.is_new(&digest(1), 1000));
        for now in [1000, 1099, 1100] {
            assert!(!once.is_new(&digest(1), now), "{now}");
        }
        assert!(once.is_new(&digest(2), 1199) && !once.is_new(&digest(2), 1298));
        assert!(once.is_new(&digest(1), 1300), "it was good for a hundred seconds");
    }

    #[test]
    fn a_clock_that_goes_back_makes_nothing_new() {
        let mut once = Once::new(100, 10);
        assert!(once.is_new(&digest(1), 1000));
        assert!(!once.is_new(&digest(1), 10));
    }

    #[test]
    fn the_oldest_is_forgotten_where_too_much_is_shown() {
        let mut once = Once::new(100, 3);
        for number in 0..6 {
            assert!(once.is_new(&digest(number), 1000));
        }
        for number in 0..6 {
            assert!(!once.is_new(&digest(number), 1000), "{number}");
        }
        assert!(once.is_new(&digest(6), 1000) && once.is_new(&digest(0), 1000));
        assert!(!once.is_new(&digest(3), 1000));
    }
}
