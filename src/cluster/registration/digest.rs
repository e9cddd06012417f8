//! Digests of what a configuration should be.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

/// Stands for what a configuration should be, since the whole of it can be large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(u64);

impl Digest {
    pub(super) fn of(meant: &Value) -> Self {
        let mut hasher = DefaultHasher::new();
        meant.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Returns the digest of all but the CAs, which change without a change of what is wanted.
    pub(super) fn without_cas(meant: &Value) -> Self {
        let mut meant = meant.clone();
        let webhooks = meant.get_mut("webhooks").and_then(Value::as_array_mut);
        for webhook in webhooks.into_iter().flatten() {
            if let Some(config) = webhook.get_mut("clientConfig").and_then(Value::as_object_mut) {
                config.remove("caBundle");
            }
        }
        Self::of(&meant)
    }
}
