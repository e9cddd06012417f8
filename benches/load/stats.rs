//! Computes medians, intervals and slopes of several rounds of the same load.
//!
//! Rounds on a shared machine are skewed by whatever else ran, so what is compared are medians, and how sure a ratio
//! is comes from drawing the rounds again, not from a formula that wants them normal.

use std::fmt;

use fastrand::Rng;
use serde::Serialize;

/// The number of times that rounds are drawn again.
const DRAWS: usize = 2_000;

/// The one in the middle; 0 of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle.wrapping_sub(1)), sorted.get(middle)) {
        (Some(below), Some(above)) if sorted.len().is_multiple_of(2) => f64::midpoint(*below, *above),
        (_, Some(value)) => *value,
        (_, None) => 0.0,
    }
}

/// The median of `these` over that of `those`.
pub(crate) fn ratio(these: &[f64], those: &[f64]) -> f64 {
    median(these) / median(those)
}

/// Returns the 95 % interval of the ratio of medians, as these rounds show it; `None` if there are too few rounds.
pub(crate) fn interval(these: &[f64], those: &[f64]) -> Option<(f64, f64)> {
    if these.len() < 4 || those.len() < 4 {
        return None;
    }
    // The same rounds give the same interval.
    let mut rng = Rng::with_seed(1);
    let mut ratios: Vec<_> =
        (0..DRAWS).map(|_| ratio(&again(these, &mut rng), &again(those, &mut rng))).collect();
    ratios.sort_by(f64::total_cmp);
    Some((*ratios.get(DRAWS / 40)?, *ratios.get(DRAWS - 1 - DRAWS / 40)?))
}

fn again(values: &[f64], rng: &mut Rng) -> Vec<f64> {
    (0..values.len()).filter_map(|_| values.get(rng.usize(..values.len())).copied()).collect()
}

/// The growth of `y` when `x` grows by one.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct Slope {
    /// By least squares.
    pub(crate) per_unit: f64,
    /// Its standard error, if points err independently of each other.
    pub(crate) error: f64,
}

impl Slope {
    /// `None` if the points are too few to tell how sure it is.
    pub(crate) fn of(points: &[(f64, f64)]) -> Option<Self> {
        let count = f64::from(u32::try_from(points.len()).ok().filter(|count| *count > 2)?);
        let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (x, y) = (x / count, y / count);
        let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
        let per_unit = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / spread;
        let off: f64 = points.iter().map(|point| (point.1 - y - per_unit * (point.0 - x)).powi(2)).sum();
        Some(Self { per_unit, error: (off / (count - 2.0) / spread).sqrt() })
    }

    /// Returns whether it is at most `most`; `None` if that is within two standard errors, and so cannot be told.
    pub(crate) fn is_at_most(self, most: f64) -> Option<bool> {
        let (low, high) = (self.per_unit - 2.0 * self.error, self.per_unit + 2.0 * self.error);
        if high <= most {
            Some(true)
        } else if low > most {
            Some(false)
        } else {
            None
        }
    }

    /// In other units of `y`.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self { per_unit: self.per_unit * factor, error: self.error * factor }
    }
}

impl fmt::Display for Slope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.2} ± {:.2}", self.per_unit, self.error)
    }
}
