//! Whether an update changes the containers of a pod.

use std::collections::HashMap;

use crate::objects::object::Object;

/// Whether a pod's containers changed so much that `pod-security` judges the pod in full: an image changed or
/// a container came, as the reference implementation decides.
pub(crate) fn changes_containers(old: &Object<'_>, new: &Object<'_>) -> bool {
    let (Some(old), Some(new)) = (old.pod(), new.pod()) else { return true };
    // Keyed by what a tenant wrote, so hashed with a secret.
    let images: HashMap<&str, &str> =
        old.spec.containers().map(|placed| (&*placed.container.name, &*placed.container.image)).collect();
    // Of two that share a name one counts, which must hide no third.
    new.spec.containers().count() > old.spec.containers().count()
        || new
            .spec
            .containers()
            .any(|placed| images.get(&*placed.container.name) != Some(&&*placed.container.image))
}
