//! Random bytes, read as choices.
//!
//! A case is written by whoever asks for one choice after the other, so that a pod can name a label of the pool
//! that was made a moment before. Zero is the first and plainest choice everywhere, and bytes that have run out are
//! zero: as proptest drops bytes and makes them smaller, the case becomes plainer.

/// The rest of the random choices.
pub(crate) struct Choices<'b>(std::slice::Iter<'b, u8>);

impl<'b> Choices<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Self {
        Self(bytes.iter())
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0.next().map_or(0, |byte| usize::from(*byte) % limit)
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.0.next().is_some_and(|byte| usize::from(*byte) * 100 / 256 >= 100 - percent)
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// As many as come until a coin says no, at most `most`.
    pub(crate) fn some<T>(
        &mut self,
        percent: usize,
        most: usize,
        mut one: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let mut all = Vec::new();
        while all.len() < most && self.chance(percent) {
            all.push(one(self));
        }
        all
    }
}
