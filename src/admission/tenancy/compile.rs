//! From the objects people write to a snapshot, with every mistake named.

/// x
#[derive(Debug)]
pub struct Compiled;
