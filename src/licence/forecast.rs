//! What consumption will be if it goes on as it did: a straight line by least squares, and on it what comes back with each
//! season, where two of them were seen. Exact: the same history always gives the same forecast, and one that is k times as
//! high gives k times the forecast.

use super::Amount;

/// A fraction; its denominator is above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// What is divided.
    pub numerator: i128,
    /// By what.
    pub denominator: i128,
}

impl Fraction {
    /// The nearest whole number, and never fewer than none.
    pub fn whole(self) -> Amount {
        Amount::try_from(super::series::rounded(self.numerator, self.denominator).max(0)).unwrap_or(Amount::MAX)
    }
}

/// The fewest intervals of history that anything follows from.
const FEWEST: usize = 3;

/// Most intervals of history that are looked at, and most that are foreseen.
const MOST: usize = 1_000;

/// The next values after a history, oldest first. `season` is the number of intervals after which things come back. `None`:
/// there is too little history.
pub fn forecast(history: &[Amount], season: usize, ahead: usize) -> Option<Vec<Fraction>> {
    let history = &history[history.len().saturating_sub(MOST)..];
    let count = i128::try_from(history.len()).ok().filter(|_| history.len() >= FEWEST)?;
    let at = |index: usize| index as i128;
    // Σx, Σx², Σy, Σxy over x = 0, 1, 2, …
    let (mut x, mut xx, mut y, mut xy) = (0, 0, 0, 0);
    for (index, value) in history.iter().enumerate() {
        let (index, value) = (at(index), i128::from(*value));
        (x, xx, y, xy) = (x + index, xx + index * index, y + value, xy + index * value);
    }
    // The line is (intercept + slope · x) / scale.
    let scale = count * xx - x * x;
    let (slope, intercept) = (count * xy - x * y, y * xx - x * xy);
    let line = |index: usize| intercept + slope * at(index);
    let seasonal = season > 1 && history.len() >= 2 * season;
    // How far the values of a phase were from the line: their sum, times the scale, and how many they were.
    let off = |phase: usize| {
        let same = history.iter().enumerate().filter(|(index, _)| seasonal && index % season == phase);
        let far = same.map(|(index, value)| i128::from(*value) * scale - line(index));
        far.fold((0, 0), |(sum, count), far| (sum + far, count + 1))
    };
    let next = |step: usize| {
        let index = history.len() + step;
        let (sum, count) = if seasonal { off(index % season) } else { (0, 0) };
        let count: i128 = i128::from(count).max(1);
        Fraction { numerator: line(index) * count + sum, denominator: scale * count }
    };
    Some((0..ahead.min(MOST)).map(next).collect())
}
